import Architectures
import Quantities

/// Passes through one stack that differ at most in how many keys they attend: what per-step time is summed over.
///
/// All counts are those of one sequence in one pass. Passes come as a progression k = 0 ..< `indices`, each index
/// `repetitions` times: the k-th has `pairs` + k·`pairsSlope` (query, key) pairs and reads as many entries per layer,
/// except in prefill of a persistent cache, where each entry is read once.
public struct PassGroup: Hashable, Sendable {
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

  /// 0 is the vanilla stack.
  public var level: Int
  /// Whether the encoder's stack runs or the decoder's.
  public var side: Side
  /// What the positions of a pass are.
  public var kind: Kind
  /// Positions in a pass.
  public var rows: Int128
  /// Chunker outputs or converter calls that go with a pass, in one dispatch; 0 in a vanilla stack.
  public var calls: Int128 = 0
  /// Decoder positions that read an input of their own: an embedding row, or a fed-back row to normalise.
  public var fedRows: Int128 = 0
  /// Length of the progression.
  public var indices: Int128 = 1
  /// Passes at each index.
  public var repetitions: Int128 = 1
  /// (Query, key) pairs of one layer in a pass of index 0.
  public var pairs: Int128
  /// By how many pairs a pass has more than one of the index before.
  public var pairsSlope: Int128 = 0
  /// Entries per layer that a pass reads if it is not one per pair: prefill of a persistent cache.
  public var entriesReadOnce: Int128?

  /// Passes of the group.
  public var passes: Int128 { indices * repetitions }

  /// What all passes of the group do together.
  public func activity(_ model: Model) -> StackActivity<Int128> {
    var sum = StackActivity<Int128>()
    sum.rows = rows * passes
    sum.passes = passes
    sum.pairs = repetitions * (indices * pairs + pairsSlope * (indices * (indices - 1) / 2))
    let reads = entriesReadOnce.map { $0 * passes } ?? sum.pairs
    if side == .encoder || level == 0 { sum.cacheReads = reads } else { sum.localReads = reads }
    sum.calls = calls * passes
    sum.callDispatches = calls > 0 ? passes : 0
    if side == .encoder || level > 1 {
      sum.normRows = sum.rows
      sum.normDispatches = passes
    } else if level == 1 && model.decoderHasNorm(at: 1) && fedRows > 0 {
      sum.normRows = fedRows * passes
      sum.normDispatches = passes
    }
    return sum
  }
}

/// Dispatches of the head that read the same number of rows of one sequence.
public struct HeadGroup: Hashable, Sendable {
  /// Rows in one dispatch.
  public var rows: Int128
  /// How many there are.
  public var dispatches: Int128
}

/// The passes of one phase: a list whose length depends on the model alone.
public struct PhasePasses: Hashable, Sendable {
  /// One group or more for each kind of pass of each stack that runs.
  public var stacks: [PassGroup]
  /// Empty in prefill.
  public var heads: [HeadGroup]
}

/// All passes of a phase, grouped.
/// - Throws: `CountOverflow` where a count of the whole batch could exceed 2^126.
public func passes(_ question: Question, in phase: Phase) throws(CountOverflow) -> PhasePasses {
  guard try CountBound.estimate(Question(question.model, question.workload)) < 0x1p126 else { throw .counts }
  let (prompt, generated) = (question.workload.promptLength, question.workload.generatedLength)
  var list = PassList(question.model, prompt: prompt, generated: generated)
  switch question.model.structure {
  case .stack:
    list.appendVanilla(phase)
  case .hierarchy:
    for level in 1...question.model.levelCount {
      if phase == .prefill { list.appendPrefill(level) } else { list.appendDecode(level) }
    }
  }
  var heads: [HeadGroup] = []
  if phase == .decode {
    let first = question.model.levels.first?.chunkLength ?? 1
    let together = list.parallel * question.model.metaContextLength
    heads.append(HeadGroup(rows: 1, dispatches: Int128(generated - together)))
    heads.append(
      HeadGroup(
        rows: Int128(question.model.metaContextLength / first), dispatches: Int128(list.parallel) * Int128(first)))
  }
  return PhasePasses(
    stacks: list.groups.filter { $0.rows > 0 && $0.passes > 0 }, heads: heads.filter { $0.dispatches > 0 })
}

/// Collects the groups of a point; groups without passes are appended too and filtered at the end.
private struct PassList {
  let model: Model
  let prompt: Int
  let end: Int
  /// `E`, and the meta-contexts from there on that decoders run chunk-parallel.
  let aligned: Int
  let parallel: Int
  var groups: [PassGroup] = []

  init(_ model: Model, prompt: Int, generated: Int) {
    self.model = model
    self.prompt = prompt
    end = prompt + generated
    let walk = HierarchyWalk(model, prompt: prompt, generated: generated)
    aligned = walk.dropAt
    parallel = walk.parallel
  }

  var recursive: Bool { model.generation == .recursive }
  /// Ranges that are committed unit by unit: around the parallel meta-contexts, or the whole phase.
  var sequentialRanges: [(first: Int, last: Int)] {
    if parallel == 0 { return [(prompt, end)] }
    return [(prompt, aligned), (aligned + parallel * model.metaContextLength, end)]
  }

  mutating func appendVanilla(_ phase: Phase) {
    let entries = Int128(prompt)
    if phase == .prefill {
      groups.append(
        PassGroup(
          level: 0, side: .decoder, kind: .units, rows: entries, fedRows: entries, pairs: triangle(entries),
          entriesReadOnce: entries))
    } else {
      groups.append(
        PassGroup(
          level: 0, side: .decoder, kind: .units, rows: 1, fedRows: 1, indices: Int128(end - prompt),
          pairs: entries + 1, pairsSlope: 1))
    }
  }

