import Architectures
import Quantities

/// The work of one point in one integer width: its totals and, where asked for, that of every node in a flat table that
/// is filled again for the next point.
struct CostTable<Integer: CountingInteger>: Sendable {
  /// Whether the nodes are kept besides their totals: storing them costs a fifth of a price.
  let keepsNodes: Bool
  /// By `Node.index`: both phases beside each other, so that one checked access stores a node.
  private var nodes: [(prefill: Work<Integer>, decode: Work<Integer>)] = []
  private(set) var prefillTotal = Work<Integer>.zero
  private(set) var decodeTotal = Work<Integer>.zero
  private(set) var cache = CacheBits<Integer>()
  private var structure = Structure.stack

  /// Whether the table was filled for heads that do not keep and read everything.
  private var isPlanned = false
  /// Whether each stack is one run, which then needs no list.
  private var isUniform = true
  /// The persistent stacks of the model priced last, from level 1 up, unless each is one run.
  private var stacks = PricedStacks<Integer>()
  /// The passes of this point, and what heads do in them, where some do not keep and read everything.
  private(set) var passes: PointPasses?
  private(set) var planned: [StackSums] = []

  init(keepsNodes: Bool) { self.keepsNodes = keepsNodes }

  /// Prices every node. The caller has proven that no count exceeds the integer.
  mutating func fill(_ question: Question) {
    let size = Node.tableSize(levelCount: question.model.levelCount)
    let plans = !question.model.hasFullCaches
    isUniform = question.model.isUniform
    if keepsNodes && nodes.count != size || structure != question.model.structure || isPlanned != plans {
      (structure, isPlanned) = (question.model.structure, plans)
      if keepsNodes { nodes = Array(repeating: (.zero, .zero), count: size) }
    }
    if !isUniform { stacks.prepare(question) { $0.persists } }
    passes = plans ? PointPasses(question) : nil
    planned.removeAll(keepingCapacity: true)
    prefillTotal = .zero
    decodeTotal = .zero
    let batch = Integer(word: question.workload.batchSize)
    let scale = (batch, batch &* Integer(word: question.workload.continuations))
    switch question.model.structure {
    case .stack: fillVanilla(question.model, question.workload, question.precision, scale)
    case .hierarchy: fillHierarchy(question.model, question.workload, question.precision, scale)
    }
    if plans { setPlanned(scale) }
  }

  private mutating func fillVanilla(
    _ model: Model, _ workload: Workload, _ precision: Precision, _ scale: (Integer, Integer)
  ) {
    var activity = vanillaActivity(
      prompt: workload.promptLength, generated: workload.generatedLength, as: Integer.self)
    if isPlanned {
      activity.decoder.prefill.cut(as: model.cache(at: 0))
      activity.fedRows.prefill = activity.decoder.prefill.rows
    }
    let cost = cost(model.layer, layers: model.layers, at: 0, precision)
    setEmbedding(
      .decoder, width: model.layer.width, rows: activity.fedRows, precision, scale, model.ends,
      passes: (activity.decoder.prefill.passes, activity.decoder.decode.passes))
    setStack(at: 0, .decoder, activity.decoder, cost, scale)
    setHead(
      model.headCost(precision), generated: workload.generatedLength,
      dispatches: Integer(word: workload.generatedLength), scale)
    cache = CacheBits()
    addCache(activity, cost.entryBits, survives: true, workload)
    cache.finish(batch: scale.0, dropsAtPrompt: false, drops: false, localPeak: 0)
  }

