import Architectures
import Quantities

// NOTATION.md, "Work of an operation", is this file as a table: what one row costs in the fused operations of a layer.
// Everything that counts, times, explains or differentiates a layer multiplies these with rows, dispatches and pairs.

/// A norm of one vector.
struct NormRow<N: Count> {
  /// By the root mean square `4D + 4`: squares and their sum, mean, epsilon, root, quotient, two products. With the mean
  /// `7D + 5`: its sum and quotient and D differences before that, D additions of the bias behind it.
  let elementwise: N
  let weights: N
  /// Read and written.
  let activations: N

  @inline(__always)
  init(_ width: N, _ kind: NormKind = .rms) {
    switch kind {
    case .rms: (elementwise, weights) = (4 * width + 4, width)
    case .layer: (elementwise, weights) = (7 * width + 5, 2 * width)
    }
    activations = 2 * width
  }
}

/// The dimensions of a layer as numbers of one kind.
struct LayerDimensions<N: Count> {
  /// `D`, `D_q`, `D_kv`, `d`, `F`
  let width, query, keyValue, headWidth, hidden: N
  /// `H` and `H_kv`
  let heads, keyValueHeads: N
  /// Heads that are rotated, `H + H_kv`, and pairs of features in each.
  let rotatedHeads, rotatedPairs: N

  @inline(__always)
  init(
    width: N, query: N, keyValue: N, headWidth: N, hidden: N, heads: N, keyValueHeads: N, rotatedHeads: N,
    rotatedPairs: N
  ) {
    self.width = width
    self.query = query
    self.keyValue = keyValue
    self.headWidth = headWidth
    self.hidden = hidden
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.rotatedHeads = rotatedHeads
    self.rotatedPairs = rotatedPairs
  }

  @inline(__always)
  init(_ shape: LayerShape) {
    self.init(
      width: N.whole(shape.width), query: N.whole(shape.queryWidth), keyValue: N.whole(shape.keyValueWidth),
      headWidth: N.whole(shape.headWidth), hidden: N.whole(shape.feedForward), heads: N.whole(shape.heads),
      keyValueHeads: N.whole(shape.keyValueHeads),
      rotatedHeads: N.whole(shape.heads) + N.whole(shape.keyValueHeads), rotatedPairs: N.whole(shape.rotatedPairs))
  }
}

extension FeedForwardKind {
  /// Element-wise FLOP of the activation for each hidden feature: SiLU and its product with the other half, or GELU.
  @inline(__always) var activationFlops: Int { self == .gated ? 5 : 8 }
  /// The same of its gradient.
  @inline(__always) var activationGradientFlops: Int { self == .gated ? 11 : 16 }
}

/// What one row costs in one layer: weights and activations in elements, FLOP of products twice the weights they read.
///
/// Written out is the layer of Llama; what another style adds stands in StyledRow.swift.
struct LayerRow<N: Count> {
  let dimensions: LayerDimensions<N>
  let kind: FeedForwardKind
  /// nil for the layer of Llama.
  let style: LayerStyle?
  /// One of its norms, and the norm that ends its stack.
  let norm: NormRow<N>

  @inline(__always)
  init(_ dimensions: LayerDimensions<N>, _ kind: FeedForwardKind, _ style: LayerStyle?) {
    self.dimensions = dimensions
    self.kind = kind
    self.style = style
    norm = NormRow(dimensions.width, style?.norm ?? .rms)
  }

  @inline(__always)
  init(_ shape: LayerShape) {
    self.init(LayerDimensions(shape), shape.feedForwardKind, shape.isPlain ? nil : shape.style)
  }

  private var width: N { @inline(__always) get { dimensions.width } }

  // MARK: Attention's products

  /// Matrices of queries, keys, values and output.
  var projectionMatrices: N { @inline(__always) get { 2 * width * (dimensions.query + dimensions.keyValue) } }
  /// Rotation of queries and keys: 6 FLOP for each pair of features.
  var rotation: N { @inline(__always) get { 6 * dimensions.rotatedPairs * dimensions.rotatedHeads } }
  /// Norm, rotation, residual.
  var projectionElementwise: N {
    @inline(__always) get { style == nil ? norm.elementwise + rotation + width : styledProjectionElementwise }
  }
  /// Of both operations: the products and the norm in front of them.
  var projectionWeights: N {
    @inline(__always) get { style == nil ? projectionMatrices + norm.weights : styledProjectionWeights }
  }
  /// Row, queries and residual of both operations.
  var projectionActivations: N {
    @inline(__always) get { style == nil ? 3 * width + 2 * dimensions.query : styledProjectionActivations }
  }

  // MARK: Attention

  /// Scores and values of one (query, key) pair over all heads.
  var pairFlops: N { @inline(__always) get { 4 * dimensions.query } }
  /// Scale, maximum, difference, exponential, sum, quotient in each head.
  var pairElementwise: N {
    @inline(__always) get { style == nil ? 6 * dimensions.heads : styledPairElementwise }
  }
  /// Queries read, results written.
  var attentionActivations: N { @inline(__always) get { 2 * dimensions.query } }
  /// Key and value of one position.
  var entryElements: N { @inline(__always) get { 2 * dimensions.keyValue } }

