import Architectures
import Quantities

/// The dispatched operations of a workload: prefill, decode, and the emission of the first token.
///
/// The lists are as long as the model is deep; P, G, batch and K are numbers in them. Their sums are the counts of the
/// closed forms, which are derived without them.
public struct DispatchedWorkload: Hashable, Sendable {
  /// The prompt of every sequence, in parallel.
  public var prefill: DispatchedPhase
  /// All emitted tokens, one by one.
  public var decode: DispatchedPhase
  /// The head once, and the converters and condition passes that the first token opens; a part of decode.
  public var emission: DispatchedPhase

  /// - Parameters:
  ///   - question: a model of any family, its whole batch, and the element types of its traffic.
  ///   - devices: how many share the model; the operations are those of each.
  /// - Precondition: a valid model and workload; recursive generation has at least two levels; heads that divide over
  ///   the devices.
  public init(_ question: Question, devices: Int = 1) {
    let chain = DispatchChain(question.asked(of: question.model.share(of: devices)), devices: devices)
    switch question.model.structure {
    case .stack: (prefill, decode) = (chain.vanillaPrefill(), chain.vanillaDecode())
    case .hierarchy: (prefill, decode) = (chain.prefill(), chain.decode())
    }
    emission = chain.emission()
  }
}

/// One workload on one model: states and sequence counts that every phase refers to.
struct DispatchChain {
  /// What one device computes of the model; its maps between widths compute 1/devices of their outputs.
  let model: Model
  let precision: Precision
  let devices: Double
  let prompt: Int
  let end: Int
  let generated: Int
  /// Sequences in prefill, and sequences with their continuations in decode.
  let batch: Double
  let sequences: Double
  /// `B`, and the meta-contexts at which chunk-parallel decoding starts (rounded up from the prompt) and how many follow.
  let metaContext: Int
  let firstWhole: Int
  let parallel: Int

  init(_ question: Question, devices: Int) {
    self.devices = Double(devices)
    self.model = question.model
    self.precision = question.precision
    prompt = question.workload.promptLength
    generated = question.workload.generatedLength
    end = prompt + generated
    batch = Double(question.workload.batchSize)
    sequences = batch * Double(question.workload.continuations)
    metaContext = question.model.metaContextLength
    firstWhole = (prompt + metaContext - 1) / metaContext
    let sideBySide = question.model.decoderInput.feedsReconstructions || question.model.generation == .recursive
    parallel = question.model.isHierarchy && sideBySide ? max(0, end / metaContext - firstWhole) : 0
  }

  /// `E`: where recursive generation drops the caches of the lower levels.
  var dropAt: Int { firstWhole * metaContext }

  func encoder(_ level: Int) -> TimedStack {
    let shape = model.levels[level]
    return TimedStack(level, .encoder, shape.layer, layers: shape.encoderLayers)
  }

  func decoder(_ level: Int) -> TimedStack {
    TimedStack(level, .decoder, model.layer(at: level - 1), layers: model.levels[level].decoderLayers)
  }

  // MARK: Vanilla

  var vanillaStack: TimedStack { TimedStack(0, .decoder, model.layer, layers: model.layers) }

  func vanillaPrefill() -> DispatchedPhase {
    var builder = DispatchBuilder(model, precision, devices: devices)
    let keys = Double(prompt)
    builder.appendEmbedding(
      Node(0, .decoder, .embedding), rows: batch * keys, dispatches: 1, width: Double(model.layer.width))
    vanillaStack.append(
      Passes(
        rows: batch * keys, pairs: Affine(batch * causalPairs(keys)), entriesRead: Affine(batch * keys),
        attention: .attentionPrefill), to: &builder)
    vanillaStack.addResident(entries: batch * keys, to: &builder)
    addHeadResident(to: &builder)
    return builder.phase(steps: 1, reusedByRank: false)
  }

  func vanillaDecode() -> DispatchedPhase {
    var builder = DispatchBuilder(model, precision, devices: devices)
    let tokens = Double(generated)
    builder.appendEmbedding(
      Node(0, .decoder, .embedding), rows: sequences, dispatches: tokens, width: Double(model.layer.width))
    let keys = sequences * Affine(Double(prompt + 1), slope: 1)
    vanillaStack.append(Passes(rows: sequences, count: tokens, pairs: keys, entriesRead: keys), to: &builder)
    vanillaStack.addResident(entries: batch * Double(prompt) + sequences * tokens, to: &builder)
    appendHead(to: &builder, rows: sequences, dispatches: tokens)
    addHeadResident(to: &builder)
    return builder.phase(steps: tokens, reusedByRank: true)
  }

  // MARK: Maps

  func appendHead(to builder: inout DispatchBuilder, rows: Double, dispatches: Double) {
    let width = Double(model.layer.width)
    let vocabulary = Double(model.vocabulary)
    builder.appendProduct(
      Node(0, .decoder, .head), rows: rows, dispatches: dispatches, inputs: width, outputs: vocabulary,
      extraWeights: width, elementwisePerRow: 4 * width + 4, activationsPerRow: width + vocabulary,
      gatheredPerRow: devices * vocabulary)
  }

  func addHeadResident(to builder: inout DispatchBuilder) {
    let weights = Double(model.layer.width) * Double(model.vocabulary + 1)
    builder.addResident(weights * builder.weightBytes, at: Node(0, .decoder, .head))
  }

