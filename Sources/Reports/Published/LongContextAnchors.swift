import Architectures
import Formulas
import Hardware
import Quantities
import Rendering

/// One figure that somebody printed of a long context, beside what the closed forms say of the same.
public struct LongContextAnchor: Sendable {
  /// What was measured, by whom.
  public let subject: String
  /// Tokens of context.
  public let tokens: Int
  /// As printed.
  public let published: Double
  /// From counts, at the peaks of a data sheet.
  public let predicted: Double
  /// Of both.
  public let unit: String
  /// Why they differ.
  public let cause: String

  /// Published over predicted.
  public var ratio: Double { published / predicted }
}

/// Published figures of contexts of up to a million tokens: those of InfiniteHiP (arXiv:2502.08910) on an RTX 4090 with
/// Llama 3.1 8B, and the speed-up of Cascading KV cache (arXiv:2406.17808).
///
/// No rate is fitted. A prediction is bytes over bandwidth, or FLOP over the peak, of the counts alone.
public struct LongContextAnchors: Sendable {
  private let card: HardwareProfile
  private static let ki = 1024

  /// - Parameter card: an RTX 4090.
  public init(on card: HardwareProfile) { self.card = card }

  /// Llama 3.1 8B (arXiv:2407.21783).
  private static func llama(layers: Int = 32, _ cache: StackCache = .full) -> Model {
    var model = Model.vanilla(
      vocabulary: 128_256,
      layer: LayerShape(width: 4096, heads: 32, keyValueHeads: 8, headWidth: 128, feedForward: 14_336), layers: layers)
    model.setCaches { _ in cache }
    return model
  }

  /// Weights of 4 bits in groups of 128 as AWQ stores them, tables of 16, and entries of 8 bits.
  private static let quantised = Precision(
    weights: .int4, activations: .fp16, cache: .fp8, embedding: .fp16, head: .fp16, norms: .fp16,
    groups: WeightGroups(size: 128, hasZeroPoints: true))

  private func price(
    _ model: Model, _ tokens: Int, generated: Int = 0, _ precision: Precision = Precision()
  ) throws(CountOverflow) -> ExactCost {
    try Formulas.price(
      Question(model, Workload(promptLength: tokens, generatedLength: generated), precision))
  }

  /// All of them, group by group.
  /// - Throws: `CountOverflow`, `HardwareError`
  public func all() throws -> [LongContextAnchor] {
    try decode() + prefill() + memory() + speed() + host() + [cascade()]
  }

  // MARK: InfiniteHiP, Table 3: one layer, batch 1

  /// Entries read over the bandwidth of the card's memory.
  private func decode() throws -> [LongContextAnchor] {
    let model = Self.llama(layers: 1)
    return try zip(
      [32, 64, 128, 256, 384, 512, 768, 1024], [213, 375, 643, 1193, 1787, 2325, 3457, 4645.0]
    ).map { thousands, published in
      let tokens = thousands * Self.ki
      let read = try price(model, tokens, generated: 1).work(at: Node(0, .decoder, .attention), in: .decode)
      return LongContextAnchor(
        subject: "FlashAttention-2, decode of one layer", tokens: tokens, published: published,
        predicted: 1e6 * card.memoryBandwidth.time(for: Double(read.cacheReadBits) / 8).value, unit: "µs",
        cause: "some 70 µs that do not grow, and 92 % of the bandwidth")
    }
  }

  /// The column is of the last 32 Ki queries, not of the whole prompt: scores and values of these over the peak.
  private func prefill() throws -> [LongContextAnchor] {
    let (chunk, model) = (32 * Self.ki, Self.llama(layers: 1, StackCache(prefillChunk: 32 * Self.ki)))
    let peak = try card.peak(.bf16, .bf16)
    return try zip(
      [32, 64, 128, 256, 384, 512, 768, 1024], [54.6, 163, 379, 821, 1267, 1711, 2602, 3490.0]
    ).map { thousands, published in
      let tokens = thousands * Self.ki
      func flops(_ tokens: Int) throws -> Double {
        Double(try price(model, tokens).work(at: Node(0, .decoder, .attention), in: .prefill).matmulFlops)
      }
      return LongContextAnchor(
        subject: "FlashAttention-2, the last 32 Ki queries of one layer", tokens: tokens, published: published,
        predicted: 1e3 * peak.time(for: try flops(tokens) - flops(tokens - chunk)).value, unit: "ms",
        cause: "96 to 98 % of the peak")
    }
  }

