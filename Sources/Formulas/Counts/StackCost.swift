import Architectures
import Quantities

/// What a row, a dispatch and a (query, key) pair of a stack cost: NOTATION.md, "Work of an operation", summed over the
/// layers of the stack.
struct StackCost<Integer: CountingInteger> {
  let layers: Integer
  /// norm, Q, K, V, rotation; output product and residual.
  let projectionFlops: Integer
  let projectionElementwise: Integer
  let projectionWeightBits: Integer
  let projectionActivationBits: Integer
  /// 4·D_q FLOP and 6 element-wise FLOP per head and pair.
  let pairFlops: Integer
  let pairElementwise: Integer
  let attentionActivationBits: Integer
  let feedForwardFlops: Integer
  let feedForwardElementwise: Integer
  let feedForwardWeightBits: Integer
  let feedForwardActivationBits: Integer
  /// Keys and values of one position.
  let entryBits: Integer
  /// The norm that ends the stack: not multiplied by its layers.
  let norm: NormCost<Integer>

  @inline(__always)
  init(_ shape: LayerShape, layers layerCount: Int, _ precision: Precision) {
    func wide(_ value: Int) -> Integer { Integer(word: value) }
    let width = wide(shape.width)
    let query = wide(shape.queryWidth)
    let keyValue = wide(shape.keyValueWidth)
    let hidden = wide(shape.feedForward)
    let heads = wide(shape.heads)
    let weightBits = wide(precision.weights.bits)
    let activationBits = wide(precision.activations.bits)
    layers = wide(layerCount)

    let projectionWeights = 2 &* width &* (query &+ keyValue)
    let rotated = wide(shape.headWidth / 2) &* (heads &+ wide(shape.keyValueHeads))
    projectionFlops = 2 &* projectionWeights &* layers
    projectionElementwise = (5 &* width &+ 4 &+ 6 &* rotated) &* layers
    projectionWeightBits = (projectionWeights &+ width) &* layers &* weightBits
    projectionActivationBits = (3 &* width &+ 2 &* query) &* layers &* activationBits

    pairFlops = 4 &* query &* layers
    pairElementwise = 6 &* heads &* layers
    attentionActivationBits = 2 &* query &* layers &* activationBits

    let gated = shape.feedForwardKind == .gated
    let feedForwardWeights = (gated ? 3 : 2) &* width &* hidden
    feedForwardFlops = 2 &* feedForwardWeights &* layers
    feedForwardElementwise = (5 &* width &+ 4 &+ (gated ? 5 : 8) &* hidden) &* layers
    feedForwardWeightBits = (feedForwardWeights &+ width) &* layers &* weightBits
    feedForwardActivationBits = (3 &* width &+ 2 &* hidden) &* layers &* activationBits

    entryBits = 2 &* keyValue &* layers &* wide(precision.cache.bits)
    norm = NormCost(width: width, weightBits: weightBits, activationBits: activationBits)
  }
}

/// RMSNorm over a vector: 4D + 4 element-wise FLOP.
struct NormCost<Integer: CountingInteger> {
  let elementwise: Integer
  let weightBits: Integer
  let activationBits: Integer

  @inline(__always)
  init(width: Integer, weightBits: Integer, activationBits: Integer) {
    elementwise = 4 &* width &+ 4
    self.weightBits = width &* weightBits
    self.activationBits = 2 &* width &* activationBits
  }
}

/// A dense map with or without a bias and an input norm: chunker, converter or head.
struct MapCost<Integer: CountingInteger> {
  let flops: Integer
  let elementwise: Integer
  let weightBits: Integer
  let activationBits: Integer

  @inline(__always)
  init(inputs: Integer, outputs: Integer, bias: Bool, inputNorm: Bool, _ precision: Precision) {
    let biases = bias ? outputs : 0
    flops = 2 &* inputs &* outputs
    elementwise = biases &+ (inputNorm ? 4 &* inputs &+ 4 : 0)
    weightBits =
      (inputs &* outputs &+ biases &+ (inputNorm ? inputs : 0)) &* Integer(word: precision.weights.bits)
    activationBits = (inputs &+ outputs) &* Integer(word: precision.activations.bits)
  }
}

extension Model {
  /// Converter l: D_l → R_l·D_{l−1}, weight and bias.
  @inline(__always)
  func converterCost<Integer>(at level: Int, _ precision: Precision) -> MapCost<Integer> {
    let outputs =
      Integer(word: levels[level - 1].conditionLength)
      &* Integer(word: level == 1 ? layer.width : levels[level - 2].layer.width)
    return MapCost(
      inputs: Integer(word: levels[level - 1].layer.width), outputs: outputs, bias: true,
      inputNorm: false, precision)
  }

  /// Features that the chunker of a level concatenates: C_l·D_{l−1}, where level 1 reads encoder embedding rows.
  @inline(__always)
  func chunkerInputs(at level: Int) -> Int {
    levels[level - 1].chunkLength &* (level == 1 ? encoderEmbeddingWidth : levels[level - 2].layer.width)
  }

  /// Chunker l, unless it is the view that costs nothing.
  @inline(__always)
  func chunkerCost<Integer>(at level: Int, _ precision: Precision) -> MapCost<Integer>? {
    let shape = levels[level - 1]
    if shape.chunker == .concatenation { return nil }
    return MapCost(
      inputs: Integer(word: chunkerInputs(at: level)),
      outputs: Integer(word: shape.layer.width), bias: true, inputNorm: shape.chunker == .linear,
      precision)
  }

  /// Last norm and vocabulary product: no bias.
  @inline(__always)
  func headCost<Integer>(_ precision: Precision) -> MapCost<Integer> {
    MapCost(
      inputs: Integer(word: layer.width), outputs: Integer(word: vocabulary), bias: false,
      inputNorm: true, precision)
  }
}
