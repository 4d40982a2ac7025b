import Architectures

/// H2O: behind each pass the entries that have gathered the largest weights stay, and the latest ones.
struct HeaviestAndLatest: Retaining {
  let plan: HeavyHitters
  var tallies: Bool { true }

  func voters(in pass: PassPlace) -> Voters? { Voters(queries: 0..<pass.queries, candidates: .attended) }

  func survivors(of held: Int, behind _: PassPlace, votes: UnsafeBufferPointer<Float>?) -> [Range<Int>]? {
    guard held > plan.budget else { return nil }
    let candidates = held - plan.recent
    return largest(plan.heavy, of: votes.map { Array($0.prefix(candidates)) }, candidates) + [candidates..<held]
  }
}

/// SnapKV and PyramidKV: once the prompt is read, those entries stay that its last queries voted for, and their own.
struct VotedByWindow: Retaining {
  let votes: SnapKV
  /// Entries that stay of a prompt of so many.
  let capacity: @Sendable (_ prompt: Int) -> Int
  var tallies: Bool { true }

  /// Whether a prompt of so many entries loses some.
  private func evicts(_ prompt: Int) -> Bool { prompt > capacity(prompt) }

  func voters(in pass: PassPlace) -> Voters? {
    guard let prompt = pass.prompt, evicts(prompt) else { return nil }
    let first = max(prompt - votes.window - pass.before, 0)
    guard first < pass.queries else { return nil }
    let pooled = pass.end == prompt ? votes.kernel * (prompt - votes.window) : 0
    return Voters(queries: first..<pass.queries, candidates: .held, pooled: pooled)
  }

  func survivors(of held: Int, behind pass: PassPlace, votes given: UnsafeBufferPointer<Float>?) -> [Range<Int>]? {
    guard let prompt = pass.prompt, pass.end == prompt, evicts(prompt) else { return nil }
    let candidates = held - votes.window
    let pooled = given.map { votes.pooled(Array($0.prefix(candidates))) }
    return largest(capacity(prompt) - votes.window, of: pooled, candidates) + [candidates..<held]
  }
}

/// Chunked eviction: of each chunk of the prompt those entries stay that its last queries voted for, and their own;
/// patched, that the last queries of the whole prompt voted for, which look at every chunk but the last.
struct VotedByChunk: Retaining {
  let plan: ChunkedEviction
  var tallies: Bool { true }

  /// Whether the prompt goes on behind a pass whose voters are its end.
  private func looksAhead(_ pass: PassPlace) -> Bool { plan.patched && pass.prompt.map { pass.end < $0 } ?? false }

  /// Entries that stay of the chunk of a pass.
  private func kept(of pass: PassPlace) -> Int {
    let (length, share) = (pass.queries, Int((1 - plan.sparsity) * Double(pass.queries)))
    let budget = looksAhead(pass) ? share + plan.window : max(share, plan.window)
    guard plan.budgets == .pyramid else { return min(budget, length) }
    var pyramid = PyramidKV(votes: SnapKV(budget: budget, window: plan.window), beta: plan.beta)
    (pyramid.layer, pyramid.layers) = (plan.layer, plan.layers)
    return min(layerBudget(pyramid, of: length), length)
  }

  func voters(in pass: PassPlace) -> Voters? {
    guard pass.prompt != nil, kept(of: pass) < pass.queries else { return nil }
    let window = min(plan.window, pass.queries)
    let end = looksAhead(pass) ? pass.rows : pass.queries
    return Voters(
      queries: end - window..<end, candidates: .pass, pooled: plan.kernel * (pass.queries - window))
  }

  func survivors(of held: Int, behind pass: PassPlace, votes: UnsafeBufferPointer<Float>?) -> [Range<Int>]? {
    let kept = kept(of: pass)
    guard pass.prompt != nil, kept < pass.queries else { return nil }
    let candidates = pass.queries - plan.window
    let pooled = votes.map {
      SnapKV(kernel: plan.kernel).pooled(Array($0[pass.found..<pass.found + candidates]))
    }
    let chosen = largest(kept - plan.window, of: pooled, candidates)
    return [0..<pass.found].filter { !$0.isEmpty }
      + chosen.map { $0.lowerBound + pass.found..<$0.upperBound + pass.found } + [held - plan.window..<held]
  }

  func fixed(in pass: PassPlace) -> Int { pass.found }
}

/// PyramidKV's budget of a layer for a prompt of so many entries, its window included.
func layerBudget(_ plan: PyramidKV, of prompt: Int) -> Int {
  let (window, rest) = (plan.votes.window, plan.votes.budget - plan.votes.window)
  if prompt < plan.votes.budget { return prompt }
  if prompt < 2 * rest || plan.layers == 1 { return plan.votes.budget }
  var (low, high) = (rest / plan.beta, 2 * rest - rest / plan.beta)
  if high >= prompt - window { (low, high) = (2 * rest - (prompt - window), prompt - window) }
  let step = (high - low) / (plan.layers - 1)
  return high - plan.layer * step + window
}

extension SnapKV {
  /// Votes pooled over the kernel around each, with nothing beyond both ends.
  func pooled(_ votes: [Float]) -> [Float] {
    let reach = kernel / 2
    return votes.indices.map { index in
      let around = votes[max(index - reach, 0)...min(index + reach, votes.count - 1)]
      return pooling == .average ? around.reduce(0, +) / Float(kernel) : around.max()!
    }
  }
}

/// Ranges of the entries with the most votes, the earlier of two that have the same.
/// - Parameters:
///   - votes: of each of so many candidates; nil for shapes, which keep the first ones.
func largest(_ count: Int, of votes: [Float]?, _ candidates: Int) -> [Range<Int>] {
  guard let votes else { return count > 0 ? [0..<count] : [] }
  if count == candidates - 1 {
    // What a step of decoding asks: the one with the fewest votes goes, the last of several.
    var gone = 0
    for index in votes.indices where votes[index] <= votes[gone] { gone = index }
    return [0..<gone, gone + 1..<candidates].filter { !$0.isEmpty }
  }
  let order = votes.indices.sorted { votes[$0] == votes[$1] ? $0 < $1 : votes[$0] > votes[$1] }
  return ranges(order.prefix(count).sorted())
}

/// Numbers in ascending order as ranges.
func ranges(_ indices: [Int]) -> [Range<Int>] {
  var ranges: [Range<Int>] = []
  for index in indices {
    if let last = ranges.last, last.upperBound == index {
      ranges[ranges.count - 1] = last.lowerBound..<index + 1
    } else {
      ranges.append(index..<index + 1)
    }
  }
  return ranges
}
