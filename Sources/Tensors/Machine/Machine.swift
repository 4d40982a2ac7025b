import Architectures
import Foundation
import Quantities

/// Which arithmetic a machine runs.
public enum Backend: String, Sendable, CaseIterable {
  /// No numbers: shapes only.
  case shapes
  /// The plain kernels, in ascending order of summation: bit-exact laws hold.
  case plain
  /// OpenBLAS for many rows, vector kernels for few.
  case fast
}

/// Dispatches operations: runs each one's kernel and records it, with the dimensions that the kernel is given.
///
/// A method is one fused operation of NOTATION.md. Results live in the machine's arena until the caller releases them.
public final class Machine {
  /// Which arithmetic runs.
  public let backend: Backend
  /// Where results live.
  public let arena: Arena
  private let state: Arena
  /// Where operations are recorded; `nil` while nothing is counted.
  public var trace: Trace?
  /// Where operations are kept for gradients; the arena must not be released below what it holds.
  public var tape: Tape?
  /// What fast arithmetic leaves out, to time the rest; nil for whole operations.
  public var probe: Probe?
  private var angles: [Int: RotaryAngles] = [:]

  public init(backend: Backend, trace: Trace? = nil) {
    self.backend = backend
    self.trace = trace
    arena = Arena(holdsNumbers: backend != .shapes, line: .activations)
    state = Arena(holdsNumbers: backend != .shapes)
  }

  /// Whether operations compute, or only record their shapes.
  public var holdsNumbers: Bool { backend != .shapes }

  /// Rows that outlive a step: a session's state. They stay until the machine goes, or `withTemporaryState` ends.
  public func makeState(rows: Int, columns: Int) -> Tensor {
    let result = state.tensor(rows: rows, columns: columns)
    result.base?.update(repeating: 0, count: result.count)
    return result
  }

  /// Runs a session that ends with the body, and takes its state back.
  public func withTemporaryState<Result>(_ body: () -> Result) -> Result {
    let mark = state.mark
    defer { state.release(to: mark) }
    return body()
  }

  /// Elements that `makeState` has given and that are still held.
  public var stateElements: Int { state.liveElements }

  /// Rows of an embedding table, and what the ends of a model add to them.
  /// - Parameters:
  ///   - tokens: whose rows are looked up.
  ///   - table: V × width, or × the width of embeddings.
  ///   - projection: from that to the width, where the ends have one.
  ///   - ends: of the model.
  ///   - positions: the table of learned positions, where the ends have one.
  ///   - places: positions that one row after another has; those of a group, again and again.
  ///   - node: where the work is booked.
  /// - Returns: `tokens.count` × width.
  public func embed(
    _ tokens: [Int32], table: Tensor, projection: Tensor? = nil, ends: TokenEnds = .plain, positions: Tensor? = nil,
    places: [Int] = [], at node: Node
  ) -> Tensor {
    let result = arena.tensor(rows: tokens.count, columns: projection?.rows ?? table.columns)
    record(
      .embedding(rows: tokens.count, width: result.columns, ends: ends), at: node, matrix: table, tokens: tokens,
      output: result)
    let mark = arena.mark
    let looked = projection == nil ? result : arena.tensor(rows: tokens.count, columns: table.columns)
    for (row, token) in tokens.enumerated() { looked.setRow(row, to: table, row: Int(token)) }
    if let projection { product(looked, Linear(weight: projection), into: result) }
    arena.release(to: mark)
    guard let base = result.base, ends != .plain else { return result }
    if ends.embeddingScale != 1 { PlainKernels<Float>.scale(result.count, base, by: ends.embeddingScale) }
    if let positions, let learned = positions.base {
      for row in 0..<result.rows {
        PlainKernels<Float>.add(
          result.columns, learned + places[row % places.count] * positions.columns, to: base + row * result.columns)
      }
    }
    return result
  }

