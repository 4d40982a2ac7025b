import Architectures
import Quantities

/// What heads of one plan cost in all layers of a run, for one sequence and whatever the workload.
struct HeadCost<Integer: CountingInteger>: Sendable {
  /// What they store of one position in the form in which it is kept, and as it came.
  /// - Unit: bit
  let formedBits, freshBits: Integer
  /// Element-wise FLOP of reading one position.
  private let reading: Integer
  /// FLOP of a (query, key) pair.
  private let pairFlops, pairElementwise: Integer

  // Upkeep: one of each field of `UpkeepCounts`.
  private let keyRotation, forming, pooling, smoothing, reduction: Integer
  private let votePairFlops, againPair, ownPair, addedPair, scoredPair, queryMean, queryRotation, keyMean: Integer
  /// Element-wise FLOP of reading the key of one position.
  private let readingKey: Integer
  /// - Unit: bit
  private let formedKeyBits, freshKeyBits, voterBits, tallyBits: Integer

  /// - Parameter heads: key–value heads of a layer.
  init(_ cache: CachePlan, _ shape: LayerShape, layers: Int, heads: Int, _ precision: Precision) {
    let row = LayerRow<Integer>(shape.share(ofHeads: heads))
    let (form, width, layers) = (cache.entry.counts, shape.headWidth, Integer(word: layers))
    let (size, key) = (form.size(of: row, headWidth: width), form.keySize(of: row, headWidth: width))
    let element = Integer(word: precision.cache.bits)
    (formedBits, freshBits) = (size.bits(in: element) &* layers, row.entryElements &* layers &* element)
    (formedKeyBits, freshKeyBits) = (key.bits(in: element) &* layers, row.keyElements &* layers &* element)
    (reading, readingKey) = ((size.reading ?? 0) &* layers, (key.reading ?? 0) &* layers)
    forming = (form.forming(of: row, headWidth: width) ?? 0) &* layers
    (pairFlops, pairElementwise) = (row.pairFlops &* layers, row.pairElementwise &* layers)
    (votePairFlops, keyRotation) = (row.votePairFlops &* layers, row.keyRotation &* layers)
    (againPair, ownPair) = (row.againPairElementwise &* layers, row.ownPairElementwise &* layers)
    (addedPair, pooling) = (row.addedPairElementwise &* layers, row.dimensions.keyValueHeads &* layers)
    (smoothing, reduction) = (row.smoothedPairElementwise &* layers, row.reducedEntryElementwise &* layers)
    (scoredPair, queryMean) = (row.scoredPairElementwise &* layers, row.queryMean &* layers)
    (queryRotation, keyMean) = (row.queryRotation &* layers, row.keyElements &* layers)
    voterBits = row.dimensions.query &* layers &* Integer(word: precision.activations.bits)
    tallyBits = row.tallyBits &* layers
  }

  @inline(__always)
  func bits(_ amount: EntryAmount) -> Integer {
    Integer(word: amount.formed) &* formedBits &+ Integer(word: amount.fresh) &* freshBits
  }

  /// Adds scores, softmax and weighted values.
  @inline(__always)
  func addAttention(_ sums: PassSums, to work: inout Work<Integer>) {
    let pairs = Integer(truncatingIfNeeded: sums.pairs)
    let formed = Integer(truncatingIfNeeded: sums.formedRead)
    work.matmulFlops &+= pairs &* pairFlops
    work.elementwiseFlops &+= pairs &* pairElementwise &+ formed &* reading
    work.cacheReadBits &+= formed &* formedBits &+ Integer(truncatingIfNeeded: sums.freshRead) &* freshBits
  }

  /// Adds what the method does beside attention.
  @inline(__always)
  func addUpkeep(_ upkeep: UpkeepCounts, to work: inout Work<Integer>) {
    func count(_ field: Int) -> Integer { Integer(word: field) }
    let movedBits = bits(EntryAmount(formed: upkeep.movedFormed, fresh: upkeep.movedFresh))
    let keyBits = count(upkeep.votedFormed) &* formedKeyBits &+ count(upkeep.votedFresh) &* freshKeyBits
    let votes =
      count(upkeep.again) &* againPair &+ count(upkeep.own) &* ownPair &+ count(upkeep.added) &* addedPair
      &+ count(upkeep.pooled) &* pooling &+ count(upkeep.smoothed) &* smoothing &+ count(upkeep.reduced) &* reduction
      &+ count(upkeep.scored) &* scoredPair &+ count(upkeep.averaged) &* queryMean
    let numbers =
      count(upkeep.rotated) &* keyRotation &+ count(upkeep.votedFormed) &* readingKey &+ count(upkeep.formed) &* forming
      &+ count(upkeep.turned) &* queryRotation &+ count(upkeep.keyMeans) &* keyMean
    work.matmulFlops &+= count(upkeep.recomputed) &* votePairFlops
    work.elementwiseFlops &+= votes &+ numbers
    work.activationBits &+= count(upkeep.voters) &* voterBits &+ count(upkeep.tallied) &* tallyBits
    // What had been held as it came is read, and written in its form; what has just come is in no memory yet.
    work.cacheReadBits &+= movedBits &+ keyBits &+ count(upkeep.formedHeld) &* freshBits
    work.cacheWriteBits &+= movedBits &+ count(upkeep.formedHeld) &* formedBits &+ count(upkeep.made) &* freshKeyBits
    work.hostBits &+= count(upkeep.transferred) &* formedBits
  }
}
