/// An order of a grid's points in which every beginning covers the grid evenly: whoever stops early has seen all values
/// of every axis, each as often as any other but for two times.
///
/// The axes are added one after another. Let the order of the a points of the axes before be known, and the next axis
/// have n values. The points of the order are visited in n passes over these a points, and the value at place i of pass p
/// is
///
///     (i + turn(⌊i/n⌋) + r·p + ⌊p·g/n⌋) mod n,   r = a mod n,  g = gcd(a, n)
///
/// - Each point comes once: at a fixed i the passes p = 0 … n − 1 add r·p + ⌊p·g/n⌋, which are n different values, because
///   r·p takes each multiple of g once in n/g passes, and then ⌊p·g/n⌋ moves on by one.
/// - Values come evenly: n places in a row within a pass have every value once, whatever the turn. The r places that are
///   left at the end of a pass have no turn; those of successive passes lie end to end around the circle of values, so
///   together they have no value twice more than another. A beginning adds at most one unfinished stretch of n places.
///   So no value comes more than twice more often than another, and in the axes before it holds by induction.
///
/// A turn that changes from one stretch to the next keeps two axes of the same length from moving side by side. It is a
/// Kronecker sequence, so that successive turns lie far apart. Values are numbered by reversed bits: also less than one
/// stretch spreads over the whole axis.
public struct CoveringOrder: Sendable {
  private let lengths: [Int]
  /// Of each axis, the value of a number.
  private let values: [[Int]]

  /// - Parameter lengths: of the axes, the last of which runs fastest in positions; their product fits 48 bits.
  public init(_ lengths: [Int]) {
    precondition(lengths.allSatisfy { $0 > 0 }, "an axis has at least one value")
    self.lengths = lengths
    values = lengths.map(spreadOut)
  }

  /// The order of a grid, those points included that constraints exclude.
  public init(_ grid: Grid) { self.init(grid.axes.map(\.labels.count)) }

  /// How many points there are.
  public var count: Int { lengths.reduce(1, *) }

  /// The position in the grid of the point that is visited at a place.
  /// - Precondition: `place` is in `0..<count`.
  public func position(at place: Int) -> Int {
    precondition((0..<count).contains(place), "an order of \(count) points has none at \(place)")
    var (rest, before, stride, position) = (place, count, 1, 0)
    for axis in lengths.indices.reversed() {
      let length = lengths[axis]
      before /= length
      let (pass, place) = rest.quotientAndRemainder(dividingBy: before)
      let stretch = place / length
      let turn = stretch < before / length ? turn(stretch, axis) : 0
      let shift = before % length * pass + pass * greatestCommonDivisor(before, length) / length
      position += stride * values[axis][(place + turn + shift) % length]
      stride *= length
      rest = place
    }
    return position
  }

  /// The fractional part of an odd multiple of the golden ratio, times the length.
  private func turn(_ stretch: Int, _ axis: Int) -> Int {
    let fraction = UInt64(stretch) &* 0x9E37_79B9_7F4A_7C15 &* UInt64(2 * axis + 1)
    return Int(fraction.multipliedFullWidth(by: UInt64(lengths[axis])).high)
  }
}

/// 0 ..< `count` by reversed bits: 0, 4, 2, 6, 1, 5, 3, 7.
private func spreadOut(_ count: Int) -> [Int] {
  let width = Int.bitWidth - (count - 1).leadingZeroBitCount
  return (0..<(1 << width)).map { number in
    width == 0 ? 0 : Int(UInt(number).bitReversed >> UInt(Int.bitWidth - width))
  }.filter { $0 < count }
}

extension UInt {
  fileprivate var bitReversed: UInt {
    var (result, rest): (UInt, UInt) = (0, self)
    for _ in 0..<UInt.bitWidth {
      result = result << 1 | rest & 1
      rest >>= 1
    }
    return result
  }
}

private func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
  right == 0 ? left : greatestCommonDivisor(right, left % right)
}
