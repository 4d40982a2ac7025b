import Architectures
import Quantities

/// Weights of a model that are stored alike: so many outputs, rows or vectors of so many numbers each.
struct StoredWeights: Hashable, Sendable {
  var role: WeightRole
  /// Of each output.
  var inputs: Int
  var outputs: Int128

  init(_ role: WeightRole, inputs: Int, outputs: Int128) {
    (self.role, self.inputs, self.outputs) = (role, inputs, outputs)
  }

  /// Without scales.
  var elements: Int128 { Int128(inputs) * outputs }

  /// With scales and zero points.
  func bits(_ precision: Precision) -> Int128 { outputs * Int128(precision.bits(of: role, inputs: inputs)) }
}

extension LayerShape {
  /// Matrices of queries, keys, values and output of a layer.
  /// - Unit: bit
  @inline(__always)
  func projectionMatrixBits(_ precision: Precision) -> Int {
    let outputs = queryWidth &+ 2 &* keyValueWidth
    return outputs &* precision.bits(of: .matrix, inputs: width)
      &+ width &* precision.bits(of: .matrix, inputs: queryWidth)
  }

  /// Matrices of a layer's feed-forward network.
  /// - Unit: bit
  @inline(__always)
  func feedForwardMatrixBits(_ precision: Precision) -> Int {
    let outputs = (feedForwardKind.matrixCount &- 1) &* feedForward
    return outputs &* precision.bits(of: .matrix, inputs: width)
      &+ width &* precision.bits(of: .matrix, inputs: feedForward)
  }

  /// Weights of so many layers.
  func stored(layers: Int) -> [StoredWeights] {
    let layers = Int128(layers)
    let row = LayerRow<Int128>(self)
    // Norms and biases.
    let vectors = row.weights - row.projectionMatrices - row.feedForwardMatrices
    return [
      StoredWeights(.matrix, inputs: width, outputs: layers * Int128(queryWidth + 2 * keyValueWidth)),
      StoredWeights(.matrix, inputs: queryWidth, outputs: layers * Int128(width)),
      StoredWeights(
        .matrix, inputs: width, outputs: layers * Int128((feedForwardKind.matrixCount - 1) * feedForward)),
      StoredWeights(.matrix, inputs: feedForward, outputs: layers * Int128(width)),
      StoredWeights(.vector, inputs: Int(vectors), outputs: layers),
    ]
  }

  /// All weights of a layer.
  /// - Unit: bit
  func weightBits(_ precision: Precision) -> Int128 {
    stored(layers: 1).reduce(0) { $0 + $1.bits(precision) }
  }
}

extension TokenEnds {
  /// What is read for each token: its row of the table, and of that of positions where there is one.
  /// - Unit: bit
  @inline(__always)
  func rowBits(width: Int, _ precision: Precision) -> Int {
    precision.bits(of: .embedding, inputs: embeddingWidth == 0 ? width : embeddingWidth)
      &+ (learnedPositions > 0 ? precision.bits(of: .embedding, inputs: width) : 0)
  }

  /// The matrix that rows are projected with where they are narrower than the model.
  /// - Unit: bit
  @inline(__always)
  func projectionBits(width: Int, _ precision: Precision) -> Int {
    embeddingWidth == 0 ? 0 : width &* precision.bits(of: .embedding, inputs: embeddingWidth)
  }
}
