import Foundation

extension PlainKernels {
  /// Numbers as codes 0 … `steps`: the nearest q of `zero + q·scale`.
  ///
  /// Zero point and scale have 16 bits. The zero point is rounded down and the scale up, so that zero … zero + steps·scale
  /// covers all numbers, and none is further than half a step from its code.
  public static func quantise(_ count: Int, _ numbers: Output, steps: Int) -> (scale: Scalar, zero: Scalar) {
    Scalar.account(as: .elementwise)
    var (most, leastNegated) = (numbers[0], negated(numbers[0]))
    for index in 0..<count {
      most = Scalar.maximum(most, numbers[index])
      leastNegated = Scalar.maximum(leastNegated, negated(numbers[index]))
    }
    let zero = half(negated(leastNegated), .down)
    let scale = half((most - zero) / Scalar(Double(steps)), .up)
    let divisor = notZero(scale)
    for index in 0..<count {
      numbers[index] = Scalar.rounded((numbers[index] - zero) / divisor) { $0.rounded(.toNearestOrEven) }
    }
    return (scale, zero)
  }

  /// Numbers as multiples of a scale that e4m3 holds: the largest magnitude becomes at most 448, its largest number.
  public static func quantiseFloats(_ count: Int, _ numbers: Output) -> Scalar {
    Scalar.account(as: .elementwise)
    var most = Scalar(0)
    for index in 0..<count { most = Scalar.maximum(most, Scalar.converted(numbers[index]) { abs($0) }) }
    let scale = half(most / Scalar(largestE4M3), .up)
    let divisor = notZero(scale)
    for index in 0..<count { numbers[index] = Scalar.rounded(numbers[index] / divisor, toE4M3) }
    return scale
  }

  /// What codes stand for: a product each, and a sum where there is a zero point.
  public static func dequantise(_ count: Int, _ codes: Output, scale: Scalar, zero: Scalar?) {
    Scalar.account(as: .elementwise)
    for index in 0..<count {
      codes[index] = zero.map { codes[index] * scale + $0 } ?? codes[index] * scale
    }
  }

  /// A sign is no arithmetic.
  private static func negated(_ value: Scalar) -> Scalar { Scalar.converted(value) { -$0 } }

  /// A group of equal numbers that 16 bits hold has steps of no length.
  private static func notZero(_ value: Scalar) -> Scalar { Scalar.converted(value) { $0 == 0 ? 1 : $0 } }

  /// A number of 16 bits (IEEE 754 binary16) that is no larger, or no smaller.
  private static func half(_ value: Scalar, _ rule: FloatingPointRoundingRule) -> Scalar {
    Scalar.converted(value) { number in
      let nearest = Float16(number)
      if rule == .up { return Double(Double(nearest) < number ? nearest.nextUp : nearest) }
      return Double(Double(nearest) > number ? nearest.nextDown : nearest)
    }
  }
}

/// The largest number of 4 exponent and 3 mantissa bits, without infinities.
let largestE4M3 = 448.0

/// The nearest of them, of two the even one.
func toE4M3(_ value: Double) -> Double {
  guard value != 0, value.isFinite else { return value }
  // Below 2⁻⁶ they are 2⁻⁹ apart.
  let step = scalbn(1.0, max(Int(value.exponent), -6) - 3)
  return max(min((value / step).rounded(.toNearestOrEven) * step, largestE4M3), -largestE4M3)
}
