import Architectures

/// Sliding-window attention: a query sees W entries with its own, and W − 1 stay for the next one.
struct SlidingWindow: Retaining {
  let window: Int
  var mask: Int { window }

  func survivors(of held: Int, behind _: PassPlace, votes _: UnsafeBufferPointer<Float>?) -> [Range<Int>]? {
    held < window ? nil : [held - (window - 1)..<held]
  }
}

/// StreamingLLM: the first S entries and the last W stay.
struct SinksAndWindow: Retaining {
  let plan: Streaming
  var rotatesByPlace: Bool { plan.positions == .cache }

  func room(in held: Int, for queries: Int) -> [Range<Int>]? {
    guard plan.evicts == .before, held + queries > plan.budget else { return nil }
    return kept(of: held, window: plan.window - queries)
  }

  func survivors(of held: Int, behind _: PassPlace, votes _: UnsafeBufferPointer<Float>?) -> [Range<Int>]? {
    held > plan.budget ? kept(of: held, window: plan.window) : nil
  }

  func fixed(in _: PassPlace) -> Int { plan.sinks }

  private func kept(of held: Int, window: Int) -> [Range<Int>] {
    let sinks = min(plan.sinks, held)
    return [0..<sinks, max(held - window, sinks)..<held].filter { !$0.isEmpty }
  }
}
