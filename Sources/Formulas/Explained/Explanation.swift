import Architectures
import Quantities

/// One figure of a node as a formula, with its numbers put in, and its value.
public struct Explanation: Hashable, Sendable {
  /// A name of `Work.figures`.
  public var quantity: String
  /// The formula in the symbols of NOTATION.md.
  public var symbolic: String
  /// The same with numbers in place of symbols.
  public var numbers: String
  /// What it comes to, in the unit of the figure.
  public var value: Int128
}

/// The formulas behind a node's figures, in the order of `Work.figures`; figures that are zero by structure are left out.
/// - Throws: `CountOverflow` where a count of the whole batch could exceed 2^126.
public func explain(_ node: Node, in phase: Phase, _ question: Question) throws(CountOverflow) -> [Explanation] {
  guard try CountBound.estimate(question) < 0x1p126 else { throw .counts }
  guard question.model.nodes.contains(node) else { return [] }
  return Explainer(node, phase, question).formulas.map { quantity, formula in
    Explanation(quantity: quantity, symbolic: formula.symbolic, numbers: formula.numbers, value: formula.value)
  }
}

/// Activity × the rows of NOTATION.md's table "Work of an operation", in symbols.
struct Explainer {
  let node: Node
  let phase: Phase
  let question: Question
  var model: Model { question.model }
  let element: Expression
  let cacheElement: Expression
  let symbols: PointSymbols
  let activity: SymbolicActivity
  /// Sequences: prefill runs once per prompt, decode once per continuation.
  let batch: Expression

  init(_ node: Node, _ phase: Phase, _ question: Question) {
    self.node = node
    self.phase = phase
    self.question = question
    element = .symbol("a_bits", question.precision.activations.bits)
    cacheElement = .symbol("c_bits", question.precision.cache.bits)
    symbols = PointSymbols(question)
    let sequences = Expression.symbol("batch", question.workload.batchSize)
    batch = phase == .prefill ? sequences : sequences * .symbol("K", question.workload.continuations)
    switch (question.model.structure, node.side) {
    case (.stack, .encoder), (.stack, .decoder): activity = symbols.vanilla(phase)
    // Tables and head, at level 0, run with the stacks of level 1.
    case (.hierarchy, .encoder): activity = symbols.encoder(max(node.level, 1), phase)
    case (.hierarchy, .decoder): activity = symbols.decoder(max(node.level, 1), phase)
    }
  }

  var formulas: [(String, Expression)] {
    switch node.component {
    case .embedding: embedding
    case .projections: projections
    case .attention: attention
    case .feedForward: feedForward
    case .norm: norm
    case .chunker: chunker
    case .converter: converter
    case .head: head
    case .upkeep: upkeep
    }
  }

  // MARK: Dimensions

  /// Decoder l runs at the dimensions of level l − 1.
  var stackLevel: Int { node.side == .decoder ? max(node.level - 1, 0) : node.level }
  var shape: LayerShape { model.layer(at: stackLevel) }
  var width: Expression { width(stackLevel) }
  func width(_ level: Int) -> Expression { .symbol("D_\(level)", model.layer(at: level).width) }
  var query: Expression { .symbol("D_q", shape.queryWidth) }
  var keyValue: Expression { .symbol("D_kv", shape.keyValueWidth) }
  var stack: Stack { model.stack(node.level, node.side) }
  var layers: Expression { .symbol("layers", stack.layers) }
  var persists: Bool { stack.persists }
  var rows: Expression { batch * activity.rows }
  func bytes(_ bits: Expression) -> Expression { .ceiling(bits, 8) }
  /// A cost of each layer, added up over the stack: layers times a row of theirs, run by run.
  func overRuns(_ cost: (_ layers: Expression, _ row: LayerRow<Expression>) -> Expression) -> Expression {
    let terms = stack.runs.map { cost(.symbol("layers", $0.layers), row($0.shape)) }
    return terms.count == 1 ? terms[0] : .sum(terms)
  }

  /// What a row costs in a layer of the stack, in symbols.
  func row(_ shape: LayerShape) -> LayerRow<Expression> {
    LayerRow(
      LayerDimensions(
        width: width, query: query, keyValue: keyValue, headWidth: .symbol("d", shape.headWidth),
        hidden: .symbol("F", shape.feedForward), heads: .symbol("H", shape.heads),
        keyValueHeads: .symbol("H_kv", shape.keyValueHeads),
        rotatedHeads: .symbol("H", shape.heads) + .symbol("H_kv", shape.keyValueHeads),
        rotatedPairs: .floor(
          shape.style.rotatedWidth.map { Expression.symbol("d_rot", $0) } ?? Expression.symbol("d", shape.headWidth),
          2)),
      shape.feedForwardKind, shape.isPlain ? nil : shape.style)
  }

  // MARK: Components

