import Architectures
import Formulas
import Hardware
import Quantities

/// A measured row with the model that it names.
public struct ServingPoint: Sendable {
  /// What was measured.
  public var row: MeasuredRow
  /// What the row's name and settings stand for.
  public var model: Model
  /// Its own machine where rows of several are fitted together; nil where all are of the one that is fitted.
  public var machine: HardwareProfile?

  /// - Parameters:
  ///   - row: with at least one time.
  ///   - model: what the row's name and settings stand for.
  ///   - machine: its own where rows of several are fitted together.
  public init(row: MeasuredRow, model: Model, machine: HardwareProfile? = nil) {
    self.row = row
    self.model = model
    self.machine = machine
  }

  /// What the row is priced on: the fitted profile, or its own machine used as well as that one.
  func profile(_ fitted: HardwareProfile) -> HardwareProfile {
    (machine?.reaching(fitted) ?? fitted).sharing(row.devices)
  }

  var precision: Precision { row.precision.precision }
}

extension ServingPoint {
  /// The mean of a run's lengths, which are drawn from a share of the nominal one up to all of it.
  func meanLength(_ longest: Int, _ ratio: Double) -> Int { max(1, Int((Double(longest) * (1 + ratio) / 2).rounded())) }

  /// What requests hold where the profile does not say it: TensorRT-LLM admits a request whole, vLLM and SGLang for what
  /// it holds.
  func admission(on profile: HardwareProfile) -> Admission {
    let engine = row.engine.lowercased()
    return profile.serving?.admission ?? (engine.contains("trt") || engine.contains("tensorrt") ? .whole : .held)
  }

  /// The memory of the row's requests.
  /// - Throws: `CountOverflow`
  func demand(_ admission: Admission) throws -> MemoryDemand {
    let ratio = row.lengthRatio ?? 1
    let generated = row.generated.map { meanLength($0, ratio) } ?? 0
    let workload = Workload(
      promptLength: row.prompt.map { meanLength($0, ratio) } ?? 0,
      generatedLength: admission == .whole ? generated : generated / 2)
    return try MemoryDemand(Question(model, workload, precision), devices: row.devices)
  }
}

/// What a row asks of a machine and of its engine's habits: the dispatched phases of every time that it measured. Rates
/// are not in it, so that a fit prices the same case again and again.
///
/// N users send a request each, and the next one when it is answered. Of N requests n run: as many as the engine has
/// places and memory for. With D the time of a decode step at n requests and p that of one prefill that shares a pass
/// with a step, a request of G tokens lives through G steps and the N prefills of one round, each of them once. Of these
/// it waits for k before its first token, its own among them:
///
///     k = q · (2 − q/n) + (n + q)/(2W) where all lengths are equal, q + (n + q)/(2W) where they differ;  at most n
///     time to first token   = k · p + D + (N/n − 1) · G · time per output token
///     time per output token = (G · D + (n − k) · p)/G
///
/// q is how many prompts a pass takes, W the rounds of a run, all of whose first requests arrive at once; N − n requests
/// wait for a place (Little's law: n/N of a request's life is spent in one). docs/metrics.md derives it.
struct ServingCase: Sendable {
  typealias Term = (weight: Double, phase: DispatchedPhase)

  let point: ServingPoint
  /// Its place among the rows that it came with.
  let index: Int
  /// What the row's requests hold, by what admits them.
  private let demand: (whole: MemoryDemand, held: MemoryDemand)
  private let slots: ServingSlots
  let terms: [MeasuredMetric: [Term]]

  /// - Throws: `CountOverflow`
  init(_ point: ServingPoint, index: Int = 0, memoryOf profile: HardwareProfile) throws {
    try self.init(point, index, demand: (point.demand(.whole), point.demand(.held)), on: profile)
  }

  /// The same row on another machine: what is dispatched stays wherever as many requests run and share passes.
  func on(_ profile: HardwareProfile) -> ServingCase {
    let isSame = ServingSlots(point, demand, on: point.profile(profile)) == slots
    return isSame ? self : ServingCase(point, index, demand: demand, on: profile)
  }

