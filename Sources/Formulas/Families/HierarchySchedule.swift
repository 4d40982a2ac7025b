import Architectures
import Quantities

/// Encoders and decoders of every level: chunk by chunk where inputs are made one after another, side by side where a
/// whole meta-context is.
struct HierarchySchedule: FamilySchedule {
  let model: Model
  let prompt: Int
  let end: Int
  /// `B`, ⌈P/B⌉, and the meta-contexts from there on that decoders run chunk-parallel.
  let metaContext: Int
  let firstWhole: Int
  let parallel: Int

  init(_ model: Model, prompt: Int, generated: Int) {
    self.model = model
    self.prompt = prompt
    end = prompt + generated
    metaContext = model.metaContextLength
    firstWhole = Self.metaContexts(over: prompt, metaContext)
    let sideBySide = model.decoderInput.feedsReconstructions || model.generation == .recursive
    parallel = sideBySide ? max(0, end / metaContext - firstWhole) : 0
  }

  /// `E`: where recursive generation drops the caches of the lower levels.
  var dropAt: Int { firstWhole * metaContext }
  /// ⌈P/B⌉ of a prompt.
  private static func metaContexts(over prompt: Int, _ metaContext: Int) -> Int {
    (prompt + metaContext - 1) / metaContext
  }
  private var recursive: Bool { model.generation == .recursive }

  /// Whether decoder l is late: it runs only once the latents that it is conditioned on are no longer encoded.
  private func isLate(_ level: Int) -> Bool { level > 1 && model.decoderInput == .encoderState }

  func passes<N: Count>(in phase: Phase, as _: N.Type) -> PhasePasses<N> {
    let levels = model.hierarchy
    switch phase {
    case .prefill:
      var firstCarried = 1
      return PhasePasses(
        stacks: levels.flatMap { level -> [PassGroup<N>] in
          let carried = carriedChunks(level, &firstCarried)
          return (encoderPrefill(level) + openChunks(level, carried: carried))
            .filter { !$0.isEmpty }
        }, heads: [])
    case .decode:
      let alone = HeadGroup<N>(rows: 1, dispatches: N.whole(end - prompt - parallel * metaContext))
      let first = model.levels[1].chunkLength
      let together = HeadGroup<N>(rows: N.whole(metaContext / first), dispatches: N.whole(parallel * first))
      return PhasePasses(
        stacks: levels.flatMap { (encoderDecode($0) + decoderDecode($0)).filter { !$0.isEmpty } },
        heads: [alone, together].filter { $0.dispatches.isPositive })
    }
  }

  func emission<N: Count>(as _: N.Type) -> [PassGroup<N>] {
    model.hierarchy.reversed().filter { level in
      guard prompt % level.span == 0 else { return false }
      return !isLate(level.number) || recursive && prompt >= dropAt
    }.map { condition($0, chunks: 1) }
  }

  // MARK: Encoders

  /// Units of an encoder, each the chunker's output over a closed chunk.
  private func units<N: Count>(_ level: Level, rows: N, before: N, pairs: N) -> PassGroup<N> {
    PassGroup(
      level: level.number, side: .encoder, kind: .units, feed: .chunker, normed: .all, rows: rows, calls: rows,
      pairs: pairs, before: before)
  }

  /// The units of the prompt, in as many passes as the cache of the level says.
  private func encoderPrefill<N: Count>(_ level: Level) -> [PassGroup<N>] {
    let count = prompt / level.span
    guard let chunks = model.cache(at: level.number).promptPasses(count) else {
      return encoderAtOnce(level, units: count)
    }
    return inChunks(chunks) { rows, before in
      var group = units(level, rows: rows, before: before, pairs: rows * before + N.triangle(rows))
      group.entriesReadOnce = before + rows
      return group
    }
  }

  /// The first units in one pass.
  private func encoderAtOnce<N: Count>(_ level: Level, units count: Int) -> [PassGroup<N>] {
    let rows = N.whole(count)
    var group = units(level, rows: rows, before: 0, pairs: N.triangle(rows))
    group.entriesReadOnce = rows
    return [group]
  }

