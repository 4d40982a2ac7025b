import Architectures
import GSL
import Quantities
import Reference
import Tensors

/// Executed runs of one workload.
public struct Measurement: Hashable, Sendable {
  public var workload: Workload
  /// Wall time of each counted repetition.
  /// - Unit: s
  public var prefillSeconds: [Double]
  /// All generated tokens of each counted repetition.
  /// - Unit: s
  public var decodeSeconds: [Double]
  /// What the caches held; the same in every repetition.
  public var cache: CacheFigures

  public init(workload: Workload, prefillSeconds: [Double], decodeSeconds: [Double], cache: CacheFigures) {
    self.workload = workload
    self.prefillSeconds = prefillSeconds
    self.decodeSeconds = decodeSeconds
    self.cache = cache
  }

  public subscript(phase: Phase) -> [Double] { phase == .prefill ? prefillSeconds : decodeSeconds }

  /// - Unit: s
  public func median(_ phase: Phase) -> Double { Statistics.median(self[phase]) }

  /// Half the distance between the quartiles over the median; 0 for one repetition.
  /// - Unit: percent
  public func spreadPercent(_ phase: Phase) -> Double {
    let times = self[phase]
    let width = Statistics.quantile(0.75, of: times) - Statistics.quantile(0.25, of: times)
    return 50 * width / Statistics.median(times)
  }

  /// Tokens generated in a second, of all sequences; nil where none is generated.
  public var tokensPerSecond: Rate<Token>? {
    let tokens = workload.batchSize * workload.continuations * workload.generatedLength
    return tokens == 0 ? nil : Rate(Double(tokens) / median(.decode))
  }
}

/// A model in memory, ready to run workloads on this machine's fast kernels.
public final class MeasuredModel {
  public let model: Model
  private let weights: ModelWeights
  private let machine = Machine(backend: .fast)

  /// - Parameter threads: of the kernels, for every model from now on.
  public init(_ model: Model, seed: UInt64, threads: Int) {
    self.model = model
    setKernelThreads(threads)
    weights = ModelWeights(model, seed: seed, holdsNumbers: true)
  }

  /// Runs a workload `warmup` times and then `repetitions` times, on prompts drawn from the seed.
  /// - Precondition: a valid workload for the model; at least one repetition.
  public func measure(_ workload: Workload, repetitions: Int, warmup: Int, seed: UInt64) -> Measurement {
    let stream = RandomStream(seed: seed, name: "prompts")
    let prompts = (0..<workload.batchSize).map { _ in
      (0..<workload.promptLength).map { _ in Int32(stream.integer(in: 0..<model.vocabulary)) }
    }
    var (prefill, decode): ([Double], [Double]) = ([], [])
    var cache: CacheFigures?
    for repetition in 0..<(warmup + repetitions) {
      let session = makeSession(weights, workload: workload, machine: machine)
      let first = seconds { session.prefill(prompts) }
      let second = seconds { _ = session.generate() }
      guard repetition >= warmup else { continue }
      prefill.append(first)
      decode.append(second)
      cache = session.memory.figures
    }
    guard let cache else { preconditionFailure("a measurement without repetitions") }
    return Measurement(workload: workload, prefillSeconds: prefill, decodeSeconds: decode, cache: cache)
  }
}

/// Measures one workload of one model.
/// - Parameter threads: of the kernels.
public func measure(
  _ model: Model, _ workload: Workload, threads: Int, repetitions: Int = 5, warmup: Int = 1, seed: UInt64 = 1
) -> Measurement {
  MeasuredModel(model, seed: seed, threads: threads).measure(
    workload, repetitions: repetitions, warmup: warmup, seed: seed)
}
