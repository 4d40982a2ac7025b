import Architectures
import Quantities

/// Arithmetic of one training step, forward and backward, by node: NOTATION.md, "Work of an operation" and "Work of a
/// gradient". The objective and the optimiser are not counted.
///
/// Derivation. The teacher-forced pass runs M_l = ⌊T/C_{≤l}⌋ units of every encoder and ⌈T/C_{≤l}⌉ chunks of every
/// decoder, each over R_l + C_l − 1 positions of its window, in one pass or position by position: the (query, key) pairs
/// are the same. A gradient is counted for what the objective depends on, `TrainingReach`. Every count is proportional to
/// the sequences, so it does not matter in how many parts a batch is run.
public struct TrainingCost: Sendable {
  /// By `Node.index`.
  private var nodes: [(forward: Work<Int128>, backward: Work<Int128>)]
  /// Sums over all nodes.
  public private(set) var forward = Work<Int128>.zero
  /// The sum over the gradients of all nodes.
  public private(set) var backward = Work<Int128>.zero

  /// - Parameters:
  ///   - model: whose passes are counted, forward and backward.
  ///   - settings: context, batch, and which parts the objective has.
  /// - Throws: `CountOverflow` where a count could exceed 2^126.
  /// - Precondition: a valid model, a context and a batch of at least 1.
  public init(_ model: Model, _ settings: TrainingSettings) throws(CountOverflow) {
    precondition(settings.context > 0 && settings.batch > 0, "a step has sequences of at least one token")
    // Every gradient is at most four times its operation, the vocabulary product of every position included.
    let run = Workload(
      promptLength: settings.context, generatedLength: settings.context, batchSize: settings.batch)
    guard try CountBound.estimate(Question(model, run, .float32)) < 0x1p123 else { throw .counts }
    nodes = Array(repeating: (.zero, .zero), count: Node.tableSize(levelCount: model.levelCount))
    let (tokens, batch) = (Int128(settings.context), Int128(settings.batch))
    switch model.structure {
    case .stack:
      book(Node(0, .decoder, .embedding), batch * tokens, .embedding(width: model.layer.width))
      bookStack(0, .decoder, model.layer, model.layers, rows: batch * tokens, pairs: batch * triangle(tokens))
    case .hierarchy:
      let reach = TrainingReach(model, settings)
      for level in 1...model.levelCount {
        bookEncoder(level, of: model, tokens: tokens, batch: batch, isReached: reach.encoders[level])
        bookDecoder(level, of: model, tokens: tokens, batch: batch, isReached: reach.decoders[level])
      }
    }
    book(
      Node(0, .decoder, .head), batch * tokens,
      .map(inputs: model.layer.width, outputs: model.vocabulary, bias: false, inputNorm: true))
  }

  /// Arithmetic of a step at a node; only the FLOP of `Work` are counted.
  public func work(at node: Node) -> (forward: Work<Int128>, backward: Work<Int128>) {
    node.index < nodes.count ? nodes[node.index] : (.zero, .zero)
  }

  /// Both directions of the whole step, element-wise work included.
  /// - Unit: FLOP
  public var flops: Int128 {
    forward.matmulFlops + forward.elementwiseFlops + backward.matmulFlops + backward.elementwiseFlops
  }

  // MARK: Booking

  private mutating func book(_ node: Node, _ count: Int128, _ cost: GradientCost, isReached: Bool = true) {
    let work = (cost.forward(count), isReached ? cost.backward(count) : .zero)
    nodes[node.index].forward += work.0
    nodes[node.index].backward += work.1
    forward += work.0
    backward += work.1
  }

  private mutating func bookStack(
    _ level: Int, _ side: Side, _ shape: LayerShape, _ layers: Int, rows: Int128, pairs: Int128, isReached: Bool = true
  ) {
    let layers = Int128(layers)
    book(Node(level, side, .projections), layers * rows, .projections(shape), isReached: isReached)
    book(Node(level, side, .attention), layers * pairs, .pair(shape), isReached: isReached)
    book(Node(level, side, .feedForward), layers * rows, .feedForward(shape), isReached: isReached)
  }

  private mutating func bookEncoder(_ level: Int, of model: Model, tokens: Int128, batch: Int128, isReached: Bool) {
    let shape = model.levels[level]
    let units = tokens / Int128(model.metaContextLength(upTo: level))
    let rows = batch * units
    if level == 1 {
      book(
        Node(0, .encoder, .embedding), rows * Int128(shape.chunkLength),
        .embedding(width: model.encoderEmbeddingWidth), isReached: isReached)
    }
    if shape.chunker != .concatenation {
      book(
        Node(level, .encoder, .chunker), rows,
        .map(
          inputs: model.chunkerInputs(at: level), outputs: shape.layer.width, bias: true,
          inputNorm: shape.chunker == .linear), isReached: isReached)
    }
    bookStack(
      level, .encoder, shape.layer, shape.encoderLayers, rows: rows, pairs: batch * triangle(units),
      isReached: isReached)
    book(Node(level, .encoder, .norm), rows, .norm(width: shape.layer.width), isReached: isReached)
  }

