import Architectures
import GSL
import Quantities
import Reference
import Tensors

/// Executed runs of one workload.
public struct Measurement: Hashable, Sendable {
  /// What ran.
  public var workload: Workload
  /// Wall time of each counted repetition.
  /// - Unit: s
  public var prefillSeconds: [Double]
  /// All generated tokens of each counted repetition.
  /// - Unit: s
  public var decodeSeconds: [Double]
  /// What the caches held; the same in every repetition.
  public var cache: CacheFigures

  /// Times are in s, one per repetition.
  public init(workload: Workload, prefillSeconds: [Double], decodeSeconds: [Double], cache: CacheFigures) {
    self.workload = workload
    self.prefillSeconds = prefillSeconds
    self.decodeSeconds = decodeSeconds
    self.cache = cache
  }

  /// The times of one phase.
  /// - Unit: s
  public subscript(phase: Phase) -> [Double] { phase == .prefill ? prefillSeconds : decodeSeconds }

  /// Adds the repetitions of another run of the same workload.
  public mutating func append(_ other: Measurement) {
    precondition(other.workload == workload && other.cache == cache, "repetitions of another workload")
    prefillSeconds += other.prefillSeconds
    decodeSeconds += other.decodeSeconds
  }

  /// How often it ran.
  public var repetitions: Int { max(prefillSeconds.count, decodeSeconds.count) }

  /// - Unit: s
  public func median(_ phase: Phase) -> Double { Statistics.median(self[phase]) }

  /// Half the distance between the quartiles over the median; 0 for one repetition.
  /// - Unit: percent
  public func spreadPercent(_ phase: Phase) -> Double { Statistics.spreadPercent(self[phase]) }
}

/// Wall time of every node of a workload, from each dispatch to the next, what happens between kernels included.
public struct NodeTimes: Sendable {
  /// One per repetition.
  /// - Unit: s
  private var seconds: [Phase: [Node: [Double]]] = [:]

  public init() {}

  fileprivate init(_ trace: Trace, of model: Model) {
    for phase in Phase.allCases {
      for index in 0..<Node.tableSize(levelCount: model.levelCount) {
        let node = Node(index: index)
        let time = trace.time(phase, at: node)
        if time > .zero { seconds[phase, default: [:]][node] = [time / .seconds(1)] }
      }
    }
  }

  /// Adds the repetitions of another run of the same workload.
  public mutating func append(_ other: NodeTimes) {
    for (phase, nodes) in other.seconds {
      for (node, times) in nodes { seconds[phase, default: [:]][node, default: []] += times }
    }
  }

  /// The nodes that ran in a phase, in ascending order.
  public func nodes(_ phase: Phase) -> [Node] { (seconds[phase] ?? [:]).keys.sorted { $0.index < $1.index } }

  /// The median of a node; 0 where it did not run.
  /// - Unit: s
  public func median(_ phase: Phase, _ node: Node) -> Double {
    (seconds[phase]?[node]).map { Statistics.median($0) } ?? 0
  }
}

/// A model in memory, ready to run workloads on this machine's fast kernels.
public final class MeasuredModel {
  /// Whose weights are in memory.
  public let model: Model
  private let weights: ModelWeights
  private let seed: UInt64
  private let machine = Machine(backend: .fast)

  /// - Parameters:
  ///   - model: of any family; its weights are allocated in float32.
  ///   - seed: of the weights, and of the prompts of every run.
  ///   - threads: of the kernels, for every model from now on.
  public init(_ model: Model, seed: UInt64, threads: Int) {
    self.model = model
    self.seed = seed
    setKernelThreads(threads)
    weights = ModelWeights(model, seed: seed, holdsNumbers: true)
  }

  /// Runs a workload once, on prompts drawn from the seed.
  /// - Precondition: a valid workload for the model.
  public func run(_ workload: Workload) -> Measurement {
    let session = makeSession(weights, workload: workload, machine: machine)
    let prompts = prompts(workload)
    let prefill = seconds { session.prefill(prompts) }
    let decode = seconds { _ = session.generate() }
    return Measurement(
      workload: workload, prefillSeconds: [prefill], decodeSeconds: [decode], cache: session.memory.figures)
  }

  private func prompts(_ workload: Workload) -> [[Int32]] {
    let stream = RandomStream(seed: seed, name: "prompts")
    return (0..<workload.batchSize).map { _ in
      (0..<workload.promptLength).map { _ in Int32(stream.integer(in: 0..<model.vocabulary)) }
    }
  }
}

extension MeasuredModel {
  /// Runs a workload once with a clock read at every dispatch, which counts nothing else: some 50 ns each.
  /// - Parameters:
  ///   - workload: valid for the model.
  ///   - probe: what is left out; nil for whole operations.
  public func timeNodes(_ workload: Workload, probe: Probe? = nil) -> NodeTimes {
    let trace = Trace(levelCount: model.levelCount, precision: .float32, counts: false, timesOperations: true)
    (machine.trace, machine.probe) = (trace, probe)
    defer { (machine.trace, machine.probe) = (nil, nil) }
    let session = makeSession(weights, workload: workload, machine: machine)
    session.prefill(prompts(workload))
    _ = session.generate()
    trace.stop()
    return NodeTimes(trace, of: model)
  }
}
