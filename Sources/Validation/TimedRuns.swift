import Architectures
import Formulas
import Hardware
import Measurement
import Quantities
import Tensors

/// Workloads that are executed round after round, so that their spread shows how the machine drifts and not only how
/// one run differs from the next.
///
/// What other programs disturbed does not count and is run again, as is a workload whose repetitions differ too much. A
/// profile is calibrated on operations of other widths, never on these models: every point is held out.
public final class TimedRuns {
  /// The most that a settled workload's spread may be. Chosen: verdicts are about 5 %.
  /// - Unit: percent
  private static let mostSpread = 5.0

  private let settings: TimedSettings
  private let meter: DisturbanceMeter
  private var runs: [TimedRun]
  private var models: [Model: MeasuredModel] = [:]

  /// Nothing has run yet.
  /// - Parameters:
  ///   - points: workloads of one model side by side.
  ///   - settings: how they run.
  ///   - meter: what watches them; a new one unless told otherwise.
  public init(_ points: [TimedWorkload], _ settings: TimedSettings, _ meter: DisturbanceMeter? = nil) {
    self.settings = settings
    self.meter = meter ?? DisturbanceMeter(threads: settings.threads)
    runs = points.map { TimedRun($0) }
  }

  /// Runs every workload that is not settled once more.
  /// - Parameters:
  ///   - repetitions: undisturbed ones that settle a workload whose spread is small.
  ///   - progress: called after each workload.
  ///   - isStopped: asked before each workload whether to leave the round.
  /// - Returns: whether the round is whole.
  @discardableResult
  public func round(
    until repetitions: Int, progress: () -> Void = {}, isStopped: () -> Bool = { false }
  ) -> Bool {
    var previous: Model?
    for index in runs.indices where !isSettled(runs[index], repetitions) {
      guard !isStopped() else { return false }
      let (model, workload) = (runs[index].point.model, runs[index].point.workload)
      let runner = models[model] ?? MeasuredModel(model, seed: settings.seed, threads: settings.threads)
      models[model] = runner
      if previous != model { for _ in 0..<settings.warmup { _ = runner.run(workload) } }
      previous = model
      runs[index].append(with: runner, takesSigns: settings.takesSigns, meter)
      progress()
    }
    return true
  }

  /// Whether every workload has so many undisturbed repetitions that differ little.
  public func areSettled(_ repetitions: Int) -> Bool { runs.allSatisfy { isSettled($0, repetitions) } }

  private func isSettled(_ run: TimedRun, _ repetitions: Int) -> Bool {
    guard let clean = run.clean, clean.measured.repetitions >= repetitions else { return false }
    // One repetition has no spread, and nothing that is asked for could be added.
    return run.phases.allSatisfy { clean.measured.spreadPercent($0) <= Self.mostSpread }
  }

  /// The reference kernel, behind the last run.
  /// - Unit: s
  public var referenceSeconds: Double { meter.referenceSeconds }

  /// What was measured beside what a profile predicts in float32.
  /// - Parameters:
  ///   - profile: what predicts.
  ///   - repetitions: undisturbed ones that a point needs.
  /// - Throws: `HardwareError` where the profile lacks a rate for fp32, `CountOverflow`.
  public func results(on profile: HardwareProfile, repetitions: Int) throws -> [TimedPhaseResult] {
    let roofline = try Roofline(profile, .float32)
    return try runs.flatMap { run in try run.results(roofline, isDisturbed: !isSettled(run, repetitions)) }
  }
}

/// The repetitions of a workload that ran as they should, or all of them.
private struct Repeated {
  var measured: Measurement
  /// As it is, with what it reads in a cache, without arithmetic, at twice the batch, at twice the prompt.
  var whole = NodeTimes(), cached = NodeTimes(), reading = NodeTimes(), batch = NodeTimes(), context = NodeTimes()

  mutating func append(_ other: Repeated) {
    measured.append(other.measured)
    whole.append(other.whole)
    cached.append(other.cached)
    reading.append(other.reading)
    batch.append(other.batch)
    context.append(other.context)
  }
}