  private init(
    _ point: ServingPoint, _ index: Int, demand: (whole: MemoryDemand, held: MemoryDemand), on profile: HardwareProfile
  ) {
    self.point = point
    self.index = index
    self.demand = demand
    let slots = ServingSlots(point, demand, on: point.profile(profile))
    self.slots = slots
    let row = point.row
    func dispatched(prompt: Int, generated: Int, batch: Int) -> DispatchedWorkload {
      let workload = Workload(promptLength: prompt, generatedLength: generated, batchSize: batch)
      return DispatchedWorkload(Question(point.model, workload, point.precision), devices: row.devices)
    }
    var terms: [MeasuredMetric: [Term]] = [:]
    if let longest = row.prompt {
      let prompt = point.meanLength(longest, slots.lengthRatio)
      let generated = row.generated.map { point.meanLength($0, slots.lengthRatio) } ?? 1
      let together = dispatched(prompt: prompt, generated: generated, batch: slots.active)
      let alone = dispatched(prompt: prompt, generated: 0, batch: 1)
      let shared = SharedPrefill(of: alone.prefill, prompts: slots.perPass, into: together.decode)
      let step: [Term] = [(1 / Double(generated), together.decode)]
      func prefills(_ count: Double) -> [Term] {
        [(count / slots.perPass, shared.together), (-count / slots.perPass, shared.apart)]
      }
      let token = step + prefills((Double(slots.active) - slots.awaited) / Double(generated))
      let queued = slots.waitingPerActive * Double(generated)
      terms[.timeToFirstToken] =
        prefills(slots.awaited) + step + (queued == 0 ? [] : token.map { (queued * $0.weight, $0.phase) })
      if row.generated != nil {
        terms[.timePerOutputToken] = token
        // Sent at once: as many as run together, then the next ones.
        let times = slots.waitingPerActive + 1
        terms[.whole] = [(times, together.prefill), (times, together.decode)]
      }
      terms[.prefill] = [(1, dispatched(prompt: longest, generated: 0, batch: row.concurrency).prefill)]
    }
    if let context = row.context {
      // A hierarchy's steps differ within a meta-context, which is as long as its pattern.
      let steps = point.model.metaContextLength
      let decode = dispatched(prompt: context, generated: steps, batch: row.concurrency).decode
      terms[.decodeStep] = [(1 / Double(steps), decode)]
    }
    self.terms = terms
  }

  /// n
  var active: Int { slots.active }
  /// Requests that wait for one that runs.
  var waitingPerActive: Double { slots.waitingPerActive }

  /// The predicted time of a metric; nil where the row lacks what it needs.
  /// - Throws: `HardwareError` where the profile lacks a rate.
  func predicted(_ metric: MeasuredMetric, on profile: HardwareProfile) throws -> Double? {
    try predicted(metric, Roofline(point.profile(profile), point.precision))
  }

  /// - Parameter roofline: of the row's machine and precision.
  func predicted(_ metric: MeasuredMetric, _ roofline: Roofline) -> Double? {
    let overhead = metric == .timeToFirstToken ? roofline.profile.serving?.firstTokenOverhead ?? .zero : .zero
    return terms[metric].map { roofline.seconds($0) + overhead.value }
  }
}

/// Who waits for whom.
private struct ServingSlots: Hashable {
  /// n
  let active: Int
  /// q
  let perPass: Double
  /// k
  let awaited: Double
  /// N/n − 1
  let waitingPerActive: Double
  /// The shortest length as a share of the longest.
  let lengthRatio: Double

  /// Rounds of a run that does not say how many requests it sent: the public benchmarks of serving engines send ten for
  /// each user. Chosen.
  private static let usualRounds = 10.0

  init(_ point: ServingPoint, _ demand: (whole: MemoryDemand, held: MemoryDemand), on profile: HardwareProfile) {
    let (row, serving) = (point.row, profile.serving ?? ServingBehaviour())
    var places = max(1, row.concurrency - serving.idleSlots)
    if let most = row.maxRunning { places = min(most, row.concurrency) }
    let own = point.admission(on: profile) == .whole ? demand.whole : demand.held
    // All of them where not even one fits, because then the profile is not the machine's.
    if let largest = own.largestBatch(on: profile), largest > 0 { places = min(places, largest) }
    active = places
    let running = Double(places)
    let budget = row.tokenBudget.map(PassBudget.tokens) ?? serving.passBudget
    let ratio = row.lengthRatio ?? serving.lengthRatio
    lengthRatio = ratio
    perPass = min(running, budget.prompts(of: row.prompt.map { point.meanLength($0, ratio) } ?? 1))
    let rounds = row.requests.map { max(1, Double($0) / Double(row.concurrency)) } ?? Self.usualRounds
    // Requests of several lengths do not come back together.
    let convoys = lengthRatio == 1 ? 1 - perPass / running : 0
    awaited = min(running, perPass * (1 + convoys) + (running + perPass) / (2 * rounds))
    waitingPerActive = Double(row.concurrency) / running - 1
  }
}

/// Rows that are fitted together.
/// - Throws: `CountOverflow`
func servingCases(_ points: [ServingPoint], memoryOf profile: HardwareProfile) throws -> [ServingCase] {
  try points.enumerated().map { try ServingCase($1, index: $0, memoryOf: profile) }
}

extension Roofline {
  /// The time of the terms of a row.
  func seconds(_ terms: [ServingCase.Term]) -> Double {
    terms.reduce(0) { $0 + $1.weight * time($1.phase).value }
  }
}
