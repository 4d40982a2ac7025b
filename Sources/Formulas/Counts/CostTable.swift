import Architectures
import Quantities

/// The work of every node of one point in one integer width, in a flat table that is filled again for the next point.
struct CostTable<Integer: CountingInteger>: Sendable {
  /// By `Node.index`: both phases beside each other, so that one checked access stores a node.
  private var nodes: [(prefill: Work<Integer>, decode: Work<Integer>)] = []
  private(set) var prefillTotal = Work<Integer>.zero
  private(set) var decodeTotal = Work<Integer>.zero
  private(set) var cache = CacheBits<Integer>()
  private var structure = Structure.stack

  /// Prices every node. The caller has proven that no count exceeds the integer.
  mutating func fill(_ question: Question) {
    let size = Node.tableSize(levelCount: question.model.levelCount)
    if nodes.count != size || structure != question.model.structure {
      structure = question.model.structure
      nodes = Array(repeating: (.zero, .zero), count: size)
    }
    prefillTotal = .zero
    decodeTotal = .zero
    let batch = Integer(word: question.workload.batchSize)
    let scale = (batch, batch &* Integer(word: question.workload.continuations))
    switch question.model.structure {
    case .stack: fillVanilla(question, scale)
    case .hierarchy: fillHierarchy(question, scale)
    }
  }

  private mutating func fillVanilla(_ question: Question, _ scale: (Integer, Integer)) {
    let activity = vanillaActivity(
      prompt: question.workload.promptLength, generated: question.workload.generatedLength, as: Integer.self)
    let cost = StackCost<Integer>(question.model.layer, layers: question.model.layers, question.precision)
    setEmbedding(.decoder, width: question.model.layer.width, rows: activity.fedRows, question.precision, scale)
    setStack(at: 0, .decoder, activity.decoder, cost, scale)
    setHead(question, parallel: 0, scale)
    cache = CacheBits()
    cache.add(
      activity, entryBits: cost.entryBits, survives: true,
      continuations: Integer(word: question.workload.continuations))
    cache.finish(batch: scale.0, dropsAtPrompt: false, drops: false, localPeak: 0)
  }

  private mutating func fillHierarchy(_ question: Question, _ scale: (Integer, Integer)) {
    var walk = HierarchyWalk(
      question.model, prompt: question.workload.promptLength, generated: question.workload.generatedLength)
    var windows = LocalWindows<Integer>(question, walk)
    let continuations = Integer(word: question.workload.continuations)
    cache = CacheBits()
    var below = question.model.layer
    for level in 1...question.model.levelCount {
      let shape = question.model.levels[level]
      let activity = walk.advance(to: shape, as: Integer.self)

      let encoder = StackCost<Integer>(shape.layer, layers: shape.encoderLayers, question.precision)
      setStack(at: level, .encoder, activity.encoder, encoder, scale)
      setNorm(at: level, .encoder, activity.encoder, encoder.norm, scale)
      let chunker: MapCost<Integer>? = question.model.chunkerCost(at: level, question.precision)
      setMap(Node(level, .encoder, .chunker), activity.encoder, chunker, scale)
      cache.add(
        activity, entryBits: encoder.entryBits, survives: level == question.model.levelCount,
        continuations: continuations)

      let decoder = StackCost<Integer>(below, layers: shape.decoderLayers, question.precision)
      setStack(at: level, .decoder, activity.decoder, decoder, scale)
      setNorm(at: level, .decoder, activity.decoder, decoder.norm, scale)
      setMap(
        Node(level, .decoder, .converter), activity.decoder,
        question.model.converterCost(at: level, question.precision), scale)
      windows.add(shape, activity, span: walk.span, entryBits: decoder.entryBits)

      if level == 1 {
        let length = Integer(word: shape.chunkLength)
        setEmbedding(
          .encoder, width: question.model.encoderEmbeddingWidth,
          rows: (length &* activity.encoder.prefill.rows, length &* activity.encoder.decode.rows), question.precision,
          scale)
        let feeds = question.model.decoderInput.feedsTokens
        setEmbedding(
          .decoder, width: question.model.layer.width, rows: feeds ? activity.fedRows : (0, 0), question.precision,
          scale)
      }
      below = shape.layer
    }
    setHead(question, parallel: walk.parallel, scale)
    let recursive = question.model.generation == .recursive
    let end = question.workload.promptLength &+ question.workload.generatedLength
    cache.finish(
      batch: scale.0, dropsAtPrompt: recursive && walk.dropAt == question.workload.promptLength,
      drops: recursive && walk.dropAt <= end, localPeak: windows.peak)
  }

