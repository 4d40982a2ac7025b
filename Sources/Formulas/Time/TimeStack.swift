import Architectures
import Quantities

/// Collects the dispatch groups of a phase and the weights that they stream.
struct DispatchBuilder {
  private(set) var groups: [DispatchGroup] = []
  private(set) var transfers: [LinkTransfers] = []
  /// Bytes of weights and caches that belong to each rank: what runs once per token has rank 0, what runs once per
  /// level-l unit has rank l.
  private var residentBytes: [Double]
  /// Tokens between two uses of what belongs to each rank.
  private let spacing: [Double]
  let precision: Precision
  let devices: Double
  private let overlapsLink: Bool

  init(_ model: Model, _ precision: Precision, devices: Double) {
    self.devices = devices
    overlapsLink = model.caches.allSatisfy { $0.plan.placement.host?.overlaps ?? true }
    residentBytes = Array(repeating: 0, count: model.levelCount + 1)
    spacing = (0...model.levelCount).map { Double(model.metaContextLength(upTo: $0)) }
    self.precision = precision
    groups.reserveCapacity(24 * (2 * model.levelCount + 1))
  }

  /// Of weights that are stored alike, of which a device may have a part of an output.
  func weightBytes(_ role: WeightRole, inputs: Int, outputs: Double) -> Double {
    outputs * Double(precision.bits(of: role, inputs: inputs)) / 8
  }
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

  mutating func append(_ transfer: LinkTransfers) {
    if transfer.bytes > 0 { transfers.append(transfer) }
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
  ///   - role: of the weights.
  ///   - vectors: numbers of the norm and the bias that are fused with it.
  ///   - entries: what the rows append to caches and windows.
  ///   - summedPerRow: features that are sums over all devices.
  ///   - gatheredPerRow: features of which each device has its share.
  mutating func appendProduct(
    _ node: Node, _ role: WeightRole = .matrix, rows: Double, dispatches: Double, inputs: Int, outputs: Double,
    vectors: Double = 0, tableBytes: Double = 0, elementwisePerRow: Double, activationsPerRow: Double,
    entryBytes entries: Double = 0,
    summedPerRow: Double = 0,
    gatheredPerRow: Double = 0
  ) {
    let weights =
      weightBytes(role, inputs: inputs, outputs: outputs) + weightBytes(.vector, inputs: 1, outputs: vectors)
      + tableBytes
    let unitFlops = 2 * Double(inputs) * outputs
    append(
      DispatchGroup(
        node: node, kind: .product, rows: rows, dispatchesPerIndex: dispatches,
        work: DispatchWork(
          matmulFlops: Affine(2 * rows * Double(inputs) * outputs), elementwiseFlops: Affine(rows * elementwisePerRow),
          bytes: Affine(weights + rows * activationsPerRow * activationBytes + entries), weightBytes: weights,
          entryBytes: Affine(entries)), unitFlops: unitFlops,
        linkBytes: linkBytes(summed: rows * summedPerRow, gathered: rows * gatheredPerRow)))
  }

  /// `rows` vectors through a norm of their own.
  mutating func appendNorm(_ node: Node, rows: Double, dispatches: Double, width: Double) {
    let norm = NormRow(width)
    let weights = weightBytes(.vector, inputs: 1, outputs: norm.weights)
    append(
      DispatchGroup(
        node: node, kind: .elementwise, rows: rows, dispatchesPerIndex: dispatches,
        work: DispatchWork(
          elementwiseFlops: Affine(rows * norm.elementwise),
          bytes: Affine(weights + rows * norm.activations * activationBytes), weightBytes: weights)))
  }

  /// `rows` rows of an embedding table; of several devices the one that holds a row passes it on.
  mutating func appendEmbedding(
    _ node: Node, rows: Double, dispatches: Double, width: Int, ends: TokenEnds = .plain
  ) {
    let row = EmbeddingRow(width: Double(width), ends)
    let elementwise = row.elementwise ?? 0
    let (features, read) = (rows * Double(width), rows * Double(ends.rowBits(width: width, precision)) / 8)
    if row.matmul != nil {
      return appendProduct(
        node, .embedding, rows: rows, dispatches: dispatches, inputs: ends.embeddingWidth, outputs: Double(width),
        tableBytes: read, elementwisePerRow: elementwise, activationsPerRow: Double(width),
        summedPerRow: Double(width))
    }
    append(
      DispatchGroup(
        node: node, kind: .elementwise, rows: rows, dispatchesPerIndex: dispatches,
        work: DispatchWork(
          elementwiseFlops: Affine(rows * elementwise), bytes: Affine(read + features * activationBytes),
          weightBytes: read),
        linkBytes: linkBytes(summed: features, gathered: 0)))
  }

  /// The groups with their working sets: the different bytes that are touched between two uses of a weight. In decode these
  /// are all bytes of rank ≤ r, however often they run in between, and a weight of rank r is used once in so many steps as a
  /// unit of level r has tokens; in prefill these are all bytes, used once.
  consuming func phase(steps: Double, reusedByRank: Bool) -> DispatchedPhase {
    let total = residentBytes.reduce(0, +)
    for index in groups.indices {
      let rank = Self.rank(of: groups[index].node)
      groups[index].workingSet = reusedByRank ? residentBytes[...rank].reduce(0, +) : total
      groups[index].uses = reusedByRank ? max(1, steps / spacing[rank]) : 1
    }
    return DispatchedPhase(groups: groups, steps: steps, transfers: transfers, overlapsLink: overlapsLink)
  }
}

/// One Transformer stack: the operations that a pass dispatches in each layer (NOTATION.md, "Work of an operation").
struct TimedStack {
  let stack: Stack
  /// The prompt that its passes belong to or follow.
  let prompt: PromptPasses

