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

  /// What was measured, phase by phase, of each workload in its order.
  /// - Parameter repetitions: undisturbed ones that a point needs.
  public func measured(_ repetitions: Int) -> [(point: TimedWorkload, phases: [MeasuredPhase])] {
    runs.map { run in (run.point, run.measured(isDisturbed: !isSettled(run, repetitions))) }
  }

  /// The same beside what a profile predicts in float32.
  /// - Parameters:
  ///   - profile: what predicts.
  ///   - repetitions: undisturbed ones that a point needs.
  /// - Throws: `HardwareError` where the profile lacks a rate for fp32, `CountOverflow`.
  public func results(on profile: HardwareProfile, repetitions: Int) throws -> [TimedPhaseResult] {
    try timedResults(measured(repetitions), on: profile)
  }
}

/// The repetitions of a workload that ran as they should, or all of them.
private struct Repeated {
  var measured: Measurement
  /// As it is, with what it reads in a cache, without arithmetic, at twice the batch, at twice the prompt.
  var whole = NodeTimes(), cached = NodeTimes(), reading = NodeTimes(), batch = NodeTimes(), context = NodeTimes()

  /// What all of them took.
  /// - Unit: s
  var signSeconds = 0.0

  mutating func append(_ other: Repeated) {
    measured.append(other.measured)
    signSeconds += other.signSeconds
    whole.append(other.whole)
    cached.append(other.cached)
    reading.append(other.reading)
    batch.append(other.batch)
    context.append(other.context)
  }
}

/// A workload as it ran.
private struct TimedRun {
  /// Signs are taken again in further repetitions until all of them took so long. Chosen.
  /// - Unit: s
  private static let enoughSigns = 0.5

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
      // Short runs differ most from one to the next.
      if takesSigns, (clean?.signSeconds ?? 0) < Self.enoughSigns {
        let start = ContinuousClock.now
        defer { one.signSeconds = (ContinuousClock.now - start) / .seconds(1) }
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
  func measured(isDisturbed: Bool) -> [MeasuredPhase] {
    guard let kept = isDisturbed ? all : clean else { return [] }
    return phases.map { phase in
      MeasuredPhase(
        phase, seconds: kept.measured[phase], isDisturbed: isDisturbed,
        nodes: kept.whole.nodes(phase).map { node in
          func median(_ times: NodeTimes) -> Double? {
            times.nodes(phase).isEmpty ? nil : times.median(phase, node)
          }
          return MeasuredPhase.NodeSeconds(
            level: node.level, side: node.side, component: node.component, whole: kept.whole.median(phase, node),
            cached: kept.cached.median(phase, node), reading: kept.reading.median(phase, node),
            batch: median(kept.batch), context: median(kept.context))
        })
    }
  }
}
