import Architectures
import Formulas
import GSL
import Hardware
import Quantities

/// One phase of a workload as it ran: what a stopwatch said and nothing that a profile predicts.
public struct MeasuredPhase: Codable, Hashable, Sendable {
  /// Median times of one node.
  /// - Unit: s
  public struct NodeSeconds: Codable, Hashable, Sendable {
    /// 0 … L.
    public var level: Int
    /// Encoder or decoder.
    public var side: Side
    /// What works there.
    public var component: Component
    /// As it is, with what it reads in a cache, and without arithmetic.
    public var whole, cached, reading: Double
    /// At twice the batch and at twice the prompt; nil where there is none.
    public var batch, context: Double?

    /// Level, side and component.
    public var node: Node { Node(level, side, component) }
  }

  /// Which phase.
  public var phase: Phase
  /// Of the whole, one for each repetition that counts.
  /// - Unit: s
  public var seconds: [Double]
  /// Whether too few repetitions were free of other programs, or they differ too much; all of them count then.
  public var isDisturbed: Bool
  /// Empty where nodes were not timed.
  public var nodes: [NodeSeconds]

  enum CodingKeys: String, CodingKey {
    case phase, nodes
    case seconds = "s"
    case isDisturbed = "disturbed"
  }

  /// Times are in s, one for each repetition.
  public init(_ phase: Phase, seconds: [Double], isDisturbed: Bool = false, nodes: [NodeSeconds] = []) {
    (self.phase, self.seconds, self.isDisturbed, self.nodes) = (phase, seconds, isDisturbed, nodes)
  }

  /// - Unit: s
  public var median: Double { Statistics.median(seconds) }

  /// Half the distance between the quartiles over the median; 0 for one repetition.
  /// - Unit: percent
  public var spreadPercent: Double { Statistics.spreadPercent(seconds) }
}

/// Measured phases beside what a profile predicts of them in float32.
/// - Throws: `HardwareError` where the profile lacks a rate for fp32, `CountOverflow`.
public func timedResults(
  _ measured: [(point: TimedWorkload, phases: [MeasuredPhase])], on profile: HardwareProfile
) throws -> [TimedPhaseResult] {
  let roofline = try Roofline(profile, .float32)
  return try measured.flatMap { point, phases in
    let predicted = try PredictedWorkload(point, roofline)
    return phases.map(predicted.result)
  }
}

/// A workload with everything that its prediction needs, made once for both phases.
public struct PredictedWorkload {
  private let point: TimedWorkload
  private let phases, twice: TimedPhases
  private let longer: TimedPhases?
  private let counts: ExactCost

  /// - Throws: `CountOverflow` where a count could exceed 2^126.
  public init(_ point: TimedWorkload, _ roofline: Roofline) throws(CountOverflow) {
    self.point = point
    let (question, workload) = (point.question, point.workload)
    phases = TimedPhases(question, roofline)
    twice = TimedPhases(question.with(batchSize: 2 * workload.batchSize), roofline)
    longer =
      workload.promptLength > 0
      ? TimedPhases(question.with(promptLength: 2 * workload.promptLength), roofline) : nil
    counts = try price(question)
  }

  /// What was measured of a phase beside what is predicted of it.
  public func result(_ measured: MeasuredPhase) -> TimedPhaseResult {
    let phase = measured.phase
    var result = TimedPhaseResult(point: point, phase: phase, figure: phases[phase].total, measured: measured)
    guard !measured.nodes.isEmpty else { return result }
    result.signs = signs(measured) { _ in true }
    let levels = Set(measured.nodes.map(\.level))
    let ofLevel = Dictionary(
      uniqueKeysWithValues: levels.map { level in (level, signs(measured) { $0.level == level }) })
    result.nodes = measured.nodes.map { node in
      TimedNodeResult(
        node: node.node, measured: node.whole, figure: phases[phase][node.node],
        work: counts.work(at: node.node, in: phase), level: ofLevel[node.level]!)
    }
    return result
  }

  private func signs(_ measured: MeasuredPhase, where isTaken: (Node) -> Bool) -> MeasuredSigns {
    let nodes = measured.nodes.filter { isTaken($0.node) }
    func sum(_ times: (MeasuredPhase.NodeSeconds) -> Double?) -> Double { nodes.reduce(0) { $0 + (times($1) ?? 0) } }
    func work(_ phases: TimedPhases) -> (flops: Double, bytes: Double) {
      phases[measured.phase].nodes.filter { isTaken($0.node) }.reduce(into: (0.0, 0.0)) {
        $0 = ($0.0 + $1.figure.flops, $0.1 + $1.figure.bytes)
      }
    }
    let (time, before) = (sum(\.whole), work(phases))
    func elasticities(_ doubled: Double, _ phases: TimedPhases) -> Elasticities? {
      guard doubled > 0, time > 0, before.flops > 0, before.bytes > 0 else { return nil }
      let after = work(phases)
      return Elasticities(
        time: elasticity(of: time, doubled: doubled), flops: elasticity(of: before.flops, doubled: after.flops),
        bytes: elasticity(of: before.bytes, doubled: after.bytes))
    }
    return MeasuredSigns(
      time: time, cached: sum(\.cached), reading: sum(\.reading), batch: elasticities(sum(\.batch), twice),
      context: longer.flatMap { elasticities(sum(\.context), $0) })
  }
}
