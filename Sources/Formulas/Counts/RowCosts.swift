import Architectures
import Quantities

// NOTATION.md, "Work of an operation", is this file as a table: what one row costs in the fused operations of a layer.
// Everything that counts, times, explains or differentiates a layer multiplies these with rows, dispatches and pairs.

/// RMSNorm of one vector.
struct NormRow<N: Count> {
  /// `4D + 4`: squares and their sum, mean, epsilon, root, quotient, two products.
  let elementwise: N
  let weights: N
  /// Read and written.
  let activations: N

  @inline(__always)
  init(_ width: N) {
    elementwise = 4 * width + 4
    weights = width
    activations = 2 * width
  }
}

/// The dimensions of a layer as numbers of one kind.
struct LayerDimensions<N: Count> {
  /// `D`, `D_q`, `D_kv`, `F`
  let width, query, keyValue, hidden: N
  /// `H` and `H_kv`
  let heads, keyValueHeads: N
  /// Heads that are rotated, `H + H_kv`, and pairs of features in each.
  let rotatedHeads, rotatedPairs: N

  @inline(__always)
  init(
    width: N, query: N, keyValue: N, hidden: N, heads: N, keyValueHeads: N, rotatedHeads: N, rotatedPairs: N
  ) {
    self.width = width
    self.query = query
    self.keyValue = keyValue
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
      hidden: N.whole(shape.feedForward), heads: N.whole(shape.heads), keyValueHeads: N.whole(shape.keyValueHeads),
      rotatedHeads: N.whole(shape.heads) + N.whole(shape.keyValueHeads), rotatedPairs: N.whole(shape.headWidth / 2))
  }
}

extension FeedForwardKind {
  /// Element-wise FLOP of the activation for each hidden feature: SiLU and its product with the other half, or GELU.
  @inline(__always) var activationFlops: Int { self == .gated ? 5 : 8 }
  /// The same of its gradient.
  @inline(__always) var activationGradientFlops: Int { self == .gated ? 11 : 16 }
}

/// What one row costs in one layer: weights and activations in elements, FLOP of products twice the weights they read.
struct LayerRow<N: Count> {
  let dimensions: LayerDimensions<N>
  let kind: FeedForwardKind
  let norm: NormRow<N>

  @inline(__always)
  init(_ dimensions: LayerDimensions<N>, _ kind: FeedForwardKind) {
    self.dimensions = dimensions
    self.kind = kind
    norm = NormRow(dimensions.width)
  }

  @inline(__always)
  init(_ shape: LayerShape) { self.init(LayerDimensions(shape), shape.feedForwardKind) }

  private var width: N { @inline(__always) get { dimensions.width } }

  // MARK: Attention's products

  /// Matrices of queries, keys, values and output.
  var projectionMatrices: N { @inline(__always) get { 2 * width * (dimensions.query + dimensions.keyValue) } }
  /// Rotation of queries and keys: 6 FLOP for each pair of features.
  var rotation: N { @inline(__always) get { 6 * dimensions.rotatedPairs * dimensions.rotatedHeads } }
  /// Norm, rotation, residual.
  var projectionElementwise: N { @inline(__always) get { norm.elementwise + rotation + width } }
  /// Row, queries and residual of both operations.
  var projectionActivations: N { @inline(__always) get { 3 * width + 2 * dimensions.query } }

  // MARK: Attention

  /// Scores and values of one (query, key) pair over all heads.
  var pairFlops: N { @inline(__always) get { 4 * dimensions.query } }
  /// Scale, maximum, difference, exponential, sum, quotient in each head.
  var pairElementwise: N { @inline(__always) get { 6 * dimensions.heads } }
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
  /// Rotation of the keys of one position.
  var keyRotation: N { @inline(__always) get { 6 * dimensions.rotatedPairs * dimensions.keyValueHeads } }
  /// The sums of votes of one position, of 32 bits, read and written.
  /// - Unit: bit
  var tallyBits: N { @inline(__always) get { 64 * dimensions.keyValueHeads } }

  // MARK: Feed-forward

  var feedForwardMatrices: N { @inline(__always) get { N.whole(kind.matrixCount) * width * dimensions.hidden } }
  var activation: N { @inline(__always) get { N.whole(kind.activationFlops) * dimensions.hidden } }
  /// Norm, activation, residual.
  var feedForwardElementwise: N { @inline(__always) get { norm.elementwise + activation + width } }
  var feedForwardActivations: N { @inline(__always) get { 3 * width + 2 * dimensions.hidden } }

  /// Weights of a whole layer, its two norms included.
  var weights: N {
    @inline(__always) get { projectionMatrices + feedForwardMatrices + 2 * norm.weights }
  }
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
}