  /// One dispatch of `chunks` condition vectors.
  func appendConverter(_ level: Int, to builder: inout DispatchBuilder, chunks: Double, dispatches: Double) {
    let inputs = Double(model.levels[level].layer.width)
    let outputs = Double(model.levels[level].conditionLength * model.layer(at: level - 1).width) / devices
    builder.appendProduct(
      Node(level, .decoder, .converter), rows: chunks, dispatches: dispatches, inputs: inputs, outputs: outputs,
      extraWeights: outputs, elementwisePerRow: outputs, activationsPerRow: inputs + outputs,
      gatheredPerRow: devices * outputs)
  }

  /// What feeds encoder `level`: at level 1 the embedding rows, then the chunker unless it is a view.
  func appendChunker(_ level: Int, to builder: inout DispatchBuilder, units: Double, dispatches: Double) {
    let shape = model.levels[level]
    let inputWidth = level == 1 ? model.encoderEmbeddingWidth : model.levels[level - 1].layer.width
    let inputs = Double(shape.chunkLength * inputWidth)
    let outputs = Double(shape.layer.width) / devices
    if level == 1 {
      builder.appendEmbedding(
        Node(0, .encoder, .embedding), rows: units * Double(shape.chunkLength), dispatches: dispatches,
        width: Double(inputWidth))
    }
    guard shape.chunker != .concatenation else { return }
    let normed = shape.chunker == .linear ? inputs : 0
    builder.appendProduct(
      Node(level, .encoder, .chunker), rows: units, dispatches: dispatches, inputs: inputs, outputs: outputs,
      extraWeights: outputs + normed, elementwisePerRow: outputs + (normed > 0 ? 4 * normed + 4 : 0),
      activationsPerRow: inputs + outputs, gatheredPerRow: devices * outputs)
  }

  func addMapsResident(_ level: Int, to builder: inout DispatchBuilder) {
    let shape = model.levels[level]
    let inputWidth = level == 1 ? model.encoderEmbeddingWidth : model.levels[level - 1].layer.width
    let chunker = shape.chunker == .concatenation ? 0 : shape.chunkLength * inputWidth * shape.layer.width
    let converter = shape.layer.width * shape.conditionLength * model.layer(at: level - 1).width
    builder.addResident(
      Double(chunker + converter) / devices * builder.weightBytes, at: Node(level, .encoder, .chunker))
  }

  // MARK: Prefill

  func prefill() -> DispatchedPhase {
    var builder = DispatchBuilder(model, precision, devices: devices)
    var firstCarried = 1
    for level in 1...model.levelCount {
      let span = model.metaContextLength(upTo: level)
      let units = Double(prompt / span)
      if units > 0 {
        appendChunker(level, to: &builder, units: batch * units, dispatches: 1)
        encoder(level).append(
          Passes(
            rows: batch * units, pairs: Affine(batch * causalPairs(units)), entriesRead: Affine(batch * units),
            attention: .attentionPrefill), to: &builder)
        encoder(level).appendNorm(rows: batch * units, dispatches: 1, to: &builder)
      }
      // Between two prefills the whole model runs.
      encoder(level).addResident(entries: batch * units, to: &builder)
      decoder(level).addResident(entries: 0, to: &builder)
      addMapsResident(level, to: &builder)
      let carried = carriedChunks(level, closed: prompt / span, &firstCarried)
      appendOpenChunks(level, carried: carried, to: &builder)
    }
    addHeadResident(to: &builder)
    return builder.phase(steps: 1, reusedByRank: false)
  }

  /// Closed chunks that decoder `level` runs so that the reconstructions which open chunks do not hold exist.
  private func carriedChunks(_ level: Int, closed: Int, _ first: inout Int) -> Int {
    guard level > 1 else {
      first = closed + 1
      return 0
    }
    guard model.decoderInput.feedsReconstructions else { return 0 }
    let length = model.levels[level].chunkLength
    first = min(closed + 1, (max(first - 1, 1) + length - 1) / length)
    return closed + 1 - first
  }

  /// Open and carried chunks of a decoder, all together: one pass if their inputs are known, else unit by unit.
  private func appendOpenChunks(_ level: Int, carried: Int, to builder: inout DispatchBuilder) {
    let shape = model.levels[level]
    let span = model.metaContextLength(upTo: level)
    let isOpen = prompt % span != 0 && !(level > 1 && model.decoderInput == .encoderState)
    let open = isOpen ? 1 : 0
    guard carried + open > 0 else { return }
    let chunks = batch * Double(carried + open)
    let fed = isOpen ? prompt / (span / shape.chunkLength) % shape.chunkLength : 0
    let stack = decoder(level)
    appendConverter(level, to: &builder, chunks: chunks, dispatches: 1)

    let feedsItself = level == 1 ? !model.decoderInput.feedsTokens : model.decoderInput.feedsReconstructions
    let condition = shape.conditionLength
    guard feedsItself else {
      let rows = Double(condition + fed)
      let pairs = Affine(batch * causalPairs(rows))
      if level == 1 {
        builder.appendEmbedding(
          Node(0, .decoder, .embedding), rows: batch * Double(fed), dispatches: fed > 0 ? 1 : 0,
          width: Double(model.layer.width))
      }
      stack.append(Passes(rows: batch * rows, pairs: pairs, entriesRead: pairs), to: &builder)
      if level > 1 { stack.appendNorm(rows: batch * rows, dispatches: 1, to: &builder) }
      return
    }
    appendCondition(level, chunks: chunks, times: 1, to: &builder)
    appendFed(level, chunks: chunks, times: 1, from: 1, through: fed, to: &builder)
    let last = carried > 0 ? shape.chunkLength - 1 : 0
    appendFed(level, chunks: batch * Double(carried), times: 1, from: fed + 1, through: last, to: &builder)
  }
}

/// `n(n+1)/2`: keys attended by positions 1 … n, each its own included.
func causalPairs(_ count: Double) -> Double { count * (count + 1) / 2 }
