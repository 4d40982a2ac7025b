import Architectures
import Quantities

// What a layer costs that is not Llama's: NOTATION.md, "Styles of layers". A plain layer never comes here.

extension LayerRow {
  private var own: LayerStyle { style ?? .plain }
  private var width: N { dimensions.width }

  /// Terms that there are, added up.
  private func sum(_ terms: [N?]) -> N {
    let terms = terms.compactMap(\.self)
    return terms.dropFirst().reduce(terms.first ?? 0) { N.sum($0, $1) }
  }

  // MARK: Attention's products

  /// Norms of queries and keys by root mean squares: of each head by itself, or of all of them together.
  private var headNormElementwise: N? {
    switch own.headNorms {
    case .none: nil
    case .eachHead: (dimensions.heads + dimensions.keyValueHeads) * NormRow(dimensions.headWidth).elementwise
    case .allHeads: NormRow(dimensions.query).elementwise + NormRow(dimensions.keyValue).elementwise
    }
  }

  private var headNormWeights: N? {
    switch own.headNorms {
    case .none: nil
    case .eachHead: 2 * dimensions.headWidth
    case .allHeads: dimensions.query + dimensions.keyValue
    }
  }

  private var jointBiases: N? {
    own.attentionBiases == .none ? nil : dimensions.query + 2 * dimensions.keyValue
  }
  private var normBefore: NormRow<N>? { own.norms.areBefore ? norm : nil }
  private var normAfter: NormRow<N>? { own.norms.areAfter ? norm : nil }
  /// The norm of a feed-forward network that does not read attention's.
  private var normOfFeedForward: NormRow<N>? { own.order == .parallelOneNorm ? nil : normBefore }
  private var scale: N? { own.residualScale == 1 ? nil : width }

  /// Of queries, keys and values: norm, biases, norms of heads, rotation.
  var styledInputElementwise: N {
    sum([
      normBefore?.elementwise, jointBiases, headNormElementwise, own.rotatedWidth == 0 ? nil : rotation,
    ])
  }
  var styledInputVectors: N { sum([normBefore?.weights, jointBiases, headNormWeights]) }

  /// Of the output: bias, norm, scale, residual.
  var styledOutputElementwise: N { behind(bias: own.attentionBiases == .all) }
  var styledOutputVectors: N { vectorsBehind(bias: own.attentionBiases == .all) }

  private func behind(bias: Bool) -> N { sum([bias ? width : nil, normAfter?.elementwise, scale, width]) }
  private func vectorsBehind(bias: Bool) -> N { sum([bias ? width : nil, normAfter?.weights]) }

  var styledProjectionElementwise: N { styledInputElementwise + styledOutputElementwise }
  var styledProjectionWeights: N {
    sum([
      projectionMatrices, normBefore?.weights, jointBiases, headNormWeights,
      own.attentionBiases == .all ? width : nil, normAfter?.weights,
    ])
  }
  /// A norm that both halves read is written for the second.
  var styledInputActivations: N {
    let own = own.order == .parallelOneNorm ? 2 * width : width
    return own + dimensions.query
  }
  var styledProjectionActivations: N { styledInputActivations + 2 * width + dimensions.query }

  // MARK: Attention

  /// Softmax 6; a cap c − 2c/(1 + exp(x·(2/c))) 5; the addition of a bias by distance 1.
  var styledPairElementwise: N {
    N.whole(6 + (own.scoreCap == 0 ? 0 : LogitRow.cap) + (own.alibi ? 1 : 0)) * dimensions.heads
  }

  // MARK: Feed-forward

  private var hiddenBiases: N? {
    own.feedForwardBiases ? N.whole(kind.matrixCount - 1) * dimensions.hidden : nil
  }

  /// SiLU 4, GELU 8, ReLU 1, and the product with the other half.
  private var activationFlops: Int {
    let product = kind == .gated ? 1 : 0
    switch own.activation {
    case nil: return kind.activationFlops
    case .silu: return 4 + product
    case .gelu: return 8 + product
    case .relu: return 1 + product
    }
  }

  /// Norm, biases, activation.
  var styledHiddenElementwise: N {
    sum([normOfFeedForward?.elementwise, hiddenBiases, N.whole(activationFlops) * dimensions.hidden])
  }
  var styledHiddenVectors: N { sum([normOfFeedForward?.weights, hiddenBiases]) }

  /// Bias, norm, scale, residual.
  var styledDownElementwise: N { behind(bias: own.feedForwardBiases) }
  var styledDownVectors: N { vectorsBehind(bias: own.feedForwardBiases) }

  var styledFeedForwardElementwise: N { styledHiddenElementwise + styledDownElementwise }
  var styledFeedForwardWeights: N {
    sum([
      feedForwardMatrices, normOfFeedForward?.weights, hiddenBiases, own.feedForwardBiases ? width : nil,
      normAfter?.weights,
    ])
  }
}

/// The operations of a layer one by one, as times need them; element-wise FLOP, vectors and activations in elements.
extension LayerRow {
  /// Norm, queries, keys and values, rotation.
  var input: (elementwise: N, vectors: N, activations: N) {
    guard style != nil else { return (norm.elementwise + rotation, norm.weights, width + dimensions.query) }
    return (styledInputElementwise, styledInputVectors, styledInputActivations)
  }

  /// Output product and residual.
  var output: (elementwise: N, vectors: N) {
    style == nil ? (width, 0) : (styledOutputElementwise, styledOutputVectors)
  }

  /// Norm, gate and up, activation.
  var hidden: (elementwise: N, vectors: N) {
    style == nil ? (norm.elementwise + activation, norm.weights) : (styledHiddenElementwise, styledHiddenVectors)
  }

  /// Down product and residual.
  var down: (elementwise: N, vectors: N) {
    style == nil ? (width, 0) : (styledDownElementwise, styledDownVectors)
  }
}

/// What stands between tokens and a stack beside its table and head.
enum LogitRow {
  /// Element-wise FLOP of c − 2c/(1 + exp(x·(2/c))), which is c·tanh(x/c).
  static let cap = 5
}

extension TokenEnds {
  /// Element-wise FLOP of every logit: its cap, and its scale.
  var logitFlops: Int { (logitCap == 0 ? 0 : LogitRow.cap) + (logitScale == 1 ? 0 : 1) }
}

/// An embedding of a token: the row of the table, that of its position, and the projection to the width.
struct EmbeddingRow<N: Count> {
  /// FLOP of the projection; nil where there is none.
  let matmul: N?
  /// Those of the position's addition and of the scale; nil where there is neither.
  let elementwise: N?
  /// Elements that are read for a token, and once for all of a dispatch.
  let weights: N
  let dispatchWeights: N?

  @inline(__always)
  init(width: N, _ ends: TokenEnds) {
    let flops = (ends.learnedPositions == 0 ? 0 : 1) + (ends.embeddingScale == 1 ? 0 : 1)
    elementwise = flops == 0 ? nil : flops == 1 ? width : N.whole(flops) * width
    let table = ends.embeddingWidth == 0 ? width : N.whole(ends.embeddingWidth)
    weights = ends.learnedPositions == 0 ? table : table + width
    dispatchWeights = ends.embeddingWidth == 0 ? nil : table * width
    matmul = ends.embeddingWidth == 0 ? nil : 2 * table * width
  }
}
