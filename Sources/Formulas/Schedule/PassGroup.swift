import Architectures
import Quantities

/// Passes through one stack that differ at most in how many keys they attend: what counts, times, conventions and
/// training costs are summed over.
///
/// All counts are those of one sequence in one pass. Passes come as a progression k = 0 ..< `indices`, each index
/// `repetitions` times: the k-th has `pairs` + k·`pairsSlope` (query, key) pairs and reads as many entries per layer,
/// except in prefill of a persistent cache, where each entry is read once.
public struct PassGroup<N: Count>: Hashable, Sendable {
  /// What the positions of a pass are.
  public enum Kind: String, CaseIterable, Sendable {
    /// Units of an encoder (or tokens of the vanilla stack), each with its chunker output.
    case units
    /// The condition positions of chunks that open together, each with its converter call.
    case condition
    /// One fed position of each chunk.
    case fed
    /// Condition and known inputs of open chunks in one pass.
    case known
  }

  /// What the rows of a stack that are not conditions come from.
  public enum Feed: String, CaseIterable, Sendable {
    /// Rows of an embedding table.
    case embedding
    /// The chunker of the level, over closed units of the level below (at level 1, over encoder embedding rows).
    case chunker
    /// Latents of the encoder below, as they are.
    case latents
    /// What the decoder itself has just restored.
    case ownOutput
  }

  /// 0 is the stack over the tokens.
  public var level: Int
  /// Whether the encoder's stack runs or the decoder's.
  public var side: Side
  /// What the positions of a pass are.
  public var kind: Kind
  /// What its rows come from.
  public var feed: Feed
  /// Whether the stack's last norm ends a pass here: over every row, over the fed ones, or not (a head contains it).
  var normed: Normed
  /// Positions in a pass.
  public var rows: N
  /// The last of them that only look ahead: their entries go with the pass, so that the next one begins before them.
  public var lookahead: N = 0
  /// Chunker outputs or converter calls that go with a pass, in one dispatch; 0 in a vanilla stack.
  public var calls: N = 0
  /// Decoder positions that read an input of their own: an embedding row, a latent, or a fed-back row.
  public var fedRows: N = 0
  /// Length of the progression.
  public var indices: N = 1
  /// Passes at each index.
  public var repetitions: N = 1
  /// Indices from one pass to the next of the same progression, where those between them are others'.
  var stride = 1
  /// (Query, key) pairs of one layer in a pass of index 0.
  public var pairs: N
  /// By how many pairs a pass has more than one of the index before.
  public var pairsSlope: N = 0
  /// Entries per layer that a pass of index 0 reads if it is not one per pair: prefill of a persistent cache.
  public var entriesReadOnce: N?
  /// By how many of them a pass reads more than one of the index before.
  public var entriesSlope: N = 0
  /// The entries that a pass reads by their states; nil where all have the form in which they are kept.
  var stateReads: StateReads<N>?
  /// Whether its rows read entries that are chosen for each of them, or for blocks of them.
  var isChosen = false
  /// Positions that the first of the passes finds in a persistent cache; nil where there is a window.
  var before: N?

  /// Rows that a last norm of their own ends.
  enum Normed: Sendable { case all, fed, none }

  /// Positions by which one pass moves on.
  var advance: Int { rows.integer - lookahead.integer }
  /// Passes of the group.
  public var passes: N { indices * repetitions }
  /// Whether there are any.
  var isEmpty: Bool { !(rows.isPositive && indices.isPositive && repetitions.isPositive) }
  /// Rows of a pass that a last norm of their own ends.
  var normRows: N {
    switch normed {
    case .all: rows
    case .fed: fedRows
    case .none: 0
    }
  }

  /// What a pass attends and reads over the passes.
  var allPairs: N { repetitions * (indices * pairs + pairsSlope * N.pairs(of: indices)) }

  /// Entries that all passes of the group read in one layer.
  var entriesRead: N {
    guard let entriesReadOnce else { return allPairs }
    return repetitions * (indices * entriesReadOnce + entriesSlope * N.pairs(of: indices))
  }
}

/// Entries that the passes of a group read in one layer, by their states: those of a pass of index 0, and by how many a
/// pass reads more than one of the index before.
struct StateReads<N: Count>: Hashable, Sendable {
  var formed, formedSlope: N
  var fresh, freshSlope: N
}

extension PassGroup {
  /// Entries in the form in which they are kept that all passes of the group read in one layer.
  var formedRead: N {
    guard let stateReads else { return entriesRead }
    return repetitions * (indices * stateReads.formed + stateReads.formedSlope * N.pairs(of: indices))
  }

  /// Entries that are still as they came; nil where there are none.
  var freshRead: N? {
    guard let stateReads else { return nil }
    return repetitions * (indices * stateReads.fresh + stateReads.freshSlope * N.pairs(of: indices))
  }
}

extension PassGroup where N: CountingInteger {
  /// What all passes of the group do together.
  public var activity: StackActivity<N> {
    var sum = StackActivity<N>()
    sum.rows = rows * passes
    sum.passes = passes
    sum.pairs = allPairs
    if before != nil { sum.cacheReads = entriesRead } else { sum.localReads = entriesRead }
    sum.calls = calls * passes
    sum.callDispatches = calls > 0 ? passes : 0
    sum.normRows = normRows * passes
    sum.normDispatches = normRows > 0 ? passes : 0
    return sum
  }
}

/// Dispatches of the head that read the same number of rows of one sequence.
public struct HeadGroup<N: Count>: Hashable, Sendable {
  /// Rows in one dispatch.
  public var rows: N
  /// How many there are.
  public var dispatches: N
}

/// The passes of one phase: a list whose length depends on the model alone.
public struct PhasePasses<N: Count>: Hashable, Sendable {
  /// One group or more for each kind of pass of each stack that runs.
  public var stacks: [PassGroup<N>]
  /// Empty in prefill.
  public var heads: [HeadGroup<N>]
}

/// All passes of a phase, grouped.
/// - Throws: `CountOverflow` where a count of the whole batch could exceed 2^126.
public func passes(_ question: Question, in phase: Phase) throws(CountOverflow) -> PhasePasses<Int128> {
  guard try CountBound.estimate(Question(question.model, question.workload)) < 0x1p126 else { throw .counts }
  return question.passes(in: phase, as: Int128.self)
}
