import Foundation

/// Predicted against measured on equal logarithmic axes, with the diagonal and a band around it.
public struct AgreementChart: Figure {
  /// Points that share a colour and a legend entry.
  public struct Group: Sendable {
    /// Its text in the legend.
    public var name: String
    /// Both in the chart's unit, above 0.
    public var points: [(measured: Double, predicted: Double)]

    /// The points are in the unit of the chart.
    public init(_ name: String, _ points: [(measured: Double, predicted: Double)]) {
      self.name = name
      self.points = points
    }
  }

  /// What the figure shows, at its top.
  public var title: String
  /// A second line under the title; none if nil.
  public var subtitle: String?
  /// How large the figure is drawn.
  public var size: FigureSize
  /// The quantity without its unit: `time per phase`.
  public var quantity: String
  /// With an SI prefix on the axes: `s`.
  public var unit: String
  /// In the order of the palette.
  public var groups: [Group]
  /// Half the width of the band, as a share of the measured value.
  public var tolerance: Double

  /// Without a subtitle, and with a band of 15 % either way, unless told otherwise.
  public init(
    _ title: String, subtitle: String? = nil, quantity: String, unit: String, groups: [Group], tolerance: Double = 0.15,
    size: FigureSize = FigureSize(width: 820, height: 620)
  ) {
    self.title = title
    self.subtitle = subtitle
    self.quantity = quantity
    self.unit = unit
    self.groups = groups
    self.tolerance = tolerance
    self.size = size
  }

  /// Adds points, diagonal and band.
  public func draw(on script: inout GnuplotScript) {
    let x = Axis("measured \(quantity) (\(unit))", .log10, format: .si(unit: unit))
    let y = Axis("predicted \(quantity) (\(unit))", .log10, format: .si(unit: unit))
    let shown = groups.map { $0.points.filter { x.shows($0.measured) && y.shows($0.predicted) } }
    let range = x.fittedRange(shown.joined().flatMap { [$0.measured, $0.predicted] })
    let band = Colour(0xDDE7EE)
    let colours = groups.indices.map { Colour.series[$0 % Colour.series.count] }
    var legend = Legend(
      entries: groups.indices.map { (groups[$0].name, colours[$0], .point(pointTypes[$0 % pointTypes.count])) })
    legend.entries.append(("predicted = measured", Colour(0x333333), .line(dash: 1, point: nil)))
    legend.entries.append(("within ±\(NumberFormat.fixed(decimals: 0).text(tolerance * 100)) %", band, .area))
    let frame = squared(
      PlotFrame(
        size, x: x, y: y, xRange: range, yRange: range, legend: legend.width, hasSubtitle: subtitle != nil))
    script.title(title, subtitle: subtitle)
    frame.draw(on: &script)
    legend.draw(right: frame, on: &script)
    let ends = [range.lowerBound, range.upperBound]
    let area = script.block(ends.map { "\($0) \($0 * (1 - tolerance)) \($0 * (1 + tolerance))" })
    let diagonal = script.block(ends.map { "\($0) \($0)" })
    var parts = [
      "\(area) using 1:2:3 with filledcurves fillcolor rgb \"\(band.hex)\" fillstyle solid 1 noborder",
      "\(diagonal) with lines linewidth 1.5 linecolor rgb \"#333333\"",
    ]
    for (index, points) in shown.enumerated() where !points.isEmpty {
      let block = script.block(points.map { "\($0.measured) \($0.predicted)" })
      parts.append(
        "\(block) with points pointtype \(pointTypes[index % pointTypes.count]) pointsize 0.8"
          + " linecolor rgb \"\(colours[index].hex)\"")
    }
    script.plot(parts)
  }

  /// Equal lengths on both axes, so that the diagonal is one; the legend follows the frame's edge.
  private func squared(_ frame: PlotFrame) -> PlotFrame {
    var box = frame.box
    let side = min(box.width, box.height)
    box.right = box.left + side
    box.bottom = box.top + side
    return PlotFrame(box: box, x: frame.x, y: frame.y, xRange: frame.xRange, yRange: frame.yRange)
  }
}
