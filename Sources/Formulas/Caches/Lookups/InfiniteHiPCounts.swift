import Architectures

/// InfiniteHiP: between sinks S and stream W lie N = ⌊(s − S − W)/l₁⌋ whole chunks; three stages leave k of their entries
/// (arXiv:2502.08910, Alg. 1–4).
struct InfiniteHiPCounts: LookupCounts {
  let plan: InfiniteHiP

  private var origin: Int { plan.sinks + plan.recent }
  private var largest: Int { plan.stages[0].chunk }
  var dense: Int { start(of: plan.budget / largest + 1) - 1 }
  var block: Int { plan.queryBlock }

  /// The first position with so many whole chunks.
  private func start(of chunks: Int) -> Int { origin + chunks * largest }

  /// Sinks, what is found, and what lies behind the last whole chunk.
  func read(_ blocks: Progression) -> Int {
    plan.budget * blocks.count + blocks.sum - largest * blocks.floors(from: origin, by: largest)
  }

  /// Chunks that a stage scores: those of all candidates, or of as many as may enter.
  private func chunks(_ stage: Int, _ blocks: Progression) -> Int {
    let own = plan.stages[stage]
    // Every stage but the first takes at most its input, and so did those before it.
    let full = stage == 0 ? blocks.count : blocks.count(before: start(of: (own.input + largest - 1) / largest))
    let (some, all) = blocks.cut(at: full)
    return largest / own.chunk * some.floors(from: origin, by: largest) + all.count * (own.input / own.chunk)
  }

  /// Keys that the search for the representative of a chunk scores.
  private func keys(_ chunk: Int) -> Int {
    switch plan.representatives {
    case .middle: 2 * (Int.bitWidth - chunk.leadingZeroBitCount)
    case .first: max(2 * (Int.bitWidth - (chunk - 1).leadingZeroBitCount), 1)
    }
  }

  /// - Parameter times: by which each of the blocks counts in a stage.
  private func choosing(_ blocks: Progression, rows: Int, times: (_ stage: Int) -> Int) -> UpkeepCounts {
    var counts = UpkeepCounts()
    for (index, stage) in plan.stages.enumerated() {
      let (means, times) = ((rows + stage.stride - 1) / stage.stride, times(index))
      let voted = times * chunks(index, blocks) * keys(stage.chunk)
      counts.voters += times * rows * blocks.count
      counts.voted += voted
      counts.scored += means * voted
      if means < rows { counts.averaged += times * (rows + means) * blocks.count }
    }
    return counts
  }

  func choosing(_ blocks: Progression, rows: Int) -> UpkeepCounts { choosing(blocks, rows: rows) { _ in 1 } }

  /// A stage works on what the first one has left the last time: in every interval of the first as often as its own fits.
  func choosing(generated rows: Range<Int>) -> UpkeepCounts {
    let period = plan.stages[0].refresh
    let (whole, rest) = (rows.count / period, rows.count % period)
    let intervals = Progression(rows.lowerBound, by: period, count: whole)
    var counts = choosing(intervals, rows: 1) { period / plan.stages[$0].refresh }
    guard rest > 0 else { return counts }
    counts += choosing(Progression(rows.lowerBound + whole * period, count: 1), rows: 1) {
      (rest + plan.stages[$0].refresh - 1) / plan.stages[$0].refresh
    }
    return counts
  }
}
