import GSL

/// Values of the same figure, one per round.
public struct Samples: Sendable {
  public private(set) var values: [Double] = []

  public init() {}

  public mutating func append(_ value: Double) { values.append(value) }

  public var median: Double { Statistics.median(values) }

  /// Half of the values lie between the quartiles: their distance over the median.
  public var spread: Double {
    (Statistics.quantile(0.75, of: values) - Statistics.quantile(0.25, of: values)) / median
  }
}

/// Two ways to do the same work, timed in turn so that a disturbance of the machine meets both.
/// - Parameters: each runs its work once and returns what it took.
/// - Unit: s
/// - Returns: times, and for every round the peer's time over ours: above 1 ours is faster.
public func interleave(
  rounds: Int, ours: () -> Double, peer: () -> Double
) -> (ours: Samples, peer: Samples, speedup: Samples) {
  _ = (ours(), peer())
  var (own, other, speedup) = (Samples(), Samples(), Samples())
  for _ in 0..<rounds {
    let (a, b) = (ours(), peer())
    own.append(a)
    other.append(b)
    speedup.append(b / a)
  }
  return (own, other, speedup)
}
