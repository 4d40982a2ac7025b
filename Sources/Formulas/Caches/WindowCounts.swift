import Architectures

/// Sliding windows of W entries, a query's own among them: inside a pass a mask holds the window, behind it the last
/// W − 1 entries stay for the next query.
struct SlidingWindowCounts: RetentionCounts {
  let window: Int

  func held(after positions: Int) -> Int { min(positions, window - 1) }
  var bends: [Int] { [window - 1] }
  var mask: Int? { window }

  /// Σ min(found + j, W) over rows j: growing until the window is full, then W each.
  func pairs(found: Int, rows: Int) -> Int {
    let growing = min(max(window - found, 0), rows)
    return growing * found + growing * (growing + 1) / 2 + (rows - growing) * window
  }
}

/// StreamingLLM: the first S and the last W entries stay (arXiv:2309.17453; `streaming_llm/kv_cache.py`).
struct StreamingCounts: RetentionCounts {
  let plan: Streaming

  func held(after positions: Int) -> Int { min(positions, plan.budget) }

  func found(after positions: Int, rows: Int) -> Int {
    switch plan.evicts {
    case .behind: held(after: positions)
    case .before: min(held(after: positions), max(plan.budget - rows, plan.sinks))
    }
  }

  var bends: [Int] { [plan.budget] }
  var rotatesWhatItFinds: Bool { plan.positions == .cache }
  func fixed(in _: RetainedPass) -> Int { plan.sinks }
}
