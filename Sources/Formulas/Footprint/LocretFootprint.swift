/// The KV footprint of Locret, which prefills the end of a prompt in a chunk of its own and keeps more of each chunk.
///
/// The official code has a function of its own for it. Every head evicts, so the footprint is that of one head.
/// - Source: `get_kv_footprint_locret` in `eval/viz/kv_footprint.py` of PruLong (arXiv:2506.17121)
public struct LocretFootprint: Hashable, Sendable {
  /// Last tokens of a prompt, a chunk of their own; a prompt that is not longer is a single chunk.
  public static let localLength = 100
  /// Entries that a chunk keeps beside its share.
  public static let stabilizers = 2500

  /// `P`, every token of which is a query.
  public let promptLength: Int
  /// `R` of the paper, `G` elsewhere; every generated token is a query.
  public let generatedLength: Int
  /// `c`, tokens that are prefilled at once.
  public let chunkLength: Int
  /// `s`, share of a chunk's entries that is dropped.
  public let kvSparsity: Double

  /// - Precondition: as of ``OfficialFootprint``.
  public init(promptLength: Int, generatedLength: Int, chunkLength: Int, kvSparsity: Double) {
    requireFootprint(promptLength, generatedLength, chunkLength, kvSparsity)
    self.promptLength = promptLength
    self.generatedLength = generatedLength
    self.chunkLength = chunkLength
    self.kvSparsity = kvSparsity
  }

  private var runs: [HeldRun] {
    let local = min(promptLength, Self.localLength)
    let chunks =
      ChunkRun.covering(promptLength - local, chunkLength: chunkLength) + ChunkRun.whole(local, 1)
      + ChunkRun.whole(generatedLength, 1)
    return ChunkedHead.evicting(
      sparsity: kvSparsity, keptBesides: Self.stabilizers, contextLength: promptLength + generatedLength
    ).over(chunks)
  }

  /// Entries held by a head, over all queries.
  /// - Unit: entry · query
  public var sum: Int128 { runs.sum }

  /// Entries held by full causal attention, over all queries: T(T + 1)/2 with T = P + R.
  /// - Unit: entry · query
  public var denominator: Int128 { .triangle(Int128(promptLength + generatedLength)) }

  /// The sum over the denominator.
  /// - Unit: a fraction of full attention, at most 1
  public var footprint: Double { Double(sum) / Double(denominator) }

  /// The most entries held at the end of a chunk or of the sequence, over T.
  /// - Unit: a fraction of full attention, at most 1
  public var peak: Double { Double(runs.map(\.lastPeak).max()!) / Double(promptLength + generatedLength) }
}