  // MARK: InfiniteHiP, Tables 4 and 5: the whole model, AWQ weights and entries of 8 bits

  private func memory() throws -> [LongContextAnchor] {
    let demand = parameters(of: Self.llama()).memoryBits(Self.quantised) / 8
    return try zip([256, 512, 1024], [20, 36, 68.0]).map { thousands, published in
      let tokens = thousands * Self.ki
      return LongContextAnchor(
        subject: "FlashAttention-2, memory of the card", tokens: tokens, published: published,
        predicted: gibibytes(demand + (try price(Self.llama(), tokens, Self.quantised)).cache.bytesAtEnd), unit: "GiB",
        cause: "64 KiB a token exactly; 4 GiB of weights, so tables of 4 bits or left out")
    }
  }

  private func speed() throws -> [LongContextAnchor] {
    try zip([64, 1024], [88.8, 12.5]).map { thousands, published in
      let tokens = thousands * Self.ki
      let work = try price(Self.llama(), tokens, generated: 1, Self.quantised).totals.decode
      return LongContextAnchor(
        subject: "SGLang, decode (their estimate)", tokens: tokens, published: published,
        predicted: 1 / card.memoryBandwidth.time(for: Double(work.trafficBits) / 8).value, unit: "tok/s",
        cause: "the peak bandwidth, without launches")
    }
  }

  /// What full attention over the host's memory would take, beside a method that reads a part of it.
  private func host() throws -> [LongContextAnchor] {
    let model = Self.llama(layers: 1, StackCache(CachePlan(placement: .host(HostMemory()))))
    try card.checkHost()
    return try zip([256, 512, 1024], [9803, 19_541, 47_157.0]).map { thousands, published in
      let tokens = thousands * Self.ki
      let crossing = try price(model, tokens, generated: 1, Self.quantised).totals.decode.hostBits
      return LongContextAnchor(
        subject: "InfiniteHiP at the host, all stages anew; here all entries", tokens: tokens, published: published,
        predicted: 1e6 * card.hostLink!.time(for: Double(crossing) / 8).value, unit: "µs",
        cause: "it searches a part of the keys, row by row over a link of 8 lanes")
    }
  }

  // MARK: Cascading KV cache

  /// How much longer all FLOP of a prefill take without it: 4 sinks and 16 384 entries in four windows, strides of 1024.
  private func cascade() throws -> LongContextAnchor {
    let tokens = 1 << 20
    let plan = Cascading(sinks: 4, window: 4096, cascades: 4)
    let cascade = Self.llama(StackCache(CachePlan(retention: .cascading(plan)), prefillChunk: 1024))
    func flops(_ model: Model) throws -> Double { Double(try price(model, tokens).totals.prefill.matmulFlops) }
    return LongContextAnchor(
      subject: "Cascading, prefill without it over prefill with it", tokens: tokens, published: 6.8,
      predicted: try flops(Self.llama()) / flops(cascade), unit: "×",
      cause: "FLOP alone: strides of 1024 rows and scores of their own reach less of the peak than FlashAttention-2")
  }
}

extension [LongContextAnchor] {
  /// One row for each.
  public var table: Table {
    var table = Table([
      .text("figure"), Column("tokens"), .text("unit"), Column("published", as: .significant(4)),
      Column("predicted", as: .significant(4)), Column("ratio", as: .significant(3)), .text("cause"),
    ])
    table.essential = ["figure", "tokens", "published", "predicted", "ratio"]
    for anchor in self {
      table.append([
        .text(anchor.subject), Cell(anchor.tokens), .text(anchor.unit), Cell(anchor.published), Cell(anchor.predicted),
        Cell(anchor.ratio), .text(anchor.cause),
      ])
    }
    return table
  }
}