  /// Units `first + 1` … `last`, one at a time.
  private func encoderAlone<N: Count>(_ level: Level, after first: Int, through last: Int) -> PassGroup<N> {
    var group = units(level, rows: N.whole(1), before: N.whole(first), pairs: N.whole(first + 1))
    group.indices = N.whole(max(last - first, 0))
    group.pairsSlope = 1
    return group
  }

  /// Units one per pass, or all of a chunk-parallel meta-context in one; lower levels stop at the drop.
  private func encoderDecode<N: Count>(_ level: Level) -> [PassGroup<N>] {
    let dropped = recursive && !level.isTop
    let first = prompt / level.span
    let last = (dropped ? min(end, dropAt) : end) / level.span
    guard last > first else { return [] }
    guard parallel > 0, !dropped else { return [encoderAlone(level, after: first, through: last)] }
    let side = metaContext / level.span
    let start = firstWhole * side
    let rows = N.whole(side)
    var together = units(
      level, rows: rows, before: N.whole(start), pairs: N.triangle(rows) + N.whole(start) * rows)
    together.indices = N.whole(parallel)
    together.pairsSlope = rows * rows
    return [
      encoderAlone(level, after: first, through: start), together,
      encoderAlone(level, after: start + parallel * side, through: last),
    ]
  }

  // MARK: Decoders

  /// What a decoder's fed positions read.
  private func feed<N>(_ level: Level, _: N.Type) -> PassGroup<N>.Feed {
    if model.decoderFeedsItself(at: level.number) { return .ownOutput }
    return level.number == 1 ? .embedding : .latents
  }

  private func decoder<N: Count>(_ level: Level, _ kind: PassGroup<N>.Kind, rows: N, pairs: N) -> PassGroup<N> {
    // Where tokens are fed the head contains the last norm of decoder 1; fed-back rows need one of their own.
    let normed: PassGroup<N>.Normed = level.number > 1 ? .all : model.decoderHasNorm(at: 1) ? .fed : .none
    return PassGroup(
      level: level.number, side: .decoder, kind: kind, feed: feed(level, N.self), normed: normed, rows: rows,
      pairs: pairs)
  }

  /// The condition positions of `chunks` chunks that run side by side, `times` times, each with its converter call.
  private func condition<N: Count>(_ level: Level, chunks: N, times: N = 1) -> PassGroup<N> {
    let length = N.whole(level.conditionLength)
    var group = decoder(level, .condition, rows: chunks * length, pairs: chunks * N.triangle(length))
    group.calls = chunks
    group.repetitions = times
    return group
  }

  /// Fed positions `first` … `last` of `chunks` chunks side by side; position j attends R_l + j keys.
  private func fed<N: Count>(
    _ level: Level, chunks: N, times: N = 1, from first: Int, through last: Int
  ) -> PassGroup<N> {
    var group = decoder(level, .fed, rows: chunks, pairs: chunks * N.whole(level.conditionLength + first))
    group.fedRows = chunks
    group.indices = N.whole(max(last - first + 1, 0))
    group.repetitions = times
    group.pairsSlope = chunks
    return group
  }

  /// Chunks from their first token: converter, condition pass and inputs 1 … `last`.
  private func chunks<N: Count>(_ level: Level, side: N, times: Int, through last: Int) -> [PassGroup<N>] {
    let times = N.whole(times)
    return [
      condition(level, chunks: side, times: times), fed(level, chunks: side, times: times, from: 1, through: last),
    ]
  }

  /// Closed chunks that a decoder runs in prefill so that the reconstructions which open chunks do not hold exist.
  private func carriedChunks(_ level: Level, _ first: inout Int) -> Int {
    let closed = prompt / level.span
    guard level.number > 1 else {
      first = closed + 1
      return 0
    }
    guard model.decoderInput.feedsReconstructions else { return 0 }
    first = min(closed + 1, (max(first - 1, 1) + level.chunkLength - 1) / level.chunkLength)
    return closed + 1 - first
  }

