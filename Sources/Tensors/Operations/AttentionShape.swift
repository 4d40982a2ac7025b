import Architectures

/// Where keys and values of a stack live.
public enum Store: Hashable, Sendable {
  /// The growing cache of an encoder or of the vanilla stack.
  case persistent
  /// The window of an open chunk, dropped when the chunk closes.
  case local
}

/// The dimensions of one attention over cached keys and values.
///
/// `groups` sequences (or chunks) each bring `queries` consecutive positions; query j of a group attends the
/// `keysBefore` entries before it, the queries up to itself, and nothing later; under a window only the last of them, and
/// the sinks.
public struct AttentionShape: Hashable, Sendable {
  /// Sequences, or chunks of one.
  public var groups: Int
  /// Consecutive positions that each group brings.
  public var queries: Int
  /// Entries of a group before its first query.
  public var keysBefore: Int
  /// Heads and their width.
  public var layer: LayerShape
  /// Where the entries live.
  public var store: Store
  /// Whether each cached entry is read once for all queries of its group (prefill), or entry by entry for every query.
  public var readsOnce: Bool
  /// The latest entries that a query attends, its own included; those before them are masked, wherever they lie. All if
  /// 0.
  public var window: Int
  /// The first entries, which a window does not mask.
  public var sinks: Int
  /// What is read where entries are chosen for queries; nil: all that they see.
  public var chosen: ChosenReads?
  /// What is read of entries, all groups together; nil: a key and a value in the cache's type of each.
  public var reads: EntryTraffic?

  public init(
    groups: Int, queries: Int, keysBefore: Int, layer: LayerShape, store: Store, readsOnce: Bool, window: Int = 0,
    sinks: Int = 0
  ) {
    precondition(window >= 0 && sinks >= 0, "a window of \(window) entries behind \(sinks)")
    self.groups = groups
    self.queries = queries
    self.keysBefore = keysBefore
    self.layer = layer
    self.store = store
    self.readsOnce = readsOnce
    self.window = window
    self.sinks = sinks
  }

  /// Query–key pairs of one group: Σ_{j=1…q} (k₀ + j), or Σ_{j=1…q} min(k₀ + j, S + W) under a window of W behind S
  /// sinks.
  @inlinable var pairsPerGroup: Int128 {
    if let chosen { return Int128(chosen.pairs) }
    let most = window + sinks
    /// Queries that see everything before them.
    let unmasked = Int128(window == 0 ? queries : min(max(most - keysBefore, 0), queries))
    return unmasked * Int128(keysBefore) + unmasked * (unmasked + 1) / 2
      + (Int128(queries) - unmasked) * Int128(most)
  }

  /// Entries of one group that some query sees; of those that are chosen, each for every block of rows that reads it.
  var entriesPerGroup: Int {
    if let chosen { return chosen.entries }
    guard window > 0 else { return keysBefore + queries }
    let latest = min(keysBefore, window - 1)
    return min(sinks, keysBefore - latest) + latest + queries
  }

  /// The sinks and the latest ones that a query sees of so many entries, its own the last of them.
  func stretches(of visible: Int) -> (sinks: Range<Int>, latest: Range<Int>) {
    let first = window == 0 ? 0 : max(visible - window, 0)
    return (0..<min(sinks, first), first..<visible)
  }
}