  init(_ stack: Stack, _ prompt: PromptPasses) { (self.stack, self.prompt) = (stack, prompt) }

  /// Weights of all layers and the last norm, and what their heads hold.
  /// - Parameter entries: of each key–value head of a run, in all sequences together.
  func addResident(entries: (HeadRun) -> TimedEntries, to builder: inout DispatchBuilder) {
    for (index, run) in stack.runs.enumerated() {
      let layers = Double(run.layers)
      let precision = builder.precision
      let layer = Double(run.shape.weightBits(precision)) / 8
      let hasNorm = index == 0 && run.shape.style.hasLastNorm
      let norm = hasNorm ? NormRow(Double(stack.width), run.shape.style.norm).weights : 0
      let weights = layers * layer + builder.weightBytes(.vector, inputs: 1, outputs: norm)
      let held = run.heads.reduce(0) { sum, heads in
        sum + layers * entries(heads).bytes(TimedForm(heads, of: run, cacheBytes: builder.cacheBytes))
      }
      builder.addResident(weights + held, at: stack.node(.projections))
    }
  }

  /// What the rows of a pass append in one layer of a run, for one sequence: the mean over the passes of a group.
  private func appended(_ group: PassGroup<Double>, _ run: LayerRun, cacheBytes: Double) -> Double {
    guard !stack.storesKeysAndValues else { return group.rows * LayerRow<Double>(run.shape).entryElements * cacheBytes }
    let passes = max(group.passes, 1)
    return run.heads.reduce(0) { sum, heads in
      let amount = PlannedHeads(heads.cache, prompt).appended(group)
      return sum + TimedEntries(amount, times: 1 / passes).bytes(TimedForm(heads, of: run, cacheBytes: cacheBytes))
    }
  }

  /// The passes of a group for so many sequences, without the stack's last norm.
  func append(_ group: PassGroup<Double>, sequences: Double, to builder: inout DispatchBuilder) {
    let rows = sequences * group.rows
    for run in stack.runs {
      let row = LayerRow<Double>(run.shape)
      let (width, query, hidden) = (row.dimensions.width, row.dimensions.query, row.dimensions.hidden)
      let layers = Double(run.layers)
      let dispatches = layers * group.indices * group.repetitions
      let inputMatrices = Double(run.shape.feedForwardKind.matrixCount - 1)

      builder.appendProduct(
        stack.node(.projections), rows: rows, dispatches: dispatches, inputs: run.shape.width,
        outputs: query + row.entryElements, vectors: row.input.vectors,
        elementwisePerRow: row.input.elementwise, activationsPerRow: row.input.activations,
        entryBytes: sequences * appended(group, run, cacheBytes: builder.cacheBytes))
      for heads in run.heads {
        for part in PlannedHeads(heads.cache, prompt).passes(group) {
          let form = TimedForm(heads, of: run, cacheBytes: builder.cacheBytes)
          appendAttention(part, form, layers, sequences, to: &builder)
        }
      }
      builder.appendProduct(
        stack.node(.projections), rows: rows, dispatches: dispatches, inputs: run.shape.queryWidth, outputs: width,
        vectors: row.output.vectors, elementwisePerRow: row.output.elementwise,
        activationsPerRow: query + 2 * width, summedPerRow: width)
      builder.appendProduct(
        stack.node(.feedForward), rows: rows, dispatches: dispatches, inputs: run.shape.width,
        outputs: inputMatrices * hidden, vectors: row.hidden.vectors, elementwisePerRow: row.hidden.elementwise,
        activationsPerRow: width + hidden)
      builder.appendProduct(
        stack.node(.feedForward), rows: rows, dispatches: dispatches, inputs: run.shape.feedForward, outputs: width,
        vectors: row.down.vectors, elementwisePerRow: row.down.elementwise,
        activationsPerRow: hidden + 2 * width, summedPerRow: width)
    }
  }

