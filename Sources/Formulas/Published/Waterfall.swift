import Architectures
import Foundation
import Hardware
import Quantities

/// A ratio as a product of factors, each with the name of what causes it.
public struct Waterfall: Hashable, Sendable {
  /// One factor of the ratio.
  public struct Step: Hashable, Sendable {
    /// What causes it, such as `cache`.
    public var name: String
    /// By which the second value is larger on its account; 1 where it changes nothing.
    public var factor: Double

    public init(_ name: String, _ factor: Double) {
      self.name = name
      self.factor = factor
    }
  }

  /// What is compared, with its unit as the last part of its name.
  public var figure: String
  /// The value that the ratio starts from.
  public var first: Double
  /// The value that it ends at.
  public var second: Double
  /// In an order that changes none of them.
  public var steps: [Step]

  public init(figure: String, first: Double, second: Double, steps: [Step]) {
    self.figure = figure
    self.first = first
    self.second = second
    self.steps = steps
  }

  /// Second over first.
  public var ratio: Double { second / first }
  /// The factors multiplied; the ratio up to rounding.
  public var product: Double { steps.reduce(1) { $0 * $1.factor } }
  /// The share of the ratio's logarithm that a factor makes; all shares add up to 1.
  public func share(_ factor: Double) -> Double { log(factor) / log(ratio) }
}

/// One side of a comparison: a workload of a model on a machine and an engine.
public struct ComparedPoint: Sendable {
  /// What is asked; its batch is replaced by `batch` where memory limits it.
  public var question: Question
  /// The machine with its engine.
  public var roofline: Roofline
  /// Of the whole model, however many devices share it.
  public var memory: MemoryDemand
  /// Persistent caches of one prompt at their peak.
  /// - Unit: byte
  public var cacheBytes: Int128
  /// Local windows of one prompt at their peak.
  /// - Unit: byte
  public var windowBytes: Int128
  /// The largest batch that fits; the workload's own where none fits or a sequence needs no memory.
  public var batch: Int
  /// Whether one prompt fits into the memory.
  public var fits: Bool
  /// How the question's own batch fills each device.
  public var use: MemoryUse

  /// - Throws: `HardwareError`, `CountOverflow`
  public init(_ question: Question, on profile: HardwareProfile, engine: Engine = .ideal) throws {
    self.question = question
    roofline = try Roofline(profile, question.precision, engine)
    memory = try MemoryDemand(question, engine: engine)
    var pricer = Pricer()
    let cache = try pricer.price(question.with(batchSize: 1)).cache
    cacheBytes = cache.peakBytes
    windowBytes = cache.localPeakBytes
    let share = try MemoryDemand(question, devices: profile.devices, engine: engine)
    use = MemoryUse(share, batchSize: question.workload.batchSize, on: profile)
    let largest = use.largestBatch
    fits = largest != 0
    batch = largest.flatMap { $0 > 0 ? $0 : nil } ?? question.workload.batchSize
  }

  /// Prefill and decode of a batch, by cause.
  func causes(batch: Int) -> TimeByCause {
    let dispatched = DispatchedWorkload(
      question.with(batchSize: batch), devices: roofline.profile.devices)
    var sum = roofline.causes(dispatched.prefill)
    sum += roofline.causes(dispatched.decode)
    return sum
  }

  /// Tokens that one prompt's continuations emit.
  var tokens: Double { Double(question.workload.continuations) * Double(question.workload.generatedLength) }

  /// Tokens per second at a batch; whether the batch fits does not matter here.
  /// - Unit: token/s
  public func throughput(batch: Int) -> Double { Double(batch) * tokens / causes(batch: batch).total.value }

  /// - Unit: token/s/GiB
  public var throughputPerSampleGibibyte: Double { throughput(batch: batch) / gibibytes(memory.bytesPerSequence) }
}

/// What makes a second point slower, faster, smaller or larger than a first: time, throughput, TPM and memory as
/// products of factors.
///
/// A time T is the sum of its causes, and with the logarithmic mean L(a, b) = (b − a) / ln(b / a) a ratio of two sums is
/// the product of exp((bᵢ − aᵢ) / L(a, b)): the exponents add up to (b − a) / L(a, b) = ln(b / a). No order of the causes
/// enters, a cause that one side does not have needs no exception, and a cause that takes as long on both sides has
/// factor 1. Throughput is compared at the first point's batch, then the second one's batch changes to what its memory
/// allows.
/// - Source: B. W. Ang, "The LMDI approach to decomposition analysis", Energy Policy 33 (2005), for the logarithmic mean
public struct PointComparison: Sendable {
  /// Prefill and decode of the whole batch; nil where one side takes no time, or longer than a number can hold.
  public var time: Waterfall?
  /// At the largest batch of each side; nil where nothing is emitted, not even one prompt fits, or a time is no number.
  public var throughput: Waterfall?
  /// Throughput over memory per sequence (TPM); nil where one of the two is.
  public var throughputPerGibibyte: Waterfall?
  /// Of one more sequence; nil where one side needs none.
  public var memory: Waterfall?

