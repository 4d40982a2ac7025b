import Architectures
import Quantities

extension CachePlan {
  /// Entries that a head holds once so many positions have passed.
  func held(after positions: Int) -> Int { retention.counts.held(after: positions) }

  /// Entries for which a head's memory has room then.
  func allocated(after positions: Int) -> Int { placement.counts.allocated(for: held(after: positions)) }

  /// The passes of a group as a head of this plan attends them: cut where what is read stops growing evenly.
  ///
  /// A pass of r rows that finds m entries and reads r' of them in each row has r·r' + r(r + 1)/2 pairs; where entries
  /// are read once, r' + r of them.
  func passes<N: Count>(_ group: PassGroup<N>) -> Runs<PassGroup<N>> {
    guard !isFull, let before = group.before?.integer else { return Runs(group) }
    let (retention, lookup) = (retention.counts, lookup.counts)
    let (rows, count) = (group.rows.integer, group.indices.integer)
    func held(_ index: Int) -> Int { retention.held(after: before + index * rows) }
    func read(_ index: Int) -> Int { lookup.read(of: held(index)) }

    // The first index at or behind each bend; what is held never shrinks while everything else goes on.
    let atPositions = retention.bends.map { bend in (bend - before + rows - 1) / rows }
    let atEntries = lookup.bends.map { bend in (0..<count).partitioningIndex { held($0) >= bend } }
    let cuts = Set((atPositions + atEntries).filter { (1..<count).contains($0) }).sorted()
    let pieces = zip([0] + cuts, cuts + [count]).map { start, end -> PassGroup<N> in
      var piece = group
      piece.before = N.whole(before + start * rows)
      piece.indices = N.whole(end - start)
      piece.pairs = group.rows * N.whole(read(start)) + N.triangle(group.rows)
      piece.pairsSlope = end - start > 1 ? group.rows * N.whole(read(start + 1) - read(start)) : 0
      if group.entriesReadOnce != nil { piece.entriesReadOnce = N.whole(read(start)) + group.rows }
      return piece
    }
    return Runs(pieces[0], Array(pieces.dropFirst()))
  }

  /// What the passes of a group add beside attention, in one head of one layer of one sequence.
  func upkeep<N: Count>(_ group: PassGroup<N>) -> UpkeepCounts {
    let counts = retention.counts
    return passes(group).reduce(into: UpkeepCounts()) { sum, piece in
      guard let before = piece.before?.integer else { return }
      let (rows, count) = (piece.rows.integer, piece.indices.integer)
      func one(_ index: Int) -> UpkeepCounts {
        counts.upkeep(held: counts.held(after: before + index * rows), appended: rows)
      }
      let (first, second) = (one(0), one(min(1, count - 1)))
      func total(_ field: KeyPath<UpkeepCounts, Int>) -> Int {
        count * first[keyPath: field] + (second[keyPath: field] - first[keyPath: field]) * (count * (count - 1) / 2)
      }
      sum.moved += total(\.moved)
      sum.scored += total(\.scored)
      sum.transferred += total(\.transferred)
    }
  }
}

extension Range<Int> {
  /// The first element from which on a condition holds, which does not hold again before it; the end where it never does.
  fileprivate func partitioningIndex(_ holds: (Int) -> Bool) -> Int {
    var (low, high) = (lowerBound, upperBound)
    while low < high {
      let middle = low + (high - low) / 2
      if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
