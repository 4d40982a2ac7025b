/// A quantity that grows evenly with an index k = 0, 1, …: `first + slope · k`.
@frozen
public struct Affine: Hashable, Sendable {
  /// At index 0.
  public var first: Double
  /// From one index to the next.
  public var slope: Double

  @inlinable
  public init(_ first: Double, slope: Double = 0) {
    self.first = first
    self.slope = slope
  }

  /// At any index, whole or not.
  @inlinable public func value(at index: Double) -> Double { first + slope * index }

  /// The sum over k in `start ..< end`: the number of terms times their middle value.
  @inlinable
  public func sum(from start: Double, to end: Double) -> Double {
    (end - start) * (first + slope * (0.5 * (start + end - 1)))
  }

  /// The sum at every index.
  @inlinable public static func + (left: Self, right: Self) -> Self {
    Self(left.first + right.first, slope: left.slope + right.slope)
  }
  /// A multiple at every index.
  @inlinable public static func * (scale: Double, right: Self) -> Self {
    Self(scale * right.first, slope: scale * right.slope)
  }
}

/// Σ max(left, right) over k = 0 ..< `count`, in closed form.
///
/// The difference of two affine functions changes its sign at most once, at x = −(difference at 0) / (difference of the
/// slopes). If that is not strictly inside the progression, one function is the larger one throughout, and the sum of the
/// larger one is the larger sum. Otherwise the indices below x belong to one and those above x to the other; an index
/// that falls on the wrong side by rounding has both values equal to within that rounding, so the sum is not affected.
/// - Precondition: `count` ≥ 0.
@inlinable
public func sumOfMax(_ left: Affine, _ right: Affine, count: Double) -> Double {
  let crossing = (right.first - left.first) / (left.slope - right.slope)
  guard crossing > 0, crossing < count - 1 else {
    return max(left.sum(from: 0, to: count), right.sum(from: 0, to: count))
  }
  let split = crossing.rounded(.down) + 1
  let (below, above) = left.slope > right.slope ? (right, left) : (left, right)
  return below.sum(from: 0, to: split) + above.sum(from: split, to: count)
}
