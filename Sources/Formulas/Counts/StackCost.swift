import Architectures
import Quantities

/// What a row, a dispatch and a (query, key) pair of a stack cost: those of a layer, times the layers of its run, added up
/// over the runs.
struct StackCost<Integer: CountingInteger> {
  private(set) var layers: Integer
  /// norm, Q, K, V, rotation; output product and residual.
  private(set) var projectionFlops: Integer
  private(set) var projectionElementwise: Integer
  private(set) var projectionWeightBits: Integer
  private(set) var projectionActivationBits: Integer
  /// 4·D_q FLOP and 6 element-wise FLOP per head and pair, where every head attends the same.
  private(set) var pairFlops: Integer
  private(set) var pairElementwise: Integer
  private(set) var attentionActivationBits: Integer
  private(set) var feedForwardFlops: Integer
  private(set) var feedForwardElementwise: Integer
  private(set) var feedForwardWeightBits: Integer
  private(set) var feedForwardActivationBits: Integer
  /// What all layers store of one position.
  private(set) var entryBits: Integer
  /// The norm that ends the stack: not multiplied by its layers.
  let norm: NormCost<Integer>

  /// Layers that are all alike.
  @inline(__always)
  init(_ shape: LayerShape, layers layerCount: Int, _ precision: Precision) {
    let row = LayerRow<Integer>(shape)
    let activationBits = Integer(word: precision.activations.bits)
    layers = Integer(word: layerCount)

    let matrices = row.projectionMatrices
    projectionFlops = 2 &* matrices &* layers
    projectionElementwise = row.projectionElementwise &* layers
    let normBits = Integer(word: precision.norms.bits)
    projectionWeightBits =
      (Integer(word: shape.projectionMatrixBits(precision)) &+ (row.projectionWeights &- matrices) &* normBits)
      &* layers
    projectionActivationBits = row.projectionActivations &* layers &* activationBits

    pairFlops = row.pairFlops &* layers
    pairElementwise = row.pairElementwise &* layers
    attentionActivationBits = row.attentionActivations &* layers &* activationBits

    let feedForward = row.feedForwardMatrices
    feedForwardFlops = 2 &* feedForward &* layers
    feedForwardElementwise = row.feedForwardElementwise &* layers
    feedForwardWeightBits =
      (Integer(word: shape.feedForwardMatrixBits(precision)) &+ (row.feedForwardWeights &- feedForward) &* normBits)
      &* layers
    feedForwardActivationBits = row.feedForwardActivations &* layers &* activationBits

    entryBits = row.entryElements &* layers &* Integer(word: precision.cache.bits)
    norm = NormCost(
      row.norm, weightBits: Integer(word: precision.norms.bits), activationBits: activationBits)
  }

  /// The runs of a stack.
  init(_ stack: Stack, _ precision: Precision) {
    self.init(stack.runs.first.shape, layers: stack.runs.first.layers, precision)
    for run in stack.runs.others { add(StackCost(run.shape, layers: run.layers, precision)) }
  }

  /// Another run of the stack, whose last norm is the first run's.
  private mutating func add(_ other: StackCost) {
    layers &+= other.layers
    projectionFlops &+= other.projectionFlops
    projectionElementwise &+= other.projectionElementwise
    projectionWeightBits &+= other.projectionWeightBits
    projectionActivationBits &+= other.projectionActivationBits
    pairFlops &+= other.pairFlops
    pairElementwise &+= other.pairElementwise
    attentionActivationBits &+= other.attentionActivationBits
    feedForwardFlops &+= other.feedForwardFlops
    feedForwardElementwise &+= other.feedForwardElementwise
    feedForwardWeightBits &+= other.feedForwardWeightBits
    feedForwardActivationBits &+= other.feedForwardActivationBits
    entryBits &+= other.entryBits
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
  init(
    _ role: WeightRole, inputs: Int, outputs: Int, bias: Bool, inputNorm: Bool, _ precision: Precision
  ) {
    self.init(
      MapRow(inputs: Integer(word: inputs), outputs: Integer(word: outputs), bias: bias, inputNorm: inputNorm),
      matrixBits: outputs &* precision.bits(of: role, inputs: inputs), precision)
  }

  /// - Parameter matrixBits: of the products' weights; what else a row has are vectors.
  @inline(__always)
  init(_ row: MapRow<Integer>, matrixBits: Int, _ precision: Precision) {
    flops = 2 &* row.matrix
    elementwise = row.elementwise
    weightBits =
      Integer(word: matrixBits) &+ (row.weights &- row.matrix) &* Integer(word: precision.norms.bits)
    activationBits = row.activations &* Integer(word: precision.activations.bits)
  }
}

extension LevelShape {
  /// Converter l: D_l → R_l·D_{l−1}, weight and bias.
  /// - Parameter width: `D_{l−1}`
  @inline(__always)
  func converterCost<Integer>(width: Int, _ precision: Precision) -> MapCost<Integer> {
    MapCost(
      .matrix, inputs: layer.width, outputs: conditionLength &* width, bias: true, inputNorm: false, precision)
  }

  /// Chunker l, unless it is the view that costs nothing.
  /// - Parameter inputs: features that it concatenates.
  @inline(__always)
  func chunkerCost<Integer>(inputs: Int, _ precision: Precision) -> MapCost<Integer>? {
    if chunker == .concatenation { return nil }
    return MapCost(
      .matrix, inputs: inputs, outputs: layer.width, bias: true, inputNorm: chunker == .linear, precision)
  }
}

extension Model {
  /// Last norm and vocabulary product: no bias.
  @inline(__always)
  func headCost<Integer>(_ precision: Precision) -> MapCost<Integer> {
    MapCost(
      headRow(Integer(word: layer.width), Integer(word: vocabulary)), matrixBits: headMatrixBits(precision), precision)
  }

  /// The vocabulary product, and where rows of the table are narrower the projection before it.
  @inline(__always)
  func headMatrixBits(_ precision: Precision) -> Int {
    let narrow = ends.embeddingWidth
    if narrow == 0 { return vocabulary &* precision.bits(of: .head, inputs: layer.width) }
    return (layer.width &+ vocabulary) &* precision.bits(of: .head, inputs: narrow)
  }

  /// The same in numbers of any kind.
  @inline(__always)
  func headRow<N: Count>(_ width: N, _ vocabulary: N) -> MapRow<N> {
    MapRow(
      headOf: width, vocabulary: vocabulary,
      table: ends.embeddingWidth == 0 ? nil : N.whole(ends.embeddingWidth),
      norm: layer.isPlain ? .rms : layer.style.hasLastNorm ? layer.style.norm : nil, logitFlops: ends.logitFlops)
  }
}
