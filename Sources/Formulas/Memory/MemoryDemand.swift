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
  /// What of them lies in the memory of the host, at its peak.
  /// - Unit: byte
  public var hostBytesPerSequence: Int128 = 0
  /// Prefill's widest activation: the largest sum of one fused operation's input and output over one prompt; sequences
  /// are prefilled one at a time.
  /// - Unit: byte
  public var widestActivationBytes: Int128
  /// What an engine holds of one token of a step between its operations.
  /// - Unit: byte
  public var stepTokenBytes: Double
  /// What caches take of some tokens; nil where that is not the same everywhere.
  public var entries: TokenEntries?

  public init(
    weightBytes: Int128, bytesPerSequence: Int128, hostBytesPerSequence: Int128 = 0, widestActivationBytes: Int128,
    stepTokenBytes: Double = 0, entries: TokenEntries? = nil
  ) {
    self.hostBytesPerSequence = hostBytesPerSequence
    self.weightBytes = weightBytes
    self.bytesPerSequence = bytesPerSequence
    self.widestActivationBytes = widestActivationBytes
    self.stepTokenBytes = stepTokenBytes
    self.entries = entries
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
    self.init(
      fixed: try FixedDemand(question, devices: devices),
      bytesPerSequence: engine.bytesPerSequence(cacheBytes: cache.peakBytes + cache.localPeakBytes, question),
      hostBytesPerSequence: cache.hostPeakBytes)
  }

  /// - Parameters:
  ///   - fixed: what does not depend on how many sequences there are.
  ///   - bytesPerSequence: of one prompt with its continuations.
  ///   - hostBytesPerSequence: of the same, in the memory of the host.
  public init(fixed: FixedDemand, bytesPerSequence: Int128, hostBytesPerSequence: Int128 = 0) {
    self.init(
      weightBytes: fixed.weightBytes, bytesPerSequence: bytesPerSequence, hostBytesPerSequence: hostBytesPerSequence,
      widestActivationBytes: fixed.widestActivationBytes, stepTokenBytes: fixed.stepTokenBytes, entries: fixed.entries)
  }

  /// Memory that `batchSize` prompts and their continuations occupy, beside no engine.
  /// - Unit: byte
  public func occupiedBytes(batchSize: Int128) -> Int128 {
    weightBytes + batchSize * bytesPerSequence + widestActivationBytes
  }

  // MARK: On a machine

  /// Activations: those of the widest operation over one prompt, or what the engine sets aside for its largest step.
  /// - Unit: byte
  public func activationBytes(on profile: HardwareProfile) -> Int128 {
    guard let engine = profile.engine else { return widestActivationBytes }
    return Int128((Double(engine.stepTokens) * stepTokenBytes).rounded(.up))
  }

  /// What the machine has for caches; negative where weights and activations alone do not fit.
  /// - Unit: byte
  public func cacheRoom(on profile: HardwareProfile) -> Int128 {
    let left = profile.usableBytes - Double(weightBytes + activationBytes(on: profile))
    return Int128(((profile.engine?.cacheShare ?? 1) * left).rounded(.down))
  }

  /// What one prompt with its continuations takes, in whole blocks of the engine.
  /// - Unit: byte
  public func bytesPerSequence(on profile: HardwareProfile) -> Int128 {
    guard let engine = profile.engine, let entries, entries.tokens == 1 else { return bytesPerSequence }
    let block = entries.bytes(of: engine.blockTokens)
    return (bytesPerSequence + block - 1) / block * block
  }

  /// Whether a batch fits into what a machine has besides what is reserved.
  public func fits(batchSize: Int128, on profile: HardwareProfile) -> Bool {
    let room = cacheRoom(on: profile)
    return room >= 0 && batchSize * bytesPerSequence(on: profile) <= room
      && profile.hostMemoryBytes.map { batchSize * hostBytesPerSequence <= Int128($0) } ?? true
  }

  /// The most prompts that fit: 0 when not even one does, nil when a sequence needs no memory.
  public func largestBatch(on profile: HardwareProfile) -> Int? {
    let (room, own) = (cacheRoom(on: profile), bytesPerSequence(on: profile))
    if room < 0 { return 0 }
    let onDevice = own > 0 ? Int(clamping: room / own) : nil
    guard hostBytesPerSequence > 0, let host = profile.hostMemoryBytes else { return onDevice }
    let onHost = Int(clamping: Int128(host) / hostBytesPerSequence)
    return onDevice.map { min($0, onHost) } ?? onHost
  }

  /// The tokens of context whose entries fit, of all sequences together and in whole blocks; nil where a token does not
  /// take the same everywhere.
  public func cacheTokens(on profile: HardwareProfile) -> Int128? {
    guard let entries, entries.bits > 0 else { return nil }
    let room = max(0, cacheRoom(on: profile))
    // Blocks of a hierarchy hold whole meta-contexts.
    let tokens = entries.tokens == 1 ? profile.engine?.blockTokens ?? 1 : entries.tokens
    return room / entries.bytes(of: tokens) * Int128(tokens)
  }
}