  mutating func appendPrefill(_ level: Int) {
    var walk = HierarchyWalk(model, prompt: prompt, generated: 0)
    var activity = LevelActivity<Int128>()
    for shape in model.levels.prefix(level) { activity = walk.advance(to: shape, as: Int128.self) }
    let units = activity.unitsAtPrompt
    groups.append(
      PassGroup(
        level: level, side: .encoder, kind: .units, rows: units, calls: units, pairs: triangle(units),
        entriesReadOnce: units))

    let decoder = activity.decoder.prefill
    if !model.decoderFeedsItself(at: level) {
      groups.append(
        PassGroup(
          level: level, side: .decoder, kind: .known, rows: decoder.rows, calls: decoder.calls,
          fedRows: activity.fedRows.prefill, pairs: decoder.pairs))
      return
    }
    // Chunks run side by side position by position; the open one stops after its closed units.
    let chunks = decoder.calls
    let carried = activity.carriedChunks
    let fed = chunks > carried ? Position(prompt, model, level).fed : 0
    appendCondition(level, chunks: chunks, times: 1)
    appendFed(level, chunks: chunks, from: 1, through: fed, times: 1)
    if carried > 0 {
      appendFed(level, chunks: carried, from: fed + 1, through: model.levels[level].chunkLength - 1, times: 1)
    }
  }

  mutating func appendDecode(_ level: Int) {
    let shape = model.levels[level]
    let tokens = model.metaContextLength(upTo: level)
    let stops = recursive && level < model.levelCount ? aligned : .max
    let late = level > 1 && model.decoderInput == .encoderState
    for range in sequentialRanges {
      appendUnits(level, from: range.first / tokens, through: min(range.last, stops) / tokens)
      if !late { appendChunks(level, from: range.first, through: range.last) }
      if late && recursive { appendChunks(level, from: max(range.first, aligned), through: range.last) }
    }
    if parallel == 0 { return }
    let side = Int128(model.metaContextLength / tokens)
    let times = Int128(parallel)
    if !recursive {
      let first = Int128(aligned / tokens)
      groups.append(
        PassGroup(
          level: level, side: .encoder, kind: .units, rows: side, calls: side, indices: times,
          pairs: side * first + triangle(side), pairsSlope: side * side))
    } else if level == model.levelCount {
      let first = aligned / tokens
      appendUnits(level, from: first, through: first + parallel)
    }
    appendCondition(level, chunks: side, times: times)
    appendFed(level, chunks: side, from: 1, through: shape.chunkLength - 1, times: times)
  }

  /// Units `first + 1` … `last` of an encoder, one at a time.
  private mutating func appendUnits(_ level: Int, from first: Int, through last: Int) {
    groups.append(
      PassGroup(
        level: level, side: .encoder, kind: .units, rows: 1, calls: 1, indices: Int128(max(last - first, 0)),
        pairs: Int128(first) + 1, pairsSlope: 1))
  }

  /// The condition positions of `chunks` chunks at once.
  private mutating func appendCondition(_ level: Int, chunks: Int128, times: Int128) {
    let condition = Int128(model.levels[level].conditionLength)
    groups.append(
      PassGroup(
        level: level, side: .decoder, kind: .condition, rows: chunks * condition, calls: chunks, repetitions: times,
        pairs: chunks * triangle(condition)))
  }

  /// Fed positions `first` … `last` of `chunks` chunks side by side; position j attends R_l + j keys.
  private mutating func appendFed(_ level: Int, chunks: Int128, from first: Int, through last: Int, times: Int128) {
    let condition = Int128(model.levels[level].conditionLength)
    groups.append(
      PassGroup(
        level: level, side: .decoder, kind: .fed, rows: chunks, fedRows: chunks,
        indices: Int128(max(last - first + 1, 0)), repetitions: times, pairs: chunks * (condition + Int128(first)),
        pairsSlope: chunks))
  }

  /// Chunks of a decoder between two states, one position at a time: the rest of an open chunk, whole chunks, and the
  /// beginning of one that stays open.
  private mutating func appendChunks(_ level: Int, from first: Int, through last: Int) {
    if first >= last { return }
    let length = model.levels[level].chunkLength
    let start = Position(first, model, level)
    let end = Position(last, model, level)
    if start.chunk == end.chunk && start.isOpen {
      appendFed(level, chunks: 1, from: start.fed + 1, through: end.fed, times: 1)
      return
    }
    if start.isOpen { appendFed(level, chunks: 1, from: start.fed + 1, through: length - 1, times: 1) }
    let whole = Int128(end.chunk - start.chunk - (start.isOpen ? 1 : 0))
    appendCondition(level, chunks: 1, times: whole)
    appendFed(level, chunks: 1, from: 1, through: length - 1, times: whole)
    if end.isOpen {
      appendCondition(level, chunks: 1, times: 1)
      appendFed(level, chunks: 1, from: 1, through: end.fed, times: 1)
    }
  }
}

/// A state as decoder l sees it: closed chunks, whether one is open, and `u_l`.
private struct Position {
  let chunk: Int
  let isOpen: Bool
  let fed: Int

  init(_ state: Int, _ model: Model, _ level: Int) {
    let tokens = model.metaContextLength(upTo: level)
    chunk = state / tokens
    isOpen = state % tokens != 0
    fed = state % tokens / model.metaContextLength(upTo: level - 1)
  }
}
