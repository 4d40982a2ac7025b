/// What a rate counts; the types below are never made, they only keep one rate from being used for another.
public protocol CountedUnit: Sendable {}

/// One scalar operation of a matrix product or of an element-wise operation.
public enum Flop: CountedUnit {}
/// Eight bits that move between memory and the processor.
public enum Byte: CountedUnit {}
/// One emitted token of one sequence.
public enum Token: CountedUnit {}

/// A duration, from none to longer than a number can hold (`reached`), which is infinite; never a NaN.
@frozen
public struct Seconds: Hashable, Comparable, Sendable, AdditiveArithmetic {
  /// - Unit: s
  public var value: Double

  /// - Unit: s
  @inlinable public init(_ value: Double) { self.value = value }

  /// Whether it is short enough for a number; figures, ratios and searches of longer ones say nothing.
  @inlinable public var isNumber: Bool { value.isFinite }
  /// No time at all.
  @inlinable public static var zero: Self { Self(0) }
  @inlinable public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
  /// The time of both, one after the other.
  @inlinable public static func + (left: Self, right: Self) -> Self { Self(left.value + right.value) }
  /// How much longer the first takes; below 0 where it is shorter.
  @inlinable public static func - (left: Self, right: Self) -> Self { Self(left.value - right.value) }
  /// The time of so many, or of a share.
  @inlinable public static func * (count: Double, right: Self) -> Self { Self(count * right.value) }
}

/// A time as a sum or a product has it. Where something on the way was longer than a number can hold, about 10^308 s, so
/// is the time: ∞ − ∞ and 0 · ∞ are infinite too.
@inlinable public func reached(_ seconds: Double) -> Double { seconds.isNaN ? .infinity : seconds }

/// How many units pass in one second: the one road from work to time.
@frozen
public struct Rate<Unit: CountedUnit>: Hashable, Comparable, Sendable {
  /// - Unit: the counted unit per second
  public var perSecond: Double

  /// - Unit: the counted unit per second
  @inlinable public init(_ perSecond: Double) { self.perSecond = perSecond }

  /// The time that `count` units take at this rate.
  @inlinable public func time(for count: Double) -> Seconds { Seconds(count / perSecond) }

  /// A share of the rate, for example an efficiency.
  @inlinable public static func * (share: Double, right: Self) -> Self { Self(share * right.perSecond) }
  @inlinable public static func < (left: Self, right: Self) -> Bool { left.perSecond < right.perSecond }
}