  /// Open and carried chunks after the prompt, all together: one pass if their inputs are known, else unit by unit.
  private func openChunks<N: Count>(_ level: Level, carried: Int) -> [PassGroup<N>] {
    let isOpen = prompt % level.span != 0 && !isLate(level.number)
    let count = carried + (isOpen ? 1 : 0)
    guard count > 0 else { return [] }
    let last = isOpen ? prompt / level.spanBelow % level.chunkLength : 0
    guard model.decoderFeedsItself(at: level.number) else {
      let rows = N.whole(level.conditionLength + last)
      var group = decoder(level, .known, rows: rows, pairs: N.triangle(rows))
      group.calls = 1
      group.fedRows = N.whole(last)
      return [group]
    }
    let side = N.whole(count)
    return [
      condition(level, chunks: side), fed(level, chunks: side, from: 1, through: last),
      fed(
        level, chunks: N.whole(carried), from: last + 1, through: carried > 0 ? level.chunkLength - 1 : 0),
    ]
  }

  /// The rest of the chunk that is open after the prompt, whole chunks alone and side by side, and the last open one.
  private func decoderDecode<N: Count>(_ level: Level) -> [PassGroup<N>] {
    if isLate(level.number) && (!recursive || end <= dropAt) { return [] }
    let start = isLate(level.number) ? dropAt : prompt
    guard end > start else { return [] }
    let fedAtStart = start / level.spanBelow % level.chunkLength
    let fedAtEnd = end / level.spanBelow % level.chunkLength
    let startIsOpen = start % level.span != 0
    if startIsOpen && start / level.span == end / level.span {
      return [fed(level, chunks: 1, from: fedAtStart + 1, through: fedAtEnd)]
    }
    let last = level.chunkLength - 1
    let together = metaContext / level.span
    let whole = end / level.span - start / level.span - (startIsOpen ? 1 : 0)
    let rest: [PassGroup<N>] = startIsOpen ? [fed(level, chunks: 1, from: fedAtStart + 1, through: last)] : []
    return rest + chunks(level, side: 1, times: whole - parallel * together, through: last)
      + chunks(level, side: N.whole(together), times: parallel, through: last)
      + chunks(level, side: 1, times: end % level.span != 0 ? 1 : 0, through: fedAtEnd)
  }

  // MARK: Training

  func teacherForced<N: Count>(as _: N.Type) -> [PassGroup<N>] {
    model.hierarchy.flatMap { level -> [PassGroup<N>] in
      let chunks = N.whole((prompt + level.span - 1) / level.span)
      let positions = N.whole(level.conditionLength + level.chunkLength - 1)
      var group = decoder(level, .known, rows: chunks * positions, pairs: chunks * N.triangle(positions))
      group.calls = chunks
      group.fedRows = chunks * N.whole(level.chunkLength - 1)
      return encoderAtOnce(level, units: prompt / level.span) + [group]
    }.filter { !$0.isEmpty }
  }

  // MARK: A batch at different positions

  func step<N: Count>(of members: [BatchMember], as _: N.Type) -> [PassGroup<N>] {
    model.hierarchy.flatMap { level -> [PassGroup<N>] in
      var opened: N = 0
      var inputs = (rows: N.whole(0), keys: N.whole(0))
      var closed = (rows: N.whole(0), keys: N.whole(0))
      for member in members {
        let (before, after) = (member.length, member.length + 1)
        let count = N.whole(member.count)
        let drop = Self.metaContexts(over: member.promptLength, metaContext) * metaContext
        let decodes = !isLate(level.number) || recursive && before >= drop
        if decodes, before % level.span == 0 { opened = opened + count }
        if decodes, after % level.spanBelow == 0, after % level.span != 0 {
          let position = after / level.spanBelow % level.chunkLength
          inputs = (inputs.rows + count, inputs.keys + count * N.whole(level.conditionLength + position))
        }
        let encodes = level.isTop || !recursive || after <= drop
        if encodes, after % level.span == 0 {
          closed = (closed.rows + count, closed.keys + count * N.whole(after / level.span))
        }
      }
      var fedPass = decoder(level, .fed, rows: inputs.rows, pairs: inputs.keys)
      fedPass.fedRows = inputs.rows
      return [
        units(level, rows: closed.rows, before: 0, pairs: closed.keys), condition(level, chunks: opened), fedPass,
      ]
    }.filter { !$0.isEmpty }
  }
}
