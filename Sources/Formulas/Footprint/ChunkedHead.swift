/// Chunks of equal length that are read one behind the other.
struct ChunkRun: Hashable, Sendable {
  /// Tokens of one chunk.
  let length: Int
  /// Chunks.
  let count: Int

  /// The chunks of a prompt: all of one length but the last, which may be shorter. None is empty.
  static func covering(_ tokens: Int, chunkLength: Int) -> [ChunkRun] {
    whole(chunkLength, tokens / chunkLength) + whole(tokens % chunkLength, 1)
  }

  /// One run, or none where it would have no token.
  static func whole(_ length: Int, _ count: Int) -> [ChunkRun] {
    length == 0 || count == 0 ? [] : [ChunkRun(length: length, count: count)]
  }
}

/// A key–value head that evicts between chunks: inside one, a query has every entry that the chunk began with, and those
/// of the chunk up to its own.
struct ChunkedHead: Sendable {
  /// Share of a chunk's entries that outlive it.
  private let keptShare: Double
  /// Entries that outlive it besides.
  private let keptBesides: Int
  /// Most entries that are held when a chunk begins.
  private let capacity: Int

  /// The first entries and the latest stay, whatever the chunks: min(a, S + W) of a entries.
  ///
  /// The official code asks for the latest min(a, W) first and for at most S of the others, which is the same number.
  static func streaming(sinkCount: Int, windowLength: Int, contextLength: Int) -> ChunkedHead {
    // Each is bounded first, so that the sum fits.
    let held = min(min(sinkCount, contextLength) + min(windowLength, contextLength), contextLength)
    return ChunkedHead(keptShare: 1, keptBesides: 0, capacity: held)
  }

  /// Each chunk loses a share of its entries for good, and earlier survivors are never looked at again.
  static func evicting(sparsity: Double, keptBesides: Int, contextLength: Int) -> ChunkedHead {
    ChunkedHead(keptShare: 1 - sparsity, keptBesides: keptBesides, capacity: contextLength)
  }

  /// Entries of a chunk that outlive it, at least one; a half is rounded to the even number, as Python rounds.
  private func kept(of length: Int) -> Int {
    min(Int((keptShare * Double(length)).rounded(.toNearestOrEven)) + keptBesides, length)
  }

  /// What the head holds in each of the runs.
  func over(_ runs: [ChunkRun]) -> [HeldRun] {
    var held = 0
    return runs.map { run in
      let stretch = HeldRun(run: run, first: held, step: kept(of: run.length), capacity: capacity)
      held = stretch.held(before: run.count)
      return stretch
    }
  }
}

/// What a head holds in a run of chunks.
struct HeldRun: Sendable {
  let run: ChunkRun
  /// Entries held when the first chunk begins, entries that a chunk adds, and the most held when one begins.
  fileprivate let first, step, capacity: Int

  /// Entries held when a chunk begins, chunks counted from 0.
  fileprivate func held(before chunk: Int) -> Int { min(first + chunk * step, capacity) }

  /// Entries held at the last query of each chunk, in ascending order.
  var peaks: [Int] { (0..<run.count).map { held(before: $0) + run.length } }

  /// The last of them.
  var lastPeak: Int { held(before: run.count - 1) + run.length }

  /// Entries held, over all queries of the run.
  ///
  /// A chunk of ℓ tokens that begins with m entries has ℓ·m + ℓ(ℓ + 1)/2. Over the chunks m grows evenly until the
  /// head is full: with r chunks until then, Σ m = r·first + step·r(r − 1)/2 + (count − r)·capacity.
  var sum: Int128 {
    let rising = min(run.count, (capacity - first + step - 1) / step)
    let before =
      Int128(rising) * Int128(first) + Int128(step) * Int128.pairs(of: Int128(rising))
      + Int128(run.count - rising) * Int128(capacity)
    return Int128(run.count) * Int128.triangle(Int128(run.length)) + Int128(run.length) * before
  }
}

extension [HeldRun] {
  /// Entries held, over all queries.
  var sum: Int128 { reduce(0) { $0 + $1.sum } }
}

/// What every footprint is asked with.
/// - Precondition: lengths are at least 0 and together 1 to `OfficialFootprint.longestContext`, chunks are not empty, and
///   the sparsity is within 0 … 1.
func requireFootprint(_ promptLength: Int, _ generatedLength: Int, _ chunkLength: Int, _ kvSparsity: Double) {
  let longest = OfficialFootprint.longestContext
  precondition(
    (0...longest).contains(promptLength) && (0...longest).contains(generatedLength), "lengths are 0 … 2^53 tokens")
  precondition((1...longest).contains(promptLength + generatedLength), "a sequence is 1 … 2^53 tokens")
  precondition(chunkLength >= 1, "a chunk has at least one token")
  precondition((0...1).contains(kvSparsity), "a share of entries is within 0 … 1")
}
