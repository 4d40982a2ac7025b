/// Passes of equal length, one behind another.
struct PassRange: Hashable, Sendable {
  /// Positions before the first.
  let before: Int
  /// Rows of a pass, and positions by which it moves on: the other rows only look ahead.
  let rows, step: Int
  let count: Int
  /// Whether a pass reads each entry once rather than once per pair.
  let readsOnce: Bool

  /// Those before one of them.
  func before(_ index: Int) -> Int { before + index * step }
}

extension PassGroup {
  /// Its passes over a persistent cache; nil where there is a window.
  var range: PassRange? {
    before.map {
      PassRange(
        before: $0.integer, rows: rows.integer, step: advance, count: indices.integer,
        readsOnce: entriesReadOnce != nil)
    }
  }
}

/// Numbers at which something stops growing evenly, in no order; at most 32, in a fixed place, since a list would take
/// longer to make than the sums between them.
struct Bends {
  private var numbers = SIMD32<Int>(repeating: .max)
  private var used = 0

  /// Adds one of them, unless it is none within a range.
  @inline(__always)
  mutating func insert(_ number: Int, within range: Range<Int>) {
    guard range.contains(number) else { return }
    numbers[used] = number
    used += 1
  }

  /// The least above a number; another where there is none.
  @inline(__always)
  func next(above number: Int, or other: Int) -> Int {
    var least = other
    for index in 0..<used where numbers[index] > number { least = min(least, numbers[index]) }
    return least
  }
}

/// Whole numbers from one to another, cut at bends: between two cuts everything grows evenly.
struct Pieces: Sequence, IteratorProtocol {
  /// Numbers that are `stride` apart.
  struct Piece {
    let first, count: Int
    var stride = 1
    /// The one behind the first, if there is one.
    var second: Int { count > 1 ? first + stride : first }

    /// Consecutive numbers, every so many-th of them together.
    @inline(__always)
    func classes(_ stride: Int) -> some Sequence<Piece> {
      (0..<Swift.min(stride, count)).lazy.map {
        Piece(first: first + $0, count: (count - $0 + stride - 1) / stride, stride: stride)
      }
    }
  }

  private let bends: Bends
  private var first: Int
  private let end: Int

  @inline(__always)
  init(_ range: Range<Int>, _ bends: Bends) { (self.bends, first, end) = (bends, range.lowerBound, range.upperBound) }

  @inline(__always)
  mutating func next() -> Piece? {
    guard first < end else { return nil }
    let cut = bends.next(above: first, or: end)
    defer { first = cut }
    return Piece(first: first, count: cut - first)
  }
}

extension RetentionCounts {
  /// So many passes from one of them grow as those behind them do.
  @inline(__always)
  func period(of passes: PassRange, from index: Int) -> Int {
    let period = period(after: passes.before(index))
    return period == 1 ? 1 : period / greatestCommonDivisor(period, passes.step)
  }

  /// Cuts passes where what is found or held stops growing evenly.
  func pieces(_ passes: PassRange, _ rules: HeadRules) -> Pieces {
    guard passes.count > 1 else { return Pieces(0..<passes.count, Bends()) }
    let (rows, inside) = (passes.step, 1..<passes.count)
    var cuts = Bends()
    // The first index whose pass begins at a bend or behind it, and the first whose pass ends behind it.
    for bend in bends {
      cuts.insert(ceiling(bend - passes.before, rows), within: inside)
      cuts.insert(ceiling(bend + 1 - rows - passes.before, rows), within: inside)
    }
    func insert(_ condition: (_ before: Int) -> Bool) {
      cuts.insert((0..<passes.count).partitioningIndex { condition(passes.before($0)) }, within: inside)
    }
    // A pass brings rows beyond the residual or what stays on the device, and finds entries beyond it.
    for number in [rules.residual, rules.hostBend ?? 0] where number > 0 {
      for bend in [number - rows, number] {
        insert { found(after: $0, rows: rows) >= bend }
        insert { held(after: $0) >= bend }
      }
    }
    return Pieces(0..<passes.count, cuts)
  }
}

@inline(__always)
private func ceiling(_ value: Int, _ divisor: Int) -> Int { value <= 0 ? 0 : (value + divisor - 1) / divisor }

extension Range<Int> {
  /// The first element from which on a condition holds, which does not hold again before it; the end where it never does.
  @inline(__always)
  func partitioningIndex(_ holds: (Int) -> Bool) -> Int {
    guard !isEmpty, holds(upperBound - 1) else { return upperBound }
    if holds(lowerBound) { return lowerBound }
    var (low, high) = (lowerBound, upperBound - 1)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if holds(middle) { high = middle } else { low = middle }
    }
    return high
  }
}
