import Architectures

/// Which entries of a key–value head stay once a pass is over: a conformance for each method, in a file of its own.
///
/// Entries are numbered in order of position, from 0, wherever they lie. How many stay depends on numbers of entries
/// alone, so that it is the same for all groups and heads, and for shapes.
package protocol Retaining: Sendable {
  /// Entries that a query may see, its own among them; 0: all that are held.
  var mask: Int { get }
  /// Whether keys and queries are rotated by their places in the cache, as they are read, and not by their positions.
  var rotatesByPlace: Bool { get }
  /// Whether it asks for votes.
  var tallies: Bool { get }
  /// Who votes in a pass; nil: nobody.
  func voters(in pass: PassPlace) -> Voters?
  /// Ranges of the held entries that stay to make room for a pass of so many queries; nil where all do.
  func room(in held: Int, for queries: Int) -> [Range<Int>]?
  /// Ranges of the held entries that stay behind a pass, those of the pass among them; nil where all do.
  /// - Parameter votes: for each held entry the sum of the weights that it has been given, over all queries that voted
  ///   and the heads that share it; nil where nobody asked, and for shapes.
  func survivors(of held: Int, behind pass: PassPlace, votes: UnsafeBufferPointer<Float>?) -> [Range<Int>]?
  /// Leading entries that no vote can move.
  func fixed(in pass: PassPlace) -> Int
}

extension Retaining {
  package var mask: Int { 0 }
  package var rotatesByPlace: Bool { false }
  package var tallies: Bool { false }
  package func voters(in _: PassPlace) -> Voters? { nil }
  package func room(in _: Int, for _: Int) -> [Range<Int>]? { nil }
  package func fixed(in _: PassPlace) -> Int { 0 }
}

/// Where a pass stands.
package struct PassPlace: Sendable {
  /// Positions before it.
  package let before: Int
  /// Positions that it brings for each group.
  package let queries: Int
  /// Rows behind them that only look ahead: their entries are gone before anything is evicted.
  package let lookahead: Int
  /// Entries that it finds.
  package let found: Int
  /// Positions of the whole prompt that it is a pass of; nil while tokens are generated.
  package let prompt: Int?

  package init(before: Int, queries: Int, lookahead: Int = 0, found: Int, prompt: Int?) {
    (self.before, self.queries, self.lookahead) = (before, queries, lookahead)
    (self.found, self.prompt) = (found, prompt)
  }

  /// Positions behind it.
  package var end: Int { before + queries }
  /// All rows of each group.
  package var rows: Int { queries + lookahead }
}

/// Queries whose attention weights are added to what entries have gathered.
package struct Voters: Equatable, Sendable {
  /// Among the rows of the pass.
  package var queries: Range<Int>
  /// What they vote for.
  package var candidates: Candidates
  /// Sums that are added up as the votes are pooled behind the pass.
  package var pooled = 0
  /// How votes are added up where not all weights count alike; `candidates` are those that were attended.
  package var smoothing: Smoothing?

  /// Whether attention adds its weights to their votes as it has them.
  var countsWithAttention: Bool { candidates == .attended && smoothing == nil }

  package enum Candidates: Sendable {
    /// Everything that attention gave them to read: its weights are their votes.
    case attended
    /// All entries up to themselves, with a softmax of their own.
    case held
    /// Those of the pass up to themselves, with a softmax of their own; not those of rows that look ahead.
    case pass
  }
}

/// The method of a plan; nil where everything stays.
func retaining(_ retention: Retention) -> (any Retaining)? {
  switch retention {
  case .everything: nil
  case .slidingWindow(let window): SlidingWindow(window: window)
  case .streaming(let plan): SinksAndWindow(plan: plan)
  case .heavyHitters(let plan): HeaviestAndLatest(plan: plan)
  case .snapKV(let plan): VotedByWindow(votes: plan, capacity: { _ in plan.budget })
  case .pyramidKV(let plan): VotedByWindow(votes: plan.votes, capacity: { layerBudget(plan, of: $0) })
  case .chunked(let plan): VotedByChunk(plan: plan)
  case .cascading(let plan): Cascade(plan: plan)
  }
}