  /// How the own batch of each side fills its devices.
  public let uses: (first: MemoryUse, second: MemoryUse)

  /// Whether a time was not compared because it leaves what a number can hold.
  public var leavesNumbers = false

  /// Those that exist: nothing has a throughput without emitted tokens or where it does not fit, or memory without caches.
  public var waterfalls: [Waterfall] { [time, throughput, throughputPerGibibyte, memory].compactMap { $0 } }

  public init(_ first: ComparedPoint, _ second: ComparedPoint) {
    uses = (first.use, second.use)
    let own = (
      first.causes(batch: first.question.workload.batchSize), second.causes(batch: second.question.workload.batchSize)
    )
    leavesNumbers = own.0.total > .zero && own.1.total > .zero && !areComparable(own.0, own.1)
    if areComparable(own.0, own.1) {
      time = Waterfall(
        figure: "time_s", first: own.0.total.value, second: own.1.total.value, steps: causeSteps(own.0, own.1))
    }
    if first.memory.bytesPerSequence > 0, second.memory.bytesPerSequence > 0 {
      memory = memoryWaterfall(first, second)
    }
    guard first.tokens > 0, second.tokens > 0, first.fits, second.fits else { return }
    let atFirst = (first.causes(batch: first.batch), second.causes(batch: first.batch))
    guard areComparable(atFirst.0, atFirst.1), second.causes(batch: second.batch).total.value.isFinite else { return }
    let rates = (first.throughput(batch: first.batch), second.throughput(batch: second.batch))
    var steps = causeSteps(atFirst.1, atFirst.0)
    if first.tokens != second.tokens { steps.append(.init("tokens per prompt", second.tokens / first.tokens)) }
    steps.append(.init("batch", rates.1 / second.throughput(batch: first.batch)))
    throughput = Waterfall(figure: "throughput_tokens_per_s", first: rates.0, second: rates.1, steps: steps)
    guard let memory else { return }
    steps.append(.init("memory again", 1 / memory.ratio))
    throughputPerGibibyte = Waterfall(
      figure: "tpm_tokens_per_s_per_gib", first: first.throughputPerSampleGibibyte,
      second: second.throughputPerSampleGibibyte, steps: steps)
  }
}

/// `(b − a) / ln(b / a)`, the logarithmic mean of two positive numbers.
func logarithmicMean(_ a: Double, _ b: Double) -> Double {
  let growth = (b - a) / a
  return growth == 0 ? a : a * growth / log1p(growth)
}

/// Whether both times are numbers above 0, and far enough from the largest and the smallest that their factors are too.
private func areComparable(_ first: TimeByCause, _ second: TimeByCause) -> Bool {
  [first.total.value, second.total.value].allSatisfy { (1e-150...1e150).contains($0) }
}

/// The factors of `to / from`, cause by cause.
private func causeSteps(_ from: TimeByCause, _ to: TimeByCause) -> [Waterfall.Step] {
  let mean = logarithmicMean(from.total.value, to.total.value)
  return TimeCause.allCases.filter { $0 != .link || from.link + to.link > .zero }.map {
    .init($0.rawValue, exp((to[$0].value - from[$0].value) / mean))
  }
}

private func memoryWaterfall(_ first: ComparedPoint, _ second: ComparedPoint) -> Waterfall {
  func parts(_ point: ComparedPoint) -> [Double] {
    let (cache, windows) = (Double(point.cacheBytes), Double(point.windowBytes))
    return [cache, windows, Double(point.memory.bytesPerSequence) - cache - windows]
  }
  let (from, to) = (parts(first), parts(second))
  let sizes = (Double(first.memory.bytesPerSequence), Double(second.memory.bytesPerSequence))
  let mean = logarithmicMean(sizes.0, sizes.1)
  return Waterfall(
    figure: "memory_per_prompt_bytes", first: sizes.0, second: sizes.1,
    steps: ["cache", "local windows", "engine"].enumerated().map { index, name in
      .init(name, exp((to[index] - from[index]) / mean))
    })
}
