import Architectures
import Quantities

/// Passes of one stack that look alike: every pass runs the same number of rows, and the keys that they attend grow
/// evenly from pass to pass.
struct Passes {
  /// Rows of all sequences in one pass.
  var rows: Double
  /// Length of the progression, and how many times it runs.
  var count: Double = 1
  var times: Double = 1
  /// (query, key) pairs of one layer in one pass.
  var pairs: Affine
  /// Key–value entries that one layer reads in one pass; as many as pairs where it is fed unit by unit.
  var entriesRead: Affine
  var attention: DispatchGroup.Kind = .attentionDecode
}

/// Collects the dispatch groups of a phase and the weights that they stream.
struct DispatchBuilder {
  private(set) var groups: [DispatchGroup] = []
  /// Bytes of weights and caches that belong to each rank: what runs once per token has rank 0, what runs once per
  /// level-l unit has rank l.
  private var residentBytes: [Double]
  /// Tokens between two runs of each rank.
  private let strides: [Double]
  let precision: Precision
  let devices: Double

  init(_ model: Model, _ precision: Precision, devices: Double) {
    self.devices = devices
    residentBytes = Array(repeating: 0, count: model.levelCount + 1)
    strides = (0...model.levelCount).map { $0 == 0 ? 1 : Double(model.metaContextLength(upTo: $0)) }
    self.precision = precision
    groups.reserveCapacity(24 * (2 * model.levelCount + 1))
  }

  var weightBytes: Double { Double(precision.weights.bits) / 8 }
  var activationBytes: Double { Double(precision.activations.bits) / 8 }
  var cacheBytes: Double { Double(precision.cache.bits) / 8 }

  /// A decoder runs once per unit of the level below, everything else once per unit of its own level.
  static func rank(of node: Node) -> Int {
    let isDecoderStack = node.side == .decoder && node.component != .converter
    return isDecoderStack ? max(0, node.level - 1) : node.level
  }

  mutating func addResident(_ bytes: Double, at node: Node) { residentBytes[Self.rank(of: node)] += bytes }

  mutating func append(_ group: DispatchGroup) {
    if group.dispatches > 0 { groups.append(group) }
  }

  /// What a device sends in a ring over n devices: a sum of parts goes round twice, n − 1 times a part of 1/n each; parts
  /// that are only put together go round once.
  /// - Parameters:
  ///   - summed: elements of which every device has a part of the sum.
  ///   - gathered: elements of which every device has its share.
  private func linkBytes(summed: Double, gathered: Double) -> Double {
    (devices - 1) / devices * (2 * summed + gathered) * activationBytes
  }

  /// A product of `rows` rows with `inputs` × `outputs` weights, and what is fused with it.
  /// - Parameters:
  ///   - summedPerRow: features that are sums over all devices.
  ///   - gatheredPerRow: features of which each device has its share.
  mutating func appendProduct(
    _ node: Node, rows: Double, dispatches: Double, inputs: Double, outputs: Double, extraWeights: Double = 0,
    elementwisePerRow: Double, activationsPerRow: Double, cachedPerRow: Double = 0, summedPerRow: Double = 0,
    gatheredPerRow: Double = 0
  ) {
    let weights = (inputs * outputs + extraWeights) * weightBytes
    let entries = rows * cachedPerRow * cacheBytes
    append(
      DispatchGroup(
        node: node, kind: .product, rows: rows, dispatchesPerIndex: dispatches,
        work: DispatchWork(
          matmulFlops: Affine(2 * rows * inputs * outputs), elementwiseFlops: Affine(rows * elementwisePerRow),
          bytes: Affine(weights + rows * activationsPerRow * activationBytes + entries), weightBytes: weights,
          entryBytes: Affine(entries)), unitFlops: 2 * inputs * outputs,
        linkBytes: linkBytes(summed: rows * summedPerRow, gathered: rows * gatheredPerRow)))
  }

  /// `rows` vectors through a norm of their own.
  mutating func appendNorm(_ node: Node, rows: Double, dispatches: Double, width: Double) {
    let norm = NormRow(width)
    append(
      DispatchGroup(
        node: node, kind: .elementwise, rows: rows, dispatchesPerIndex: dispatches,
        work: DispatchWork(
          elementwiseFlops: Affine(rows * norm.elementwise),
          bytes: Affine(norm.weights * weightBytes + rows * norm.activations * activationBytes),
          weightBytes: norm.weights * weightBytes)))
  }

