import Architectures

/// What one stack, its chunker or converter and its last norm do in one phase, for one sequence.
///
/// Everything that does not depend on a width: the layer above multiplies these counts with the costs of a row, a
/// dispatch and a (query, key) pair.
public struct StackActivity<Integer: CountingInteger>: Hashable, Sendable {
  /// Positions run through the stack, condition positions included.
  public var rows: Integer = 0
  /// Sequential passes through the stack; weights are read once in each.
  public var passes: Integer = 0
  /// Causal (query, key) pairs in one layer.
  public var pairs: Integer = 0
  /// Persistent key–value entries read in one layer.
  public var cacheReads: Integer = 0
  /// Entries of local windows read in one layer.
  public var localReads: Integer = 0
  /// Chunker outputs (encoder) or converter calls (decoder).
  public var calls: Integer = 0
  /// Dispatches of the chunker or converter.
  public var callDispatches: Integer = 0
  /// Rows of the last norm where no head contains it, or of the norm of a fed-back row.
  public var normRows: Integer = 0
  /// Dispatches of that norm.
  public var normDispatches: Integer = 0

  @inline(__always) public init() {}

  /// `units` encoder positions, of which the last one is unit `through`, in `passes` passes.
  @inline(__always)
  init(units: Integer, pairs: Integer, cacheReads: Integer, passes: Integer) {
    rows = units
    self.passes = passes
    self.pairs = pairs
    self.cacheReads = cacheReads
    calls = units
    callDispatches = passes
    normRows = units
    normDispatches = passes
  }
}

extension StackActivity {
  /// Reads a prompt in passes as a cache says. Rows that look ahead run in every pass but the last.
  mutating func cut(as cache: StackCache) {
    guard let chunk = cache.prefillChunk, rows > 0 else { return }
    passes = (rows &+ Integer(word: chunk &- 1)) / Integer(word: chunk)
    let ahead = (passes &- 1) &* min(Integer(word: cache.lookahead), rows)
    rows &+= ahead
    if calls > 0 { calls &+= ahead }
    if normRows > 0 { normRows &+= ahead }
    if callDispatches > 0 { callDispatches = passes }
    if normDispatches > 0 { normDispatches = passes }
  }
}

/// The activity of a stack before the first emitted token and after it.
public struct PhaseActivity<Integer: CountingInteger>: Hashable, Sendable {
  /// The prompt's.
  public var prefill = StackActivity<Integer>()
  /// That of all emitted tokens.
  public var decode = StackActivity<Integer>()

  @inline(__always) public init() {}
}

/// Encoder and decoder of one level, and the units that its persistent cache holds.
public struct LevelActivity<Integer: CountingInteger>: Hashable, Sendable {
  /// 0 is the vanilla stack (on the decoder side).
  public var level = 0
  /// The stack over the units of the level; empty at level 0.
  public var encoder = PhaseActivity<Integer>()
  /// The stack that restores the units of the level below, or the vanilla stack.
  public var decoder = PhaseActivity<Integer>()
  /// `R_l` · converter calls subtracted from all rows: decoder positions that read an input of their own.
  public var fedRows = (prefill: Integer(0), decode: Integer(0))
  /// Encoder units after the prompt, at the drop of recursive generation (before it), and at the end.
  var unitsAtPrompt: Integer = 0
  var unitsAtDrop: Integer = 0
  var unitsAtEnd: Integer = 0
  /// Closed chunks that the decoder runs in prefill to obtain the reconstructions that open chunks do not hold.
  var carriedChunks: Integer = 0

  @inline(__always) public init() {}

  public static func == (left: Self, right: Self) -> Bool {
    left.level == right.level && left.encoder == right.encoder && left.decoder == right.decoder
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(level)
    hasher.combine(encoder)
    hasher.combine(decoder)
  }
}

extension Model {
  /// Whether decoder `level` reads its own outputs in prefill and hierarchical decode.
  @inline(__always)
  func decoderFeedsItself(at level: Int) -> Bool {
    level == 1 ? !decoderInput.feedsTokens : decoderInput.feedsReconstructions
  }

  /// Whether decoder `level` applies a `norm` of its own: to every row above level 1, to fed-back rows at level 1.
  @inline(__always)
  func decoderHasNorm(at level: Int) -> Bool { level > 1 || !decoderInput.feedsTokens }
}

/// The vanilla stack: prefill is one pass over P positions, decode one pass per token; position t attends t + 1 keys.
@inline(__always)
func vanillaActivity<Integer: CountingInteger>(
  prompt: Int, generated: Int, as _: Integer.Type
) -> LevelActivity<Integer> {
  let prompt = Integer(word: prompt)
  let generated = Integer(word: generated)
  let end = prompt &+ generated
  var activity = LevelActivity<Integer>()
  activity.decoder.prefill.rows = prompt
  activity.decoder.prefill.passes = prompt > 0 ? 1 : 0
  activity.decoder.prefill.pairs = Integer.triangle(prompt)
  activity.decoder.prefill.cacheReads = prompt
  activity.decoder.decode.rows = generated
  activity.decoder.decode.passes = generated
  activity.decoder.decode.pairs = Integer.triangle(end) &- Integer.triangle(prompt)
  activity.decoder.decode.cacheReads = activity.decoder.decode.pairs
  activity.fedRows = (prompt, generated)
  activity.unitsAtPrompt = prompt
  activity.unitsAtDrop = prompt
  activity.unitsAtEnd = end
  return activity
}