  /// Norm, query–key–value product, rotation by position, append to the cache.
  /// - Parameters:
  ///   - x: rows of `queries` consecutive positions for each of the first groups of the cache.
  ///   - weights: norm, and the joint product of queries, keys and values.
  ///   - cache: which the keys and values are appended to.
  ///   - layer: position of the layer in its stack.
  ///   - queries: positions that each group brings.
  ///   - node: where the work is booked.
  ///   - kept: rows × D, which a norm that both halves of a layer read is written to.
  /// - Returns: rotated queries, rows × D_q.
  public func project(
    _ x: Tensor, _ weights: LayerWeights, into cache: KeyValueCache, layer: Int, queries: Int, at node: Node,
    keeping kept: Tensor? = nil
  ) -> Tensor {
    let shape = cache.shapes[layer]
    let query = arena.tensor(rows: x.rows, columns: shape.queryWidth)
    let groups = x.rows / queries
    record(
      .queryKeyValue(
        rows: x.rows, layer: shape, store: cache.store,
        appends: cache.appended(layer: layer, groups: groups, queries: queries)), at: node, layer: layer, input: x,
      norm: weights.attentionNorm, matrix: weights.queryKeyValue.weight, window: (cache, queries), output: query)
    let mark = arena.mark
    defer { arena.release(to: mark) }
    var normalised = x
    if shape.style.norms.areBefore {
      normalised = kept ?? arena.tensor(rows: x.rows, columns: x.columns)
      normRows(x, weight: weights.attentionNorm, bias: weights.style.attentionNormBias, into: normalised)
    }
    let joint = arena.tensor(rows: x.rows, columns: weights.queryKeyValue.outputs)
    product(normalised, weights.queryKeyValue, into: joint)
    normHeads(joint, weights.style, shape)
    appendRotated(joint, queries: queries, cache: cache, layer: layer, query: query)
    quantise(cache, layer: layer, groups: groups, queries: queries, at: Node(node.level, node.side, .upkeep))
    return query
  }

  /// Output product and residual.
  public func output(
    _ attended: Tensor, _ weights: LayerWeights, residual: Tensor, shape: LayerShape, layer: Int, at node: Node
  ) -> Tensor {
    let result = arena.tensor(rows: attended.rows, columns: weights.output.outputs)
    record(
      .output(rows: attended.rows, layer: shape), at: node, layer: layer, input: attended, residual: residual,
      matrix: weights.output.weight, output: result)
    let own = weights.style
    addProduct(
      attended, weights.output, shape.style,
      norm: own.attentionEndNorm.map { ($0, own.attentionEndNormBias) }
        ?? (weights.attentionNorm, own.attentionNormBias), residual: residual, into: result)
    return result
  }

  /// Norm, gate and up products, activation; of rows that are normalised already where both halves of a layer read one
  /// norm.
  /// - Returns: rows × F.
  public func gateUp(_ x: Tensor, _ weights: LayerWeights, shape: LayerShape, layer: Int, at node: Node) -> Tensor {
    let result = arena.tensor(rows: x.rows, columns: shape.feedForward)
    let start = arena.mark
    let hidden = arena.tensor(rows: x.rows, columns: weights.gateUp.outputs)
    // Without a tape nobody reads the product once it is activated.
    let mark = tape == nil ? start : arena.mark
    defer { arena.release(to: mark) }
    record(
      .gateUp(rows: x.rows, layer: shape), at: node, layer: layer, input: x, norm: weights.feedForwardNorm,
      matrix: weights.gateUp.weight, hidden: hidden, output: result)
    var normalised = x
    if shape.style.norms.areBefore, shape.style.order != .parallelOneNorm {
      normalised = arena.tensor(rows: x.rows, columns: x.columns)
      normRows(x, weight: weights.feedForwardNorm, bias: weights.style.feedForwardNormBias, into: normalised)
    }
    product(normalised, weights.gateUp, into: hidden)
    if shape.style.activation == nil {
      activate(hidden, kind: shape.feedForwardKind, into: result)
    } else {
      activate(hidden, shape, into: result)
    }
    return result
  }

  /// Down product and residual, written over `result`, which may be the layer's input where no tape needs that.
  public func down(
    _ hidden: Tensor, _ weights: LayerWeights, residual: Tensor, shape: LayerShape, layer: Int, into result: Tensor,
    at node: Node
  ) {
    record(
      .down(rows: hidden.rows, layer: shape), at: node, layer: layer, input: hidden, residual: residual,
      matrix: weights.down.weight, output: result)
    let own = weights.style
    addProduct(
      hidden, weights.down, shape.style,
      norm: own.feedForwardEndNorm.map { ($0, own.feedForwardEndNormBias) }
        ?? (weights.feedForwardNorm, own.feedForwardNormBias), residual: residual, into: result)
  }

  /// The last norm of a stack: in place, unless a tape keeps the input.
  @discardableResult
  public func norm(_ x: Tensor, weight: Tensor, at node: Node) -> Tensor {
    let result = tape == nil ? x : arena.tensor(rows: x.rows, columns: x.columns)
    record(.norm(rows: x.rows, width: x.columns), at: node, input: x, norm: weight, output: result)
    normRows(x, weight: weight, into: result)
    return result
  }

