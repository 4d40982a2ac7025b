import Architectures
import Quantities

/// The exact counts of one point: phase totals and cache figures, for the whole batch.
public struct PriceTotals: Hashable, Sendable {
  /// Work of the prompt.
  public var prefill: Work<Int128>
  /// Work of all emitted tokens.
  public var decode: Work<Int128>
  /// Bytes that the caches hold.
  public var cache: CacheFigures

  public init(prefill: Work<Int128>, decode: Work<Int128>, cache: CacheFigures) {
    self.prefill = prefill
    self.decode = decode
    self.cache = cache
  }

  /// The work of one phase.
  @inlinable
  public subscript(phase: Phase) -> Work<Int128> { phase == .prefill ? prefill : decode }
}

/// Prices points one after another in the same tables: nothing is allocated while the number of levels stays the same.
///
/// The cost of a point depends on its levels alone: prompt, generated tokens, batch and continuations enter closed
/// forms. One `Pricer` serves one thread.
public struct Pricer: Sendable {
  private var narrow: CostTable<Int64>
  private var wide: CostTable<Int128>
  private var isWide = false
  /// All stacks of the model whose footprint was asked for last.
  private var stacks = PricedStacks<Int128>()

  /// - Parameter keepsNodes: whether the nodes of the point priced last can be read with `work(at:in:)`.
  public init(keepsNodes: Bool = false) {
    narrow = CostTable(keepsNodes: keepsNodes)
    wide = CostTable(keepsNodes: keepsNodes)
  }

  /// Prices a point and returns its totals.
  /// - Throws: `CountOverflow` where a count could exceed 2^126.
  /// - Precondition: a valid model (every length, width and layer count at least 1), P, G ≥ 0, batch, K ≥ 1.
  public mutating func price(_ question: Question) throws(CountOverflow) -> PriceTotals {
    try fill(question)
    return totals
  }

  /// Prices a point for who reads `cacheFigures`, `narrowTotals` or `times`: totals in 128 bits cost a tenth of a price.
  /// - Throws: `CountOverflow` where a count could exceed 2^126.
  /// - Precondition: that of `price`.
  public mutating func fill(_ question: Question) throws(CountOverflow) {
    precondition(
      question.workload.promptLength >= 0 && question.workload.generatedLength >= 0 && question.workload.batchSize > 0
        && question.workload.continuations > 0, "a workload has lengths of at least 0 and at least one sequence")
    let bound = try CountBound.estimate(question)
    isWide = bound >= 0x1p62
    guard isWide else { return narrow.fill(question) }
    guard bound < 0x1p126 else { throw .counts }
    wide.fill(question)
  }

  /// What the caches hold in the point priced last.
  public var cacheFigures: CacheFigures { isWide ? wide.cache.figures : narrow.cache.figures }

  /// What one prompt with its continuations holds in caches and windows, at their peaks, in the point priced last.
  /// - Unit: byte
  /// - Parameter batchSize: of that point.
  public mutating func cacheBytesPerPrompt(batchSize: Int) -> Int128 {
    isWide ? wide.cache.bytesPerPrompt(batchSize: batchSize) : narrow.cache.bytesPerPrompt(batchSize: batchSize)
  }

  /// The same in the memory of the host.
  public mutating func hostBytesPerPrompt(batchSize: Int) -> Int128 {
    isWide ? wide.cache.hostBytesPerPrompt(batchSize: batchSize) : narrow.cache.hostBytesPerPrompt(batchSize: batchSize)
  }

  /// The totals of the point priced last.
  public var totals: PriceTotals { isWide ? wide.totals : narrow.totals }

  /// The totals of the point priced last in 64 bits, where they are proven to fit: the form to turn into `Double`s,
  /// which from 128 bits costs more than the price itself.
  public var narrowTotals: (prefill: Work<Int64>, decode: Work<Int64>)? {
    isWide ? nil : (narrow.prefillTotal, narrow.decodeTotal)
  }

  /// The plain roofline of both phases of the point priced last, straight from the tables: a copy of the totals costs a
  /// third of the price, and to save a copy of the tables this is called mutating.
  public mutating func times(on roofline: PlainRoofline) -> (prefill: TimeFigure, decode: TimeFigure) {
    isWide
      ? (roofline.plain(wide.prefillTotal), roofline.plain(wide.decodeTotal))
      : (roofline.plain(narrow.prefillTotal), roofline.plain(narrow.decodeTotal))
  }