  private mutating func fillHierarchy(
    _ model: Model, _ workload: Workload, _ precision: Precision, _ scale: (Integer, Integer)
  ) {
    // Copies of the model would be counted by reference again and again: what the loop needs is taken out once.
    let (levels, reading) = (model.levels, model.decoderInput)
    let embeddingWidth = levels.encoderEmbeddingWidth(below: model.layer)
    var walk = HierarchyWalk(
      levels, reading, model.generation, prompt: workload.promptLength, generated: workload.generatedLength)
    var windows = LocalWindows<Integer>(levels, model.layer, workload, walk, precision)
    cache = CacheBits()
    var below = model.layer
    // What chunkers read: embedding rows, then the units of the level below.
    var inputWidth = embeddingWidth
    for level in levels.indices {
      let shape = levels[level]
      var activity = walk.advance(to: shape, as: Integer.self)
      if isPlanned { activity.encoder.prefill.cut(as: model.cache(at: level)) }

      let encoder = cost(shape.layer, layers: shape.encoderLayers, at: level, precision)
      setStack(at: level, .encoder, activity.encoder, encoder, scale)
      setNorm(at: level, .encoder, activity.encoder, encoder.norm, scale)
      let inputs = shape.chunkLength &* inputWidth
      setMap(Node(level, .encoder, .chunker), activity.encoder, shape.chunkerCost(inputs: inputs, precision), scale)
      addCache(
        activity, encoder.entryBits, survives: level == levels.count, dropAt: walk.dropAt, workload)

      let decoder = StackCost<Integer>(below, layers: shape.decoderLayers, precision)
      setStack(at: level, .decoder, activity.decoder, decoder, scale)
      setNorm(at: level, .decoder, activity.decoder, decoder.norm, scale)
      setMap(
        Node(level, .decoder, .converter), activity.decoder, shape.converterCost(width: below.width, precision), scale)
      windows.add(shape, activity, span: walk.span, entryBits: decoder.entryBits)

      if level == 1 {
        let length = Integer(word: shape.chunkLength)
        setEmbedding(
          .encoder, width: embeddingWidth,
          rows: (length &* activity.encoder.prefill.rows, length &* activity.encoder.decode.rows), precision, scale)
        setEmbedding(
          .decoder, width: below.width, rows: reading.feedsTokens ? activity.fedRows : (0, 0), precision, scale)
      }
      below = shape.layer
      inputWidth = below.width
    }
    setHead(
      model.headCost(precision), generated: workload.generatedLength, dispatches: walk.headDispatches(), scale)
    let end = workload.promptLength &+ workload.generatedLength
    cache.finish(
      batch: scale.0, dropsAtPrompt: walk.recursive && walk.dropAt == workload.promptLength,
      drops: walk.recursive && walk.dropAt <= end, localPeak: windows.peak)
  }

  /// The one run of a stack, or all of them.
  @inline(__always)
  private func cost(
    _ shape: LayerShape, layers: Int, at level: Int, _ precision: Precision
  ) -> StackCost<Integer> {
    isUniform
      ? StackCost(shape, layers: layers, precision) : stacks.all[max(level &- 1, 0)].cost
  }

  @inline(__always)
  private mutating func addCache(
    _ activity: LevelActivity<Integer>, _ entryBits: Integer, survives: Bool, dropAt: Int? = nil, _ workload: Workload
  ) {
    let continuations = Integer(word: workload.continuations)
    let index = max(activity.level &- 1, 0)
    guard let passes else {
      return cache.add(activity, entryBits: entryBits, survives: survives, continuations: continuations)
    }
    let units = (activity.unitsAtPrompt.integer, activity.unitsAtDrop.integer, activity.unitsAtEnd.integer)
    let sums = StackSums(stacks.all[index], StackPoint(stacks.all[index].stack, units, passes))
    planned.append(sums)
    guard !stacks.all[index].sharesPrompts else {
      // Rows that look ahead can hold more than there is at the end, even beside heads that keep everything.
      if sums.point.prompt.lookahead > 0 { cache.add(inPrompt: stacks.all[index], sums) }
      return cache.add(
        activity, entryBits: stacks.all[index].entryBits, survives: survives, continuations: continuations)
    }
    cache.add(
      activity, stacks.all[index], sums, survives: survives,
      copiesAtDrop: dropAt == workload.promptLength ? 1 : continuations,
      copiesAtEnd: workload.generatedLength > 0 ? continuations : 1)
  }

  /// Attention and upkeep of persistent caches some of which do not keep and read everything, over their passes.
  private mutating func setPlanned(_ scale: (Integer, Integer)) {
    for (index, sums) in planned.enumerated() {
      let stack = stacks.all[index]
      let (attention, upkeep) = (stack.stack.node(.attention).index, stack.stack.node(.upkeep).index)
      set(attention, stack.attention(sums, in: .prefill, scale.0), stack.attention(sums, in: .decode, scale.1))
      set(upkeep, stack.upkeep(sums, in: .prefill, scale.0), stack.upkeep(sums, in: .decode, scale.1))
      add(
        stack.stack.node(.projections).index, Work(cacheWriteBits: stack.appended(sums, in: .prefill, scale.0)),
        Work(cacheWriteBits: stack.appended(sums, in: .decode, scale.1)))
    }
  }

