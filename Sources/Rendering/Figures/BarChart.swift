/// Horizontal bars with room for long names: one value per category and series, stacked or side by side.
public struct BarChart: Figure {
  /// Whether the series of a category stand end to end or beside each other.
  public enum Arrangement: Hashable, Sendable { case stacked, grouped }

  /// What the figure shows, at its top.
  public var title: String
  /// A second line under the title; none if nil.
  public var subtitle: String?
  /// How large the figure is drawn.
  public var size: FigureSize
  /// The values' axis. A stack needs a linear one.
  public var axis: Axis
  /// From top to bottom.
  public var categories: [String]
  /// Names of what is stacked or stands side by side.
  public var series: [String]
  /// `values[category][series]`; a missing value has no bar.
  public var values: [[Double?]]
  /// Stacked or side by side.
  public var arrangement: Arrangement
  /// How the total of a stack, or the value of a bar, is written at its end.
  public var format: NumberFormat

  /// - Precondition: `values` has one row per category, each with one value per series; a stack is linear.
  public init(
    _ title: String, subtitle: String? = nil, axis: Axis, categories: [String], series: [String],
    values: [[Double?]], arrangement: Arrangement = .stacked, format: NumberFormat = .significant(3),
    size: FigureSize? = nil
  ) {
    precondition(
      values.count == categories.count && values.allSatisfy { $0.count == series.count },
      "a bar chart has one value per category and series")
    precondition(arrangement == .grouped || axis.scale == .linear, "lengths add up on a linear axis only")
    self.title = title
    self.subtitle = subtitle
    self.axis = axis
    self.categories = categories
    self.series = series
    self.values = values
    self.arrangement = arrangement
    self.format = format
    let barCount = arrangement == .stacked ? categories.count : categories.count * (series.count + 1)
    let pitch = arrangement == .stacked ? 36 : 20
    self.size = size ?? FigureSize(height: max(220, 130 + barCount * pitch))
  }

  /// Adds the bars with their values.
  public func draw(on script: inout GnuplotScript) {
    let colours = series.indices.map { Colour.areas[$0 % Colour.areas.count] }
    let shown = series.indices.filter { index in values.contains { ($0[index] ?? 0) != 0 } }
    let legend = Legend(entries: shown.map { (series[$0], colours[$0], .area) })
    let legendWidth = series.count > 1 ? legend.width : 0
    let nameWidth = categories.map { textWidth($0) }.max() ?? 0
    let ends = values.map(ends)
    let range = axisRange(ends.joined().map(\.to))
    let box = Box(
      left: (24 + nameWidth).rounded(.up), top: subtitle == nil ? 48 : 66,
      right: Double(size.width) - legendWidth - 28, bottom: Double(size.height) - 58)
    let bars = PlotFrame(
      box: box, x: axis, y: Axis(""), xRange: range, yRange: 0...Double(max(categories.count, 1)))
    script.title(title, subtitle: subtitle)
    if series.count > 1 { legend.draw(right: bars, on: &script) }
    drawAxis(bars, on: &script)
    for (row, name) in categories.enumerated() {
      let centre = bars.pixel(range.lowerBound, Double(categories.count - row) - 0.5).y
      script.label(name, at: box.left - 8, centre, .right)
      drawBars(ends[row], centre, bars, colours, on: &script)
    }
    script.plot(["NaN"])
  }

  private typealias End = (series: Int, from: Double, to: Double)

  /// Where the bars of one category begin and end on the axis.
  private func ends(_ row: [Double?]) -> [End] {
    var total = 0.0
    return row.enumerated().compactMap { index, value in
      guard let value, axis.shows(value) else { return nil }
      guard arrangement == .stacked else { return (index, .zero, value) }
      defer { total += value }
      return (index, total, total + value)
    }
  }

  /// Room at the right for the number at the end of the longest bar.
  private func axisRange(_ values: [Double]) -> ClosedRange<Double> {
    if let range = axis.range { return range }
    let fitted = axis.fittedRange(values)
    return axis.scale == .linear
      ? 0...(max(values.max() ?? 1, .leastNormalMagnitude) * 1.14)
      : (fitted.lowerBound / 2)...(fitted.upperBound * 2)
  }

  private func drawBars(
    _ ends: [End], _ centre: Double, _ frame: PlotFrame, _ colours: [Colour], on script: inout GnuplotScript
  ) {
    let pitch = frame.box.height / Double(categories.count)
    let lanes = arrangement == .stacked ? 1 : max(series.count, 1)
    let height = min(pitch * 0.72 / Double(lanes), 26)
    for end in ends {
      let lane = arrangement == .stacked ? 0 : end.series
      let middle = centre + (Double(lane) - Double(lanes - 1) / 2) * height
      let left = end.from == 0 ? frame.box.left : frame.pixel(end.from, 0).x
      let right = frame.pixel(end.to, 0).x
      let box = Box(left: left, top: middle - height / 2 + 1, right: right, bottom: middle + height / 2 - 1)
      script.rectangle(box, fill: colours[end.series])
      let isLast = arrangement == .grouped || end.series == ends.last?.series
      if isLast { script.label(format.text(end.to), at: right + 6, middle, size: 11, colour: .faint) }
    }
  }

  private func drawAxis(_ frame: PlotFrame, on script: inout GnuplotScript) {
    frame.drawMargins(on: &script)
    script.add("set xrange [\(frame.xRange.lowerBound):\(frame.xRange.upperBound)]")
    script.add("set yrange [0:1]")
    if axis.scale != .linear { script.add("set logscale x") }
    script.add("set border 2 back linecolor rgb \"\(Colour(0x999999).hex)\"")
    script.add("unset ytics")
    script.add("set grid xtics back linetype 1 linewidth 1 linecolor rgb \"\(Colour.grid.hex)\"")
    let ticks = axis.ticks(frame.xRange, limit: 7).map { "\(quotedTick(axis.tickText($0))) \($0)" }
    script.add(
      "set xtics nomirror out scale 0 offset 0,0.4 font \"sans,12\" textcolor rgb \"\(Colour.faint.hex)\""
        + " (\(ticks.joined(separator: ", ")))")
    script.label(axis.label, at: (frame.box.left + frame.box.right) / 2, Double(script.size.height) - 16, .center)
  }
}