  /// The footprint of one sequence of a point. What is priced last is then this one sequence.
  /// - Throws: `CountOverflow` where a count could exceed 2^126.
  /// - Precondition: that of `price`.
  public mutating func footprint(_ question: Question) throws(CountOverflow) -> ModelFootprint {
    let question = question.with(batchSize: 1).with(continuations: 1)
    try fill(question)
    stacks.prepare(question)
    return ModelFootprint(
      question, stacks.all, isWide ? wide.planned : narrow.planned,
      (isWide ? wide.passes : narrow.passes) ?? PointPasses(question), cacheFigures)
  }

  /// The work of a node in the point priced last; zero for a node that its model does not have, or where none is kept.
  public func work(at node: Node, in phase: Phase) -> Work<Int128> {
    isWide ? wide.work(at: node, in: phase) : narrow.work(at: node, in: phase)
  }
}

extension Work where Integer: CountingInteger {
  /// The same counts in 128 bits.
  @inlinable
  public var widened: Work<Int128> {
    Work<Int128>(
      matmulFlops: matmulFlops.widened, elementwiseFlops: elementwiseFlops.widened, weightBits: weightBits.widened,
      activationBits: activationBits.widened, cacheReadBits: cacheReadBits.widened,
      cacheWriteBits: cacheWriteBits.widened, localReadBits: localReadBits.widened, hostBits: hostBits.widened,
      sequentialPasses: sequentialPasses.widened, sequentialLayers: sequentialLayers.widened)
  }
}

extension CostTable {
  var totals: PriceTotals {
    PriceTotals(prefill: prefillTotal.widened, decode: decodeTotal.widened, cache: cache.figures)
  }
}

/// What one node does in one phase.
public struct NodeWork: Hashable, Sendable {
  /// Where the work is booked.
  public var node: Node
  /// What the node does in the phase.
  public var work: Work<Int128>

  public init(node: Node, work: Work<Int128>) {
    self.node = node
    self.work = work
  }
}

/// The exact counts of one point, node by node in ascending order.
public struct ExactCost: Hashable, Sendable {
  /// The sums over all nodes, and what the caches hold.
  public var totals: PriceTotals
  /// Nodes with and without work, in ascending order.
  public var prefill: [NodeWork]
  /// As `prefill`.
  public var decode: [NodeWork]

  /// Bytes that the caches hold.
  @inlinable public var cache: CacheFigures { totals.cache }
  /// The nodes of one phase.
  @inlinable
  public subscript(phase: Phase) -> [NodeWork] { phase == .prefill ? prefill : decode }

  /// The work of a node; zero for a node that the model does not have.
  public func work(at node: Node, in phase: Phase) -> Work<Int128> {
    self[phase].first { $0.node == node }?.work ?? .zero
  }
}

/// Prices every node of a point.
/// - Throws: `CountOverflow` where a count could exceed 2^126.
public func price(_ question: Question) throws(CountOverflow) -> ExactCost {
  var pricer = Pricer(keepsNodes: true)
  let totals = try pricer.price(question)
  let nodes = question.model.nodes
  func table(_ phase: Phase) -> [NodeWork] {
    nodes.map { NodeWork(node: $0, work: pricer.work(at: $0, in: phase)) }
  }
  return ExactCost(totals: totals, prefill: table(.prefill), decode: table(.decode))
}

extension Model {
  /// The nodes that can have work in this architecture and reading, ascending.
  public var nodes: [Node] {
    let stack: [Component] = [.projections, .attention, .feedForward]
    let upkeep: [Component] = hasFullCaches ? [] : [.upkeep]
    switch structure {
    case .stack: return ([.embedding] + stack + [.head] + upkeep).map { Node(0, .decoder, $0) }
    case .hierarchy:
      var nodes = [Node(0, .encoder, .embedding)]
      if decoderInput.feedsTokens { nodes.append(Node(0, .decoder, .embedding)) }
      nodes.append(Node(0, .decoder, .head))
      for level in levels.indices {
        let chunker: [Component] = levels[level].chunker == .concatenation ? [] : [.chunker]
        nodes += (chunker + stack + [.norm] + upkeep).map { Node(level, .encoder, $0) }
        let norm: [Component] = decoderHasNorm(at: level) ? [.norm] : []
        nodes += ([.converter] + stack + norm).map { Node(level, .decoder, $0) }
      }
      return nodes
    }
  }
}