/// What caches take of the tokens of a meta-context, and so of each token where there is no hierarchy.
public struct TokenEntries: Hashable, Sendable {
  /// - Unit: bit
  public var bits: Int128
  /// Tokens of a meta-context.
  public var tokens: Int

  /// Nil where entries go, or not all are kept as they are: what a token takes then depends on where it stands.
  init?(_ model: Model, _ precision: Precision) {
    guard model.caches.allSatisfy(\.plan.isFull), model.generation == .hierarchical else { return nil }
    tokens = model.metaContextLength
    bits = model.stacks.filter(\.persists).reduce(0) { sum, stack in
      let units = Int128(model.metaContextLength / model.metaContextLength(upTo: stack.level))
      return sum + units * StackCost<Int128>(stack, precision).entryBits
    }
  }

  /// Entries of so many tokens, whole meta-contexts.
  /// - Unit: byte
  func bytes(of count: Int) -> Int128 { Quantities.bytes(bits * Int128(count / tokens)) }
}

/// What a model occupies however many sequences there are.
public struct FixedDemand: Hashable, Sendable {
  let weightBytes, widestActivationBytes: Int128
  let stepTokenBytes: Double
  let entries: TokenEntries?

  /// - Parameters:
  ///   - question: about the share of a model that one device holds.
  ///   - devices: of how many; its maps are divided here.
  /// - Throws: `CountOverflow` where a count could exceed 2^126.
  public init(_ question: Question, devices: Int) throws(CountOverflow) {
    let (model, precision) = (question.model, question.precision)
    weightBytes = bytes(parameters(of: model).memoryBits(precision, devices: devices))
    widestActivationBytes = bytes(
      try widestPrefillActivationBits(model, promptLength: question.workload.promptLength, precision))
    stepTokenBytes = model.stacks.map { model.stepTokenBytes(of: $0, precision) }.max() ?? 0
    entries = TokenEntries(model, precision)
  }
}

extension Model {
  /// What an engine holds of each token of a step while a layer's feed-forward network runs: gate, up and their product,
  /// the residual, its norm and the result, in 16 bits whatever is quantised before products.
  ///
  /// An encoder runs a row for each unit, a decoder R + C − 1 rows for each chunk.
  /// - Source: vllm-project/vllm issue 10517: 2.07 GiB at 20 000 tokens and 2.99 GiB at 29 000 tokens of Llama 3.1 8B are
  ///   111 kB a token, and 2 · (3F + 3D) bytes are 110 592.
  fileprivate func stepTokenBytes(of stack: Stack, _ precision: Precision) -> Double {
    let features = stack.runs.reduce(0) { widest, run in
      max(widest, run.shape.feedForwardKind.matrixCount * run.shape.feedForward + 3 * run.shape.width)
    }
    var rows = 1 / Double(metaContextLength(upTo: stack.level))
    if stack.level > 0, stack.side == .decoder {
      let level = levels[stack.level]
      rows *= Double(level.conditionLength + level.chunkLength - 1)
    }
    return rows * Double(features * max(16, precision.activations.bits)) / 8
  }
}
