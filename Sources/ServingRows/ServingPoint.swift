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

  /// - Parameters:
  ///   - row: with at least one time.
  ///   - model: what the row's name and settings stand for.
  public init(row: MeasuredRow, model: Model) {
    self.row = row
    self.model = model
  }

  var precision: Precision { row.precision.precision }
}

extension ServingPoint {
  /// What requests hold where the profile does not say it: TensorRT-LLM admits a request whole, vLLM and SGLang for what
  /// it holds.
  func admission(on profile: HardwareProfile) -> Admission {
    let engine = row.engine.lowercased()
    return profile.serving?.admission ?? (engine.contains("trt") || engine.contains("tensorrt") ? .whole : .held)
  }

  /// The memory of the row's requests.
  /// - Throws: `CountOverflow`
  func demand(_ admission: Admission) throws -> MemoryDemand {
    let generated = row.generated ?? 0
    let workload = Workload(
      promptLength: row.prompt ?? 0, generatedLength: admission == .whole ? generated : generated / 2)
    return try MemoryDemand(Question(model, workload, precision))
  }
}

/// What a row asks of a machine of some memory: the dispatched phases of every time that it measured. Rates are not in
/// it, so that a fit prices the same case again and again.
///
/// A serving engine keeps n requests in decode and prefills a new prompt whenever one ends. In the time of the G tokens
/// of one request each of the n slots takes one new prompt, so a token takes a decode step at batch n and n/G prefills:
///
///     time per output token = decode(n)/G + n · prefill(1)/G
///
/// n is the concurrency N, or what the memory holds where that is less; then N − n requests wait, each of them for
/// (N/n − 1) · G tokens before it starts (Little's law: n/N of a request's life is spent in a slot).
struct ServingCase: Sendable {
  typealias Term = (weight: Double, phase: DispatchedPhase)

  let point: ServingPoint
  /// Its place among the rows that it came with.
  let index: Int
  /// What the row's requests hold, by what admits them.
  private let demand: (whole: MemoryDemand, held: MemoryDemand)
  /// n
  let active: Int
  let terms: [MeasuredMetric: [Term]]
  /// One prompt, and the emission of its first token.
  let firstToken: [Term]

  /// - Throws: `CountOverflow`
  init(_ point: ServingPoint, index: Int = 0, memoryOf profile: HardwareProfile) throws {
    try self.init(point, index, demand: (point.demand(.whole), point.demand(.held)), memoryOf: profile)
  }

  /// The same row on a machine of other memory: what is dispatched stays wherever as many requests run.
  func on(memoryOf profile: HardwareProfile) -> ServingCase {
    let isSame = Self.activeRequests(point, demand, on: profile) == active
    return isSame ? self : ServingCase(point, index, demand: demand, memoryOf: profile)
  }

  private init(
    _ point: ServingPoint, _ index: Int, demand: (whole: MemoryDemand, held: MemoryDemand),
    memoryOf profile: HardwareProfile
  ) {
    self.point = point
    self.index = index
    self.demand = demand
    let active = Self.activeRequests(point, demand, on: profile)
    self.active = active
    let row = point.row
    func dispatched(prompt: Int, generated: Int, batch: Int) -> DispatchedWorkload {
      let workload = Workload(promptLength: prompt, generatedLength: generated, batchSize: batch)
      return DispatchedWorkload(Question(point.model, workload, point.precision))
    }
    var terms: [MeasuredMetric: [Term]] = [:]
    var firstToken: [Term] = []
    if let prompt = row.prompt {
      let alone = dispatched(prompt: prompt, generated: 0, batch: 1)
      firstToken = [(1, alone.prefill), (1, alone.emission)]
      if let generated = row.generated {
        let share = 1 / Double(generated)
        let decode = dispatched(prompt: prompt, generated: generated, batch: active).decode
        terms[.timePerOutputToken] = [(share, decode), (Double(active) * share, alone.prefill)]
      }
      terms[.prefill] = [(1, dispatched(prompt: prompt, generated: 0, batch: row.concurrency).prefill)]
    }
    if let context = row.context {
      // A hierarchy's steps differ within a meta-context, which is as long as its pattern.
      let steps = point.model.metaContextLength
      let decode = dispatched(prompt: context, generated: steps, batch: row.concurrency).decode
      terms[.decodeStep] = [(1 / Double(steps), decode)]
    }
    self.terms = terms
    self.firstToken = firstToken
  }

  /// The requests that run at once; all of them where not even one fits, because then the profile is not the machine's.
  private static func activeRequests(
    _ point: ServingPoint, _ demand: (whole: MemoryDemand, held: MemoryDemand), on profile: HardwareProfile
  ) -> Int {
    let own = point.admission(on: profile) == .whole ? demand.whole : demand.held
    guard let largest = own.largestBatch(on: profile), largest > 0 else { return point.row.concurrency }
    return min(largest, point.row.concurrency)
  }

  /// Requests that wait for one that runs.
  var waitingPerActive: Double { Double(point.row.concurrency) / Double(active) - 1 }

  /// The predicted time of a metric; nil where the row lacks what it needs.
  /// - Throws: `HardwareError` where the profile lacks a rate.
  func predicted(_ metric: MeasuredMetric, on profile: HardwareProfile) throws -> Double? {
    try predicted(metric, Roofline(profile, point.precision))
  }

  /// - Parameter roofline: of the row's precision.
  func predicted(_ metric: MeasuredMetric, _ roofline: Roofline) -> Double? {
    let profile = roofline.profile
    guard metric == .timeToFirstToken else { return terms[metric].map(roofline.seconds) }
    guard !firstToken.isEmpty else { return nil }
    let serving = profile.serving ?? ServingBehaviour()
    let token = terms[.timePerOutputToken].map(roofline.seconds) ?? 0
    let queue = waitingPerActive * Double(point.row.generated ?? 0) * token
    return roofline.seconds(firstToken) + serving.firstTokenOverhead.value + queue
      + serving.waitingShare * Double(active) * roofline.seconds([firstToken[0]])
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
