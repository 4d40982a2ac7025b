/// Every row scores all entries before it, and reads the k with the largest products, and its own.
struct TopKCounts: LookupCounts {
  let k: Int

  var dense: Int { k }
  var block: Int { 1 }
  var scoresAll: Bool { true }

  func read(_ blocks: Progression) -> Int { k * blocks.count }

  func choosing(_ blocks: Progression, rows _: Int) -> UpkeepCounts {
    var counts = UpkeepCounts()
    (counts.voters, counts.scored) = (blocks.count, blocks.sum)
    return counts
  }

  func choosing(generated rows: Range<Int>) -> UpkeepCounts {
    var counts = choosing(Progression(rows.lowerBound, count: rows.count), rows: 1)
    counts.voted = counts.scored
    return counts
  }
}
