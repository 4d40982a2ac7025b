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
  private let levels: PerLevel<LevelShape>
  /// Level 0, whose dimensions decoder 1 runs with.
  private let layer: LayerShape
  private let elementBits: Integer
  private let batch: Integer
  private let scale: Integer
  private let runsParallel: Bool
  private(set) var peak: Integer = 0

  @inline(__always)
  init(
    _ levels: PerLevel<LevelShape>, _ layer: LayerShape, _ workload: Workload, _ walk: HierarchyWalk,
    _ precision: Precision
  ) {
    self.levels = levels
    self.layer = layer
    elementBits = Integer(word: precision.cache.bits)
    batch = Integer(word: workload.batchSize)
    scale = batch &* Integer(word: workload.continuations)
    runsParallel = walk.parallel > 0
    let start = workload.promptLength
    let end = start &+ workload.generatedLength
    var largest: Integer
    if walk.reading != .encoderState {
      largest = self.largest(levels.count, from: start, through: end)
    } else {
      // Decoders above level 1 run from the drop on, where nothing is open.
      let drop = walk.recursive ? walk.dropAt : .max
      largest = self.largest(1, from: start, through: min(end, drop))
      if drop < end { largest = max(largest, self.largest(levels.count, from: drop, through: end)) }
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

  /// The maximum over the states of a range, of the windows of decoders 1 … `count`.
  @inline(__always)
  private func largest(_ count: Int, from first: Int, through last: Int) -> Integer {
    var period = 1
    for level in 1...count { period &*= levels[level].chunkLength }
    // All digits at their largest occur in the range: no other state can be larger.
    if last &- first >= period &- 1 { return fullWindows(count) }
    var largest = windows(count, at: last)
    var span = 1
    for level in 1...count {
      span &*= levels[level].chunkLength
      let state = last / span &* span &- 1
      if state >= first { largest = max(largest, windows(count, at: state)) }
    }
    return largest
  }

  /// f(B − 1); a chunk of a single token is never open.
  @inline(__always)
  private func fullWindows(_ count: Int) -> Integer {
    var span = 1
    var total: Integer = 0
    for level in 1...count {
      span &*= levels[level].chunkLength
      if span == 1 { continue }
      total &+= window(level, fed: levels[level].chunkLength &- 1)
    }
    return total
  }

  /// `f(n)`.
  @inline(__always)
  private func windows(_ count: Int, at state: Int) -> Integer {
    var units = state
    var isOpen = false
    var total: Integer = 0
    for level in 1...count {
      let length = levels[level].chunkLength
      let above = units / length
      let fed = units &- above &* length
      isOpen = isOpen || fed != 0
      units = above
      if isOpen { total &+= window(level, fed: fed) }
    }
    return total
  }

  /// Keys and values of an open chunk in all layers of decoder l, which runs at the dimensions of level l − 1.
  @inline(__always)
  private func window(_ level: Int, fed: Int) -> Integer {
    let keyValue = level == 1 ? layer.keyValueWidth : levels[level &- 1].layer.keyValueWidth
    let entry = 2 &* Integer(word: keyValue) &* Integer(word: levels[level].decoderLayers) &* elementBits
    return (Integer(word: levels[level].conditionLength) &+ Integer(word: fed)) &* entry
  }
}
