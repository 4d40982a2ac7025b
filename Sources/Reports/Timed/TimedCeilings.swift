import Architectures
import Formulas
import Foundation
import GSL
import Quantities
import Rendering

extension TimedNode {
  var flops: Double { Double(work.matmulFlops + work.elementwiseFlops) }
  /// Through the memory of the machine.
  /// - Unit: byte
  var traffic: Double { Double(work.trafficBits) / 8 }
}

/// What bytes are of, by the fields of `Work`.
private let byteKinds: [(name: String, bits: @Sendable (Work<Int128>) -> Int128)] = [
  ("weights", { $0.weightBits }), ("cache", { $0.cacheReadBits + $0.cacheWriteBits }),
  ("windows", { $0.localReadBits }), ("activations", { $0.activationBits }),
]

extension TimedSubject {
  /// Points that lie together are drawn once: twenty places in each decade of both axes.
  private static var placesPerDecade: Double { 20 }

  /// The parts of phases under the ceilings, and the bandwidth that each level reached; nothing where none was timed.
  func ceilingSection(_ report: inout ReportBuilder) async throws {
    guard quiet.contains(where: { !$0.nodes.isEmpty }) else { return }
    report.document.heading("What each level reaches")
    report.document.paragraph(
      "A *node* is one component (projections, attention, feed-forward …) of one side of one level, timed by itself. Level 0 "
        + "is the tokens: embeddings and the head, and the whole of a vanilla model. The roof is what the machine could do at "
        + "most: \(NumberFormat.si(unit: "FLOP/s").text(peak)) of matrix products and "
        + "\(NumberFormat.si(unit: "B/s").text(bandwidth)) of memory. Left of its edge, at "
        + "\(significant(peak / bandwidth)) FLOP per byte, memory limits; right of it arithmetic. Points above the slope moved "
        + "bytes that a cache served.")
    report.document.list([sumText, servedText].compactMap(\.self))
    for phase in Phase.allCases {
      let operations = operations(phase)
      guard !operations.isEmpty else { continue }
      let rates = quiet.filter { $0.phase == phase }.flatMap(\.nodes).filter { $0.flops > 0 }
      try await report.figure(
        RooflineChart(
          "\(phase.title): nodes reach up to \(wholePercent((rates.map { $0.flops / $0.measured }.max() ?? 0) / peak)) of the peak",
          subtitle: "\(number(rates.count)) nodes with arithmetic; those that lie together are drawn once",
          roofs: [.init("ceilings", bandwidth: bandwidth, peak: peak)], operations: operations),
        "roofline-\(phase.rawValue)",
        caption: "Measured rate over arithmetic intensity of the nodes of \(phase.rawValue).")
    }
    try await bandwidthFigure(&report)
  }

  /// Whether the parts make the whole.
  private var sumText: String? {
    let shares = quiet.filter { !$0.nodes.isEmpty }.map { point in
      point.nodes.reduce(0) { $0 + $1.measured } / point.measured
    }
    guard let least = shares.min(), let most = shares.max() else { return nil }
    return "The nodes of a phase take \(significant(Statistics.median(shares))) of its time together (median; "
      + "\(significant(least)) to \(significant(most))): what they gain or lose by running alone."
  }

  /// Where counted bytes did not come from memory.
  private var servedText: String? {
    let nodes = quiet.flatMap { point in point.nodes.map { (point: point, node: $0) } }
    let served = nodes.filter { $0.node.traffic / $0.node.measured > bandwidth }
    let places = served.inOrder { [AnyHashable($0.node.node), AnyHashable($0.point.phase)] }
    guard let most = places.max(by: { $0.count < $1.count }) else { return nil }
    let first = most[0]
    return "\(number(served.count)) of \(number(nodes.count)) nodes moved more counted bytes than memory can, "
      + "\(number(most.count)) of them \(first.node.node.component.words) of the level \(first.node.node.level) "
      + "\(first.node.node.side.rawValue) in \(first.point.phase.rawValue): a cache served them, or a kernel read once what the "
      + "counts, which go by query, have several times. Predictions that take such bytes from memory are too slow there."
  }

  private func operations(_ phase: Phase) -> [RooflineChart.Operation] {
    struct Place: Hashable {
      var component: Component
      var x, y: Int
    }
    var known: Set<Place> = []
    let nodes = quiet.filter { $0.phase == phase }.flatMap(\.nodes).filter { $0.flops > 0 && $0.traffic > 0 }
    // By component, so that both phases give one the same colour.
    return nodes.sorted { $0.node.component.ordinal < $1.node.component.ordinal }.compactMap {
      node -> RooflineChart.Operation? in
      let (intensity, rate) = (node.flops / node.traffic, node.flops / node.measured)
      func place(_ value: Double) -> Int { Int((Self.placesPerDecade * log10(value)).rounded()) }
      guard known.insert(Place(component: node.node.component, x: place(intensity), y: place(rate))).inserted else {
        return nil
      }
      return .init("", group: node.node.component.words, intensity: intensity, rate: rate)
    }
  }

  /// Levels and sides at the smallest and largest batch of one model and context: those with the most timed points.
  private func bandwidthFigure(_ report: inout ReportBuilder) async throws {
    let timed = quiet.filter { !$0.nodes.isEmpty }
    let models = timed.inOrder(by: \.question.model)
    guard let own = models.max(by: { $0.count < $1.count }) else { return }
    let shown = Phase.allCases.flatMap { phase -> [TimedPhasePoint] in
      let places = own.filter { $0.phase == phase }.inOrder(by: \.question.workload.promptLength)
      guard let place = places.max(by: { $0.count < $1.count }) else { return [] }
      let ascending = place.sorted { $0.question.workload.batchSize < $1.question.workload.batchSize }
      return ascending.count == 1 ? ascending : [ascending[0], ascending[ascending.count - 1]]
    }
    var categories: [String] = []
    var values: [[Double?]] = []
    for point in shown {
      for nodes in point.nodes.sorted(by: { $0.node < $1.node }).inOrder(by: {
        [$0.node.level, $0.node.side == .encoder ? 0 : 1]
      }) {
        let seconds = nodes.reduce(0) { $0 + $1.measured }
        categories.append(
          "\(point.phase.rawValue), batch \(point.question.workload.batchSize): level \(nodes[0].node.level) \(nodes[0].node.side.rawValue)"
        )
        values.append(
          byteKinds.map { kind in
            100 * nodes.reduce(0) { $0 + Double(kind.bits($1.work)) / 8 } / seconds / bandwidth
          })
      }
    }
    let model = own[0].question.model
    try await report.figure(
      BarChart(
        "Bandwidth that levels reach: up to \(wholePercent((values.map { $0.reduce(0) { $0 + ($1 ?? 0) } }.max() ?? 0) / 100)) of memory's",
        subtitle: "\(own[0].variant)" + (model.levels.isEmpty ? "" : ", \(model.hierarchyText)")
          + "; "
          + shown.inOrder(by: \.phase).map {
            "\($0[0].phase == .prefill ? "prompt" : "context") \(number($0[0].question.workload.promptLength))"
          }.joined(separator: ", "),
        axis: Axis("bytes of the work over measured time (% of memory's bandwidth)"), categories: categories,
        series: byteKinds.map(\.name), values: values, format: .percent(decimals: 0)),
      "bandwidth",
      caption:
        "Achieved bandwidth of each level and side by what the bytes are of; a level of arithmetic reaches little of it."
    )
  }
}

extension Component {
  /// `feed forward`
  var words: String { rawValue.replacing("_", with: " ") }
}
