import Architectures
import Quantities

/// What a row, a dispatch and a (query, key) pair of a stack cost: those of a layer, times the layers of the stack.
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
    let row = LayerRow<Integer>(shape)
    let weightBits = Integer(word: precision.weights.bits)
    let activationBits = Integer(word: precision.activations.bits)
    layers = Integer(word: layerCount)

    let matrices = row.projectionMatrices
    projectionFlops = 2 &* matrices &* layers
    projectionElementwise = row.projectionElementwise &* layers
    projectionWeightBits = (matrices &+ row.norm.weights) &* layers &* weightBits
    projectionActivationBits = row.projectionActivations &* layers &* activationBits

    pairFlops = row.pairFlops &* layers
    pairElementwise = row.pairElementwise &* layers
    attentionActivationBits = row.attentionActivations &* layers &* activationBits

    let feedForward = row.feedForwardMatrices
    feedForwardFlops = 2 &* feedForward &* layers
    feedForwardElementwise = row.feedForwardElementwise &* layers
    feedForwardWeightBits = (feedForward &+ row.norm.weights) &* layers &* weightBits
    feedForwardActivationBits = row.feedForwardActivations &* layers &* activationBits

    entryBits = row.entryElements &* layers &* Integer(word: precision.cache.bits)
    norm = NormCost(row.norm, weightBits: weightBits, activationBits: activationBits)
  }
}

/// The norm of one vector in bits.
struct NormCost<Integer: CountingInteger> {
  let elementwise: Integer
  let weightBits: Integer
  let activationBits: Integer

  @inline(__always)
  init(_ row: NormRow<Integer>, weightBits: Integer, activationBits: Integer) {
    elementwise = row.elementwise
    self.weightBits = row.weights &* weightBits
    self.activationBits = row.activations &* activationBits
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
    let row = MapRow(inputs: inputs, outputs: outputs, bias: bias, inputNorm: inputNorm)
    flops = 2 &* row.matrix
    elementwise = row.elementwise
    weightBits = row.weights &* Integer(word: precision.weights.bits)
    activationBits = row.activations &* Integer(word: precision.activations.bits)
  }
}

extension Model {
  /// Converter l: D_l → R_l·D_{l−1}, weight and bias.
  @inline(__always)
  func converterCost<Integer>(at level: Int, _ precision: Precision) -> MapCost<Integer> {
    let outputs =
      Integer(word: levels[level].conditionLength)
      &* Integer(word: level == 1 ? layer.width : levels[level - 1].layer.width)
    return MapCost(
      inputs: Integer(word: levels[level].layer.width), outputs: outputs, bias: true,
      inputNorm: false, precision)
  }

  /// Features that the chunker of a level concatenates: C_l·D_{l−1}, where level 1 reads encoder embedding rows.
  @inline(__always)
  func chunkerInputs(at level: Int) -> Int {
    levels[level].chunkLength &* (level == 1 ? encoderEmbeddingWidth : levels[level - 1].layer.width)
  }

  /// Chunker l, unless it is the view that costs nothing.
  @inline(__always)
  func chunkerCost<Integer>(at level: Int, _ precision: Precision) -> MapCost<Integer>? {
    let shape = levels[level]
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
