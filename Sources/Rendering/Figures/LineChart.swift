/// Curves over one variable: cache bytes against context, time against batch.
public struct LineChart: Figure {
  /// One curve.
  public struct Series: Sendable {
    /// Its text in the legend.
    public var name: String
    /// Joined in this order.
    public var points: [(x: Double, y: Double)]
    /// Drawn with dashes: a limit or a published form beside an exact curve.
    public var isDashed: Bool
    /// The next colour of the palette if nil.
    public var colour: Colour?

    /// A solid line in the next colour unless told otherwise.
    public init(_ name: String, _ points: [(x: Double, y: Double)], isDashed: Bool = false, colour: Colour? = nil) {
      self.name = name
      self.points = points
      self.isDashed = isDashed
      self.colour = colour
    }
  }

  /// What the figure shows, at its top.
  public var title: String
  /// A second line under the title; none if nil.
  public var subtitle: String?
  /// How large the figure is drawn.
  public var size: FigureSize
  /// The horizontal axis.
  public var x: Axis
  /// The vertical axis.
  public var y: Axis
  /// In the order of the palette and of the legend.
  public var series: [Series]
  /// Vertical lines with a label: where one curve overtakes another.
  public var marks: [(x: Double, label: String)]

  /// No marks unless told otherwise.
  public init(
    _ title: String, subtitle: String? = nil, x: Axis, y: Axis, series: [Series],
    marks: [(x: Double, label: String)] = [], size: FigureSize = FigureSize()
  ) {
    self.title = title
    self.subtitle = subtitle
    self.x = x
    self.y = y
    self.series = series
    self.marks = marks
    self.size = size
  }

  /// Adds the lines and marks.
  public func draw(on script: inout GnuplotScript) {
    let styles = series.indices.map(style)
    let legend = Legend(
      entries: zip(series, styles).map { series, style in
        (series.name, style.colour, .line(dash: style.dash, point: style.point))
      })
    let shown = series.map { $0.points.filter { x.shows($0.x) && y.shows($0.y) } }
    let frame = PlotFrame(
      size, x: x, y: y, xRange: x.fittedRange(shown.joined().map(\.x)), yRange: y.fittedRange(shown.joined().map(\.y)),
      legend: series.count > 1 ? legend.width : 0, hasSubtitle: subtitle != nil)
    script.title(title, subtitle: subtitle)
    frame.draw(on: &script)
    if series.count > 1 { legend.draw(right: frame, on: &script) }
    drawMarks(frame, shown, on: &script)
    let parts = zip(shown, styles).filter { !$0.0.isEmpty }.map { points, style in
      let block = script.block(points.map { "\($0.x) \($0.y)" })
      let line = "linewidth 2 linecolor rgb \"\(style.colour.hex)\" dashtype \(style.dash)"
      guard let point = style.point else { return "\(block) with lines \(line)" }
      return "\(block) with linespoints \(line) pointtype \(point) pointsize 0.7"
    }
    script.plot(parts.isEmpty ? ["NaN"] : parts)
  }

  private func style(_ index: Int) -> (colour: Colour, dash: Int, point: Int?) {
    let colours = Colour.series
    let solidIndex = series[..<index].count { $0.colour == nil }
    let colour = series[index].colour ?? colours[solidIndex % colours.count]
    let isSparse = series[index].points.count <= 24 && !series[index].isDashed
    return (colour, series[index].isDashed ? 2 : 1, isSparse ? pointTypes[index % pointTypes.count] : nil)
  }

  /// A label stands beside its line, at the first height from the top where it covers no curve and no other label.
  private func drawMarks(_ frame: PlotFrame, _ shown: [[(x: Double, y: Double)]], on script: inout GnuplotScript) {
    var taken = shown.flatMap { points in boxes(along: points.map { frame.pixel($0.x, $0.y) }) }
    for mark in marks where x.shows(mark.x) && frame.xRange.contains(mark.x) {
      let place = frame.pixel(mark.x, frame.yRange.lowerBound)
      script.line(from: Point(x: place.x, y: frame.box.top), to: Point(x: place.x, y: frame.box.bottom))
      let width = textWidth(mark.label, size: 12)
      let isRight = place.x + width + 8 > frame.box.right
      let left = isRight ? place.x - 6 - width : place.x + 6
      let heights = stride(from: frame.box.top + 10, to: frame.box.bottom - 10, by: 18).map { $0 }
      let spaces = heights.map { Box(left: left, top: $0 - 9, right: left + width, bottom: $0 + 9) }
      let space = spaces.first { space in !taken.contains { $0.intersects(space) } } ?? spaces[0]
      taken.append(space)
      script.label(
        mark.label, at: isRight ? place.x - 6 : left, (space.top + space.bottom) / 2, isRight ? .right : .left,
        size: 12, colour: .faint)
    }
  }
}
