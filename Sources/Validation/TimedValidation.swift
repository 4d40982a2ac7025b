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

/// One phase of one executed workload with its prediction.
public struct TimedPhaseResult: Sendable {
  /// What ran.
  public var point: TimedWorkload
  /// Which phase of it.
  public var phase: Phase
  /// What the profile predicts.
  public var figure: TimeFigure
  /// Every repetition that counts.
  public var measured: MeasuredPhase
  /// What tells the bound; nil where nothing was run for it.
  public var signs: MeasuredSigns?
  /// The parts of the phase; empty where they were not timed.
  public var nodes: [TimedNodeResult] = []
  /// Whether too few repetitions were free of other programs, or they differ too much.
  public var isDisturbed: Bool { measured.isDisturbed }
  /// Whether the point corrected the profile that predicts it.
  public var isFitted = false

  /// Predicted beside measured, with the bounds that both point to.
  public var pair: TimedPair {
    TimedPair(
      predicted: figure.time.value, measured: measured.median, spreadPercent: measured.spreadPercent,
      predictedBound: figure.bound, regime: signs?.regime, isDisturbed: isDisturbed)
  }

  /// The sum over the nodes, timed one by one, over the time of the whole; nil where they were not timed.
  public var nodeSum: Double? {
    nodes.isEmpty ? nil : nodes.reduce(0) { $0 + $1.measured } / measured.median
  }

  /// Matrix and element-wise work over measured time, as a share of the profile's peak.
  public func computeShare(on profile: HardwareProfile) -> Double {
    figure.flops / measured.median / (profile.peaks[.fp32]?.perSecond ?? .nan)
  }

  /// Counted traffic over measured time, as a share of main memory's bandwidth: above 1 where caches serve it.
  public func bandwidthShare(on profile: HardwareProfile) -> Double {
    figure.bytes / measured.median / profile.memoryBandwidth.perSecond
  }
}

/// One node of a phase as it was timed, with its prediction.
public struct TimedNodeResult: Sendable {
  /// Level, side and component.
  public let node: Node
  /// Median of the repetitions.
  /// - Unit: s
  public let measured: Double
  /// What the profile predicts.
  public let figure: TimeFigure
  /// Exact work.
  public let work: Work<Int128>
  /// What tells the bound of the node's level.
  public let level: MeasuredSigns
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
  /// Also times each workload node by node: as it is, with what it reads in a cache, without arithmetic, at twice the
  /// batch and at twice the prompt.
  public var takesSigns: Bool

  /// Two threads, one unmeasured run.
  public init(threads: Int = 2, warmup: Int = 1, seed: UInt64 = 1, takesSigns: Bool = false) {
    self.threads = threads
    self.warmup = warmup
    self.seed = seed
    self.takesSigns = takesSigns
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
