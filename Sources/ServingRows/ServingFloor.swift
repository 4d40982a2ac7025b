import Architectures
import Formulas
import Hardware
import Quantities
import Scenarios

/// A measured time that is shorter than the machine's peaks allow: the row is not what its labels say. Another precision,
/// prompts that a cache already held, a latency of another definition, another unit.
public struct ImpossibleTime: Hashable, Sendable {
  /// The measured row.
  public var row: MeasuredRow
  /// Which of its times.
  public var metric: MeasuredMetric
  /// - Unit: s
  public var measured: Double
  /// The least that the row's work takes at the peaks.
  /// - Unit: s
  public var floor: Double

  /// Whether a fit is refused: below half of the floor it is a wrong unit rather than a data sheet that is a little off. First
  /// tokens are fitted robustly, and a prompt that was cached must not stop a fit.
  public var refusesFit: Bool { metric != .timeToFirstToken && measured < Self.leastShareOfFloor * floor }

  var error: ServingFitError {
    .impossible(
      row: row.identifier, metric: metric.rawValue, milliseconds: 1000 * measured, atPeaks: 1000 * floor)
  }

  /// Chosen: the data sheet of a near relative of the machine may be off by less, a wrong unit is off by more.
  private static let leastShareOfFloor = 0.5

  /// The times of rows that are below what the machine takes at its peaks, in the order of the rows.
  /// - Parameters:
  ///   - points: rows with their models.
  ///   - profile: the machine; what a fit says about its efficiencies does not count.
  /// - Throws: `HardwareError`, `CountOverflow`
  public static func all(in points: [ServingPoint], on profile: HardwareProfile) throws -> [ImpossibleTime] {
    try points.flatMap { point in
      let floor = try ServingFloor(point, on: point.machine ?? profile)
      return try MeasuredMetric.allCases.compactMap { metric -> ImpossibleTime? in
        guard let measured = point.row.times[metric], let least = try floor.seconds(metric), measured < least else {
          return nil
        }
        return ImpossibleTime(row: point.row, metric: metric, measured: measured, floor: least)
      }
    }
  }

  /// - Parameters:
  ///   - times: what `all` found in the rows that are to be fitted.
  ///   - path: what was to be fitted.
  /// - Throws: `ScenarioError` with every time that refuses the fit.
  public static func refuse(_ times: [ImpossibleTime], path: String) throws(ScenarioError) {
    let refused = times.filter(\.refusesFit)
    guard !refused.isEmpty else { return }
    throw ScenarioError(
      refused.map { time in
        Diagnostic(time.row.position, path: path, found: time.error.description)
      })
  }
}

/// What the work of a row takes at least, whoever waits for whom and whatever overlaps: its exact work at the peaks, of its own
/// prompt for a first token, of a mean step for the time between two tokens, of all prompts and steps for a whole run.
private struct ServingFloor {
  private let point: ServingPoint
  private let machine: HardwareProfile
  private let roofline: Roofline

  init(_ point: ServingPoint, on profile: HardwareProfile) throws {
    self.point = point
    var machine = profile.sharing(point.row.devices)
    // What the caches serve is faster, and may be all that a small model needs.
    machine.memoryBandwidth = machine.caches.map(\.bandwidth).reduce(machine.memoryBandwidth) {
      $0.perSecond > $1.perSecond ? $0 : $1
    }
    self.machine = machine
    roofline = try Roofline(machine, point.row.precision.precision)
  }

  /// Nil where the row lacks what the metric needs.
  func seconds(_ metric: MeasuredMetric) throws -> Double? {
    let row = point.row
    if metric == .decodeStep {
      // A hierarchy's steps differ within a meta-context, which is as long as its pattern.
      let steps = point.model.metaContextLength
      return try row.context.map { try work($0, steps, row.concurrency).decode / Double(steps) }
    }
    guard let prompt = row.prompt else { return nil }
    switch metric {
    case .decodeStep: return nil
    case .prefill: return try work(prompt, 0, row.concurrency).prefill
    case .timeToFirstToken:
      let alone = try work(mean(prompt), 1, 1)
      return alone.prefill + alone.decode
    case .timePerOutputToken:
      return try row.generated.map { generated in
        let (length, tokens) = (mean(prompt), mean(generated))
        return try work(length, tokens, active(length, tokens)).decode / Double(tokens)
      }
    case .whole:
      return try row.generated.map { generated in
        let all = try work(mean(prompt), mean(generated), row.concurrency)
        return all.prefill + all.decode
      }
    }
  }

  /// Times are means over requests; lengths that are spread evenly have the middle as their mean.
  private func mean(_ length: Int) -> Int {
    max(1, Int(Double(length) * (1 + (point.row.lengthRatio ?? 1)) / 2))
  }

  private func question(_ prompt: Int, _ generated: Int, _ batch: Int) -> Question {
    let workload = Workload(promptLength: prompt, generatedLength: generated, batchSize: batch)
    return Question(point.model, workload, point.row.precision.precision)
  }

  /// - Unit: s
  private func work(_ prompt: Int, _ generated: Int, _ batch: Int) throws -> (prefill: Double, decode: Double) {
    let totals = try price(question(prompt, generated, batch)).totals
    return (roofline.plain(totals.prefill).time.value, roofline.plain(totals.decode).time.value)
  }

  /// The requests that run at once.
  private func active(_ prompt: Int, _ generated: Int) throws -> Int {
    let row = point.row
    let demand = try MemoryDemand(question(prompt, generated / 2, 1), devices: row.devices)
    let fitting = demand.largestBatch(on: machine).map { max($0, 1) } ?? row.concurrency
    return min(row.concurrency, row.maxRunning ?? row.concurrency, fitting)
  }
}
