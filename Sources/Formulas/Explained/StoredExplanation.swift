import Architectures
import Quantities

/// Bits of weights in symbols: one symbol where all are stored alike, one for each role where they are not.
extension Explainer {
  private var isUniform: Bool { question.precision.isUniform }

  /// Of a weight without its share of a scale.
  func bits(of role: WeightRole) -> Expression {
    .symbol(isUniform ? "w_bits" : role.symbol, question.precision.element(of: role).bits)
  }

  /// The weights of one output, or of one row of a table, with their scales.
  func stored(_ role: WeightRole, _ inputs: Expression) -> Expression {
    guard let groups = question.precision.groups(of: role) else { return inputs * bits(of: role) }
    let element = question.precision.element(of: role)
    let scales: Expression = .symbol(role.symbol.replacing("bits", with: "scale"), groups.bits(for: element))
    let count: Expression = groups.size.map { Expression.ceiling(inputs, .symbol("g", $0)) } ?? 1
    return inputs * bits(of: role) + count * scales
  }

  func projectionBits(_ row: LayerRow<Expression>) -> Expression {
    if isUniform { return row.projectionWeights * bits(of: .matrix) }
    let dimensions = row.dimensions
    let vectors = row.style == nil ? row.norm.weights : row.input.vectors + row.output.vectors
    return .sum([
      (dimensions.query + 2 * dimensions.keyValue) * stored(.matrix, dimensions.width),
      dimensions.width * stored(.matrix, dimensions.query), vectors * bits(of: .vector),
    ])
  }

  func feedForwardBits(_ row: LayerRow<Expression>) -> Expression {
    if isUniform { return row.feedForwardWeights * bits(of: .matrix) }
    let vectors = row.style == nil ? row.norm.weights : row.hidden.vectors + row.down.vectors
    let (width, hidden) = (row.dimensions.width, row.dimensions.hidden)
    return .sum([
      Expression.whole(row.kind.matrixCount - 1) * hidden * stored(.matrix, width), width * stored(.matrix, hidden),
      vectors * bits(of: .vector),
    ])
  }

  /// Rows of the table, and of that of positions, for so many tokens; the matrix behind a narrow table for each pass.
  func embeddingBits(
    _ rows: Expression, _ row: EmbeddingRow<Expression>, _ width: Expression, _ ends: TokenEnds, passes: Expression
  ) -> Expression {
    if isUniform {
      let read = rows * row.weights * bits(of: .embedding)
      return row.dispatchWeights.map { read + passes * $0 * bits(of: .embedding) } ?? read
    }
    let narrow: Expression = ends.embeddingWidth == 0 ? width : .symbol("E", ends.embeddingWidth)
    var read = rows * stored(.embedding, narrow)
    if ends.learnedPositions > 0 { read = read + rows * stored(.embedding, width) }
    return ends.embeddingWidth == 0 ? read : read + passes * width * stored(.embedding, narrow)
  }

  /// The vocabulary product, with the projection before it where rows of the table are narrow, and the last norm.
  func headBits(_ row: MapRow<Expression>) -> Expression {
    if isUniform { return row.weights * bits(of: .head) }
    let (width, vocabulary): (Expression, Expression) = (self.width(0), .symbol("V", question.model.vocabulary))
    let narrow = question.model.ends.embeddingWidth
    let matrix =
      narrow == 0
      ? vocabulary * stored(.head, width) : (width + vocabulary) * stored(.head, .symbol("E", narrow))
    let style = question.model.layer.style
    guard question.model.layer.isPlain || style.hasLastNorm else { return matrix }
    return matrix + NormRow(width, style.norm).weights * bits(of: .vector)
  }

  func mapBits(
    _ role: WeightRole, _ inputs: Expression, _ outputs: Expression, _ row: MapRow<Expression>, bias: Bool,
    inputNorm: Bool
  ) -> Expression {
    if isUniform { return row.weights * bits(of: role) }
    return .sum(
      [outputs * stored(role, inputs)] + (bias ? [outputs * bits(of: .vector)] : [])
        + (inputNorm ? [NormRow(inputs).weights * bits(of: .vector)] : []))
  }
}

extension WeightRole {
  /// Of a weight's bits in formulas.
  fileprivate var symbol: String {
    switch self {
    case .matrix: "w_bits"
    case .embedding: "e_bits"
    case .head: "h_bits"
    case .vector: "n_bits"
    }
  }
}
