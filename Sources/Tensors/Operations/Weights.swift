import Architectures

/// A weight matrix and its bias, row-major `outputs × inputs`.
public struct Linear: Sendable {
  /// `outputs × inputs`, row-major.
  public let weight: Tensor
  /// One row; `nil` for a map without bias.
  public let bias: Tensor?

  public init(weight: Tensor, bias: Tensor? = nil) {
    self.weight = weight
    self.bias = bias
  }

  /// Features of a result.
  public var outputs: Int { weight.rows }
  /// Features of an operand.
  public var inputs: Int { weight.columns }
}

/// One Transformer layer: RMSNorm, attention, RMSNorm, feed-forward; no biases (Llama).
public struct LayerWeights: Sendable {
  /// 1 × D.
  public let attentionNorm: Tensor
  /// (D_q + 2·D_kv) × D: queries, keys, values in one product.
  public let queryKeyValue: Linear
  /// D × D_q.
  public let output: Linear
  /// 1 × D.
  public let feedForwardNorm: Tensor
  /// 2F × D, gate above up; F × D for a two-matrix network.
  public let gateUp: Linear
  /// D × F.
  public let down: Linear

  public init(
    attentionNorm: Tensor, queryKeyValue: Linear, output: Linear, feedForwardNorm: Tensor, gateUp: Linear, down: Linear
  ) {
    self.attentionNorm = attentionNorm
    self.queryKeyValue = queryKeyValue
    self.output = output
    self.feedForwardNorm = feedForwardNorm
    self.gateUp = gateUp
    self.down = down
  }
}

/// A stack of layers, and the norm it ends in.
public struct StackWeights: Sendable {
  /// What its layers are and where it stands.
  public let stack: Stack
  /// From the input up.
  public let layers: [LayerWeights]
  /// The shape of every layer.
  public let shapes: [LayerShape]
  /// 1 × D.
  public let lastNorm: Tensor

  public init(_ stack: Stack, layers: [LayerWeights], lastNorm: Tensor) {
    precondition(layers.count == stack.layers, "\(layers.count) layers of \(stack.layers)")
    self.stack = stack
    self.layers = layers
    self.lastNorm = lastNorm
    shapes = stack.layerShapes
  }
}
