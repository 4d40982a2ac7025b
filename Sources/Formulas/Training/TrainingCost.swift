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
    let question = Question(model, Workload(promptLength: settings.context, generatedLength: 0))
    let reach = StackReach(model, settings)
    for group in question.schedule.teacherForced(as: Int128.self) {
      book(
        group, of: model, batch: Int128(settings.batch), tokens: Int128(settings.context),
        isReached: reach.reaches(group))
    }
    book(
      Node(0, .decoder, .head), Int128(settings.batch) * Int128(settings.context),
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

  /// What feeds a stack in a pass, its layers and its last norm.
  private mutating func book(
    _ group: PassGroup<Int128>, of model: Model, batch: Int128, tokens: Int128, isReached: Bool
  ) {
    let stack = model.stack(group.level, group.side)
    if group.calls > 0 { bookMap(group, of: model, calls: batch * group.calls, isReached: isReached) }
    if group.feed == .embedding {
      // Every token is looked up. Only those that are fed have a gradient: none of a chunk of one token.
      book(
        Node(0, .decoder, .embedding), batch * tokens, .embedding(width: model.layer.width),
        isReached: group.fedRows > 0)
    }
    for run in stack.runs {
      let layers = Int128(run.layers) * batch
      book(stack.node(.projections), layers * group.rows, .projections(run.shape), isReached: isReached)
      book(stack.node(.attention), layers * group.pairs, .pair(run.shape), isReached: isReached)
      book(stack.node(.feedForward), layers * group.rows, .feedForward(run.shape), isReached: isReached)
    }
    book(stack.node(.norm), batch * group.normRows, .norm(width: stack.width), isReached: isReached)
  }

  /// The converter of a chunk, or the chunker of a unit with the embedding rows that level 1 reads.
  private mutating func bookMap(_ group: PassGroup<Int128>, of model: Model, calls: Int128, isReached: Bool) {
    let level = model.level(group.level)
    switch group.side {
    case .encoder:
      if level.number == 1 {
        book(
          Node(0, .encoder, .embedding), calls * Int128(level.chunkLength),
          .embedding(width: model.encoderEmbeddingWidth), isReached: isReached)
      }
      guard level.chunker != .concatenation else { return }
      book(
        Node(level.number, .encoder, .chunker), calls,
        .map(
          inputs: level.chunkerInputs, outputs: level.layer.width, bias: true, inputNorm: level.chunker == .linear),
        isReached: isReached)
    case .decoder:
      book(
        Node(level.number, .decoder, .converter), calls,
        .map(
          inputs: level.layer.width, outputs: level.conditionLength * level.below.width, bias: true, inputNorm: false),
        isReached: isReached)
    }
  }
}

/// Which stacks of a model have gradients.
private struct StackReach {
  /// nil where there is one stack, which always has.
  let hierarchy: TrainingReach?

  init(_ model: Model, _ settings: TrainingSettings) {
    switch model.structure {
    case .stack: hierarchy = nil
    case .hierarchy: hierarchy = TrainingReach(model, settings)
    }
  }

  func reaches(_ group: PassGroup<Int128>) -> Bool {
    guard let hierarchy else { return true }
    return group.side == .encoder ? hierarchy.encoders[group.level] : hierarchy.decoders[group.level]
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