  /// Attention of some heads in each of so many layers.
  private func appendAttention(
    _ group: PassGroup<Double>, _ form: TimedForm, _ layers: Double, _ sequences: Double,
    to builder: inout DispatchBuilder
  ) {
    let row = form.row
    let rows = sequences * group.rows
    let pairs = sequences * Affine(group.pairs, slope: group.pairsSlope)
    let read = group.entriesReadOnce.map { sequences * Affine($0, slope: group.entriesSlope) } ?? pairs
    let formed = group.stateReads.map { sequences * Affine($0.formed, slope: $0.formedSlope) } ?? read
    let fresh = group.stateReads.map { sequences * Affine($0.fresh, slope: $0.freshSlope) }
    let entries = fresh.map { form.bytes * formed + form.freshBytes * $0 } ?? form.bytes * formed
    let elementwise = row.pairElementwise * pairs
    // n queries over themselves have n(n + 1)/2 causal pairs and a square of n² scores: n(n − 1)/2 are masked. Scores of
    // entries that are chosen are no square.
    let isSquare = group.entriesReadOnce != nil
    let square = isSquare && !group.isChosen ? pairs + Affine(sequences * Double.pairs(of: group.rows)) : pairs
    builder.append(
      DispatchGroup(
        node: stack.node(.attention), kind: isSquare ? .attentionPrefill : .attentionDecode, rows: rows,
        indices: group.indices, dispatchesPerIndex: layers * group.repetitions,
        work: DispatchWork(
          matmulFlops: row.pairFlops * pairs,
          elementwiseFlops: form.reading.map { elementwise + $0 * formed } ?? elementwise,
          bytes: Affine(rows * row.attentionActivations * builder.activationBytes) + entries, entryBytes: entries,
          scores: row.dimensions.heads * square), unitFlops: row.pairFlops * rows,
        unitElementwiseFlops: row.pairElementwise * rows, queries: group.rows,
        queryRows: rows * row.dimensions.heads,
        sharing: row.dimensions.heads / row.dimensions.keyValueHeads))
  }
}

/// What one position takes in one layer in some heads of a run.
struct TimedForm {
  let row: LayerRow<Double>
  /// In the form in which it is kept, and as it came.
  /// - Unit: byte
  let bytes, freshBytes: Double
  /// Of its key.
  /// - Unit: byte
  let keyBytes, freshKeyBytes: Double
  /// Element-wise FLOP of reading it; nil where it is read as it is.
  let reading: Double?
  /// The same of its key, and of giving it its form.
  let readingKey, forming: Double

  init(_ heads: HeadRun, of run: LayerRun, cacheBytes: Double) {
    row = LayerRow<Double>(run.shape.share(ofHeads: heads.count))
    let (form, width) = (heads.cache.entry.counts, run.shape.headWidth)
    let (size, key) = (form.size(of: row, headWidth: width), form.keySize(of: row, headWidth: width))
    func bytes(_ size: EntrySize<Double>) -> Double { (size.elements ?? 0) * cacheBytes + (size.ownBits ?? 0) / 8 }
    (self.bytes, keyBytes) = (bytes(size), bytes(key))
    (freshBytes, freshKeyBytes) = (row.entryElements * cacheBytes, row.keyElements * cacheBytes)
    (reading, readingKey) = (size.reading, key.reading ?? 0)
    forming = form.forming(of: row, headWidth: width) ?? 0
  }
}

/// Entries by their states, as times have them.
struct TimedEntries {
  var formed, fresh: Double

  init(formed: Double, fresh: Double = 0) { (self.formed, self.fresh) = (formed, fresh) }

  init(_ amount: EntryAmount, times factor: Double) {
    self.init(formed: factor * Double(amount.formed), fresh: factor * Double(amount.fresh))
  }

  func bytes(_ form: TimedForm) -> Double { formed * form.bytes + fresh * form.freshBytes }
}
