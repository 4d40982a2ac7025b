import Architectures
import Quantities

/// The dimensions of a vote: `queries` consecutive positions of each group, the last of which sees all `entries`, each
/// one before it one entry fewer; or all of them all, where they stand behind the entries.
public struct VoteShape: Hashable, Sendable {
  /// Sequences.
  public var groups: Int
  /// Consecutive positions of each group that vote.
  public var queries: Int
  /// Entries that the last of them sees.
  public var entries: Int
  /// Heads and their width.
  public var layer: LayerShape
  /// Whether the queries have no entries among those that they vote for.
  public var isBehind: Bool
  /// Where the weights come from.
  public var weights: Weights
  /// Sums that are added up, for each key–value head of a group, as the votes are pooled.
  public var pooled: Int
  /// Whether each query leaves a share of the votes before it, and the votes of heads are reduced to one of each
  /// key–value head.
  public var isSmoothed: Bool
  /// The latest entries that a query votes for, its own among them; all if 0.
  public var window: Int
  /// What is read of keys, all groups together; nil: keys in the cache's type.
  public var keys: EntryTraffic?

  /// Where the weights of a vote come from.
  public enum Weights: String, Hashable, Sendable, CaseIterable {
    /// Attention ends with those of its one row.
    case attention
    /// They are computed again with the maxima and sums of attention, which never holds all weights of many rows.
    case again
    /// A softmax of their own.
    case own
  }

  public init(
    groups: Int, queries: Int, entries: Int, layer: LayerShape, isBehind: Bool = false, weights: Weights, pooled: Int,
    isSmoothed: Bool = false, window: Int = 0, keys: EntryTraffic? = nil
  ) {
    self.groups = groups
    self.queries = queries
    self.entries = entries
    self.layer = layer
    self.isBehind = isBehind
    self.weights = weights
    self.pooled = pooled
    self.isSmoothed = isSmoothed
    self.window = window
    self.keys = keys
  }

  /// Query–key pairs of one group.
  @inlinable var pairsPerGroup: Int128 {
    let q = Int128(queries)
    if window > 0 {
      let growing = Int128(min(max(window - (entries - queries), 0), queries))
      return growing * Int128(entries - queries) + growing * (growing + 1) / 2 + (q - growing) * Int128(window)
    }
    return isBehind ? q * Int128(entries) : q * Int128(entries - queries) + q * (q + 1) / 2
  }
}

/// A kernel call, with the dimensions that the kernel is given: what a trace records.
///
/// Fused exactly as the compulsory traffic is counted (NOTATION.md): each case reads its inputs and weights once and
/// writes its result once. A new case does not compile until it has a kernel, a work rule and a description.
public enum Operation: Hashable, Sendable {
  /// Rows looked up in a table, and what the ends of a model add to them.
  case embedding(rows: Int, width: Int, ends: TokenEnds = .plain)
  /// Norm, query, key and value products, rotation, append: of each row a key and a value in the cache's type where
  /// nothing else is said.
  case queryKeyValue(rows: Int, layer: LayerShape, store: Store, appends: EntryTraffic? = nil)
  case attention(AttentionShape)
  /// z·a + (1 − z)·b of two results of attention, with a gate z for each key–value head and the heads that share it.
  case mixHeads(rows: Int, layer: LayerShape)
  /// Output product and residual.
  case output(rows: Int, layer: LayerShape)
  /// Norm, gate and up products (or the one product of a two-matrix network), activation.
  case gateUp(rows: Int, layer: LayerShape)
  /// Down product and residual.
  case down(rows: Int, layer: LayerShape)
  /// The last norm of a stack.
  case norm(rows: Int, width: Int)
  /// A learned chunker: `rows` outputs from `inputWidth` = C·D_{l−1} features each.
  case chunker(rows: Int, inputWidth: Int, outputWidth: Int, normalised: Bool)
  /// `rows` latents into `outputWidth` = R·D_{l−1} features each.
  case converter(rows: Int, inputWidth: Int, outputWidth: Int)
  /// Last norm and vocabulary product, and what the ends of a model do to logits.
  case head(rows: Int, width: Int, vocabulary: Int, norm: NormKind? = .rms, ends: TokenEnds = .plain)
  /// Held entries of all key–value heads of the layer copied to another place in the device's memory.
  case moveEntries(entries: Int, layer: LayerShape, traffic: EntryTraffic? = nil)
  /// Attention weights of some queries added to what entries have gathered.
  case scoreEntries(VoteShape)
  /// Products of queries with keys compared, so that the entries are chosen which attention reads.
  case scanKeys(ScanShape)
  /// Keys of all key–value heads of the layer rotated as they are read, by their places among those that are held.
  case rotateEntries(entries: Int, layer: LayerShape)
  /// Entries of all key–value heads of the layer sent over the link between host and device, in either direction.
  case transferEntries(entries: Int, layer: LayerShape, traffic: EntryTraffic? = nil)
  /// Entries of all key–value heads of the layer quantised; so many of them had been held in the cache's type.
  case quantiseEntries(entries: Int, held: Int, layer: LayerShape, form: Quantisation)
}

