import Architectures

/// Cascading KV cache: sinks, and N windows of w entries one behind the other (arXiv:2406.17808; `cascading_cache.py`).
///
/// How many entries there are depends on how many tokens have come and not on their scores: a token that a window takes
/// pushes on one entry or fills a place, and one that it does not take replaces an entry or goes, unless the window is
/// empty. Let u count tokens behind the sinks from 0, and let m_i be the least common multiple of the periods of the
/// windows up to i. Window i is given an entry by every token of which m_{i−1} is a divisor, once the windows before it
/// are full; it keeps the first that comes, at e_i, and then one of every m_i tokens. It is full w such tokens behind
/// that, and with the next one, e_{i+1} = m_i·(⌊e_i/m_i⌋ + w), the window behind it begins. So from e_i to e_{i+1} one
/// entry is added at e_i and one at each multiple of m_i:
///
///     held = S + i·w + 1 + ⌊(U − 1)/m_i⌋ − ⌊e_i/m_i⌋   for e_i < U ≤ e_{i+1} + 1 tokens behind the sinks,
///
/// at most S + N·w. With eager filling every token is taken until all windows are full, so it is min(t, S + N·w).
struct CascadeCounts: RetentionCounts {
  let plan: Cascading
  /// How windows behind the first fill that do not take everything at first; none where all do.
  private let filling: [Filling]

  /// When a window begins to fill, and how fast.
  private struct Filling {
    /// `e_i`, `m_i`
    let first, period: Int
    /// Entries of the windows before it.
    let before: Int

    /// Entries of it and the windows before it behind so many tokens, unless the next has begun.
    func held(behind tokens: Int) -> Int { before + 1 + (tokens - 1) / period - first / period }
  }

  init(plan: Cascading) {
    self.plan = plan
    var filling: [Filling] = []
    var (first, period) = (plan.window, 1)
    for index in 1..<(plan.eager ? 1 : max(plan.cascades, 1)) {
      period = leastCommonMultiple(period, plan.period(ofWindow: index))
      filling.append(Filling(first: first, period: period, before: index * plan.window))
      first = period * (first / period + plan.window)
    }
    self.filling = filling
  }

  /// The window that fills behind so many tokens; nil for the first one.
  private func window(behind tokens: Int) -> Filling? { filling.last { $0.first < tokens } }

  func held(after positions: Int) -> Int {
    let tokens = positions - plan.sinks
    guard let window = window(behind: tokens) else { return min(positions, plan.budget) }
    return min(plan.sinks + window.held(behind: tokens), plan.budget)
  }

  var bends: [Int] {
    guard let last = filling.last else { return [plan.budget] }
    let full = plan.window == 1 ? last.first : last.period * (last.first / last.period + plan.window - 1)
    return filling.map { plan.sinks + $0.first + 1 } + [plan.sinks + full + 1]
  }

  func period(after positions: Int) -> Int {
    guard let window = window(behind: positions - plan.sinks), held(after: positions) < plan.budget else { return 1 }
    return window.period
  }

  /// All queries score what they read. What a stride has added up is smoothed, and reduced over heads.
  func votes(of pass: RetainedPass) -> VoteCounts? {
    guard plan.scores else { return nil }
    return VoteCounts(
      queries: pass.rows, entries: pass.found + pass.rows, pairs: pairs(found: pass.found, rows: pass.rows),
      weights: pass.rows > 1 ? .again : .attention, isSmoothed: true)
  }

  var rotatesWhatItFinds: Bool { plan.positions == .cache }
  func fixed(in _: RetainedPass) -> Int { plan.sinks }
}

private func leastCommonMultiple(_ left: Int, _ right: Int) -> Int {
  left / greatestCommonDivisor(left, right) * right
}

/// Of numbers above 0.
func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
  var (left, right) = (left, right)
  while right > 0 { (left, right) = (right, left % right) }
  return left
}
