import Architectures
import Formulas
import GSL
import Hardware
import Measurement
import Quantities

/// A workload of one named model, to be executed and predicted.
public struct TimedWorkload: ModelBearing, Hashable, Sendable {
  /// The model's name.
  public var name: String
  /// What is run, in 32 bits as it is executed.
  public let question: Question

  /// The name is that of the model.
  public init(name: String, model: Model, workload: Workload) {
    self.name = name
    question = Question(model, workload, .float32)
  }

  /// The model of the question.
  public var model: Model { question.model }
  /// Its prompt, lengths, batch and continuations.
  public var workload: Workload { question.workload }
  /// The rows of agreement that it belongs to: its architecture, and the methods of its caches where they evict.
  public var group: String {
    let methods = model.caches.map(\.plan.retention).filter { $0 != .everything }.map(\.method.rawValue)
    return ([model.family.rawValue] + Set(methods).sorted()).joined(separator: " ")
  }
}

/// What doubling one property of a workload did to a phase.
public struct Elasticities: Hashable, Sendable {
  /// Of measured time, as log₂ of the ratio.
  public var time: Double
  /// Of counted FLOP.
  public var flops: Double
  /// Of counted traffic.
  public var bytes: Double
}

/// One phase of one executed workload with its prediction.
public struct TimedPhaseResult: Sendable {
  /// What ran.
  public var point: TimedWorkload
  /// Which phase of it.
  public var phase: Phase
  /// What the profile predicts.
  public var figure: TimeFigure
  /// Every repetition, of both phases.
  public var measured: Measurement
  /// Nil where the doubled workloads were not run.
  public var batch: Elasticities?
  /// Nil where the doubled workloads were not run.
  public var context: Elasticities?
  /// Whether the point corrected the profile that predicts it.
  public var isFitted = false

  /// Predicted beside measured, with the bounds that both point to.
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
  /// The family's name.
  public var architecture: String
  /// Which phase.
  public var metric: Phase
  /// Over the family's points.
  public var agreement: TimedAgreement
}

/// How workloads are executed for comparison.
public struct TimedSettings: Hashable, Sendable {
  /// Of the kernels.
  public var threads: Int
  /// Unmeasured runs of each model's first workload in every round.
  public var warmup: Int
  /// Of weights and prompts.
  public var seed: UInt64
  /// Also runs each workload at twice the batch and at twice the prompt.
  public var measuresElasticities: Bool

  /// Two threads, one unmeasured run.
  public init(threads: Int = 2, warmup: Int = 1, seed: UInt64 = 1, measuresElasticities: Bool = false) {
    self.threads = threads
    self.warmup = warmup
    self.seed = seed
    self.measuresElasticities = measuresElasticities
  }
}

/// Workloads that are executed round after round, so that their spread shows how the machine drifts and not only how
/// one run differs from the next.
///
/// A profile is calibrated on operations of other widths, never on these models: every point is held out.
public final class TimedRuns {
  private let settings: TimedSettings
  private var runs: [TimedRun]
  private var models: [Model: MeasuredModel] = [:]

  /// Nothing has run yet.
  public init(_ points: [TimedWorkload], _ settings: TimedSettings) {
    self.settings = settings
    runs = points.map { TimedRun($0) }
  }

  /// Runs every workload once more.
  /// - Parameters:
  ///   - progress: called after each workload.
  ///   - isStopped: asked before each workload whether to leave the round.
  /// - Returns: whether the round is whole.
  @discardableResult
  public func round(progress: () -> Void = {}, isStopped: () -> Bool = { false }) -> Bool {
    var previous: Model?
    for index in runs.indices {
      guard !isStopped() else { return false }
      let (model, workload) = (runs[index].point.model, runs[index].point.workload)
      let runner = models[model] ?? MeasuredModel(model, seed: settings.seed, threads: settings.threads)
      models[model] = runner
      if previous != model { for _ in 0..<settings.warmup { _ = runner.run(workload) } }
      previous = model
      runs[index].append(with: runner, elasticities: settings.measuresElasticities)
      progress()
    }
    return true
  }