  /// `rows` rows of an embedding table; of several devices the one that holds a row passes it on.
  mutating func appendEmbedding(_ node: Node, rows: Double, dispatches: Double, width: Double) {
    append(
      DispatchGroup(
        node: node, kind: .elementwise, rows: rows, dispatchesPerIndex: dispatches,
        work: DispatchWork(
          bytes: Affine(rows * width * (weightBytes + activationBytes)), weightBytes: rows * width * weightBytes),
        linkBytes: linkBytes(summed: rows * width, gathered: 0)))
  }

  /// The groups with their working sets: the bytes that are streamed between two uses of a weight. In decode these are all
  /// bytes of rank ≤ r, each as often as it runs between two runs of rank r; in prefill all bytes once.
  consuming func phase(steps: Double, reusedByRank: Bool) -> DispatchedPhase {
    let total = residentBytes.reduce(0, +)
    let streamed = strides.indices.map { rank in
      (0...rank).reduce(0) { $0 + residentBytes[$1] * strides[rank] / strides[$1] }
    }
    for index in groups.indices {
      groups[index].workingSet = reusedByRank ? streamed[Self.rank(of: groups[index].node)] : total
    }
    return DispatchedPhase(groups: groups, steps: steps)
  }
}

/// One Transformer stack: the operations that a pass dispatches in each layer (NOTATION.md, "Work of an operation").
struct TimedStack {
  let level: Int
  let side: Side
  let shape: LayerShape
  let layers: Double

  init(_ level: Int, _ side: Side, _ shape: LayerShape, layers: Int) {
    self.level = level
    self.side = side
    self.shape = shape
    self.layers = Double(layers)
  }

  private func node(_ component: Component) -> Node { Node(level, side, component) }
  private var feedForwardInputMatrices: Double { Double(shape.feedForwardKind.matrixCount - 1) }

  /// Weights of all layers and the last norm, and `entries` key–value entries in each layer.
  func addResident(entries: Double, to builder: inout DispatchBuilder) {
    let row = LayerRow<Double>(shape)
    let weights = (layers * row.weights + row.norm.weights) * builder.weightBytes
    builder.addResident(
      weights + layers * entries * row.entryElements * builder.cacheBytes, at: node(.projections))
  }

  /// Without the stack's last norm.
  func append(_ passes: Passes, to builder: inout DispatchBuilder) {
    let row = LayerRow<Double>(shape)
    let (width, query, hidden) = (row.dimensions.width, row.dimensions.query, row.dimensions.hidden)
    let rows = passes.rows
    let dispatches = layers * passes.count * passes.times

    builder.appendProduct(
      node(.projections), rows: rows, dispatches: dispatches, inputs: width, outputs: query + row.entryElements,
      extraWeights: row.norm.weights, elementwisePerRow: row.norm.elementwise + row.rotation,
      activationsPerRow: width + query, cachedPerRow: row.entryElements)
    let entries = (row.entryElements * builder.cacheBytes) * passes.entriesRead
    // n queries over themselves have n(n + 1)/2 causal pairs and a square of n² scores.
    let square = passes.attention == .attentionPrefill ? 2 * passes.pairs + Affine(-rows) : passes.pairs
    builder.append(
      DispatchGroup(
        node: node(.attention), kind: passes.attention, rows: rows, indices: passes.count,
        dispatchesPerIndex: layers * passes.times,
        work: DispatchWork(
          matmulFlops: row.pairFlops * passes.pairs, elementwiseFlops: row.pairElementwise * passes.pairs,
          bytes: Affine(rows * row.attentionActivations * builder.activationBytes) + entries, entryBytes: entries,
          scores: row.dimensions.heads * square), unitFlops: row.pairFlops * rows))
    builder.appendProduct(
      node(.projections), rows: rows, dispatches: dispatches, inputs: query, outputs: width,
      elementwisePerRow: width, activationsPerRow: query + 2 * width, summedPerRow: width)
    builder.appendProduct(
      node(.feedForward), rows: rows, dispatches: dispatches, inputs: width, outputs: feedForwardInputMatrices * hidden,
      extraWeights: row.norm.weights, elementwisePerRow: row.norm.elementwise + row.activation,
      activationsPerRow: width + hidden)
    builder.appendProduct(
      node(.feedForward), rows: rows, dispatches: dispatches, inputs: hidden, outputs: width,
      elementwisePerRow: width, activationsPerRow: hidden + 2 * width, summedPerRow: width)
  }

  /// The norm of `rows` rows that ends a pass, where no head contains it.
  func appendNorm(rows: Double, dispatches: Double, to builder: inout DispatchBuilder) {
    builder.appendNorm(node(.norm), rows: rows, dispatches: dispatches, width: Double(shape.width))
  }
}
