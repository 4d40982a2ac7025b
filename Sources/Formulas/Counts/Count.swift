/// The numbers that counts are made of: integers, which wrap (a bound proves beforehand that no count of a point exceeds
/// them), `Double` for times, and formulas that are shown.
public protocol Count: ExpressibleByIntegerLiteral, Hashable, Sendable {
  /// The number that an integer is.
  static func whole(_ value: Int) -> Self
  /// Integers wrap.
  static func sum(_ left: Self, _ right: Self) -> Self
  /// Integers wrap.
  static func product(_ left: Self, _ right: Self) -> Self
  /// `n(n + 1)/2`: keys attended by positions 1 … n, each its own included.
  static func triangle(_ count: Self) -> Self
  /// `n(n − 1)/2`: the sum of 0 ..< n.
  static func pairs(of count: Self) -> Self
  /// Whether it is more than nothing.
  var isPositive: Bool { get }
  /// The number as a machine word.
  /// - Precondition: it is a whole number that fits.
  var integer: Int { get }
}

// Operators of numbers of any kind. Those of the standard library would check every integer for overflow.
extension Count {
  @inline(__always) static func + (left: Self, right: Self) -> Self { sum(left, right) }
  @inline(__always) static func * (left: Self, right: Self) -> Self { product(left, right) }
}

extension Double: Count {
  /// The nearest double.
  @inlinable public static func whole(_ value: Int) -> Double { Double(value) }
  /// Rounded to the nearest double.
  @inlinable public static func sum(_ left: Double, _ right: Double) -> Double { left + right }
  /// Rounded to the nearest double.
  @inlinable public static func product(_ left: Double, _ right: Double) -> Double { left * right }
  /// Exact below 2^53.
  @inlinable public static func triangle(_ count: Double) -> Double { count * (count + 1) / 2 }
  /// Exact below 2^53.
  @inlinable public static func pairs(of count: Double) -> Double { count * (count - 1) / 2 }
  /// As a number is.
  @inlinable public var isPositive: Bool { self > 0 }
  /// Of a whole number.
  @inlinable public var integer: Int { Int(self) }
}

extension Expression: Count {
  static func whole(_ value: Int) -> Expression { .number(Int128(value)) }
  static func sum(_ left: Expression, _ right: Expression) -> Expression { left + right }
  static func product(_ left: Expression, _ right: Expression) -> Expression { left * right }
  static func pairs(of count: Expression) -> Expression { .half(.product([count, .difference(count, 1)])) }
  var isPositive: Bool { value > 0 }
  var integer: Int { Int(value) }
}

/// The integers that counts are made of: `Int64` where a bound proves that they suffice, `Int128` otherwise.
///
/// The conversions are requirements because the generic ones of the standard library cost more than a price.
public protocol CountingInteger: FixedWidthInteger, SignedInteger, Count {
  /// The same number.
  init(word: Int)
  /// The same number in 128 bits.
  var widened: Int128 { get }
}

extension CountingInteger {
  /// As `init(word:)`.
  @inlinable public static func whole(_ value: Int) -> Self { Self(word: value) }
  /// Wraps: a bound proves beforehand that no count of a point exceeds the integer.
  @inlinable public static func sum(_ left: Self, _ right: Self) -> Self { left &+ right }
  /// Wraps, as `sum`.
  @inlinable public static func product(_ left: Self, _ right: Self) -> Self { left &* right }
  /// Wraps, as `sum`.
  @inlinable public static func triangle(_ count: Self) -> Self { (count &* (count &+ 1)) >> 1 }
  /// Wraps, as `sum`.
  @inlinable public static func pairs(of count: Self) -> Self { (count &* (count &- 1)) >> 1 }
  /// As a number is.
  @inlinable public var isPositive: Bool { self > 0 }
  /// The number in a machine word.
  @inlinable public var integer: Int { Int(self) }
}

extension Int64: CountingInteger {
  /// The same number.
  @inlinable public init(word: Int) { self = Int64(word) }
  /// The same number in 128 bits.
  @inlinable public var widened: Int128 {
    Int128(_low: UInt64(bitPattern: self), _high: self < 0 ? -1 : 0)
  }
}

extension Int128: CountingInteger {
  /// The same number.
  @inlinable public init(word: Int) { self = Int64(word).widened }
  /// Itself.
  @inlinable public var widened: Int128 { self }
}
