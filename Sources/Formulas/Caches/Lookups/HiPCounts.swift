import Architectures

/// HiP: of ⌊(s − w)/b_k⌋ blocks of keys that lie before the window, m = k/b_k are found (arXiv:2406.09827).
struct HiPCounts: LookupCounts {
  let plan: HiP

  /// `m`
  private var found: Int { plan.budget / plan.keyBlock }
  var dense: Int { start(of: found + 1) - 1 }
  var block: Int { plan.queryBlock }

  /// The first position before which so many blocks of keys are whole.
  private func start(of blocks: Int) -> Int { plan.recent + blocks * plan.keyBlock }

  /// What is found, and what lies behind the last whole block of keys.
  func read(_ blocks: Progression) -> Int {
    plan.budget * blocks.count + blocks.sum - plan.keyBlock * blocks.floors(from: plan.recent, by: plan.keyBlock)
  }

  /// Halvings ⌈log₂(n/m)⌉ of n blocks of keys, added up: the j-th where n > m·2^j.
  private func halvings(_ blocks: Progression) -> Int {
    guard blocks.count > 0 else { return 0 }
    let last = blocks.first + (blocks.count - 1) * blocks.step
    var (sum, groups) = (0, found)
    while last >= start(of: groups + 1) {
      sum += blocks.count - blocks.count(before: start(of: groups + 1))
      groups *= 2
    }
    return sum
  }

  /// A halving scores both halves of every group by the keys of their first blocks, with every second row.
  func choosing(_ blocks: Progression, rows: Int) -> UpkeepCounts {
    let queries = max(rows / 2, 1)
    var counts = UpkeepCounts()
    counts.voters = queries * blocks.count
    counts.voted = 2 * plan.budget * halvings(blocks)
    counts.scored = queries * counts.voted
    return counts
  }

  func choosing(generated rows: Range<Int>) -> UpkeepCounts {
    choosing(
      Progression(rows.lowerBound, by: plan.refresh, count: (rows.count + plan.refresh - 1) / plan.refresh), rows: 1)
  }
}
