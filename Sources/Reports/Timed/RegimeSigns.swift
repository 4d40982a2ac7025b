import Architectures
import Formulas
import Foundation
import Quantities

/// What was done in a time: of a phase, or of one level of it.
private struct Throughput {
  var flops, bytes, seconds: Double

  init(_ nodes: some Sequence<TimedNode>, seconds: Double? = nil) {
    (flops, bytes, self.seconds) = (0, 0, 0)
    for node in nodes {
      flops += node.flops
      bytes += node.traffic
      self.seconds += node.measured
    }
    if let seconds { self.seconds = seconds }
  }
}

/// Two signs of what a phase waited for that need no more than its time and that of a neighbour with another batch.
///
/// - *Elasticity*: from one batch to the next, time grows like arithmetic or like traffic (`Elasticities`).
/// - *Ceilings*: a phase that reaches a good share of one ceiling and less than half as much of the other waits for the
///   first. Silent far below both, where it waits for something else.
private enum RegimeSigns {
  /// A good share of a ceiling. Chosen: products of few rows reach a third of the bandwidth in the best case.
  static let goodShare = 0.25
  /// How much more of one ceiling than of the other. Chosen.
  static let distinctShares = 2.0

  static func elasticity(_ low: Throughput, _ high: Throughput) -> Bound? {
    guard low.flops > 0, low.bytes > 0, high.flops > low.flops else { return nil }
    // Arithmetic grows as the batch does.
    let batch = log(high.flops / low.flops)
    return Elasticities(
      time: log(high.seconds / low.seconds) / batch, flops: 1, bytes: log(high.bytes / low.bytes) / batch
    ).bound
  }

  static func ceilings(_ work: Throughput, peak: Double, bandwidth: Double) -> Bound? {
    let compute = work.flops / work.seconds / peak
    let memory = work.bytes / work.seconds / bandwidth
    guard max(compute, memory) >= goodShare, max(compute, memory) >= distinctShares * min(compute, memory) else {
      return nil
    }
    return compute > memory ? .compute : .memory
  }

  /// Both together: the elasticity decides where they differ, because it is about this phase and no ceiling.
  static func regime(_ signs: [Bound?], margin: Double) -> MeasuredRegime? {
    let spoken = signs.compactMap(\.self)
    guard let bound = spoken.first else { return nil }
    let agree = spoken.count == signs.count && spoken.allSatisfy { $0 == bound }
    return MeasuredRegime(bound: bound, margin: margin, confidence: agree ? .high : .low)
  }
}

extension TimedSubject {
  /// Sets the measured bound of every phase, and of every level of it, from times of the same model at the next larger
  /// batch, or the next smaller one where there is none.
  mutating func readRegimes() {
    let families = points.indices.map { $0 }.inOrder { index in
      [AnyHashable(points[index].question.with(batchSize: 1)), AnyHashable(points[index].phase)]
    }
    let before = points
    for family in families where family.count > 1 {
      let ascending = family.sorted { before[$0].question.workload.batchSize < before[$1].question.workload.batchSize }
      for (place, index) in ascending.enumerated() {
        let isLast = place == ascending.count - 1
        let low = before[ascending[isLast ? place - 1 : place]]
        let high = before[ascending[isLast ? place : place + 1]]
        readRegimes(at: index, low, high)
      }
    }
  }

  private mutating func readRegimes(at index: Int, _ low: TimedPhasePoint, _ high: TimedPhasePoint) {
    func regime(_ own: Throughput, _ low: Throughput, _ high: Throughput) -> MeasuredRegime? {
      RegimeSigns.regime(
        [
          RegimeSigns.elasticity(low, high),
          RegimeSigns.ceilings(own, peak: peak, bandwidth: bandwidth),
        ], margin: own.flops / peak / (own.bytes / bandwidth))
    }
    func whole(_ point: TimedPhasePoint) -> Throughput { Throughput(point.nodes, seconds: point.measured) }
    points[index].regime = regime(whole(points[index]), whole(low), whole(high))
    for level in Set(points[index].nodes.map(\.node.level)) {
      func part(_ point: TimedPhasePoint) -> Throughput { Throughput(point.nodes.filter { $0.node.level == level }) }
      let found = regime(part(points[index]), part(low), part(high))
      for node in points[index].nodes.indices where points[index].nodes[node].node.level == level {
        points[index].nodes[node].regime = found
      }
    }
  }
}