extension Operation {
  /// Exact work of one dispatch: the table of NOTATION.md, row by row.
  public func work(in precision: Precision) -> Work<Int128> {
    // So many outputs of a product, or rows of a table, and a vector of so many numbers.
    func stored(_ outputs: Int128, _ role: WeightRole, inputs: Int) -> Int128 {
      outputs * Int128(precision.bits(of: role, inputs: inputs))
    }
    func vector(_ length: Int128) -> Int128 { length * Int128(precision.norms.bits) }
    let a = Int128(precision.activations.bits)
    let c = Int128(precision.cache.bits)
    switch self {
    case .embedding(let rows, let width, let ends):
      let elements = Int128(rows) * Int128(width)
      let hasPositions = ends.learnedPositions > 0
      // Rows of the table, and the matrix that they are projected with where they are not as wide as the result.
      let own = ends.embeddingWidth == 0 ? width : ends.embeddingWidth
      let projection = ends.embeddingWidth == 0 ? 0 : Int128(own) * Int128(width)
      return Work(
        matmulFlops: 2 * Int128(rows) * projection,
        elementwiseFlops: (hasPositions ? elements : 0) + (ends.embeddingScale == 1 ? 0 : elements),
        weightBits: stored(Int128(rows), .embedding, inputs: own)
          + (hasPositions ? stored(Int128(rows), .embedding, inputs: width) : 0)
          + (ends.embeddingWidth == 0 ? 0 : stored(Int128(width), .embedding, inputs: own)),
        activationBits: elements * a)

    case .queryKeyValue(let rows, let layer, let store, let appends):
      let r = Int128(rows)
      let (d, dq, dkv) = (Int128(layer.width), Int128(layer.queryWidth), Int128(layer.keyValueWidth))
      let entries = appends?.bits(in: c) ?? r * 2 * dkv * c
      let rotated = Int128(layer.rotatedPairs * (layer.heads + layer.keyValueHeads))
      let vectors = layer.vectorsOfInput
      let written = layer.style.order == .parallelOneNorm ? d + dq : dq
      return Work(
        matmulFlops: 2 * r * d * (dq + 2 * dkv),
        elementwiseFlops: r * vectors.flops + r * 6 * rotated,
        weightBits: stored(dq + 2 * dkv, .matrix, inputs: layer.width) + vector(vectors.weights),
        activationBits: r * (d + written) * a + (store == .local ? entries : 0),
        cacheWriteBits: store == .persistent ? entries : 0)

    case .attention(let shape):
      let layer = shape.layer
      let pairs = Int128(shape.groups) * shape.pairsPerGroup
      let reads = shape.readsOnce ? Int128(shape.groups) * Int128(shape.entriesPerGroup) : pairs
      let readBits = shape.reads?.bits(in: c) ?? reads * 2 * Int128(layer.keyValueWidth) * c
      return Work(
        matmulFlops: 4 * pairs * Int128(layer.queryWidth),
        elementwiseFlops: layer.scoreFlops * pairs * Int128(layer.heads) + Int128(shape.reads?.flops ?? 0),
        activationBits: Int128(shape.groups * shape.queries) * 2 * Int128(layer.queryWidth) * a,
        cacheReadBits: shape.store == .persistent ? readBits : 0,
        localReadBits: shape.store == .local ? readBits : 0)

    case .mixHeads(let rows, let layer):
      let (elements, gates) = (Int128(rows) * Int128(layer.queryWidth), Int128(layer.keyValueHeads))
      return Work(
        elementwiseFlops: 3 * elements + gates, weightBits: vector(gates), activationBits: 3 * elements * a)

    case .output(let rows, let layer):
      let (r, d, dq) = (Int128(rows), Int128(layer.width), Int128(layer.queryWidth))
      let vectors = layer.vectorsOfResult(hasBias: layer.style.attentionBiases == .all)
      return Work(
        matmulFlops: 2 * r * dq * d, elementwiseFlops: r * vectors.flops,
        weightBits: stored(d, .matrix, inputs: layer.queryWidth) + vector(vectors.weights),
        activationBits: r * (dq + 2 * d) * a)

    case .gateUp(let rows, let layer):
      let (r, d, f) = (Int128(rows), Int128(layer.width), Int128(layer.feedForward))
      let matrices = Int128(layer.feedForwardKind.matrixCount - 1)
      let vectors = layer.vectorsOfHidden
      return Work(
        matmulFlops: 2 * matrices * r * d * f,
        elementwiseFlops: r * vectors.flops + layer.activationFlops * r * f,
        weightBits: stored(matrices * f, .matrix, inputs: layer.width) + vector(vectors.weights),
        activationBits: r * (d + f) * a)

    case .down(let rows, let layer):
      let (r, d, f) = (Int128(rows), Int128(layer.width), Int128(layer.feedForward))
      let vectors = layer.vectorsOfResult(hasBias: layer.style.feedForwardBiases)
      return Work(
        matmulFlops: 2 * r * f * d, elementwiseFlops: r * vectors.flops,
        weightBits: stored(d, .matrix, inputs: layer.feedForward) + vector(vectors.weights),
        activationBits: r * (f + 2 * d) * a)

    case .norm(let rows, let width):
      let (r, d) = (Int128(rows), Int128(width))
      return Work(elementwiseFlops: r * (4 * d + 4), weightBits: vector(d), activationBits: 2 * r * d * a)

    case .chunker(let rows, let inputWidth, let outputWidth, let normalised):
      let (r, i, o) = (Int128(rows), Int128(inputWidth), Int128(outputWidth))
      return Work(
        matmulFlops: 2 * r * i * o,
        elementwiseFlops: (normalised ? r * (4 * i + 4) : 0) + r * o,
        weightBits: stored(o, .matrix, inputs: inputWidth) + vector(o + (normalised ? i : 0)),
        activationBits: r * (i + o) * a)

    case .converter(let rows, let inputWidth, let outputWidth):
      let (r, i, o) = (Int128(rows), Int128(inputWidth), Int128(outputWidth))
      return Work(
        matmulFlops: 2 * r * i * o, elementwiseFlops: r * o,
        weightBits: stored(o, .matrix, inputs: inputWidth) + vector(o),
        activationBits: r * (i + o) * a)

    case .head(let rows, let width, let vocabulary, let norm, let ends):
      let (r, d, v) = (Int128(rows), Int128(width), Int128(vocabulary))
      let vectors = norm.map { VectorWork($0, of: width) } ?? VectorWork()
      let e = Int128(ends.embeddingWidth)
      let matrices = e == 0 ? d * v : d * e + e * v
      let logit: Int128 = (ends.logitCap == 0 ? 0 : 5) + (ends.logitScale == 1 ? 0 : 1)
      return Work(
        matmulFlops: 2 * r * matrices, elementwiseFlops: r * (vectors.flops + logit * v),
        weightBits: (e == 0 ? stored(v, .head, inputs: width) : stored(d + v, .head, inputs: ends.embeddingWidth))
          + vector(vectors.weights),
        activationBits: r * (d + v) * a)

    case .moveEntries(let entries, let layer, let traffic):
      let bits = traffic?.bits(in: c) ?? Int128(entries) * 2 * Int128(layer.keyValueWidth) * c
      return Work(cacheReadBits: bits, cacheWriteBits: bits)

    case .scoreEntries(let shape):
      let (layer, groups) = (shape.layer, Int128(shape.groups))
      let pairs = groups * shape.pairsPerGroup
      let entries = groups * Int128(shape.entries)
      let pooled = groups * Int128(shape.pooled) * Int128(layer.keyValueHeads)
      // A sum of votes has 32 bits, and is read and written.
      let tallies = 2 * 32 * entries * Int128(layer.keyValueHeads)
      let each: Int128 =
        switch shape.weights {
        case .attention: 1
        case .again: 5
        case .own: 7
        }
      // Of a pair in each head a product; of an entry as many operations as heads, and two for each key–value head.
      let smoothed =
        shape.isSmoothed ? pairs * Int128(layer.heads) + entries * Int128(layer.heads + 2 * layer.keyValueHeads) : 0
      let elementwise = each * pairs * Int128(layer.heads) + pooled + smoothed
      if shape.weights == .attention { return Work(elementwiseFlops: elementwise, activationBits: tallies) }
      let queries = groups * Int128(shape.queries) * Int128(layer.queryWidth) * a
      return Work(
        matmulFlops: 2 * pairs * Int128(layer.queryWidth),
        elementwiseFlops: elementwise + Int128(shape.keys?.flops ?? 0), activationBits: queries + tallies,
        cacheReadBits: shape.keys?.bits(in: c) ?? entries * Int128(layer.keyValueWidth) * c)

    case .scanKeys(let shape):
      let (layer, groups) = (shape.layer, Int128(shape.groups))
      let (pairs, made) = (groups * Int128(shape.pairs), groups * Int128(shape.made))
      let (each, rotation) = (Int128(shape.keysOfEach), 6 * Int128(layer.rotatedPairs))
      let (d, dq) = (Int128(layer.keyValueWidth), Int128(layer.queryWidth))
      let queries =
        groups * (Int128(shape.averaged) * dq + Int128(shape.turned) * rotation * Int128(layer.heads))
      let keys =
        groups * Int128(shape.rotatedKeys) * rotation * Int128(layer.keyValueHeads) + made * (each + 1) * d
      return Work(
        matmulFlops: 2 * pairs * dq,
        elementwiseFlops: pairs * Int128(layer.heads) + queries + keys + Int128(shape.traffic?.flops ?? 0),
        activationBits: groups * Int128(shape.queries) * dq * a,
        cacheReadBits: shape.traffic?.bits(in: c) ?? groups * Int128(shape.keysRead) * d * c,
        cacheWriteBits: made * d * c)

    case .rotateEntries(let entries, let layer):
      return Work(elementwiseFlops: Int128(entries) * 6 * Int128(layer.rotatedPairs) * Int128(layer.keyValueHeads))

    case .transferEntries(let entries, let layer, let traffic):
      return Work(hostBits: traffic?.bits(in: c) ?? Int128(entries) * 2 * Int128(layer.keyValueWidth) * c)

    case .quantiseEntries(let entries, let held, let layer, let form):
      let vectors = 2 * Int128(layer.keyValueHeads)
      let leaving = Int128(held) * vectors
      return Work(
        elementwiseFlops: Int128(entries) * vectors * Int128(form.flops(of: layer.headWidth)),
        cacheReadBits: leaving * Int128(layer.headWidth) * c,
        cacheWriteBits: leaving * Int128(form.bits(of: layer.headWidth)))
    }
  }
}