  func work(at node: Node, in phase: Phase) -> Work<Int128> {
    guard node.index < nodes.count else { return .zero }
    return phase == .prefill ? nodes[node.index].prefill.widened : nodes[node.index].decode.widened
  }

  // MARK: Booking

  @inline(__always)
  private mutating func set(_ index: Int, _ before: Work<Integer>, _ after: Work<Integer>) {
    nodes[index] = (before, after)
    prefillTotal.addWrapping(before)
    decodeTotal.addWrapping(after)
  }

  @inline(__always)
  private func base(_ level: Int, _ side: Side) -> Int {
    (level &* 2 &+ (side == .encoder ? 0 : 1)) &* 8
  }

  @inline(__always)
  private mutating func setStack(
    at level: Int, _ side: Side, _ activity: PhaseActivity<Integer>, _ cost: StackCost<Integer>,
    _ scale: (Integer, Integer)
  ) {
    let base = base(level, side)
    let persistent = side == .encoder || level == 0
    set(
      base &+ Component.projections.ordinal, cost.projections(activity.prefill, scale.0, persistent),
      cost.projections(activity.decode, scale.1, persistent))
    set(
      base &+ Component.attention.ordinal, cost.attention(activity.prefill, scale.0),
      cost.attention(activity.decode, scale.1))
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

  /// Rows read from the table and written, whatever the dispatch.
  @inline(__always)
  private mutating func setEmbedding(
    _ side: Side, width: Int, rows: (prefill: Integer, decode: Integer), _ precision: Precision,
    _ scale: (Integer, Integer)
  ) {
    let width = Integer(word: width)
    let weightBits = width &* Integer(word: precision.weights.bits)
    let activationBits = width &* Integer(word: precision.activations.bits)
    let before = rows.prefill &* scale.0
    let after = rows.decode &* scale.1
    set(
      base(0, side) &+ Component.embedding.ordinal,
      Work(weightBits: before &* weightBits, activationBits: before &* activationBits),
      Work(weightBits: after &* weightBits, activationBits: after &* activationBits))
  }

  /// Once per emitted token; one dispatch for all chunks of a chunk-parallel meta-context.
  @inline(__always)
  private mutating func setHead(_ question: Question, parallel: Int, _ scale: (Integer, Integer)) {
    let dispatches = headDispatches(question, parallel: parallel, as: Integer.self)
    let rows = Integer(word: question.workload.generatedLength) &* scale.1
    let cost: MapCost<Integer> = question.model.headCost(question.precision)
    set(base(0, .decoder) &+ Component.head.ordinal, .zero, cost.work(rows: rows, dispatches: dispatches))
  }
}

/// Dispatches of the head in decode: one per token, `C_1` in a meta-context whose chunks run side by side.
@inline(__always)
func headDispatches<Integer: CountingInteger>(_ question: Question, parallel: Int, as _: Integer.Type) -> Integer {
  let tokens = Integer(word: question.workload.generatedLength)
  if parallel == 0 { return tokens }
  let saved = question.model.metaContextLength &- question.model.levels[1].chunkLength
  return tokens &- Integer(word: parallel) &* Integer(word: saved)
}

extension StackCost {
  @inline(__always)
  func projections(_ activity: StackActivity<Integer>, _ scale: Integer, _ persistent: Bool) -> Work<Integer> {
    let rows = activity.rows &* scale
    let entries = rows &* entryBits
    return Work(
      matmulFlops: rows &* projectionFlops, elementwiseFlops: rows &* projectionElementwise,
      weightBits: activity.passes &* projectionWeightBits,
      activationBits: rows &* projectionActivationBits &+ (persistent ? 0 : entries),
      cacheWriteBits: persistent ? entries : 0, sequentialPasses: activity.passes,
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
    sequentialPasses &+= other.sequentialPasses
    sequentialLayers &+= other.sequentialLayers
  }
}
