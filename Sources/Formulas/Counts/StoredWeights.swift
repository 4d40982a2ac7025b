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
  /// Norm and matrices of queries, keys, values and output of a layer.
  /// - Unit: bit
  @inline(__always)
  func projectionBits(_ precision: Precision) -> Int {
    let outputs = queryWidth &+ 2 &* keyValueWidth
    return outputs &* precision.bits(of: .matrix, inputs: width)
      &+ width &* precision.bits(of: .matrix, inputs: queryWidth) &+ width &* precision.norms.bits
  }

  /// Norm and matrices of a layer's feed-forward network.
  /// - Unit: bit
  @inline(__always)
  func feedForwardBits(_ precision: Precision) -> Int {
    let outputs = (feedForwardKind.matrixCount &- 1) &* feedForward
    return outputs &* precision.bits(of: .matrix, inputs: width)
      &+ width &* precision.bits(of: .matrix, inputs: feedForward) &+ width &* precision.norms.bits
  }

  /// Weights of so many layers.
  func stored(layers: Int) -> [StoredWeights] {
    let layers = Int128(layers)
    return [
      StoredWeights(.matrix, inputs: width, outputs: layers * Int128(queryWidth + 2 * keyValueWidth)),
      StoredWeights(.matrix, inputs: queryWidth, outputs: layers * Int128(width)),
      StoredWeights(
        .matrix, inputs: width, outputs: layers * Int128((feedForwardKind.matrixCount - 1) * feedForward)),
      StoredWeights(.matrix, inputs: feedForward, outputs: layers * Int128(width)),
      StoredWeights(.vector, inputs: width, outputs: 2 * layers),
    ]
  }
}