  func work(at node: Node, in phase: Phase) -> Work<Int128> {
    guard node.index < nodes.count else { return .zero }
    return phase == .prefill ? nodes[node.index].prefill.widened : nodes[node.index].decode.widened
  }

  // MARK: Booking

  @inline(__always)
  private mutating func set(_ index: Int, _ before: Work<Integer>, _ after: Work<Integer>) {
    if keepsNodes { nodes[index] = (before, after) }
    prefillTotal.addWrapping(before)
    decodeTotal.addWrapping(after)
  }

  /// Adds to what a node has been set to.
  private mutating func add(_ index: Int, _ before: Work<Integer>, _ after: Work<Integer>) {
    if keepsNodes {
      nodes[index].prefill.addWrapping(before)
      nodes[index].decode.addWrapping(after)
    }
    prefillTotal.addWrapping(before)
    decodeTotal.addWrapping(after)
  }

  @inline(__always)
  private func base(_ level: Int, _ side: Side) -> Int {
    (level &* 2 &+ (side == .encoder ? 0 : 1)) &* Component.count
  }

  @inline(__always)
  private mutating func setStack(
    at level: Int, _ side: Side, _ activity: PhaseActivity<Integer>, _ cost: StackCost<Integer>,
    _ scale: (Integer, Integer)
  ) {
    let base = base(level, side)
    let persistent = side == .encoder || level == 0
    // What rows append to a cache with a plan is added with it.
    let store: StackCost<Integer>.Appends = persistent ? (isPlanned ? .nothing : .toCache) : .toWindow
    set(
      base &+ Component.projections.ordinal, cost.projections(activity.prefill, scale.0, store),
      cost.projections(activity.decode, scale.1, store))
    if !isPlanned || !persistent {
      set(
        base &+ Component.attention.ordinal, cost.attention(activity.prefill, scale.0),
        cost.attention(activity.decode, scale.1))
    }
    set(
      base &+ Component.feedForward.ordinal, cost.feedForward(activity.prefill, scale.0),
      cost.feedForward(activity.decode, scale.1))
  }

  @inline(__always)
  private mutating func setNorm(
    at level: Int, _ side: Side, _ activity: PhaseActivity<Integer>, _ cost: NormCost<Integer>,
    _ scale: (Integer, Integer)
  ) {
    set(
      base(level, side) &+ Component.norm.ordinal, cost.work(activity.prefill, scale.0),
      cost.work(activity.decode, scale.1))
  }

  @inline(__always)
  private mutating func setMap(
    _ node: Node, _ activity: PhaseActivity<Integer>, _ cost: MapCost<Integer>?, _ scale: (Integer, Integer)
  ) {
    let index = base(node.level, node.side) &+ node.component.ordinal
    guard let cost else { return set(index, .zero, .zero) }
    set(
      index, cost.work(rows: activity.prefill.calls &* scale.0, dispatches: activity.prefill.callDispatches),
      cost.work(rows: activity.decode.calls &* scale.1, dispatches: activity.decode.callDispatches))
  }

  /// Rows read from the table, and from that of positions where there is one, and written, whatever the dispatch.
  @inline(__always)
  private mutating func setEmbedding(
    _ side: Side, width: Int, rows: (prefill: Integer, decode: Integer), _ precision: Precision,
    _ scale: (Integer, Integer), _ ends: TokenEnds = .plain, passes: (Integer, Integer) = (0, 0)
  ) {
    let row = EmbeddingRow(width: Integer(word: width), ends)
    let (matmul, flops) = (row.matmul ?? 0, row.elementwise ?? 0)
    let weightBits = Integer(word: ends.rowBits(width: width, precision))
    let projectionBits = Integer(word: ends.projectionBits(width: width, precision))
    let activationBits = Integer(word: width) &* Integer(word: precision.activations.bits)
    let before = rows.prefill &* scale.0
    let after = rows.decode &* scale.1
    set(
      base(0, side) &+ Component.embedding.ordinal,
      Work(
        matmulFlops: before &* matmul, elementwiseFlops: before &* flops,
        weightBits: before &* weightBits &+ passes.0 &* projectionBits, activationBits: before &* activationBits),
      Work(
        matmulFlops: after &* matmul, elementwiseFlops: after &* flops,
        weightBits: after &* weightBits &+ passes.1 &* projectionBits, activationBits: after &* activationBits))
  }