  // MARK: Upkeep of caches

  /// The key of one position.
  var keyElements: N { @inline(__always) get { dimensions.keyValue } }
  /// The score of a pair over all heads, computed again for a vote.
  var votePairFlops: N { @inline(__always) get { 2 * dimensions.query } }
  /// Scale, difference, exponential, quotient and the addition of the vote in each head: maximum and sum are known.
  var againPairElementwise: N { @inline(__always) get { 5 * dimensions.heads } }
  /// A softmax in each head, and the addition of the vote.
  var ownPairElementwise: N { @inline(__always) get { 7 * dimensions.heads } }
  /// The addition of the vote in each head, where its weight is at hand.
  var addedPairElementwise: N { @inline(__always) get { dimensions.heads } }
  /// The product that makes each vote a share of what it was, once for each pair of every head.
  var smoothedPairElementwise: N { @inline(__always) get { dimensions.heads } }
  /// Votes of an entry by all heads made one of each key–value head, as many operations as there are heads; the product
  /// with what has been, and the sum of both.
  var reducedEntryElementwise: N { @inline(__always) get { dimensions.heads + 2 * dimensions.keyValueHeads } }
  /// The comparison of a product with the largest so far in each head, where entries are chosen.
  var scoredPairElementwise: N { @inline(__always) get { dimensions.heads } }
  /// One addition to a mean of queries, or the product that ends it.
  var queryMean: N { @inline(__always) get { dimensions.query } }
  /// Rotation of the queries of one row.
  var queryRotation: N { @inline(__always) get { 6 * dimensions.rotatedPairs * dimensions.heads } }
  /// Rotation of the keys of one position.
  var keyRotation: N { @inline(__always) get { 6 * dimensions.rotatedPairs * dimensions.keyValueHeads } }
  /// The sums of votes of one position, of 32 bits, read and written.
  /// - Unit: bit
  var tallyBits: N { @inline(__always) get { 64 * dimensions.keyValueHeads } }

  // MARK: Feed-forward

  var feedForwardMatrices: N { @inline(__always) get { N.whole(kind.matrixCount) * width * dimensions.hidden } }
  var activation: N { @inline(__always) get { N.whole(kind.activationFlops) * dimensions.hidden } }
  /// Norm, activation, residual.
  var feedForwardElementwise: N {
    @inline(__always) get { style == nil ? norm.elementwise + activation + width : styledFeedForwardElementwise }
  }
  /// Of both operations: the products and the norm in front of them.
  var feedForwardWeights: N {
    @inline(__always) get { style == nil ? feedForwardMatrices + norm.weights : styledFeedForwardWeights }
  }
  var feedForwardActivations: N { @inline(__always) get { 3 * width + 2 * dimensions.hidden } }

  /// Weights of a whole layer, its norms included.
  var weights: N { @inline(__always) get { projectionWeights + feedForwardWeights } }
}

/// A dense map with or without a bias and a norm of its inputs: chunker, converter or head.
struct MapRow<N: Count> {
  let matrix: N
  let elementwise: N
  /// Matrix, bias and norm.
  let weights: N
  let activations: N

  @inline(__always)
  init(inputs: N, outputs: N, bias: Bool, inputNorm: Bool) {
    matrix = inputs * outputs
    activations = inputs + outputs
    switch (bias, inputNorm) {
    case (true, true):
      elementwise = outputs + NormRow(inputs).elementwise
      weights = matrix + outputs + NormRow(inputs).weights
    case (true, false):
      elementwise = outputs
      weights = matrix + outputs
    case (false, true):
      elementwise = NormRow(inputs).elementwise
      weights = matrix + NormRow(inputs).weights
    case (false, false):
      elementwise = 0
      weights = matrix
    }
  }

  /// The last norm and the vocabulary product.
  /// - Parameters:
  ///   - width: `D`
  ///   - vocabulary: `V`
  ///   - table: features that the rows of the table have, where those are projected first; nil: the width.
  ///   - norm: of the stack; nil where it has none.
  ///   - logitFlops: element-wise FLOP of every logit behind the product.
  @inline(__always)
  init(headOf width: N, vocabulary: N, table: N?, norm: NormKind?, logitFlops: Int) {
    let norm = norm.map { NormRow(width, $0) }
    let logits: N? = logitFlops == 0 ? nil : N.whole(logitFlops) * vocabulary
    let products = table.map { width * $0 + $0 * vocabulary } ?? width * vocabulary
    matrix = products
    activations = width + vocabulary
    switch (norm, logits) {
    case (let norm?, let logits?): elementwise = norm.elementwise + logits
    case (let norm?, nil): elementwise = norm.elementwise
    case (nil, let logits): elementwise = logits ?? 0
    }
    weights = norm.map { products + $0.weights } ?? products
  }
}
