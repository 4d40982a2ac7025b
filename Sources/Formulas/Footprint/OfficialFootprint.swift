/// The KV footprint of a vanilla Transformer whose heads stream or evict, as the official code computes it.
///
/// At every query, those of the prompt included, a head holds some entries. The footprint is their sum over all queries,
/// divided by the same sum of full causal attention; the peak is the most entries held at one query, divided by the
/// length. No model and no data come in, only lengths.
///
/// Derivation. A streaming head holds min(a, S + W) of a past entries, an evicting one (called global) what earlier
/// chunks have left. Eviction waits for the end of a chunk, so a chunk of ℓ tokens that begins with m entries has
/// ℓ·m + ℓ(ℓ + 1)/2. Generated tokens are chunks of one token for a streaming head and a single chunk for an evicting
/// one, which drops nothing of what it generates. All chunks but the last of a prompt are alike and m grows evenly over
/// them, so the sums are closed, whatever the lengths: `HeldRun`.
///
/// Sums are exact; divisions come last and in the order of the official code, so that results are the same to the last
/// bit where its sums are exact too, below 2^53 (134 217 727 tokens).
/// - Source: PruLong (arXiv:2506.17121) §2.1 and its `eval/viz/kv_footprint.py`
public struct OfficialFootprint: Hashable, Sendable {
  /// The most tokens of prompt and generation together: up to here a `Double` tells every length.
  public static let longestContext = 1 << 53
  /// Entries that a chunk keeps beside its share; the official code has the number, in every method.
  public static let keptBesides = 64

  /// `P`, every token of which is a query.
  public let promptLength: Int
  /// `R` of the paper, `G` elsewhere: every generated token is a query, also the last, which an engine would not run.
  public let generatedLength: Int
  /// `c`, tokens that are prefilled at once; at least P for a prefill in one pass.
  public let chunkLength: Int
  /// `S`, first entries that a streaming head keeps.
  public let sinkCount: Int
  /// `W`, latest entries that it keeps, the query's own not among them.
  public let windowLength: Int
  /// `s`, share of a chunk's entries that an evicting head drops.
  public let kvSparsity: Double
  /// `h`, share of heads that stream.
  public let headSparsity: Double

  /// - Precondition: lengths and counts are at least 0, `chunkLength` at least 1, fractions within 0 … 1, and prompt and
  ///   generation together 1 to `longestContext` tokens.
  public init(
    promptLength: Int, generatedLength: Int, chunkLength: Int, sinkCount: Int, windowLength: Int, kvSparsity: Double,
    headSparsity: Double
  ) {
    requireFootprint(promptLength, generatedLength, chunkLength, kvSparsity)
    precondition(sinkCount >= 0 && windowLength >= 0, "a head cannot keep fewer than no entries")
    precondition((0...1).contains(headSparsity), "a share of heads is within 0 … 1")
    self.promptLength = promptLength
    self.generatedLength = generatedLength
    self.chunkLength = chunkLength
    self.sinkCount = sinkCount
    self.windowLength = windowLength
    self.kvSparsity = kvSparsity
    self.headSparsity = headSparsity
  }

  /// `T` = P + R.
  public var contextLength: Int { promptLength + generatedLength }

  private var chunks: [ChunkRun] { ChunkRun.covering(promptLength, chunkLength: chunkLength) }

  private var streaming: [HeldRun] {
    ChunkedHead.streaming(sinkCount: sinkCount, windowLength: windowLength, contextLength: contextLength)
      .over(chunks + ChunkRun.whole(1, generatedLength))
  }

  private var global: [HeldRun] {
    ChunkedHead.evicting(sparsity: kvSparsity, keptBesides: Self.keptBesides, contextLength: contextLength)
      .over(chunks + ChunkRun.whole(generatedLength, 1))
  }
}

// MARK: - Footprint

extension OfficialFootprint {
  /// Entries held by a streaming head, over all queries.
  /// - Unit: entry · query
  public var streamingSum: Int128 { streaming.sum }

  /// Entries held by an evicting head, over all queries.
  /// - Unit: entry · query
  public var globalSum: Int128 { global.sum }

  /// Entries held by full causal attention, over all queries: T(T + 1)/2.
  /// - Unit: entry · query
  public var denominator: Int128 { .triangle(Int128(contextLength)) }

  /// `F`, the sums of both kinds of head over the denominator, weighted by h and 1 − h.
  /// - Unit: a fraction of full attention, at most 1
  public var footprint: Double {
    let full = Double(denominator)
    return headSparsity * (Double(streamingSum) / full) + (1 - headSparsity) * (Double(globalSum) / full)
  }
}

// MARK: - Peak

extension OfficialFootprint {
  /// Entries of a streaming head at the last query of each chunk, and at the last query of all.
  ///
  /// DEVIATION: where nothing is generated the official code adds a last point all the same, of one token behind the
  /// entries that the last chunk began with. It is left out here and in `globalPeaks`. It has at most as many entries as
  /// the point before it, so the peak is the same.
  public var streamingPeaks: [Int] { points(of: streaming) }

  /// Entries of an evicting head at the same queries.
  public var globalPeaks: [Int] { points(of: global) }

  /// The most entries that the average head holds at one of those queries, over T.
  ///
  /// Entries at the ends of chunks never decrease within a run, and neither does their weighted sum once it is rounded:
  /// the last chunks of the runs are enough.
  /// - Unit: a fraction of full attention, at most 1
  public var peak: Double {
    let average = zip(streaming, global).map { streaming, global in
      headSparsity * Double(streaming.lastPeak) + (1 - headSparsity) * Double(global.lastPeak)
    }
    return average.max()! / Double(contextLength)
  }

  private func points(of runs: [HeldRun]) -> [Int] {
    let prompt = chunks.count
    return runs[..<prompt].flatMap(\.peaks) + runs[prompt...].map(\.lastPeak)
  }
}
