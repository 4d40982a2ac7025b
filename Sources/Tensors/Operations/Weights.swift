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

/// What a layer learns that is not Llama's, and biases aside: those stand with their products.
public struct StyleWeights: Sendable {
  /// 1 × D each; of norms with the mean.
  public var attentionNormBias, feedForwardNormBias: Tensor?
  /// 1 × D each: norms behind halves that have one in front as well.
  public var attentionEndNorm, feedForwardEndNorm: Tensor?
  /// 1 × D each.
  public var attentionEndNormBias, feedForwardEndNormBias: Tensor?
  /// 1 × d each, or 1 × D_q and 1 × D_kv.
  public var queryNorm, keyNorm: Tensor?

  /// Nothing.
  public init() {}
}

/// One Transformer layer: RMSNorm, attention, RMSNorm, feed-forward; no biases (Llama), but for what its style has.
public struct LayerWeights: Sendable {
  /// 1 × D: in front of attention, or behind it where there is none in front.
  public let attentionNorm: Tensor
  /// (D_q + 2·D_kv) × D: queries, keys, values in one product.
  public let queryKeyValue: Linear
  /// D × D_q.
  public let output: Linear
  /// 1 × D, placed as that of attention; the same one where both halves read it.
  public let feedForwardNorm: Tensor
  /// 2F × D, gate above up; F × D for a two-matrix network.
  public let gateUp: Linear
  /// D × F.
  public let down: Linear
  /// What is not Llama's.
  public let style: StyleWeights

  public init(
    attentionNorm: Tensor, queryKeyValue: Linear, output: Linear, feedForwardNorm: Tensor, gateUp: Linear, down: Linear,
    style: StyleWeights = StyleWeights()
  ) {
    self.attentionNorm = attentionNorm
    self.queryKeyValue = queryKeyValue
    self.output = output
    self.feedForwardNorm = feedForwardNorm
    self.gateUp = gateUp
    self.down = down
    self.style = style
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
  /// 1 × D; nil where norms stand behind residuals, whose stack ends in the last of them.
  public let lastNorm: Tensor!
  /// 1 × D; of a norm with the mean.
  public let lastNormBias: Tensor?

  public init(_ stack: Stack, layers: [LayerWeights], lastNorm: Tensor?, lastNormBias: Tensor? = nil) {
    precondition(layers.count == stack.layers, "\(layers.count) layers of \(stack.layers)")
    self.stack = stack
    self.layers = layers
    self.lastNorm = lastNorm
    self.lastNormBias = lastNormBias
    shapes = stack.layerShapes
  }
}
