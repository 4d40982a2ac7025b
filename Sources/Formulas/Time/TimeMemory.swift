import Architectures
import Hardware
import Quantities

/// The memory that a model needs at a batch: what is there once, and what each sequence adds.
public struct MemoryDemand: Hashable, Sendable {
  /// - Unit: byte
  public var weightBytes: Int128
  /// Persistent caches at their peak and local windows at theirs, of one prompt with its continuations.
  /// - Unit: byte
  public var bytesPerSequence: Int128
  /// Prefill's widest activation: the largest sum of one fused operation's input and output over one prompt; sequences
  /// are prefilled one at a time.
  /// - Unit: byte
  public var widestActivationBytes: Int128

  public init(weightBytes: Int128, bytesPerSequence: Int128, widestActivationBytes: Int128) {
    self.weightBytes = weightBytes
    self.bytesPerSequence = bytesPerSequence
    self.widestActivationBytes = widestActivationBytes
  }

  /// The demand of a workload, whatever its batch.
  /// - Parameters:
  ///   - question: what is held; its batch does not matter.
  ///   - devices: how many share the model; the demand is that of each.
  ///   - engine: what it holds besides, such as copies of caches.
  /// - Throws: `CountOverflow` where a count could exceed 2^126.
  public init(_ question: Question, devices: Int = 1, engine: Engine = .ideal) throws(CountOverflow) {
    let question = question.asked(of: question.model.share(of: devices))
    var pricer = Pricer()
    let cache = try pricer.price(question.with(batchSize: 1)).cache
    let activation = try widestPrefillActivationBits(
      question.model, promptLength: question.workload.promptLength, question.precision)
    self.init(
      weightBytes: bytes(parameters(of: question.model).memoryBits(question.precision, devices: devices)),
      bytesPerSequence: engine.bytesPerSequence(
        cacheBytes: cache.peakBytes + cache.localPeakBytes, question),
      widestActivationBytes: bytes(activation))
  }

  /// Memory that `batchSize` prompts and their continuations occupy.
  /// - Unit: byte
  public func occupiedBytes(batchSize: Int128) -> Int128 {
    weightBytes + batchSize * bytesPerSequence + widestActivationBytes
  }

  /// Whether a batch fits into what a machine has besides its reserve.
  public func fits(batchSize: Int128, on profile: HardwareProfile) -> Bool {
    Double(occupiedBytes(batchSize: batchSize)) <= profile.usableBytes
  }

  /// The most prompts that fit: 0 when not even one does, nil when a sequence needs no memory.
  public func largestBatch(on profile: HardwareProfile) -> Int? {
    guard fits(batchSize: 1, on: profile) else { return 0 }
    guard bytesPerSequence > 0 else { return nil }
    var batchSize = (Int128(profile.usableBytes) - weightBytes - widestActivationBytes) / bytesPerSequence
    while fits(batchSize: batchSize + 1, on: profile) { batchSize += 1 }
    while !fits(batchSize: batchSize, on: profile) { batchSize -= 1 }
    return Int(clamping: batchSize)
  }
}