  /// A learned chunker: rows of C·D_{l−1} features to rows of D_l.
  /// - Parameters:
  ///   - x: rows of C·D_{l−1} features.
  ///   - map: to D_l features.
  ///   - norm: weight over the inputs; `nil` for a strided convolution.
  ///   - node: where the work is booked.
  public func chunk(_ x: Tensor, _ map: Linear, norm: Tensor?, at node: Node) -> Tensor {
    let result = arena.tensor(rows: x.rows, columns: map.outputs)
    record(
      .chunker(rows: x.rows, inputWidth: map.inputs, outputWidth: map.outputs, normalised: norm != nil), at: node,
      input: x, norm: norm, matrix: map.weight, bias: map.bias, output: result)
    let mark = arena.mark
    defer { arena.release(to: mark) }
    var input = x
    if let norm {
      input = arena.tensor(rows: x.rows, columns: x.columns)
      normRows(x, weight: norm, into: input)
    }
    product(input, map, into: result)
    return result
  }

  /// The converter: one latent into R vectors of the level below.
  /// - Returns: rows × (R·D_{l−1}); a view makes them R rows each.
  public func convert(_ x: Tensor, _ map: Linear, at node: Node) -> Tensor {
    let result = arena.tensor(rows: x.rows, columns: map.outputs)
    record(
      .converter(rows: x.rows, inputWidth: map.inputs, outputWidth: map.outputs), at: node, input: x,
      matrix: map.weight, bias: map.bias, output: result)
    product(x, map, into: result)
    return result
  }

  /// Last norm and vocabulary product, and what the ends of a model do to logits.
  /// - Parameters:
  ///   - x: rows of D.
  ///   - norm: its weight; nil where the stack ends in none.
  ///   - normBias: its bias; nil for a norm of root mean squares.
  ///   - projection: to the width of the table, where the ends have one.
  ///   - table: V × D, or × the width of embeddings.
  ///   - ends: of the model.
  ///   - node: where the work is booked.
  /// - Returns: logits, rows × V.
  public func head(
    _ x: Tensor, norm: Tensor?, normBias: Tensor? = nil, projection: Tensor? = nil, table: Tensor,
    ends: TokenEnds = .plain, at node: Node
  ) -> Tensor {
    let result = arena.tensor(rows: x.rows, columns: table.rows)
    record(
      .head(
        rows: x.rows, width: x.columns, vocabulary: table.rows,
        norm: norm == nil ? nil : normBias == nil ? .rms : .layer, ends: ends),
      at: node, input: x, norm: norm, matrix: table, output: result)
    let mark = arena.mark
    defer { arena.release(to: mark) }
    var row = x
    if let norm {
      row = arena.tensor(rows: x.rows, columns: x.columns)
      normRows(x, weight: norm, bias: normBias, into: row)
    }
    if let projection {
      let projected = arena.tensor(rows: x.rows, columns: projection.rows)
      product(row, Linear(weight: projection), into: projected)
      row = projected
    }
    product(row, Linear(weight: table), into: result)
    guard let logits = result.base, ends != .plain else { return result }
    if ends.logitScale != 1 { PlainKernels<Float>.scale(result.count, logits, by: 1 / ends.logitScale) }
    if ends.logitCap != 0 { PlainKernels<Float>.cap(result.count, logits, at: ends.logitCap) }
    return result
  }

  /// Cosines and sines of the positions below `count` for a head width.
  func rotaryAngles(headWidth: Int, positions count: Int) -> RotaryAngles {
    if let known = angles[headWidth], known.positionCount >= count { return known }
    let grown = RotaryAngles(
      headWidth: headWidth, positionCount: max(count, 2 * (angles[headWidth]?.positionCount ?? 32)))
    angles[headWidth] = grown
    return grown
  }
}

/// cos and sin of m·θ_i, θ_i = base^(−2i/d), for every position m and pair i (RoFormer, arXiv:2104.09864, eq. 15).
final class RotaryAngles {
  let positionCount: Int
  let half: Int
  let cosine: UnsafeMutablePointer<Float>
  let sine: UnsafeMutablePointer<Float>
  /// For rotating back.
  let negatedSine: UnsafeMutablePointer<Float>

  init(headWidth: Int, positionCount: Int) {
    self.positionCount = positionCount
    half = headWidth / 2
    cosine = .allocate(capacity: max(positionCount * half, 1))
    sine = .allocate(capacity: max(positionCount * half, 1))
    negatedSine = .allocate(capacity: max(positionCount * half, 1))
    for position in 0..<positionCount {
      for index in 0..<half {
        let angle = Double(position) * pow(rotaryBase, -2 * Double(index) / Double(headWidth))
        cosine[position * half + index] = Float(cos(angle))
        sine[position * half + index] = Float(sin(angle))
        negatedSine[position * half + index] = -Float(sin(angle))
      }
    }
  }

  var count: Int { positionCount * half }

  deinit {
    cosine.deallocate()
    sine.deallocate()
    negatedSine.deallocate()
  }
}
