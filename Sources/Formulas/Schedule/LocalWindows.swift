import Architectures
import Quantities

/// The largest total of local windows: at any state n in [P, P+G], and where the chunks of a level run side by side.
/// - Unit: bit
///
/// Derivation. f(n) = Σ_l [open at n](R_l + u_l(n))·bits_l depends on the digits u_1, u_2, … of n in the mixed radix
/// C_1, C_2, … and grows with each of them (a digit also opens the chunks above it). Take any n < b. Where the digits
/// of n and b first differ from the top, n's is smaller, and filling all digits below it with their largest values only
/// raises f: the result is C_{≤m}·⌊b/C_{≤m}⌋ − 1 for some m (m = 0 is b − 1, which b itself beats), and it is no
/// smaller than n. So the maximum over [a, b] is that over b and those L numbers, as far as they are ≥ a.
struct LocalWindows<Integer: CountingInteger> {
  private let batch: Integer
  private let scale: Integer
  private let runsParallel: Bool
  private(set) var peak: Integer = 0

  @inline(__always)
  init(_ question: Question, _ walk: HierarchyWalk) {
    batch = Integer(word: question.workload.batchSize)
    scale = batch &* Integer(word: question.workload.continuations)
    runsParallel = walk.parallel > 0
    let start = question.workload.promptLength
    let end = start &+ question.workload.generatedLength
    var largest: Integer
    if question.model.decoderInput != .encoderState {
      largest = Self.largest(question.model, question.model.levelCount, from: start, through: end, question.precision)
    } else {
      // Decoders above level 1 run from the drop on, where nothing is open.
      let drop = question.model.generation == .recursive ? walk.dropAt : .max
      largest = Self.largest(question.model, 1, from: start, through: min(end, drop), question.precision)
      if drop < end {
        largest = max(
          largest, Self.largest(question.model, question.model.levelCount, from: drop, through: end, question.precision)
        )
      }
    }
    peak = scale &* largest
  }

  /// A level's chunks side by side: `span` = B/C_{≤l} in whole meta-contexts, the carry in prefill.
  @inline(__always)
  mutating func add(_ shape: LevelShape, _ activity: LevelActivity<Integer>, span: Int, entryBits: Integer) {
    let chunk =
      (Integer(word: shape.conditionLength) &+ Integer(word: shape.chunkLength) &- 1)
      &* entryBits
    if runsParallel { peak = max(peak, scale &* Integer(word: span) &* chunk) }
    peak = max(peak, batch &* activity.carriedChunks &* chunk)
  }

  /// The maximum over the states of a range, of the windows of decoders 1 … `levels`.
  @inline(__always)
  private static func largest(
    _ model: Model, _ levels: Int, from first: Int, through last: Int, _ precision: Precision
  ) -> Integer {
    var period = 1
    for level in model.levels.indices.prefix(levels) { period &*= model.levels[level].chunkLength }
    // All digits at their largest occur in the range: no other state can be larger.
    if last &- first >= period &- 1 { return fullWindows(model, levels, precision) }
    var largest = windows(model, levels, at: last, precision)
    var span = 1
    for level in model.levels.indices.prefix(levels) {
      span &*= model.levels[level].chunkLength
      let state = last / span &* span &- 1
      if state >= first { largest = max(largest, windows(model, levels, at: state, precision)) }
    }
    return largest
  }

  /// f(B − 1); a chunk of a single token is never open.
  @inline(__always)
  private static func fullWindows(_ model: Model, _ levels: Int, _ precision: Precision) -> Integer {
    var span = 1
    var total: Integer = 0
    for level in model.levels.indices.prefix(levels) {
      span &*= model.levels[level].chunkLength
      if span == 1 { continue }
      let positions =
        Integer(word: model.levels[level].conditionLength) &+ Integer(word: model.levels[level].chunkLength) &- 1
      total &+= positions &* model.windowEntryBits(at: level, precision)
    }
    return total
  }

  /// `f(n)`.
  @inline(__always)
  private static func windows(_ model: Model, _ levels: Int, at state: Int, _ precision: Precision) -> Integer {
    var units = state
    var isOpen = false
    var total: Integer = 0
    for level in model.levels.indices.prefix(levels) {
      let length = model.levels[level].chunkLength
      let above = units / length
      let fed = units &- above &* length
      isOpen = isOpen || fed != 0
      units = above
      if !isOpen { continue }
      let positions =
        Integer(word: model.levels[level].conditionLength) &+ Integer(word: fed)
      total &+= positions &* model.windowEntryBits(at: level, precision)
    }
    return total
  }
}

extension Model {
  /// Keys and values of one position in all layers of decoder l, which runs at the dimensions of level l − 1.
  @inline(__always)
  func windowEntryBits<Integer: CountingInteger>(at level: Int, _ precision: Precision) -> Integer {
    let keyValue = level == 1 ? layer.keyValueWidth : levels[level - 1].layer.keyValueWidth
    return 2 &* Integer(word: keyValue)
      &* Integer(word: levels[level].decoderLayers)
      &* Integer(word: precision.cache.bits)
  }
}
