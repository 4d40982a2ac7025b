import Architectures
import Quantities

/// Memory of one training step in float32 elements: NOTATION.md, "Memory of a training step".
///
/// Derivation. A pass forward keeps every result, so that it takes the most at one of its last operations. A pass
/// backward holds the gradients that are begun and not yet used up: the same few for every layer of a stack and for every
/// position of a decoder that is fed its own outputs, so that the first and the last ones of each tell the maximum.
/// Parts of a batch follow one another in the same memory. What kernels borrow for a few rows, what sessions hold
/// besides caches, and the data are left out.
public struct TrainingMemory: Hashable, Sendable {
  /// The line of parameters; their gradients take as much, and the optimiser's moments twice that.
  public let parameters: Int128
  /// The most that a pass under a tape holds in the machine's arena.
  public let activations: Int128
  /// Keys and values of all stacks, which the tape keeps too.
  public let keysAndValues: Int128
  /// The most gradients between operations at a time.
  public let liveGradients: Int128
  /// Memory of the pool that these come from: for each size of a result as many as are ever live together.
  public let pooledGradients: Int128

  /// - Parameters:
  ///   - model: that is trained.
  ///   - settings: context, batch and its parts, and which parts the objective has.
  /// - Throws: `CountOverflow` where a count could exceed 2^126.
  /// - Precondition: a valid model, a context and a batch of at least 1.
  public init(_ model: Model, _ settings: TrainingSettings) throws(CountOverflow) {
    precondition(settings.context > 0 && settings.batch > 0, "a step has sequences of at least one token")
    // Everything that is kept is once written, and the bound counts its bits.
    let run = Workload(
      promptLength: settings.context, generatedLength: settings.context, batchSize: settings.batch)
    guard try CountBound.estimate(Question(model, run, .float32)) < 0x1p123 else { throw .counts }
    let rows = TrainingRows(model, settings)
    var (forward, backward) = (ForwardMemory(), BackwardMemory(rows, settings))
    forward.run(rows)
    backward.run()
    parameters = model.parameterLine
    activations = forward.most
    keysAndValues = rows.keysAndValues
    liveGradients = backward.most
    pooledGradients = backward.pooled
  }

  /// Parameters, their gradients and moments, and all that a step makes.
  /// - Unit: byte
  public var bytes: Int128 { 4 * (4 * parameters + activations + keysAndValues + pooledGradients) }
}

/// How many rows a teacher-forced pass over one part of a batch has.
struct TrainingRows {
  let model: Model
  /// Of the part.
  let sequences: Int128
  /// `T`
  let tokens: Int128

  init(_ model: Model, _ settings: TrainingSettings) {
    self.model = model
    sequences = Int128(settings.batch / settings.microBatches)
    tokens = Int128(settings.context)
  }

  /// Units of one sequence, `M_l`; tokens at level 0.
  func unitsEach(_ level: Int) -> Int128 { tokens / Int128(model.metaContextLength(upTo: level)) }
  func units(_ level: Int) -> Int128 { sequences * unitsEach(level) }

  /// Chunks that decoder l restores of one sequence, the last one even where it is not full.
  func chunksEach(_ level: Int) -> Int128 {
    let span = Int128(model.level(level).span)
    return (tokens + span - 1) / span
  }
  func chunks(_ level: Int) -> Int128 { sequences * chunksEach(level) }

  /// Units that these chunks restore.
  func restored(_ level: Int) -> Int128 { chunks(level) * Int128(model.levels[level].chunkLength) }

  /// Positions of a chunk's window.
  func positions(_ level: Int) -> Int128 {
    Int128(model.levels[level].conditionLength + model.levels[level].chunkLength - 1)
  }

  func width(_ level: Int) -> Int128 { Int128(model.layer(at: level).width) }

  /// Whether decoder l runs position by position, fed its own outputs.
  func unrolls(_ level: Int) -> Bool {
    level > 1 ? model.decoderInput.feedsReconstructions : !model.decoderInput.feedsTokens
  }

  /// Whether encoder l reads all units of the level below, which then are not moved together.
  func readsAll(_ level: Int) -> Bool {
    unitsEach(level - 1) == unitsEach(level) * Int128(model.levels[level].chunkLength)
  }

  /// Keys of one layer of decoder l's windows, or its values.
  func windowElements(_ level: Int) -> Int128 {
    chunks(level) * positions(level) * Int128(model.level(level).below.keyValueWidth)
  }

  /// Keys of one layer of a stack, or its values.
  func entryElements(of stack: Stack) -> Int128 {
    guard stack.persists else { return windowElements(stack.level) }
    return (stack.level == 0 ? sequences * tokens : units(stack.level)) * Int128(stack.shape.keyValueWidth)
  }

  /// Of all stacks and layers.
  var keysAndValues: Int128 {
    model.stacks.reduce(0) { $0 + 2 * Int128($1.layers) * entryElements(of: $1) }
  }
}

/// Elements of memory that begins and ends at whole cache lines.
func wholeLines(_ count: Int128) -> Int128 { (count + 15) / 16 * 16 }

extension LayerShape {
  /// Rows of the gate and up product before its activation.
  var hiddenWidth: Int { (feedForwardKind.matrixCount - 1) * feedForward }

  /// Queries, keys and values side by side.
  var jointWidth: Int { queryWidth + 2 * keyValueWidth }
}

extension Model {
  /// All parameters, each tensor in whole cache lines: NOTATION.md lists the tensors.
  fileprivate var parameterLine: Int128 {
    let width = layer.width
    func tensor(_ rows: Int, _ columns: Int) -> Int128 { wholeLines(Int128(rows) * Int128(columns)) }
    func stack(_ stack: Stack) -> Int128 {
      stack.runs.reduce(tensor(1, stack.width)) { sum, run in
        let shape = run.shape
        let layer =
          2 * tensor(1, shape.width) + tensor(shape.jointWidth, shape.width) + tensor(shape.width, shape.queryWidth)
          + tensor(shape.hiddenWidth, shape.width) + tensor(shape.width, shape.feedForward)
        return sum + Int128(run.layers) * layer
      }
    }
    let tables = tensor(vocabulary, width) * (tiedHead ? 1 : 2)
    switch structure {
    case .stack: return tables + stack(tokenStack)
    case .hierarchy:
      return hierarchy.reduce(tables + tensor(vocabulary, encoderEmbeddingWidth)) { sum, level in
        let (inputs, outputs) = (level.chunkerInputs, level.layer.width)
        let chunker = level.chunker == .concatenation ? 0 : tensor(outputs, inputs) + tensor(1, outputs)
        let chunkerNorm = level.chunker == .linear ? tensor(1, inputs) : 0
        let vectors = level.conditionLength * level.below.width
        let converter = tensor(vectors, outputs) + tensor(1, vectors)
        let start = decoderInput != .cascade || level.isTop ? tensor(1, outputs) : 0
        return sum + chunker + chunkerNorm + converter + start + stack(encoder(at: level.number))
          + stack(decoder(at: level.number))
      }
    }
  }
}