  /// Once per emitted token.
  @inline(__always)
  private mutating func setHead(
    _ cost: MapCost<Integer>, generated: Int, dispatches: Integer, _ scale: (Integer, Integer)
  ) {
    let rows = Integer(word: generated) &* scale.1
    set(base(0, .decoder) &+ Component.head.ordinal, .zero, cost.work(rows: rows, dispatches: dispatches))
  }
}

extension StackCost {
  /// Where the entries of a projection go, of those that are counted with it.
  enum Appends { case toCache, toWindow, nothing }

  @inline(__always)
  func projections(_ activity: StackActivity<Integer>, _ scale: Integer, _ appends: Appends) -> Work<Integer> {
    let rows = activity.rows &* scale
    let entries = rows &* entryBits
    return Work(
      matmulFlops: rows &* projectionFlops, elementwiseFlops: rows &* projectionElementwise,
      weightBits: activity.passes &* projectionWeightBits,
      activationBits: rows &* projectionActivationBits &+ (appends == .toWindow ? entries : 0),
      cacheWriteBits: appends == .toCache ? entries : 0, sequentialPasses: activity.passes,
      sequentialLayers: activity.passes &* layers)
  }

  @inline(__always)
  func attention(_ activity: StackActivity<Integer>, _ scale: Integer) -> Work<Integer> {
    let pairs = activity.pairs &* scale
    return Work(
      matmulFlops: pairs &* pairFlops, elementwiseFlops: pairs &* pairElementwise,
      activationBits: activity.rows &* scale &* attentionActivationBits,
      cacheReadBits: activity.cacheReads &* scale &* entryBits,
      localReadBits: activity.localReads &* scale &* entryBits)
  }

  @inline(__always)
  func feedForward(_ activity: StackActivity<Integer>, _ scale: Integer) -> Work<Integer> {
    let rows = activity.rows &* scale
    return Work(
      matmulFlops: rows &* feedForwardFlops, elementwiseFlops: rows &* feedForwardElementwise,
      weightBits: activity.passes &* feedForwardWeightBits, activationBits: rows &* feedForwardActivationBits)
  }
}

extension NormCost {
  @inline(__always)
  func work(_ activity: StackActivity<Integer>, _ scale: Integer) -> Work<Integer> {
    let rows = activity.normRows &* scale
    return Work(
      elementwiseFlops: rows &* elementwise, weightBits: activity.normDispatches &* weightBits,
      activationBits: rows &* activationBits)
  }
}

extension MapCost {
  @inline(__always)
  func work(rows: Integer, dispatches: Integer) -> Work<Integer> {
    Work(
      matmulFlops: rows &* flops, elementwiseFlops: rows &* elementwise, weightBits: dispatches &* weightBits,
      activationBits: rows &* activationBits)
  }
}

extension Work {
  /// `+=` after the proof that nothing overflows.
  @inline(__always)
  mutating func addWrapping(_ other: Self) {
    matmulFlops &+= other.matmulFlops
    elementwiseFlops &+= other.elementwiseFlops
    weightBits &+= other.weightBits
    activationBits &+= other.activationBits
    cacheReadBits &+= other.cacheReadBits
    cacheWriteBits &+= other.cacheWriteBits
    localReadBits &+= other.localReadBits
    hostBits &+= other.hostBits
    sequentialPasses &+= other.sequentialPasses
    sequentialLayers &+= other.sequentialLayers
  }
  /// Every field so many times, after the same proof.
  func times(_ count: Integer) -> Self {
    Work(
      matmulFlops: matmulFlops &* count, elementwiseFlops: elementwiseFlops &* count, weightBits: weightBits &* count,
      activationBits: activationBits &* count, cacheReadBits: cacheReadBits &* count,
      cacheWriteBits: cacheWriteBits &* count, localReadBits: localReadBits &* count, hostBits: hostBits &* count,
      sequentialPasses: sequentialPasses &* count, sequentialLayers: sequentialLayers &* count)
  }
}
