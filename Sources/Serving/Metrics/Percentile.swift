/// Which requests are measured.
public enum Trim: Hashable, Sendable {
  /// All.
  case none
  /// All but the first and the last by id.
  case requests(first: Int, last: Int)
  /// Those that arrive from one time on and before another.
  /// - Unit: ns
  case window(from: Int, to: Int)

  /// Whether a request counts.
  public func keeps(_ id: Int, of total: Int, arrival: Int) -> Bool {
    switch self {
    case .none: true
    case .requests(let first, let last): id >= first && id < total - last
    case .window(let from, let to): from <= arrival && arrival < to
    }
  }
}

/// How often each integer came.
public struct Tally: Sendable {
  private var counts: [Int: Int] = [:]
  /// The last one, which is likely the next one too, and how often it came since.
  private var latest = 0
  private var latestCount = 0

  /// Nothing came.
  public init() {}

  /// All of these.
  public init(_ values: some Sequence<Int>) { for value in values { add(value) } }

  /// It came once more.
  @inline(__always)
  mutating func add(_ value: Int) {
    if value == latest {
      latestCount += 1
    } else {
      settle()
      (latest, latestCount) = (value, 1)
    }
  }

  private mutating func settle() {
    if latestCount > 0 { counts[latest, default: 0] += latestCount }
    latestCount = 0
  }

  /// All that came, smallest first.
  public var sorted: SortedTally {
    var whole = self
    whole.settle()
    return SortedTally(values: whole.counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }
}

/// Integers in order, equal ones together.
public struct SortedTally: Hashable, Sendable {
  private let values: [Int]
  /// Through each value.
  private let through: [Int]
  /// Of all.
  public let sum: Int128

  init(values: [(Int, Int)]) {
    self.values = values.map(\.0)
    through = values.reduce(into: []) { $0.append(($0.last ?? 0) + $1.1) }
    sum = values.reduce(0) { $0 + Int128($1.0) * Int128($1.1) }
  }

  /// How many there are.
  public var count: Int { through.last ?? 0 }
  /// Nil of none.
  public var mean: Double? { count == 0 ? nil : Double(sum) / Double(count) }

  /// The place-th smallest, from 1.
  private func element(_ place: Int) -> Int {
    var (low, high) = (0, through.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if through[middle] >= place { high = middle } else { low = middle + 1 }
    }
    return values[low]
  }

  /// - Parameter percentile: in thousandths of a percent, to 100 000.
  /// - Returns: the nearest rank; nil of none.
  public func percentile(_ percentile: Int) -> Int? {
    count == 0 ? nil : element(max(1, (percentile * count).dividedUp(by: 100_000)))
  }

  /// - Parameter percentile: in thousandths of a percent, to 100 000.
  /// - Returns: between neighbours at p·(n − 1)/100; nil of none.
  public func linearPercentile(_ percentile: Int) -> Double? {
    guard count > 0 else { return nil }
    let (place, rest) = (percentile * (count - 1)).quotientAndRemainder(dividingBy: 100_000)
    let low = Double(element(place + 1))
    return rest == 0 ? low : low + (Double(element(place + 2)) - low) * Double(rest) / 100_000
  }
}

/// The nearest rank of real numbers in order.
/// - Parameter percentile: in thousandths of a percent.
func nearestRank(_ percentile: Int, of sorted: [Double]) -> Double? {
  sorted.isEmpty ? nil : sorted[max(1, (percentile * sorted.count).dividedUp(by: 100_000)) - 1]
}
