import Architectures
import Quantities

/// Goes up the levels of a hierarchy and states what each one's encoder and decoder do, as differences of the states
/// after P and after P + G tokens. The only loop of a price is the one over levels that calls `advance`.
///
/// Derivation. Write n for a number of committed tokens and q_l = ⌊n/C_{≤l}⌋ = ⌊q_{l−1}/C_l⌋, q_0 = n.
/// * Encoder l has run q_l units; unit i attends i keys, so q_l(q_l+1)/2 pairs.
/// * The open level-l chunk holds u_l = q_{l−1} − C_l·q_l closed lower units, and a chunk is open if u_l or any u below
///   it is not 0. A closed chunk has run R_l + C_l − 1 positions in C_l passes, an open one R_l + u_l in 1 + u_l.
/// * A meta-context that runs chunk-parallel takes C_l passes of decoder l instead of C_l for each of its B/C_{≤l}
///   chunks, and one pass of every encoder that runs.
/// * Recursive generation drops the lower encoders at E = B·⌈P/B⌉: their q_l stops at E/C_{≤l}.
struct HierarchyWalk {
  private let levelCount: Int
  let reading: DecoderInput
  private let reconstructs: Bool
  let recursive: Bool
  /// `C_1`
  private let firstLength: Int
  /// B, ⌈P/B⌉ and the whole meta-contexts in [⌈P/B⌉·B, P+G].
  let metaContext: Int
  let promptCeiling: Int
  let wholeMetaContexts: Int
  /// Meta-contexts that decoders run chunk-parallel.
  let parallel: Int
  private let tokens: Int

  private(set) var level = 0
  /// `B/C_{≤l}`: level-l units in a meta-context.
  private(set) var span: Int
  private var promptUnits: Int
  private var endUnits: Int
  private var promptIsOpen = false
  private var endIsOpen = false
  /// `q_l` of the carry: the first closed chunk that decoder l runs.
  private var firstCarried = 0

  @inline(__always)
  init(
    _ levels: PerLevel<LevelShape>, _ reading: DecoderInput, _ generation: Generation, prompt: Int, generated: Int
  ) {
    levelCount = levels.count
    self.reading = reading
    reconstructs = reading.feedsReconstructions
    recursive = generation == .recursive
    var product = 1
    for level in levels.indices { product &*= levels[level].chunkLength }
    metaContext = product
    firstLength = levels.isEmpty ? 1 : levels[1].chunkLength
    let quotient = prompt / metaContext
    promptCeiling = quotient &* metaContext == prompt ? quotient : quotient &+ 1
    promptUnits = prompt
    endUnits = prompt &+ generated
    wholeMetaContexts = max(0, endUnits / metaContext &- promptCeiling)
    parallel = reconstructs || recursive ? wholeMetaContexts : 0
    span = metaContext
    tokens = generated
  }

  init(_ model: Model, prompt: Int, generated: Int) {
    self.init(model.levels, model.decoderInput, model.generation, prompt: prompt, generated: generated)
  }

  /// Dispatches of the head in decode: one per token, `C_1` in a meta-context whose chunks run side by side.
  @inline(__always)
  func headDispatches<Integer: CountingInteger>() -> Integer {
    Integer(word: tokens) &- Integer(word: parallel) &* Integer(word: metaContext &- firstLength)
  }

  /// `E`: where recursive generation drops the caches of the lower levels.
  var dropAt: Int { metaContext * promptCeiling }

  /// The next level up: the shapes of a model's levels in ascending order.
  @inline(__always)
  mutating func advance<Integer: CountingInteger>(to shape: LevelShape, as _: Integer.Type) -> LevelActivity<Integer> {
    func wide(_ value: Int) -> Integer { Integer(word: value) }

    level += 1
    let length = shape.chunkLength
    let belowPrompt = promptUnits
    let belowEnd = endUnits
    promptUnits = belowPrompt / length
    endUnits = belowEnd / length
    span /= length
    let promptFed = belowPrompt &- promptUnits &* length
    let endFed = belowEnd &- endUnits &* length
    promptIsOpen = promptIsOpen || promptFed != 0
    endIsOpen = endIsOpen || endFed != 0
    let top = level == levelCount
    let unitsAtDrop = promptCeiling &* span

    var activity = LevelActivity<Integer>()
    activity.level = level

    // Encoder: lower levels stop at the drop.
    let encoderEnd = recursive && !top ? min(endUnits, unitsAtDrop) : endUnits
    let atPrompt = wide(promptUnits)
    let atEnd = wide(encoderEnd)
    let pairsAtPrompt = Integer.triangle(atPrompt)
    let pairsAfter = Integer.triangle(atEnd) &- pairsAtPrompt
    activity.encoder.prefill = StackActivity(
      units: atPrompt, pairs: pairsAtPrompt, cacheReads: atPrompt, passes: promptUnits > 0 ? 1 : 0)
    let sharedPasses = recursive ? 0 : wide(parallel) &* wide(span &- 1)
    activity.encoder.decode = StackActivity(
      units: atEnd &- atPrompt, pairs: pairsAfter, cacheReads: pairsAfter,
      passes: atEnd &- atPrompt &- sharedPasses)
    activity.unitsAtPrompt = atPrompt
    activity.unitsAtDrop = wide(unitsAtDrop)
    activity.unitsAtEnd = atEnd

    // Decoder.
    if level == 1 {
      firstCarried = promptUnits &+ 1
    } else if reconstructs {
      firstCarried = min(promptUnits &+ 1, (max(firstCarried &- 1, 1) &+ length &- 1) / length)
      activity.carriedChunks = wide(promptUnits &- firstCarried &+ 1)
    }
    let condition = wide(shape.conditionLength)
    let chunk = ChunkCounts(condition: condition, length: wide(length))
    let late = level > 1 && reading == .encoderState
    if !late {
      let open = promptIsOpen ? ChunkCounts(condition: condition, fed: wide(promptFed)) : ChunkCounts()
      let carried = activity.carriedChunks
      activity.decoder.prefill = chunk.times(carried).plus(open).activity
      setPrefillPasses(
        &activity.decoder.prefill, openPasses: open.passes, carried: carried, length: wide(length))
      let endOpen = endIsOpen ? ChunkCounts(condition: condition, fed: wide(endFed)) : ChunkCounts()
      activity.decoder.decode =
        chunk.times(wide(endUnits) &- atPrompt).plus(endOpen).minus(open).activity
    } else if recursive && endUnits &+ (endIsOpen ? 1 : 0) > unitsAtDrop {
      // Runs from the drop on, which is aligned: nothing is open there.
      let endOpen = endIsOpen ? ChunkCounts(condition: condition, fed: wide(endFed)) : ChunkCounts()
      activity.decoder.decode = chunk.times(wide(endUnits &- unitsAtDrop)).plus(endOpen).activity
    }
    let together = wide(parallel) &* wide(span &- 1)
    activity.decoder.decode.passes &-= together &* wide(length)
    activity.decoder.decode.callDispatches &-= together
    activity.fedRows = (
      activity.decoder.prefill.rows &- condition &* activity.decoder.prefill.calls,
      activity.decoder.decode.rows &- condition &* activity.decoder.decode.calls
    )
    setNorm(&activity.decoder.prefill, fedRows: activity.fedRows.prefill)
    setNorm(&activity.decoder.decode, fedRows: activity.fedRows.decode)
    return activity
  }

