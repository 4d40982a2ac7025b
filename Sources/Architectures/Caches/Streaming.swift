/// StreamingLLM (arXiv:2309.17453): the first entries, on which attention rests, and a window of the latest ones.
///
/// With the positions of the text and some heads that keep everything it is what DuoAttention (arXiv:2410.10819) and
/// PruLong (arXiv:2506.17121) do once roles are learned.
public struct Streaming: Hashable, Sendable {
  /// `S`, the first entries.
  public var sinks: Int
  /// `W`, the latest entries.
  public var window: Int
  /// What keys and queries are rotated by.
  public var positions: Positions
  /// When entries go.
  public var evicts: Moment

  /// What keys and queries are rotated by.
  public enum Positions: String, CaseIterable, Sendable {
    /// Their places in the cache, 0 … m − 1: keys are stored as they are and rotated as they are read.
    case cache
    /// Their places in the text.
    case text
  }

  /// When entries go: both entry points of the authors' code.
  public enum Moment: String, CaseIterable, Sendable {
    /// Behind a pass, so that S + W are left: the next query finds them and itself. The code's `__call__`.
    case behind
    /// Before a pass of n queries, so that there are S + W with them: `evict_for_space(n)`.
    case before
  }

  /// The defaults are those of the authors' class (`streaming_llm/kv_cache.py`).
  public init(sinks: Int = 4, window: Int = 512, positions: Positions = .cache, evicts: Moment = .behind) {
    self.sinks = sinks
    self.window = window
    self.positions = positions
    self.evicts = evicts
  }

  /// `S + W`
  public var budget: Int { sinks + window }

  init?(_ settings: some CacheSettings) {
    let usual = Streaming()
    guard let sinks = settings.integer("sinks", in: 0...Limits.promptLength, usual: usual.sinks),
      let window = settings.integer("window", in: 1...Limits.promptLength, usual: usual.window),
      let positions = settings.word("positions", usual: usual.positions),
      let evicts = settings.word("evicts", usual: usual.evicts)
    else { return nil }
    self.init(sinks: sinks, window: window, positions: positions, evicts: evicts)
  }

  var settings: [(key: String, value: CacheSetting)] {
    [
      ("sinks", .integer(sinks)), ("window", .integer(window)), ("positions", .word(positions.rawValue)),
      ("evicts", .word(evicts.rawValue)),
    ]
  }
}
