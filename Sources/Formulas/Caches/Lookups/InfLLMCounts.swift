import Architectures

/// InfLLM: behind the first entries, ⌊(s − n_init − n_local)/b⌋ blocks have left the window, of which some are read
/// (arXiv:2402.04617; `inf_llm/attention/context_manager.py`).
struct InfLLMCounts: LookupCounts {
  let plan: InfLLM

  private var origin: Int { plan.sinks + plan.recent }
  var dense: Int { origin + (plan.blocks + 1) * plan.keyBlock - 1 }
  var block: Int { plan.queryBlock }

  /// What lies in no block, and the blocks that are read.
  func read(_ blocks: Progression) -> Int {
    plan.blocks * plan.keyBlock * blocks.count + blocks.sum - plan.keyBlock * representatives(blocks)
  }

  private func representatives(_ blocks: Progression) -> Int { blocks.floors(from: origin, by: plan.keyBlock) }

  /// The mean query of a block of rows, rotated as if it stood at the end of the window, with every representative.
  func choosing(_ blocks: Progression, rows: Int) -> UpkeepCounts {
    var counts = UpkeepCounts()
    counts.voters = rows * blocks.count
    if plan.positions == .text { counts.turned = counts.voters }
    counts.averaged = rows > 1 ? (rows + 1) * blocks.count : 0
    counts.scored = representatives(blocks)
    (counts.voted, counts.votedFresh) = (counts.scored, counts.scored)
    return counts
  }

  func choosing(generated rows: Range<Int>) -> UpkeepCounts {
    choosing(Progression(rows.lowerBound, count: rows.count), rows: 1)
  }

  // MARK: Every pass

  /// Blocks behind so many entries.
  private func cut(_ entries: Int) -> Int { max(entries - origin, 0) / plan.keyBlock }

  /// Σ min(p + 1, n_local) over the positions before one.
  private func local(_ position: Int) -> Int {
    let growing = min(position, plan.recent)
    return growing * (growing + 1) / 2 + (position - growing) * plan.recent
  }

  /// Rows vote for what lies in their window; blocks that have left it get their representatives.
  func everyPass(_ passes: PassRange) -> UpkeepCounts {
    let end = passes.before + passes.rows * passes.count
    let begins = Progression(passes.before, by: passes.rows, count: passes.count)
    let (some, all) = begins.cut(at: begins.count(before: plan.recent - 1))
    let entries = some.sum + all.count * (plan.recent - 1) + passes.rows * passes.count
    let pairs = local(end) - local(passes.before)
    var counts = UpkeepCounts(
      VoteCounts(
        queries: passes.rows * passes.count, entries: entries, pairs: pairs,
        weights: passes.rows > 1 ? .again : .attention))
    counts.made = cut(end) - cut(passes.before)
    counts.keyMeans = (plan.representativeKeys + 1) * counts.made
    let keys = plan.representativeKeys * counts.made
    counts.voted += keys
    switch plan.positions {
    case .text: counts.rotated = keys
    // Keys of the window are rotated as they are read, and every query once more for those outside.
    case .window: (counts.rotated, counts.turned) = (entries - passes.rows * passes.count, passes.rows * passes.count)
    }
    return counts
  }
}