/// A workload as it ran.
private struct TimedRun {
  let point: TimedWorkload
  private(set) var clean: Repeated?
  private var all: Repeated?

  init(_ point: TimedWorkload) { self.point = point }

  /// Those with work.
  var phases: [Phase] {
    Phase.allCases.filter {
      $0 == .prefill ? point.workload.promptLength > 0 : point.workload.generatedLength > 0
    }
  }

  private var doubledBatch: Workload { point.workload.with(batchSize: 2 * point.workload.batchSize) }
  private var doubledContext: Workload? {
    point.workload.promptLength > 0 ? point.workload.with(promptLength: 2 * point.workload.promptLength) : nil
  }

  mutating func append(with model: MeasuredModel, takesSigns: Bool, _ meter: DisturbanceMeter) {
    var run: Repeated?
    let disturbance = meter.watch {
      var one = Repeated(measured: model.run(point.workload))
      if takesSigns {
        one.whole = model.timeNodes(point.workload)
        one.cached = model.timeNodes(point.workload, probe: .cached)
        one.reading = model.timeNodes(point.workload, probe: .reading)
        one.batch = model.timeNodes(doubledBatch)
        if let doubledContext { one.context = model.timeNodes(doubledContext) }
      }
      run = one
    }
    func add(to kept: inout Repeated?) { if kept == nil { kept = run } else { kept?.append(run!) } }
    add(to: &all)
    if !disturbance.isDisturbed { add(to: &clean) }
  }

  /// - Parameter isDisturbed: whether all repetitions are taken for want of undisturbed ones.
  func results(_ roofline: Roofline, isDisturbed: Bool) throws -> [TimedPhaseResult] {
    guard let kept = isDisturbed ? all : clean else { return [] }
    let predicted = TimedPhases(point.question, roofline)
    let twice = TimedPhases(point.question.with(batchSize: doubledBatch.batchSize), roofline)
    let longer = doubledContext.map { TimedPhases(point.question.with(promptLength: $0.promptLength), roofline) }
    let counts = try price(point.question)
    return phases.map { phase in
      var result = TimedPhaseResult(
        point: point, phase: phase, figure: predicted[phase].total, measured: kept.measured, isDisturbed: isDisturbed)
      guard !kept.whole.nodes(phase).isEmpty else { return result }
      func signs(where isTaken: (Node) -> Bool) -> MeasuredSigns {
        func work(_ phases: TimedPhases) -> (flops: Double, bytes: Double) {
          phases[phase].nodes.filter { isTaken($0.node) }.reduce(into: (0.0, 0.0)) {
            $0 = ($0.0 + $1.figure.flops, $0.1 + $1.figure.bytes)
          }
        }
        let (time, before) = (kept.whole.median(phase, where: isTaken), work(predicted))
        func elasticities(_ doubled: NodeTimes, _ phases: TimedPhases) -> Elasticities? {
          let (longer, after) = (doubled.median(phase, where: isTaken), work(phases))
          guard longer > 0, before.flops > 0, before.bytes > 0 else { return nil }
          return Elasticities(
            time: elasticity(of: time, doubled: longer), flops: elasticity(of: before.flops, doubled: after.flops),
            bytes: elasticity(of: before.bytes, doubled: after.bytes))
        }
        return MeasuredSigns(
          time: time, cached: kept.cached.median(phase, where: isTaken),
          reading: kept.reading.median(phase, where: isTaken), batch: elasticities(kept.batch, twice),
          context: longer.flatMap { elasticities(kept.context, $0) })
      }
      result.signs = signs { _ in true }
      let levels = Set(kept.whole.nodes(phase).map(\.level)).sorted()
      let ofLevel = Dictionary(uniqueKeysWithValues: levels.map { level in (level, signs { $0.level == level }) })
      result.nodes = kept.whole.nodes(phase).map { node in
        TimedNodeResult(
          node: node, measured: kept.whole.median(phase, node), figure: predicted[phase][node],
          work: counts.work(at: node, in: phase), level: ofLevel[node.level]!)
      }
      return result
    }
  }
}
