/// A ratio as a product: each bar starts where the one above it ends, on a logarithmic axis, and the last one is the
/// whole.
public struct WaterfallChart: Figure {
  /// What the figure shows, at its top.
  public var title: String
  /// A second line under the title; none if nil.
  public var subtitle: String?
  /// How large the figure is drawn.
  public var size: FigureSize
  /// What the axis shows: `TPM over vanilla`.
  public var quantity: String
  /// From top to bottom; every factor is above 0.
  public var steps: [(name: String, factor: Double)]
  /// The name of the bar of the whole product.
  public var total: String

  /// - Precondition: positive factors.
  public init(
    _ title: String, subtitle: String? = nil, quantity: String, steps: [(name: String, factor: Double)],
    total: String
  ) {
    precondition(steps.allSatisfy { $0.factor > 0 }, "a factor is above 0")
    self.title = title
    self.subtitle = subtitle
    self.quantity = quantity
    self.steps = steps
    self.total = total
    size = FigureSize(height: 150 + 34 * (steps.count + 1))
  }

  private typealias Bar = (name: String, from: Double, to: Double, colour: Colour)

  /// Where each bar begins and ends; factors above 1 and below have colours of their own.
  private var bars: [Bar] {
    var reached = 1.0
    let parts = steps.map { step -> Bar in
      defer { reached *= step.factor }
      return (step.name, reached, reached * step.factor, Colour.areas[step.factor >= 1 ? 0 : 5])
    }
    return parts + [(total, 1, reached, Colour.areas[8])]
  }

  /// Adds a bar for each factor and one for the total.
  public func draw(on script: inout GnuplotScript) {
    let bars = bars
    let axis = Axis("\(quantity) (×)", .log10)
    let ends = bars.flatMap { [$0.from, $0.to] }
    let range = (ends.min()! / 1.3)...(ends.max()! * 2.2)
    let nameWidth = bars.map { textWidth($0.name) }.max() ?? 0
    let box = Box(
      left: (24 + nameWidth).rounded(.up), top: subtitle == nil ? 48 : 66, right: Double(size.width) - 28,
      bottom: Double(size.height) - 58)
    let frame = PlotFrame(box: box, x: axis, y: Axis(""), xRange: range, yRange: 0...Double(bars.count))
    script.title(title, subtitle: subtitle)
    frame.drawMargins(on: &script)
    script.add("set xrange [\(range.lowerBound):\(range.upperBound)]")
    script.add("set yrange [0:1]")
    script.add("set logscale x")
    script.add("set border 2 back linecolor rgb \"\(Colour(0x999999).hex)\"")
    script.add("unset ytics")
    script.add("set grid xtics back linetype 1 linewidth 1 linecolor rgb \"\(Colour.grid.hex)\"")
    let ticks = axis.ticks(range, limit: 7).map { "\(quotedTick(axis.tickText($0))) \($0)" }
    script.add(
      "set xtics nomirror out scale 0 offset 0,0.4 font \"sans,12\" textcolor rgb \"\(Colour.faint.hex)\""
        + " (\(ticks.joined(separator: ", ")))")
    script.label(axis.label, at: (box.left + box.right) / 2, Double(size.height) - 16, .center)
    for (row, bar) in bars.enumerated() {
      let centre = frame.pixel(range.lowerBound, Double(bars.count - row) - 0.5).y
      let (from, to) = (frame.pixel(bar.from, 0).x, frame.pixel(bar.to, 0).x)
      script.label(bar.name, at: box.left - 8, centre, .right)
      script.rectangle(
        Box(left: min(from, to), top: centre - 11, right: max(from, to), bottom: centre + 11), fill: bar.colour)
      script.label(
        NumberFormat.ratio.text(bar.to / bar.from), at: max(from, to) + 6, centre, size: 11, colour: .faint)
    }
    script.plot(["NaN"])
  }
}
