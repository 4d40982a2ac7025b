import Architectures

/// H2O: every query votes for what it reads, and behind a pass the heaviest and the latest entries stay
/// (arXiv:2306.14048; `utils_real_drop/modify_llama.py`).
struct HeavyHitterCounts: RetentionCounts {
  let plan: HeavyHitters

  func held(after positions: Int) -> Int { min(positions, plan.budget) }
  var bends: [Int] { [plan.budget] }

  func votes(of pass: RetainedPass) -> VoteCounts? {
    VoteCounts(
      queries: pass.rows, entries: pass.found + pass.rows, pairs: pairs(found: pass.found, rows: pass.rows),
      weights: pass.rows > 1 ? .again : .attention)
  }
}

/// SnapKV and PyramidKV: once the prompt is read, so many of its entries stay; what follows is kept
/// (arXiv:2404.14469, arXiv:2406.02069).
struct PromptVoteCounts: RetentionCounts {
  let votes: SnapKV
  /// Entries of the prompt that stay.
  let capacity: Int
  let prompt: PromptPasses

  func held(after positions: Int) -> Int {
    positions < prompt.units ? positions : min(prompt.units, capacity) + positions - prompt.units
  }

  /// Where votes begin, and the last pass of the prompt; passes behind it are apart as they are.
  var bends: [Int] { [prompt.units - votes.window, prompt.units - 1] }

  /// The last `window` queries of the prompt vote, in as many passes as they lie in; a prompt that fits has no vote.
  func votes(of pass: RetainedPass) -> VoteCounts? {
    guard pass.isPrompt, prompt.units > capacity else { return nil }
    let queries = min(pass.rows, pass.after - max(prompt.units - votes.window, 0))
    guard queries > 0 else { return nil }
    return VoteCounts(
      queries: queries, entries: pass.after,
      pairs: queries * (pass.after - queries) + queries * (queries + 1) / 2, weights: .own,
      pooled: pass.after == prompt.units ? votes.kernel * (prompt.units - votes.window) : 0)
  }
}

/// PyramidKV's budget of a layer, its window included, for a prompt of N entries.
///
/// The mean budget without the window, C − W, falls evenly from 2(C − W) − m to m = ⌊(C − W)/β⌋; no layer can keep more
/// than N − W. (`pyramidkv_utils.py`.)
func pyramidCapacity(_ plan: PyramidKV, prompt: Int) -> Int {
  let (budget, window) = (plan.votes.budget, plan.votes.window)
  let mean = budget - window
  guard prompt >= budget else { return prompt }
  guard prompt >= 2 * mean, plan.layers > 1 else { return budget }
  var least = mean / plan.beta
  var most = 2 * mean - least
  if most >= prompt - window {
    most = prompt - window
    least = 2 * mean - most
  }
  return most - plan.layer * ((most - least) / (plan.layers - 1)) + window
}

/// Chunked eviction: of each chunk of the prompt a share stays (arXiv:2506.17121 §3; `kvcompression.py`).
struct ChunkedCounts: RetentionCounts {
  let plan: ChunkedEviction
  let prompt: PromptPasses

  /// Entries that stay of a chunk of so many.
  /// - Parameter ahead: whether the prompt's last queries vote, so that the window comes on top of the share.
  func kept(of length: Int, ahead: Bool) -> Int {
    let share = Int((1 - plan.sparsity) * Double(length))
    let budget = ahead ? share + plan.window : max(share, plan.window)
    switch plan.budgets {
    case .uniform: return min(budget, length)
    case .pyramid:
      let votes = SnapKV(budget: budget, window: plan.window, kernel: plan.kernel)
      var pyramid = PyramidKV(votes: votes, beta: plan.beta)
      (pyramid.layer, pyramid.layers) = (plan.layer, plan.layers)
      return min(pyramidCapacity(pyramid, prompt: length), length)
    }
  }

  func held(after positions: Int) -> Int {
    let whole = kept(of: prompt.chunk, ahead: plan.patched)
    guard positions < prompt.units else {
      return prompt.beforeLast * whole + kept(of: prompt.last, ahead: false) + positions - prompt.units
    }
    return positions / prompt.chunk * whole + kept(of: positions % prompt.chunk, ahead: plan.patched)
  }

  var bends: [Int] { [] }
  func fixed(in pass: RetainedPass) -> Int { pass.found }

  /// The last queries of a chunk, or of the prompt, vote for the entries of the chunk alone. Those of the prompt stand
  /// behind all of them.
  func votes(of pass: RetainedPass) -> VoteCounts? {
    let ahead = plan.patched && pass.after < prompt.units
    guard pass.isPrompt, kept(of: pass.rows, ahead: ahead) < pass.rows else { return nil }
    let queries = min(plan.window, pass.rows)
    return VoteCounts(
      queries: queries, entries: pass.rows,
      pairs: ahead ? queries * pass.rows : queries * (pass.rows - queries) + queries * (queries + 1) / 2, weights: .own,
      pooled: plan.kernel * (pass.rows - queries))
  }
}
