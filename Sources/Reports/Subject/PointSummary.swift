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
  let serving: ServingResult
  /// How its batch fills a device.
  let use: MemoryUse
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
    serving = ServingResult(timed)
    use = timed.use
  }

  /// The model of the point.
  public var model: Model { point.model }

  /// Whether weights, caches and activations fit at the point's batch.
  var fits: Bool { use.fits }

  /// Persistent cache at the end, per token of context and sequence.
  /// - Unit: byte
  var cacheBytesPerToken: Double {
    let tokens = point.workload.promptLength + point.workload.generatedLength * point.workload.continuations
    return Double(totals.cache.bytesAtEnd) / Double(max(1, tokens * point.workload.batchSize))
  }
}

extension PointSummary: FigureBearing {
  /// A figure of the point on its machine.
  /// - Precondition: reports keep it of every point of a grid.
  func value(of figure: PointFigure) -> FigureValue {
    switch figure {
    case .asked(let figure): .cell(figure.cell(of: point, parameters: parameterCount))
    case .work(let figure, let phase): .cell(.integer(totals[phase][figure]))
    case .cache(let figure): .cell(.integer(figure.value(of: totals.cache)))
    case .host(let figure): .cell(.integer(figure.value(of: totals)))
    case .phase(let figure, let phase): figure.value(of: result(phase))
    case .timeToFirstToken: .cell(Cell(serving.figures.timeToFirstToken.value))
    case .memory(let figure): .cell(figure.cell(of: use))
    case .serving(let figure): .cell(figure.cell(of: serving))
    case .quality: .cell(Cell(quality))
    case .machine, .roofline, .extrapolated:
      preconditionFailure("\(figure.names.label) is not kept of every point")
    }
  }

  private func result(_ phase: Phase) -> PhaseResult {
    phase == .prefill
      ? PhaseResult(prefill) : PhaseResult(decode, timePerToken: serving.figures.timePerOutputToken)
  }

  /// What an objective weighs, in the unit of the figure's name; nil where the point does not have it.
  func number(_ figure: PointFigure) -> Double? { value(of: figure).field.number }

  /// The same by the name that an objective holds; nil where there is no such figure.
  func number(_ name: String) -> Double? { PointFigure.named(name).flatMap(number) }
}

extension Objective {
  /// What reports look for where a scenario does not say.
  static let fastestDecode = Objective(least: .phase(.timePerToken, .decode))

  static let fastestPrefill = Objective(least: .phase(.time, .prefill))

  /// - Precondition: an objective can name the figure.
  private init(least figure: PointFigure) {
    self.init(sense: figure.names.sense!, member: figure.names.objective!, conditions: [])
  }

  /// How the figure that it looks at is named and written.
  var names: FigureNames { .named(member) }

  /// Whether a point keeps to every condition, and fits into the machine's memory unless that is not asked.
  func admits(_ summary: PointSummary) -> Bool {
    (summary.fits || !mustFit) && conditions.allSatisfy { $0.holds(summary.number) ?? false }
  }

  func isBetter(_ left: Double, than right: Double) -> Bool { sense == .minimise ? left < right : left > right }

  /// The best admitted point, the first of equals; nil where none is admitted.
  func best(_ summaries: some Sequence<PointSummary>) -> PointSummary? {
    var best: (summary: PointSummary, value: Double)?
    for summary in summaries where admits(summary) {
      guard let value = summary.number(member) else { continue }
      if best.map({ isBetter(value, than: $0.value) }) ?? true { best = (summary, value) }
    }
    return best?.summary
  }

  /// Whether quality decides about a point.
  var weighsQuality: Bool {
    let quality = PointFigure.quality.names.objective!
    return member == quality || conditions.contains { $0.names.contains(quality) }
  }

  /// `minimise decode time per token subject to …`
  var text: String {
    let conditions =
      conditions.isEmpty ? "" : " subject to " + conditions.map { codeSpan($0.description) }.joined(separator: ", ")
    return "\(sense.rawValue) \(names.label)\(conditions)" + (mustFit ? "" : ", whether it fits or not")
  }

}