  var embedding: [(String, Expression)] {
    let rows = batch * activity.embeddingRows
    let table: Expression = node.side == .encoder ? .symbol("E_1", model.encoderEmbeddingWidth) : width(0)
    let ends: TokenEnds = node.side == .encoder ? .plain : model.ends
    let row = EmbeddingRow(width: table, ends)
    var formulas: [(String, Expression)] = []
    if let matmul = row.matmul { formulas.append(("matmul_flops", rows * matmul)) }
    if let elementwise = row.elementwise { formulas.append(("elementwise_flops", rows * elementwise)) }
    return formulas + [
      ("weight_bytes", bytes(embeddingBits(rows, row, table, ends, passes: activity.passes))),
      ("activation_bytes", bytes(rows * table * element)),
    ]
  }

  var projections: [(String, Expression)] {
    let entries =
      stack.storesKeysAndValues ? overRuns { rows * $0 * $1.entryElements * cacheElement } : plannedEntries
    let own = overRuns { rows * $0 * $1.projectionActivations * element }
    var formulas: [(String, Expression)] = [
      ("matmul_flops", overRuns { rows * $0 * 2 * $1.projectionMatrices }),
      ("elementwise_flops", overRuns { rows * $0 * $1.projectionElementwise }),
      ("weight_bytes", bytes(overRuns { activity.passes * $0 * projectionBits($1) })),
      ("activation_bytes", bytes(persists ? own : own + entries)),
    ]
    if persists { formulas.append(("cache_write_bytes", bytes(entries))) }
    return formulas + [("sequential_passes", activity.passes), ("sequential_layers", activity.passes * layers)]
  }

  var attention: [(String, Expression)] {
    if persists, !stack.isFull { return plannedAttention }
    let pairs = batch * activity.pairs
    return [
      ("matmul_flops", overRuns { pairs * $0 * $1.pairFlops }),
      ("elementwise_flops", overRuns { pairs * $0 * $1.pairElementwise }),
      ("activation_bytes", bytes(overRuns { rows * $0 * $1.attentionActivations * element })),
      (
        persists ? "cache_read_bytes" : "local_read_bytes",
        bytes(overRuns { batch * activity.reads * $0 * $1.entryElements * cacheElement })
      ),
    ]
  }

  var feedForward: [(String, Expression)] {
    [
      ("matmul_flops", overRuns { rows * $0 * 2 * $1.feedForwardMatrices }),
      ("elementwise_flops", overRuns { rows * $0 * $1.feedForwardElementwise }),
      ("weight_bytes", bytes(overRuns { activity.passes * $0 * feedForwardBits($1) })),
      ("activation_bytes", bytes(overRuns { rows * $0 * $1.feedForwardActivations * element })),
    ]
  }

  var norm: [(String, Expression)] {
    let (rows, norm) = (batch * activity.normRows, NormRow(width))
    return [
      ("elementwise_flops", rows * norm.elementwise),
      ("weight_bytes", bytes(activity.normDispatches * norm.weights * bits(of: .vector))),
      ("activation_bytes", bytes(rows * norm.activations * element)),
    ]
  }

  var chunker: [(String, Expression)] {
    let level = model.level(node.level)
    let below = Expression.symbol(level.number == 1 ? "E_1" : "D_\(level.number - 1)", level.inputWidth)
    return map(
      .matrix, inputs: symbols.chunk(level.number) * below, outputs: width(level.number), bias: true,
      inputNorm: level.chunker == .linear, rows: batch * activity.calls,
      dispatches: activity.callDispatches)
  }

  var converter: [(String, Expression)] {
    map(
      .matrix, inputs: width(node.level), outputs: symbols.condition(node.level) * width(node.level - 1), bias: true,
      inputNorm: false, rows: batch * activity.calls, dispatches: activity.callDispatches)
  }

  var head: [(String, Expression)] {
    if phase == .prefill { return [] }
    var dispatches = symbols.generated
    if symbols.walk.parallel > 0 {
      dispatches = dispatches - symbols.parallel * (.symbol("B", model.metaContextLength) - symbols.chunk(1))
    }
    return map(
      model.headRow(width(0), .symbol("V", model.vocabulary)), rows: batch * symbols.generated, dispatches: dispatches
    ) { headBits($0) }
  }

  func map(
    _ role: WeightRole, inputs: Expression, outputs: Expression, bias: Bool, inputNorm: Bool, rows: Expression,
    dispatches: Expression
  ) -> [(String, Expression)] {
    map(
      MapRow(inputs: inputs, outputs: outputs, bias: bias, inputNorm: inputNorm), rows: rows, dispatches: dispatches
    ) { mapBits(role, inputs, outputs, $0, bias: bias, inputNorm: inputNorm) }
  }

  /// - Parameter bits: of the weights that one dispatch reads.
  func map(
    _ row: MapRow<Expression>, rows: Expression, dispatches: Expression, bits: (MapRow<Expression>) -> Expression
  ) -> [(String, Expression)] {
    [
      ("matmul_flops", rows * 2 * row.matrix),
      ("elementwise_flops", rows * row.elementwise),
      ("weight_bytes", bytes(dispatches * bits(row))),
      ("activation_bytes", bytes(rows * row.activations * element)),
    ]
  }
}
