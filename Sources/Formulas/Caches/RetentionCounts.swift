import Architectures
import Quantities

/// What a retention method makes of passes over a persistent cache, in one key–value head.
///
/// Eviction takes effect between passes: inside one, rows attend each other as they always do, unless a mask says
/// otherwise. All counts are numbers of entries, so that they do not depend on what a model computes.
protocol RetentionCounts: Sendable {
  /// Entries that a head holds once so many positions have passed.
  func held(after positions: Int) -> Int
  /// Entries that a pass of so many rows finds behind so many positions: what is held, less what has to make room. Passes
  /// of a prompt that are equally long never find less than those before them.
  func found(after positions: Int, rows: Int) -> Int
  /// Positions at which `held` stops growing evenly, in ascending order: passes are told apart there.
  var bends: [Int] { get }
  /// Over how many positions `held` grows as it does over as many behind them, from some positions to the next bend.
  func period(after positions: Int) -> Int
  /// (Query, key) pairs of a pass whose rows may each read so many of the entries found.
  func pairs(found: Int, rows: Int) -> Int
  /// Entries that a row may see, its own among them; nil: all of them.
  var mask: Int? { get }
  /// Votes that the method counts beside attention, or takes from it, in a pass.
  func votes(of pass: RetainedPass) -> VoteCounts?
  /// Whether the entries found are rotated anew in every pass.
  var rotatesWhatItFinds: Bool { get }
  /// Leading entries that stay where they are, whatever goes behind a pass.
  func fixed(in pass: RetainedPass) -> Int
}

extension RetentionCounts {
  func found(after positions: Int, rows _: Int) -> Int { held(after: positions) }
  @inline(__always) func period(after _: Int) -> Int { 1 }
  func pairs(found: Int, rows: Int) -> Int { rows * found + rows * (rows + 1) / 2 }
  var mask: Int? { nil }
  func votes(of _: RetainedPass) -> VoteCounts? { nil }
  var rotatesWhatItFinds: Bool { false }
  func fixed(in _: RetainedPass) -> Int { 0 }
}

/// Where a pass stands: what a method knows of it.
struct RetainedPass {
  /// Positions before it.
  let before: Int
  /// Positions that it brings, without those that only look ahead.
  let rows: Int
  /// Entries that it finds.
  let found: Int
  /// The prompt that it belongs to, or follows.
  let prompt: PromptPasses

  /// Positions behind it.
  var after: Int { before + rows }
  var isPrompt: Bool { after <= prompt.units }
}

/// A stack's share of the prompt, and how it is read.
struct PromptPasses: Hashable, Sendable {
  /// Units of the stack in the prompt.
  let units: Int
  /// Units in one pass; the last one may have fewer.
  let chunk: Int
  /// Rows that every pass but the last has besides: the last units of the prompt, as many of them as it has.
  let lookahead: Int

  init(units: Int, chunk: Int?, lookahead: Int = 0) {
    self.units = units
    self.chunk = max(chunk ?? units, 1)
    self.lookahead = min(lookahead, units)
  }

  /// The chunks that are whole, and the units of the last one if it is not.
  var whole: Int { units / chunk }
  var rest: Int { units % chunk }
  /// Units in the last pass, whole or not; the passes before it are whole.
  var last: Int { rest > 0 ? rest : min(chunk, units) }
  var beforeLast: Int { (units - last) / chunk }

  /// Rows that look ahead in a pass that begins there.
  func lookahead(from before: Int) -> Int { before + chunk < units ? lookahead : 0 }
}

/// Votes of queries for entries: sums of attention weights.
struct VoteCounts: Hashable, Sendable {
  /// Queries that vote.
  var queries: Int
  /// Entries that they vote for.
  var entries: Int
  /// Pairs of both.
  var pairs: Int
  /// Where their weights come from.
  var weights: Weights
  /// Sums that are added up as votes are pooled behind the pass.
  var pooled = 0
  /// Whether each query leaves a share of the votes before it, and the heads that share an entry are reduced to one.
  var isSmoothed = false

  /// Where the weights of a vote come from.
  enum Weights {
    /// Attention ends with those of its one row.
    case attention
    /// They are computed again with the maxima and sums of attention, which never holds all weights of many rows.
    case again
    /// A softmax of their own.
    case own
  }
}

