import Architectures
import Formulas
import Hardware
import Measurement
import Quantities

/// A workload of one named model, to be executed and predicted.
public struct TimedWorkload: Hashable, Sendable {
  public var name: String
  public var model: Model
  public var workload: Workload

  public init(name: String, model: Model, workload: Workload) {
    self.name = name
    self.model = model
    self.workload = workload
  }
}

/// What doubling one property of a workload did to a phase.
public struct Elasticities: Hashable, Sendable {
  public var time: Double
  public var flops: Double
  public var bytes: Double
}

/// One phase of one executed workload with its prediction.
public struct TimedPhaseResult: Sendable {
  public var point: TimedWorkload
  public var phase: Phase
  public var figure: TimeFigure
  public var measured: Measurement
  /// Nil where the doubled workloads were not run.
  public var batch: Elasticities?
  public var context: Elasticities?

  public var pair: TimedPair {
    TimedPair(
      predicted: figure.time.value, measured: measured.median(phase), spreadPercent: measured.spreadPercent(phase),
      predictedBound: figure.bound,
      measuredBound: batch.flatMap { measuredBound(time: $0.time, flops: $0.flops, bytes: $0.bytes) })
  }

  /// Matrix and element-wise work over measured time, as a share of the profile's peak.
  public func computeShare(on profile: HardwareProfile) -> Double {
    figure.flops / measured.median(phase) / (profile.peaks[.fp32]?.perSecond ?? .nan)
  }

  /// Counted traffic over measured time, as a share of main memory's bandwidth: above 1 where caches serve it.
  public func bandwidthShare(on profile: HardwareProfile) -> Double {
    figure.bytes / measured.median(phase) / profile.memoryBandwidth.perSecond
  }
}

/// Agreement of one architecture's phase.
public struct TimedRow: Hashable, Sendable {
  public var architecture: String
  public var metric: Phase
  public var agreement: TimedAgreement
}

public struct TimedSettings: Hashable, Sendable {
  public var threads: Int
  public var repetitions: Int
  public var warmup: Int
  public var seed: UInt64
  /// Also runs each workload at twice the batch and at twice the prompt.
  public var measuresElasticities: Bool

  public init(
    threads: Int = 2, repetitions: Int = 3, warmup: Int = 1, seed: UInt64 = 1, measuresElasticities: Bool = false
  ) {
    self.threads = threads
    self.repetitions = repetitions
    self.warmup = warmup
    self.seed = seed
    self.measuresElasticities = measuresElasticities
  }
}

/// Executes workloads on this machine and prices them on its profile in float32.
///
/// A profile is calibrated on operations of other widths, never on these models: every point is held out.
/// - Parameters:
///   - points: those of one model side by side share its weights.
///   - progress: called after each point.
/// - Throws: `HardwareError` where the profile lacks a rate for fp32.
public func timedResults(
  _ points: [TimedWorkload], on profile: HardwareProfile, _ settings: TimedSettings, progress: () -> Void = {}
) throws -> [TimedPhaseResult] {
  let roofline = try Roofline(profile, .float32)
  var loaded: MeasuredModel?
  var results: [TimedPhaseResult] = []
  for point in points {
    let model =
      loaded?.model == point.model
      ? loaded! : MeasuredModel(point.model, seed: settings.seed, threads: settings.threads)
    loaded = model
    let runs = ExecutedPoint(point, model, settings)
    let predicted = TimedPhases(point.model, point.workload, .float32, roofline)
    for phase in Phase.allCases where !isEmpty(phase, point.workload) {
      results.append(
        TimedPhaseResult(
          point: point, phase: phase, figure: predicted[phase].total, measured: runs.measured,
          batch: runs.elasticities(phase, runs.doubledBatch, roofline),
          context: runs.elasticities(phase, runs.doubledContext, roofline)))
    }
    progress()
  }
  return results
}

/// Agreement by architecture and phase, in the order of first appearance; nothing for no results.
public func timedRows(_ results: [TimedPhaseResult]) -> [TimedRow] {
  var architectures: [String] = []
  for result in results where !architectures.contains(result.point.model.family.rawValue) {
    architectures.append(result.point.model.family.rawValue)
  }
  return architectures.flatMap { architecture in
    Phase.allCases.compactMap { phase -> TimedRow? in
      let chosen = results.filter { $0.phase == phase && $0.point.model.family.rawValue == architecture }
      guard !chosen.isEmpty else { return nil }
      return TimedRow(architecture: architecture, metric: phase, agreement: TimedAgreement(chosen.map(\.pair)))
    }
  }
}

/// Executes workloads and says how well the profile predicted them.
/// - Throws: `HardwareError` where the profile lacks a rate for fp32.
public func timedValidation(
  _ points: [TimedWorkload], on profile: HardwareProfile, _ settings: TimedSettings
) throws -> [TimedRow] {
  timedRows(try timedResults(points, on: profile, settings))
}

private func isEmpty(_ phase: Phase, _ workload: Workload) -> Bool {
  phase == .prefill ? workload.promptLength == 0 : workload.generatedLength == 0
}

/// A workload as it ran, and at twice its batch and prompt where that was asked for.
private struct ExecutedPoint {
  let point: TimedWorkload
  let measured: Measurement
  var doubledBatch: Measurement?
  var doubledContext: Measurement?

  init(_ point: TimedWorkload, _ model: MeasuredModel, _ settings: TimedSettings) {
    self.point = point
    func run(_ workload: Workload) -> Measurement {
      model.measure(
        workload, repetitions: settings.repetitions, warmup: settings.warmup, seed: settings.seed)
    }
    measured = run(point.workload)
    guard settings.measuresElasticities else { return }
    doubledBatch = run(point.workload.with(batchSize: 2 * point.workload.batchSize))
    if point.workload.promptLength > 0 {
      doubledContext = run(point.workload.with(promptLength: 2 * point.workload.promptLength))
    }
  }

  func elasticities(_ phase: Phase, _ doubled: Measurement?, _ roofline: Roofline) -> Elasticities? {
    guard let doubled else { return nil }
    let before = TimedPhases(point.model, point.workload, .float32, roofline)[phase].total
    let after = TimedPhases(point.model, doubled.workload, .float32, roofline)[phase].total
    return Elasticities(
      time: elasticity(of: measured.median(phase), doubled: doubled.median(phase)),
      flops: elasticity(of: before.flops, doubled: after.flops),
      bytes: elasticity(of: before.bytes, doubled: after.bytes))
  }
}
