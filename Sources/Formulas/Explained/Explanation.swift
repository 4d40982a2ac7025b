import Architectures
import Quantities

/// One figure of a node as a formula, with its numbers put in, and its value.
public struct Explanation: Hashable, Sendable {
  /// A name of `Work.figures`.
  public var quantity: String
  public var symbolic: String
  public var numbers: String
  public var value: Int128
}

/// The formulas behind a node's figures, in the order of `Work.figures`; figures that are zero by structure are left out.
/// - Throws: `CountOverflow` where a count of the whole batch could exceed 2^126.
public func explain(
  _ node: Node, in phase: Phase, _ model: Model, _ workload: Workload, _ precision: Precision
) throws(CountOverflow) -> [Explanation] {
  guard try CountBound.estimate(model, workload, precision) < 0x1p126 else { throw .counts }
  guard model.nodes.contains(node) else { return [] }
  return Explainer(node, phase, model, workload, precision).formulas.map { quantity, formula in
    Explanation(quantity: quantity, symbolic: formula.symbolic, numbers: formula.numbers, value: formula.value)
  }
}

/// Activity × the rows of NOTATION.md's table "Work of an operation", in symbols.
private struct Explainer {
  let node: Node
  let phase: Phase
  let model: Model
  let workload: Workload
  let weight: Expression
  let element: Expression
  let cacheElement: Expression
  let symbols: PointSymbols
  let activity: SymbolicActivity
  /// Sequences: prefill runs once per prompt, decode once per continuation.
  let batch: Expression

  init(_ node: Node, _ phase: Phase, _ model: Model, _ workload: Workload, _ precision: Precision) {
    self.node = node
    self.phase = phase
    self.model = model
    self.workload = workload
    weight = .symbol("w_bits", precision.weights.bits)
    element = .symbol("a_bits", precision.activations.bits)
    cacheElement = .symbol("c_bits", precision.cache.bits)
    symbols = PointSymbols(model, workload)
    let sequences = Expression.symbol("batch", workload.batchSize)
    batch = phase == .prefill ? sequences : sequences * .symbol("K", workload.continuations)
    if !model.isHierarchy {
      activity = symbols.vanilla(phase)
    } else if node.level == 0 {
      activity = node.side == .encoder ? symbols.encoder(1, phase) : symbols.decoder(1, phase)
    } else {
      activity = node.side == .encoder ? symbols.encoder(node.level, phase) : symbols.decoder(node.level, phase)
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
  var hidden: Expression { .symbol("F", shape.feedForward) }
  var layers: Expression {
    if node.level == 0 { return .symbol("layers", model.layers) }
    let level = model.levels[node.level - 1]
    return .symbol("layers", node.side == .encoder ? level.encoderLayers : level.decoderLayers)
  }
  var persists: Bool { node.side == .encoder || node.level == 0 }
  var rows: Expression { batch * activity.rows }
  func bytes(_ bits: Expression) -> Expression { .ceiling(bits, 8) }
  func normFlops(_ width: Expression) -> Expression { 4 * width + 4 }

  // MARK: Components

  var embedding: [(String, Expression)] {
    let rows = batch * activity.embeddingRows
    let table: Expression = node.side == .encoder ? .symbol("E_1", model.encoderEmbeddingWidth) : width(0)
    return [("weight_bytes", bytes(rows * table * weight)), ("activation_bytes", bytes(rows * table * element))]
  }

  var projections: [(String, Expression)] {
    let heads = Expression.symbol("H", shape.heads) + .symbol("H_kv", shape.keyValueHeads)
    let pairs = Expression.floor(.symbol("d", shape.headWidth), 2)
    let matrices = 2 * width * (query + keyValue)
    let entries = rows * layers * 2 * keyValue * cacheElement
    let own = rows * layers * (3 * width + 2 * query) * element
    var formulas: [(String, Expression)] = [
      ("matmul_flops", rows * layers * 2 * matrices),
      ("elementwise_flops", rows * layers * (normFlops(width) + 6 * pairs * heads + width)),
      ("weight_bytes", bytes(activity.passes * layers * (matrices + width) * weight)),
      ("activation_bytes", bytes(persists ? own : own + entries)),
    ]
    if persists { formulas.append(("cache_write_bytes", bytes(entries))) }
    return formulas + [("sequential_passes", activity.passes), ("sequential_layers", activity.passes * layers)]
  }

  var attention: [(String, Expression)] {
    let pairs = batch * activity.pairs * layers
    return [
      ("matmul_flops", pairs * 4 * query),
      ("elementwise_flops", pairs * 6 * .symbol("H", shape.heads)),
      ("activation_bytes", bytes(rows * layers * 2 * query * element)),
      (
        persists ? "cache_read_bytes" : "local_read_bytes",
        bytes(batch * activity.reads * layers * 2 * keyValue * cacheElement)
      ),
    ]
  }

  var feedForward: [(String, Expression)] {
    let gated = shape.feedForwardKind == .gated
    let matrices: Expression = (gated ? 3 : 2) * width * hidden
    return [
      ("matmul_flops", rows * layers * 2 * matrices),
      ("elementwise_flops", rows * layers * (normFlops(width) + (gated ? 5 : 8) * hidden + width)),
      ("weight_bytes", bytes(activity.passes * layers * (matrices + width) * weight)),
      ("activation_bytes", bytes(rows * layers * (3 * width + 2 * hidden) * element)),
    ]
  }

  var norm: [(String, Expression)] {
    let rows = batch * activity.normRows
    return [
      ("elementwise_flops", rows * normFlops(width)),
      ("weight_bytes", bytes(activity.normDispatches * width * weight)),
      ("activation_bytes", bytes(rows * 2 * width * element)),
    ]
  }

  var chunker: [(String, Expression)] {
    let below: Expression = node.level == 1 ? .symbol("E_1", model.encoderEmbeddingWidth) : width(node.level - 1)
    let inputs = symbols.chunk(node.level) * below
    let inputNorm = model.levels[node.level - 1].chunker == .linear
    return map(
      inputs: inputs, outputs: width(node.level), bias: true, inputNorm: inputNorm, rows: batch * activity.calls,
      dispatches: activity.callDispatches)
  }

  var converter: [(String, Expression)] {
    map(
      inputs: width(node.level), outputs: symbols.condition(node.level) * width(node.level - 1), bias: true,
      inputNorm: false, rows: batch * activity.calls, dispatches: activity.callDispatches)
  }

  var head: [(String, Expression)] {
    if phase == .prefill { return [] }
    var dispatches = symbols.generated
    if symbols.walk.parallel > 0 {
      dispatches = dispatches - symbols.parallel * (.symbol("B", model.metaContextLength) - symbols.chunk(1))
    }
    return map(
      inputs: width(0), outputs: .symbol("V", model.vocabulary), bias: false, inputNorm: true,
      rows: batch * symbols.generated, dispatches: dispatches)
  }

  func map(
    inputs: Expression, outputs: Expression, bias: Bool, inputNorm: Bool, rows: Expression, dispatches: Expression
  ) -> [(String, Expression)] {
    var elementwise: [Expression] = bias ? [outputs] : []
    var weights = [inputs * outputs]
    if bias { weights.append(outputs) }
    if inputNorm {
      elementwise.append(normFlops(inputs))
      weights.append(inputs)
    }
    return [
      ("matmul_flops", rows * 2 * inputs * outputs),
      ("elementwise_flops", rows * .sum(elementwise)),
      ("weight_bytes", bytes(dispatches * .sum(weights) * weight)),
      ("activation_bytes", bytes(rows * (inputs + outputs) * element)),
    ]
  }
}