  /// Open and carried chunks run together: in one pass if their inputs are known, position by position otherwise.
  @inline(__always)
  private func setPrefillPasses<Integer>(
    _ activity: inout StackActivity<Integer>, openPasses: Integer, carried: Integer, length: Integer
  ) {
    activity.callDispatches = activity.calls > 0 ? 1 : 0
    if level == 1 ? reading == .reconstruction : reconstructs {
      activity.passes = carried > 0 ? length : openPasses
    } else {
      activity.passes = activity.callDispatches
    }
  }

  /// Above level 1 every row; at level 1 the rows that are fed back, in the passes that are not condition passes.
  @inline(__always)
  private func setNorm<Integer>(_ activity: inout StackActivity<Integer>, fedRows: Integer) {
    if level > 1 {
      activity.normRows = activity.rows
      activity.normDispatches = activity.passes
    } else if reading == .reconstruction {
      activity.normRows = fedRows
      activity.normDispatches = activity.passes &- activity.callDispatches
    }
  }
}

/// What one local chunk, or a difference of states made of chunks, has run.
private struct ChunkCounts<Integer: CountingInteger> {
  var rows: Integer = 0
  var pairs: Integer = 0
  var passes: Integer = 0
  var calls: Integer = 0

  @inline(__always) init() {}

  /// An open chunk: R_l + u_l positions in 1 + u_l passes.
  @inline(__always)
  init(condition: Integer, fed: Integer) {
    rows = condition &+ fed
    pairs = Integer.triangle(rows)
    passes = fed &+ 1
    calls = 1
  }

  /// A closed chunk: its last unit is never fed.
  @inline(__always)
  init(condition: Integer, length: Integer) {
    self.init(condition: condition, fed: length &- 1)
  }

  @inline(__always)
  func times(_ count: Integer) -> Self {
    var product = self
    product.rows &*= count
    product.pairs &*= count
    product.passes &*= count
    product.calls &*= count
    return product
  }

  @inline(__always)
  func plus(_ other: Self) -> Self {
    var sum = self
    sum.rows &+= other.rows
    sum.pairs &+= other.pairs
    sum.passes &+= other.passes
    sum.calls &+= other.calls
    return sum
  }

  @inline(__always)
  func minus(_ other: Self) -> Self {
    var difference = self
    difference.rows &-= other.rows
    difference.pairs &-= other.pairs
    difference.passes &-= other.passes
    difference.calls &-= other.calls
    return difference
  }

  /// One dispatch of the converter per call, position i of a window reads i entries.
  @inline(__always)
  var activity: StackActivity<Integer> {
    var activity = StackActivity<Integer>()
    activity.rows = rows
    activity.passes = passes
    activity.pairs = pairs
    activity.localReads = pairs
    activity.calls = calls
    activity.callDispatches = calls
    return activity
  }
}

/// What every level does, in ascending order, for one sequence; of a vanilla model its one stack as level 0. Pairs and
/// entries are those of caches that keep and read everything, in prompts that are read in one pass.
/// - Throws: `CountOverflow` where a count of the whole batch could exceed 2^126.
public func activities(_ question: Question) throws(CountOverflow) -> [LevelActivity<Int128>] {
  guard try CountBound.estimate(Question(question.model, question.workload)) < 0x1p126 else { throw .counts }
  let prompt = question.workload.promptLength
  let generated = question.workload.generatedLength
  var levels: [LevelActivity<Int128>]
  switch question.model.structure {
  case .stack: levels = [vanillaActivity(prompt: prompt, generated: generated, as: Int128.self)]
  case .hierarchy:
    var walk = HierarchyWalk(question.model, prompt: prompt, generated: generated)
    levels = question.model.levels.map { walk.advance(to: $0, as: Int128.self) }
  }
  return levels
}
