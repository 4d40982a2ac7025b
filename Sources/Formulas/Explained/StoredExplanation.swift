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
    if isUniform { return (row.projectionMatrices + row.norm.weights) * bits(of: .matrix) }
    let dimensions = row.dimensions
    return .sum([
      (dimensions.query + 2 * dimensions.keyValue) * stored(.matrix, dimensions.width),
      dimensions.width * stored(.matrix, dimensions.query), row.norm.weights * bits(of: .vector),
    ])
  }

  func feedForwardBits(_ row: LayerRow<Expression>) -> Expression {
    if isUniform { return (row.feedForwardMatrices + row.norm.weights) * bits(of: .matrix) }
    let (width, hidden) = (row.dimensions.width, row.dimensions.hidden)
    return .sum([
      Expression.whole(row.kind.matrixCount - 1) * hidden * stored(.matrix, width), width * stored(.matrix, hidden),
      row.norm.weights * bits(of: .vector),
    ])
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
