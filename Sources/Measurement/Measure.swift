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

  /// - Unit: s
  public func median(_ phase: Phase) -> Double { Statistics.median(self[phase]) }

  /// Half the distance between the quartiles over the median; 0 for one repetition.
  /// - Unit: percent
  public func spreadPercent(_ phase: Phase) -> Double {
    let times = self[phase]
    let width = Statistics.quantile(0.75, of: times) - Statistics.quantile(0.25, of: times)
    return 50 * width / Statistics.median(times)
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
  /// Wall time of each node of a phase: from each dispatch to the next, what happens between kernels included.
  /// - Returns: medians over the repetitions, nodes in ascending order.
  public func measureNodes(
    _ workload: Workload, repetitions: Int, warmup: Int
  ) -> [Phase: [(node: Node, seconds: Double)]] {
    let prompts = prompts(workload)
    defer { machine.trace = nil }
    var traces: [Trace] = []
    for repetition in 0..<(warmup + repetitions) {
      let trace = Trace(levelCount: model.levelCount, precision: .float32, timesOperations: true)
      machine.trace = trace
      let session = makeSession(weights, workload: workload, machine: machine)
      session.prefill(prompts)
      _ = session.generate()
      trace.stop()
      if repetition >= warmup { traces.append(trace) }
    }
    var result: [Phase: [(node: Node, seconds: Double)]] = [:]
    for phase in Phase.allCases {
      result[phase] = traces[0].nodes(phase).map { entry in
        (entry.node, Statistics.median(traces.map { $0.time(phase, at: entry.node) / .seconds(1) }))
      }
    }
    return result
  }
}