extension Operation: CustomStringConvertible {
  /// For example `queryKeyValue 5 × 1664 → 4992 (local)`.
  public var description: String {
    switch self {
    case .embedding(let rows, let width, _): "embedding \(rows) rows of \(width)"
    case .queryKeyValue(let rows, let layer, let store, _):
      "queryKeyValue \(rows) × \(layer.width) → \(layer.queryWidth + 2 * layer.keyValueWidth) (\(store))"
    case .attention(let shape):
      "attention \(shape.groups) × \(shape.queries) queries after \(shape.keysBefore) keys, \(shape.layer.heads) heads of "
        + "\(shape.layer.headWidth) (\(shape.store))" + (shape.window == 0 ? "" : ", window \(shape.window)")
        + (shape.sinks == 0 ? "" : " and \(shape.sinks) sinks")
        + (shape.chosen.map { ", \($0.pairs) pairs chosen" } ?? "")
    case .mixHeads(let rows, let layer):
      "mixHeads \(rows) × \(layer.heads) heads of \(layer.headWidth), \(layer.keyValueHeads) gates"
    case .output(let rows, let layer): "output \(rows) × \(layer.queryWidth) → \(layer.width)"
    case .gateUp(let rows, let layer):
      "gateUp \(rows) × \(layer.width) → \(layer.feedForwardKind.matrixCount - 1) × \(layer.feedForward)"
    case .down(let rows, let layer): "down \(rows) × \(layer.feedForward) → \(layer.width)"
    case .norm(let rows, let width): "norm \(rows) × \(width)"
    case .chunker(let rows, let inputWidth, let outputWidth, let normalised):
      "chunker \(rows) × \(inputWidth) → \(outputWidth)\(normalised ? " (normalised)" : "")"
    case .converter(let rows, let inputWidth, let outputWidth): "converter \(rows) × \(inputWidth) → \(outputWidth)"
    case .head(let rows, let width, let vocabulary, _, _): "head \(rows) × \(width) → \(vocabulary)"
    case .moveEntries(let entries, let layer, _): "moveEntries \(entries) of 2 × \(layer.keyValueWidth)"
    case .scoreEntries(let shape):
      "scoreEntries \(shape.groups) × \(shape.queries) queries \(shape.isBehind ? "behind" : "for") \(shape.entries) "
        + "entries, \(shape.layer.heads) heads"
        + " (weights: \(shape.weights)\(shape.isSmoothed ? ", smoothed" : ""))"
        + (shape.window == 0 ? "" : ", window \(shape.window)")
    case .scanKeys(let shape):
      "scanKeys \(shape.groups) × \(shape.keys + shape.representatives) keys, \(shape.pairs) pairs with "
        + "\(shape.queries) queries, \(shape.layer.heads) heads"
        + (shape.made == 0 ? "" : ", \(shape.made) representatives of \(shape.keysOfEach)")
    case .rotateEntries(let entries, let layer): "rotateEntries \(entries) of \(layer.keyValueWidth)"
    case .transferEntries(let entries, let layer, _): "transferEntries \(entries) of 2 × \(layer.keyValueWidth)"
    case .quantiseEntries(let entries, let held, let layer, let form):
      "quantiseEntries \(entries) of 2 × \(layer.keyValueWidth) (\(form.format), \(held) of them held before)"
    }
  }
}