/// Work that a cache method adds to a pass, in one key–value head of one layer of one sequence.
struct UpkeepCounts: Hashable, Sendable {
  /// Entries that are copied inside the device's memory.
  var moved = 0
  /// Keys that are rotated again as they are read, in either direction.
  var rotated = 0
  /// Queries that vote with weights of their own, or choose what is read.
  var voters = 0
  /// Entries whose keys are read for that.
  var voted = 0
  /// Pairs whose weights are computed again for that, and those in a softmax of their own.
  var again = 0
  var own = 0
  /// Pairs whose products are compared with others, so that entries to read are chosen.
  var scored = 0
  /// Rows that are added to means of several and means that are made, each of all query heads.
  var averaged = 0
  /// Rows whose queries are rotated to another position.
  var turned = 0
  /// Representatives of several keys that are made and written.
  var made = 0
  /// Keys that are added to them, and their means.
  var keyMeans = 0
  /// Pairs whose weights are taken from attention.
  var added = 0
  /// Entries whose sums of votes are read and written.
  var tallied = 0
  /// Sums that are added up as votes are pooled.
  var pooled = 0
  /// Pairs whose votes are smoothed, and entries whose votes are reduced over heads.
  var smoothed = 0
  var reduced = 0
  /// Entries that cross the link to the host.
  var transferred = 0
  /// Of those that are moved, and of those whose keys are read for votes, the ones that are still as they came.
  var movedFresh = 0
  var votedFresh = 0
  /// Entries that get the form in which they are kept, and those of them that were held as they came.
  var formed = 0
  var formedHeld = 0

  init() {}

  /// What votes cost.
  init(_ votes: VoteCounts?) {
    guard let votes else { return }
    switch votes.weights {
    case .attention: added = votes.pairs
    case .again: (voters, voted, again) = (votes.queries, votes.entries, votes.pairs)
    case .own: (voters, voted, own) = (votes.queries, votes.entries, votes.pairs)
    }
    tallied = votes.entries
    pooled = votes.pooled
    if votes.isSmoothed { (smoothed, reduced) = (votes.pairs, votes.entries) }
  }

  /// Pairs whose scores are computed for votes and choices.
  var recomputed: Int { again + own + scored }
  /// The other ones that are moved, and whose keys are read.
  var movedFormed: Int { moved - movedFresh }
  var votedFormed: Int { voted - votedFresh }
  var isZero: Bool { self == UpkeepCounts() }
  /// Whether the device has nothing to do but what copies do for themselves.
  var isOnlyTransfers: Bool {
    var rest = self
    rest.transferred = 0
    return rest.isZero
  }

  /// What is made of both, field by field.
  @inline(__always)
  func with(_ other: Self, _ combined: (Int, Int) -> Int) -> Self {
    var both = self
    both.moved = combined(moved, other.moved)
    both.rotated = combined(rotated, other.rotated)
    both.voters = combined(voters, other.voters)
    both.voted = combined(voted, other.voted)
    both.again = combined(again, other.again)
    both.own = combined(own, other.own)
    both.scored = combined(scored, other.scored)
    both.averaged = combined(averaged, other.averaged)
    both.turned = combined(turned, other.turned)
    both.made = combined(made, other.made)
    both.keyMeans = combined(keyMeans, other.keyMeans)
    both.added = combined(added, other.added)
    both.tallied = combined(tallied, other.tallied)
    both.pooled = combined(pooled, other.pooled)
    both.smoothed = combined(smoothed, other.smoothed)
    both.reduced = combined(reduced, other.reduced)
    both.transferred = combined(transferred, other.transferred)
    both.movedFresh = combined(movedFresh, other.movedFresh)
    both.votedFresh = combined(votedFresh, other.votedFresh)
    both.formed = combined(formed, other.formed)
    both.formedHeld = combined(formedHeld, other.formedHeld)
    return both
  }

  static func += (sum: inout Self, other: Self) { sum = sum.with(other, +) }
}

/// Something that is done with the counts of a method, compiled for each of them: what asks a value of any type is many
/// times slower.
protocol RetentionVisitor {
  /// Does it.
  mutating func visit(_ counts: some RetentionCounts)
}

extension Retention {
  /// Shows the counts of the method over a stack's prompt.
  func show(_ prompt: PromptPasses, to visitor: inout some RetentionVisitor) {
    switch self {
    case .everything: visitor.visit(KeepEverything())
    case .slidingWindow(let window): visitor.visit(SlidingWindowCounts(window: window))
    case .streaming(let plan): visitor.visit(StreamingCounts(plan: plan))
    case .heavyHitters(let plan): visitor.visit(HeavyHitterCounts(plan: plan))
    case .snapKV(let plan): visitor.visit(PromptVoteCounts(votes: plan, capacity: plan.budget, prompt: prompt))
    case .pyramidKV(let plan):
      let capacity = pyramidCapacity(plan, prompt: prompt.units)
      visitor.visit(PromptVoteCounts(votes: plan.votes, capacity: capacity, prompt: prompt))
    case .chunked(let plan): visitor.visit(ChunkedCounts(plan: plan, prompt: prompt))
    case .cascading(let plan): visitor.visit(CascadeCounts(plan: plan))
    }
  }

  /// The counts of the method over a stack's prompt.
  func counts(_ prompt: PromptPasses) -> any RetentionCounts {
    var keeper = Keeper()
    show(prompt, to: &keeper)
    return keeper.counts
  }

  private struct Keeper: RetentionVisitor {
    var counts: any RetentionCounts = KeepEverything()

    mutating func visit(_ counts: some RetentionCounts) { self.counts = counts }
  }
}
