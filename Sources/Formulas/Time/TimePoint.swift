import Architectures
import Hardware
import Quantities

/// A workload on one machine: times, bounds, rates and the batch that its memory allows.
public struct TimedPoint: Sendable {
  /// The name of the machine.
  public var profile: String
  /// How many share the model; the phases are those of each.
  public var devices: Int
  /// The prompt of the whole batch.
  public var prefill: PhaseEstimate
  /// All emitted tokens of the whole batch.
  public var decode: PhaseEstimate
  /// What the first token takes after prefill.
  public var emission: PhaseEstimate
  /// How sure the time of prefill is.
  public var prefillRange: TimeRange
  /// How sure the time of decode is.
  public var decodeRange: TimeRange
  /// The properties of the workload outside the ranges to which the profile was fitted, such as `prompt`: the times
  /// extrapolate in them.
  public var extrapolated: [String]
  /// Rates and latencies at the workload's own batch.
  public var figures: ServingFigures
  /// Of the whole model, however many devices share it.
  public var memory: MemoryDemand
  /// How the batch fills each device.
  public var use: MemoryUse
  /// The same figures at the largest batch; nil where that is 0 or has no limit.
  public var atLargestBatch: ServingFigures?
  /// What a million tokens cost and use, at the workload's batch and at the largest.
  public var cost: TokenCost
  /// Nothing where there is no largest batch.
  public var costAtLargestBatch: TokenCost

  /// The most prompts that fit: 0 when not even one does, nil when a sequence needs no memory.
  public var largestBatch: Int? { use.largestBatch }

  /// The time of one phase.
  public subscript(phase: Phase) -> TimeFigure { estimate(phase).total }
  /// The time of one phase, node by node.
  public func estimate(_ phase: Phase) -> PhaseEstimate { phase == .prefill ? prefill : decode }
  /// How sure the time of one phase is.
  public func range(_ phase: Phase) -> TimeRange { phase == .prefill ? prefillRange : decodeRange }

  /// - Throws: `HardwareError` where the profile lacks a rate, `CountOverflow` where a count could exceed 2^126.
  public init(_ question: Question, on profile: HardwareProfile, engine: Engine = .ideal) throws {
    if question.model.usesHost { try profile.checkHost() }
    let roofline = try Roofline(profile, question.precision, engine)
    self.profile = profile.name
    devices = profile.devices
    memory = try MemoryDemand(question, engine: engine)
    let share = devices == 1 ? memory : try MemoryDemand(question, devices: devices, engine: engine)
    use = MemoryUse(share, batchSize: question.workload.batchSize, on: profile)
    let phases = TimedPhases(question, roofline)
    (prefill, decode, emission) = (phases.prefill, phases.decode, phases.emission)
    let ranges = try TimeRanges(roofline, question.precision)
    prefillRange = ranges.range(phases.dispatched.prefill, prefill)
    decodeRange = ranges.range(phases.dispatched.decode, decode)
    extrapolated = Formulas.extrapolated(profile.calibration, question, phases.dispatched)
    figures = phases.figures(question.workload, memory)
    cost = TokenCost(profile, at: figures.throughput)
    costAtLargestBatch = TokenCost()
    if let largestBatch, largestBatch > 0 {
      let largest = question.with(batchSize: largestBatch)
      let figures = TimedPhases(largest, roofline).figures(largest.workload, memory)
      atLargestBatch = figures
      costAtLargestBatch = TokenCost(profile, at: figures.throughput)
    }
  }
}

/// The estimates of a workload's phases on one roofline.
public struct TimedPhases: Sendable {
  /// The prompt of the whole batch.
  public var prefill: PhaseEstimate
  /// All emitted tokens of the whole batch.
  public var decode: PhaseEstimate
  /// What the first token takes after prefill.
  public var emission: PhaseEstimate
  /// The operations that were priced.
  public let dispatched: DispatchedWorkload

  /// Prices every dispatched operation of a valid question.
  public init(_ question: Question, _ roofline: Roofline) {
    dispatched = DispatchedWorkload(question, devices: roofline.profile.devices)
    prefill = roofline.estimate(dispatched.prefill, levelCount: question.model.levelCount)
    decode = roofline.estimate(dispatched.decode, levelCount: question.model.levelCount)
    emission = roofline.estimate(dispatched.emission, levelCount: question.model.levelCount)
  }

  /// The estimate of one phase.
  public subscript(phase: Phase) -> PhaseEstimate { phase == .prefill ? prefill : decode }

  func figures(_ workload: Workload, _ memory: MemoryDemand) -> ServingFigures {
    ServingFigures(
      workload: workload, prefill: prefill.total.time, decode: decode.total.time, emission: emission.total.time,
      memory: memory)
  }
}

/// Where the bound of a phase flips as the batch grows; empty when it never does in the range.
public func batchFlips(
  _ phase: Phase, in range: ClosedRange<Int> = 1...65_536, _ question: Question, _ roofline: Roofline
) -> [Crossing] {
  boundFlips(in: range) { batch in
    TimedPhases(question.with(batchSize: batch), roofline)[phase].total
  }
}
