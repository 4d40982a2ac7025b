/// Models by what they cost and how well they do, both better when smaller, with the front that none beats in both.
public struct ParetoChart: Figure {
  /// One model.
  public struct Entry: Sendable {
    /// Beside its point.
    public var name: String
    /// Entries of a group share colour and legend entry.
    public var group: String
    /// What it costs.
    public var x: Double
    /// How well it does; smaller is better.
    public var y: Double
    /// Half the length of the whisker over y; 0 for none.
    public var error: Double

    /// No whisker unless told otherwise.
    public init(_ name: String, group: String, x: Double, y: Double, error: Double = 0) {
      (self.name, self.group, self.x, self.y, self.error) = (name, group, x, y, error)
    }
  }

  /// What the figure shows, at its top.
  public var title: String
  /// A second line under the title; none if nil.
  public var subtitle: String?
  /// How large the figure is drawn.
  public var size: FigureSize
  /// The axis of cost.
  public var x: Axis
  /// The axis of quality.
  public var y: Axis
  /// Entries above it stand at it, with their value beside the name; nil shows all where they are.
  public var ceiling: Double?
  /// In any order.
  public var entries: [Entry]

  /// All entries stand where they are unless there is a ceiling.
  public init(
    _ title: String, subtitle: String? = nil, x: Axis, y: Axis, ceiling: Double? = nil, entries: [Entry],
    size: FigureSize = FigureSize(width: 980, height: 600)
  ) {
    (self.title, self.subtitle, self.size) = (title, subtitle, size)
    (self.x, self.y, self.ceiling, self.entries) = (x, y, ceiling, entries)
  }

  /// Adds points, whiskers and the front.
  public func draw(on script: inout GnuplotScript) {
    let shown = entries.filter { x.shows($0.x) && y.shows($0.y) }.map(lowered)
    let legend = legend
    let frame = PlotFrame(
      size, x: x, y: y, xRange: x.fittedRange(shown.map(\.x)),
      yRange: y.fittedRange(shown.flatMap { [$0.y - $0.error, $0.y + $0.error] }), legend: legend.width,
      hasSubtitle: subtitle != nil)
    script.title(title, subtitle: subtitle)
    frame.draw(on: &script)
    legend.draw(right: frame, on: &script)
    let stairs = stairs(shown, frame)
    var placement = LabelPlacement(bounds: frame.box, fontSize: 11)
    placement.avoid(line: stairs.map { frame.pixel($0.x, $0.y) })
    for entry in shown where entry.error > 0 {
      placement.avoid(line: [frame.pixel(entry.x, entry.y - entry.error), frame.pixel(entry.x, entry.y + entry.error)])
    }
    script.labels(placement.place(shown.map { ($0.name, frame.pixel($0.x, $0.y)) }))
    var parts: [String] = []
    if !stairs.isEmpty {
      let block = script.block(stairs.map { "\($0.x) \($0.y)" })
      parts.append("\(block) with lines linewidth 1.5 dashtype 2 linecolor rgb \"\(Self.frontColour.hex)\"")
    }
    for (index, group) in groups.enumerated() {
      let rows = shown.filter { $0.group == group }
      guard !rows.isEmpty else { continue }
      let block = script.block(rows.map { "\($0.x) \($0.y) \($0.error)" })
      let colour = "linecolor rgb \"\(Colour.series[index % Colour.series.count].hex)\""
      parts.append("\(block) using 1:2:3 with yerrorbars pointtype 0 linewidth 1.2 \(colour)")
      let point = pointTypes[index % pointTypes.count]
      parts.append("\(block) using 1:2 with points pointtype \(point) pointsize 0.9 \(colour)")
    }
    script.plot(parts.isEmpty ? ["NaN"] : parts)
  }

  private func lowered(_ entry: Entry) -> Entry {
    guard let ceiling, entry.y > ceiling else { return entry }
    var entry = entry
    entry.name += " (\(y.tickText(entry.y)) ↑)"
    (entry.y, entry.error) = (ceiling, 0)
    return entry
  }

  private static let frontColour = Colour(0x777777)

  private var groups: [String] {
    entries.reduce(into: []) { groups, entry in if !groups.contains(entry.group) { groups.append(entry.group) } }
  }

  private var legend: Legend {
    var legend = Legend(
      entries: groups.enumerated().map { index, group in
        (group, Colour.series[index % Colour.series.count], .point(pointTypes[index % pointTypes.count]))
      })
    legend.entries.append(("Pareto front", Self.frontColour, .line(dash: 2, point: nil)))
    return legend
  }

  /// The border of what some entry equals or beats: from the top of the frame down, then right at the best y.
  private func stairs(_ shown: [Entry], _ frame: PlotFrame) -> [(x: Double, y: Double)] {
    let front = shown.filter { entry in
      !shown.contains { $0.x <= entry.x && $0.y <= entry.y && ($0.x, $0.y) != (entry.x, entry.y) }
    }.sorted { $0.x < $1.x }
    guard let first = front.first, let last = front.last else { return [] }
    var corners = [(x: first.x, y: frame.yRange.upperBound)]
    for (entry, next) in zip(front, front.dropFirst()) { corners += [(entry.x, entry.y), (next.x, entry.y)] }
    return corners + [(last.x, last.y), (frame.xRange.upperBound, last.y)]
  }
}
