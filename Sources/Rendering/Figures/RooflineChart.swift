/// What a machine can reach at each arithmetic intensity, and where operations lie under it.
public struct RooflineChart: Figure {
  /// One machine: the slope is the bandwidth, the flat part the peak.
  public struct Roof: Sendable {
    /// Its text in the legend.
    public var name: String
    /// - Unit: byte/s
    public var bandwidth: Double
    /// - Unit: FLOP/s
    public var peak: Double

    /// The intensity from which arithmetic limits.
    /// - Unit: FLOP per byte
    var ridge: Double { peak / bandwidth }

    /// The bandwidth is in byte/s, the peak in FLOP/s.
    public init(_ name: String, bandwidth: Double, peak: Double) {
      self.name = name
      self.bandwidth = bandwidth
      self.peak = peak
    }
  }

  /// A point under the roof.
  public struct Operation: Sendable {
    /// Beside its point; empty for none, where points are many.
    public var name: String
    /// Operations of a group share colour and legend entry: the phase.
    public var group: String
    /// - Unit: FLOP/byte
    public var intensity: Double
    /// - Unit: FLOP/s
    public var rate: Double

    /// The intensity is in FLOP/byte, the rate in FLOP/s.
    public init(_ name: String, group: String, intensity: Double, rate: Double) {
      self.name = name
      self.group = group
      self.intensity = intensity
      self.rate = rate
    }
  }

  /// What the figure shows, at its top.
  public var title: String
  /// A second line under the title; none if nil.
  public var subtitle: String?
  /// How large the figure is drawn.
  public var size: FigureSize
  /// Of one machine or of several.
  public var roofs: [Roof]
  /// In any order.
  public var operations: [Operation]

  /// Without a subtitle unless told otherwise.
  public init(
    _ title: String, subtitle: String? = nil, roofs: [Roof], operations: [Operation],
    size: FigureSize = FigureSize(height: 560)
  ) {
    self.title = title
    self.subtitle = subtitle
    self.roofs = roofs
    self.operations = operations
    self.size = size
  }

  /// Adds roofs, points and their labels.
  public func draw(on script: inout GnuplotScript) {
    let x = Axis("arithmetic intensity (FLOP per byte)", .log10)
    let y = Axis("rate (FLOP/s)", .log10, format: .si(unit: ""))
    let shown = operations.filter { x.shows($0.intensity) && y.shows($0.rate) }
    let drawn = roofs.filter { x.shows($0.ridge) && y.shows($0.peak) && y.shows($0.bandwidth) }
    let legend = legend
    let frame = frame(x, y, shown, drawn, legend.width)
    script.title(title, subtitle: subtitle)
    frame.draw(on: &script)
    legend.draw(right: frame, on: &script)
    var placement = LabelPlacement(bounds: frame.box, fontSize: 11)
    var parts = draw(drawn, frame, &placement, on: &script)
    parts += drawOperations(shown, frame, &placement, on: &script)
    script.plot(parts.isEmpty ? ["NaN"] : parts)
  }

  private var groups: [String] {
    operations.reduce(into: []) { groups, operation in
      if !groups.contains(operation.group) { groups.append(operation.group) }
    }
  }

  /// Phases first, then each roof with its two numbers under its name, so that no text lies among the points.
  private var legend: Legend {
    var legend = Legend(
      entries: groups.enumerated().map { index, group in
        (group, Colour.series[index % Colour.series.count], .point(pointTypes[index % pointTypes.count]))
      })
    for (index, roof) in roofs.enumerated() {
      legend.entries.append((roof.name, Self.roofColour, .line(dash: index % 4 + 1, point: nil)))
      legend.entries.append((NumberFormat.si(unit: "FLOP/s").text(roof.peak), .faint, .none))
      legend.entries.append((NumberFormat.si(unit: "B/s").text(roof.bandwidth), .faint, .none))
    }
    return legend
  }

  private static let roofColour = Colour(0x333333)

  /// Both parts of every roof are in view: from a tenth of the first ridge to ten times the last.
  private func frame(
    _ x: Axis, _ y: Axis, _ shown: [Operation], _ roofs: [Roof], _ legend: Double
  ) -> PlotFrame {
    let ridges = roofs.map(\.ridge)
    let xRange = x.fittedRange(shown.map(\.intensity) + ridges.flatMap { [$0 / 10, $0 * 10] })
    let ends = roofs.flatMap { [$0.peak * 1.6, $0.peak / 100] }
    return PlotFrame(
      size, x: x, y: y, xRange: xRange, yRange: y.fittedRange(shown.map(\.rate) + ends), legend: legend,
      hasSubtitle: subtitle != nil)
  }

  private func draw(
    _ roofs: [Roof], _ frame: PlotFrame, _ placement: inout LabelPlacement, on script: inout GnuplotScript
  ) -> [String] {
    roofs.enumerated().map { index, roof in
      let low = max(frame.xRange.lowerBound, frame.yRange.lowerBound / roof.bandwidth)
      let corners = [
        (low, low * roof.bandwidth), (roof.ridge, roof.peak), (frame.xRange.upperBound, roof.peak),
      ]
      let pixels = corners.map { frame.pixel($0.0, $0.1) }
      placement.avoid(line: pixels)
      let block = script.block(corners.map { "\($0.0) \($0.1)" })
      return "\(block) with lines linewidth 2.5 linecolor rgb \"\(Self.roofColour.hex)\" dashtype \(index % 4 + 1)"
    }
  }

  private func drawOperations(
    _ shown: [Operation], _ frame: PlotFrame, _ placement: inout LabelPlacement, on script: inout GnuplotScript
  ) -> [String] {
    let pixels = shown.map { frame.pixel($0.intensity, $0.rate) }
    let labelled = zip(shown, pixels).filter { !$0.0.name.isEmpty }
    script.labels(placement.place(labelled.map { ($0.name, $1) }))
    return groups.enumerated().compactMap { index, group in
      let rows = shown.filter { $0.group == group }.map { "\($0.intensity) \($0.rate)" }
      guard !rows.isEmpty else { return nil }
      let colour = Colour.series[index % Colour.series.count]
      return "\(script.block(rows)) with points pointtype \(pointTypes[index % pointTypes.count]) pointsize 0.9"
        + " linecolor rgb \"\(colour.hex)\""
    }
  }
}