  /// What was measured beside what a profile predicts in float32.
  /// - Throws: `HardwareError` where the profile lacks a rate for fp32.
  public func results(on profile: HardwareProfile) throws -> [TimedPhaseResult] {
    let roofline = try Roofline(profile, .float32)
    return runs.flatMap { $0.results(roofline) }
  }
}

/// Agreement by architecture and phase, in the order of first appearance; nothing for no results.
public func timedRows(_ results: [TimedPhaseResult]) -> [TimedRow] {
  var architectures: [String] = []
  for result in results where !architectures.contains(result.point.group) { architectures.append(result.point.group) }
  return architectures.flatMap { architecture in
    Phase.allCases.compactMap { phase -> TimedRow? in
      let chosen = results.filter { $0.phase == phase && $0.point.group == architecture }
      guard !chosen.isEmpty else { return nil }
      return TimedRow(architecture: architecture, metric: phase, agreement: TimedAgreement(chosen.map(\.pair)))
    }
  }
}

/// The workloads that correct a profile: of each architecture a share, drawn by a seed; the others are held out.
public func fittedPoints(_ points: [TimedWorkload], share: Double, seed: Int) -> Set<TimedWorkload> {
  let stream = RandomStream(seed: UInt64(seed), name: "fitted points")
  var chosen: Set<TimedWorkload> = []
  for family in Family.allCases {
    var left = points.of(family)
    let count = Int((share * Double(left.count)).rounded())
    for _ in 0..<count { chosen.insert(left.remove(at: stream.integer(in: left.indices))) }
  }
  return chosen
}

/// A workload as it ran, and at twice its batch and prompt where that was asked for.
private struct TimedRun {
  let point: TimedWorkload
  var measured: Measurement?
  var doubledBatch: Measurement?
  var doubledContext: Measurement?

  init(_ point: TimedWorkload) { self.point = point }

  mutating func append(with model: MeasuredModel, elasticities: Bool) {
    func add(_ workload: Workload, to measurement: inout Measurement?) {
      let run = model.run(workload)
      if measurement == nil { measurement = run } else { measurement?.append(run) }
    }
    add(point.workload, to: &measured)
    guard elasticities else { return }
    add(point.workload.with(batchSize: 2 * point.workload.batchSize), to: &doubledBatch)
    if point.workload.promptLength > 0 {
      add(point.workload.with(promptLength: 2 * point.workload.promptLength), to: &doubledContext)
    }
  }

  func results(_ roofline: Roofline) -> [TimedPhaseResult] {
    guard let measured else { return [] }
    let predicted = TimedPhases(point.question, roofline)
    return Phase.allCases.filter { !isEmpty($0) }.map { phase in
      TimedPhaseResult(
        point: point, phase: phase, figure: predicted[phase].total, measured: measured,
        batch: elasticities(phase, doubledBatch, roofline), context: elasticities(phase, doubledContext, roofline))
    }
  }

  private func isEmpty(_ phase: Phase) -> Bool {
    phase == .prefill ? point.workload.promptLength == 0 : point.workload.generatedLength == 0
  }

  private func elasticities(_ phase: Phase, _ doubled: Measurement?, _ roofline: Roofline) -> Elasticities? {
    guard let measured, let doubled else { return nil }
    let before = TimedPhases(point.question, roofline)[phase].total
    let after = TimedPhases(Question(point.model, doubled.workload, .float32), roofline)[phase].total
    return Elasticities(
      time: elasticity(of: measured.median(phase), doubled: doubled.median(phase)),
      flops: elasticity(of: before.flops, doubled: after.flops),
      bytes: elasticity(of: before.bytes, doubled: after.bytes))
  }
}
