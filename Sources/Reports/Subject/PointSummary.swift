import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

/// What a report keeps of every point of a grid: the figures that tables, maps and objectives read.
public struct PointSummary: ModelBearing, Sendable {
  /// Which point of the grid.
  public let point: ScenarioPoint
  /// Exact counts of both phases and of the caches.
  public let totals: PriceTotals
  /// Without start latents.
  public let parameterCount: Int128
  /// Time and bound of the whole phase.
  public let prefill: TimeFigure
  /// Time and bound of the whole phase.
  public let decode: TimeFigure
  let figures: ServingFigures
  let largestBatch: Int?
  let atLargestBatch: ServingFigures?
  let cost: TokenCost
  /// What the scenario's quality table says of the point; nil where it says nothing.
  var quality: Double?

  /// - Throws: `HardwareError`, `CountOverflow`
  init(_ point: ScenarioPoint, on profile: HardwareProfile, _ pricer: inout Pricer) throws {
    self.point = point
    totals = try pricer.price(point.question)
    parameterCount = parameters(of: point.model).total
    let timed = try TimedPoint(point.question, on: profile)
    prefill = timed.prefill.total
    decode = timed.decode.total
    figures = timed.figures
    largestBatch = timed.largestBatch
    atLargestBatch = timed.atLargestBatch
    cost = timed.cost
  }

  /// The model of the point.
  public var model: Model { point.model }

  /// Whether weights, caches and activations fit at the point's batch.
  var fits: Bool { largestBatch.map { $0 >= point.workload.batchSize } ?? true }

  /// Persistent cache at the end, per token of context and sequence.
  /// - Unit: byte
  var cacheBytesPerToken: Double {
    let tokens = point.workload.promptLength + point.workload.generatedLength * point.workload.continuations
    return Double(totals.cache.bytesAtEnd) / Double(max(1, tokens * point.workload.batchSize))
  }
}

extension Objective {
  /// What reports look for where a scenario does not say.
  static let fastestDecode = Objective(
    sense: .minimise, member: ReportFigure.decodeTimePerToken.rawValue, conditions: [])

  static let fastestPrefill = Objective(sense: .minimise, member: ReportFigure.prefillTime.rawValue, conditions: [])

  /// Whether a point keeps to every condition and fits into the machine's memory.
  func admits(_ summary: PointSummary) -> Bool {
    summary.fits && conditions.allSatisfy { $0.holds(summary.value) ?? false }
  }

  func isBetter(_ left: Double, than right: Double) -> Bool { sense == .minimise ? left < right : left > right }

  /// The best admitted point, the first of equals; nil where none is admitted.
  func best(_ summaries: some Sequence<PointSummary>) -> PointSummary? {
    var best: (summary: PointSummary, value: Double)?
    for summary in summaries where admits(summary) {
      guard let value = summary.value(member) else { continue }
      if best.map({ isBetter(value, than: $0.value) }) ?? true { best = (summary, value) }
    }
    return best?.summary
  }

  /// Whether quality decides about a point.
  var weighsQuality: Bool {
    member == ReportFigure.quality.rawValue || conditions.contains { $0.names.contains(ReportFigure.quality.rawValue) }
  }

  /// `minimise decode time per token subject to …`
  var text: String {
    let conditions = conditions.isEmpty ? "" : " subject to " + conditions.map { "`\($0)`" }.joined(separator: ", ")
    return "\(sense.rawValue) \(style.label)\(conditions)"
  }

}