  private mutating func bookDecoder(_ level: Int, of model: Model, tokens: Int128, batch: Int128, isReached: Bool) {
    let (shape, below) = (model.levels[level], model.layer(at: level - 1))
    let span = Int128(model.metaContextLength(upTo: level))
    let chunks = batch * ((tokens + span - 1) / span)
    let (condition, length) = (Int128(shape.conditionLength), Int128(shape.chunkLength))
    let positions = condition + length - 1
    book(
      Node(level, .decoder, .converter), chunks,
      .map(
        inputs: shape.layer.width, outputs: shape.conditionLength * below.width, bias: true, inputNorm: false),
      isReached: isReached)
    bookStack(
      level, .decoder, below, shape.decoderLayers, rows: chunks * positions, pairs: chunks * triangle(positions),
      isReached: isReached)
    if level > 1 {
      book(Node(level, .decoder, .norm), chunks * positions, .norm(width: below.width), isReached: isReached)
    } else if model.decoderInput.feedsTokens {
      // A chunk of one token is fed nothing: its embedding reaches no decoder.
      book(
        Node(0, .decoder, .embedding), batch * tokens, .embedding(width: below.width), isReached: length > 1)
    } else {
      book(Node(1, .decoder, .norm), chunks * (length - 1), .norm(width: below.width))
    }
  }
}

/// What one row, or one (query, key) pair, costs in both directions.
private struct GradientCost {
  let matmul, elementwise, gradientMatmul, gradientElementwise: Int128

  func forward(_ count: Int128) -> Work<Int128> {
    Work(matmulFlops: count * matmul, elementwiseFlops: count * elementwise)
  }

  func backward(_ count: Int128) -> Work<Int128> {
    Work(matmulFlops: count * gradientMatmul, elementwiseFlops: count * gradientElementwise)
  }

  /// Products, whose gradients are two products of their size.
  private static func products(_ matmul: Int128, elementwise: Int128, gradientElementwise: Int128) -> Self {
    Self(
      matmul: matmul, elementwise: elementwise, gradientMatmul: 2 * matmul, gradientElementwise: gradientElementwise)
  }

  static func embedding(width: Int) -> Self {
    Self(matmul: 0, elementwise: 0, gradientMatmul: 0, gradientElementwise: Int128(width))
  }

  /// What a norm's gradient adds where the norm itself was not kept: it is computed again.
  private static func normAgain(_ width: Int128) -> Int128 { NormRow(width).elementwise + normGradient(width) }
  private static func normGradient(_ width: Int128) -> Int128 { 12 * width + 5 }

  static func norm(width: Int) -> Self {
    let width = Int128(width)
    return Self(
      matmul: 0, elementwise: NormRow(width).elementwise, gradientMatmul: 0, gradientElementwise: normGradient(width))
  }

  static func map(inputs: Int, outputs: Int, bias: Bool, inputNorm: Bool) -> Self {
    let (inputs, outputs) = (Int128(inputs), Int128(outputs))
    let row = MapRow(inputs: inputs, outputs: outputs, bias: bias, inputNorm: inputNorm)
    return products(
      2 * row.matrix, elementwise: row.elementwise,
      gradientElementwise: (bias ? outputs : 0) + (inputNorm ? normAgain(inputs) : 0))
  }

  /// norm + Q, K, V + rotation, and output product + residual.
  static func projections(_ shape: LayerShape) -> Self {
    let row = LayerRow<Int128>(shape)
    let width = row.dimensions.width
    return products(
      2 * row.projectionMatrices, elementwise: row.projectionElementwise,
      gradientElementwise: normAgain(width) + row.rotation + width)
  }

  static func pair(_ shape: LayerShape) -> Self {
    let row = LayerRow<Int128>(shape)
    return Self(
      matmul: row.pairFlops, elementwise: row.pairElementwise, gradientMatmul: 10 * row.dimensions.query,
      gradientElementwise: 11 * row.dimensions.heads)
  }

  /// norm + gate, up + activation, and down + residual.
  static func feedForward(_ shape: LayerShape) -> Self {
    let row = LayerRow<Int128>(shape)
    let (width, hidden) = (row.dimensions.width, row.dimensions.hidden)
    return products(
      2 * row.feedForwardMatrices, elementwise: row.feedForwardElementwise,
      gradientElementwise: normAgain(width) + Int128(shape.feedForwardKind.activationGradientFlops) * hidden + width)
  }
}
