/// A number and its derivative along one direction (forward mode): replaying a tape on duals gives the derivative that
/// its gradients must agree with, by rules that have nothing in common with theirs.
public struct Dual: KernelScalar {
  /// The number.
  public var value: Double
  /// Its derivative along the direction.
  public var slope: Double

  public init(_ value: Double) { self.init(value, slope: 0) }

  public init(_ value: Double, slope: Double) {
    self.value = value
    self.slope = slope
  }

  /// Sum rule.
  public static func + (left: Dual, right: Dual) -> Dual {
    Dual(left.value + right.value, slope: left.slope + right.slope)
  }
  /// Sum rule.
  public static func - (left: Dual, right: Dual) -> Dual {
    Dual(left.value - right.value, slope: left.slope - right.slope)
  }
  /// Product rule.
  public static func * (left: Dual, right: Dual) -> Dual {
    Dual(left.value * right.value, slope: left.slope * right.value + left.value * right.slope)
  }
  /// Quotient rule.
  public static func / (left: Dual, right: Dual) -> Dual {
    let quotient = left.value / right.value
    return Dual(quotient, slope: (left.slope - quotient * right.slope) / right.value)
  }
  /// (eˣ)′ = eˣ x′
  public static func exponential(_ dual: Dual) -> Dual {
    let power = Double.exponential(dual.value)
    return Dual(power, slope: dual.slope * power)
  }
  /// (ln x)′ = x′/x
  public static func logarithm(_ dual: Dual) -> Dual {
    Dual(Double.logarithm(dual.value), slope: dual.slope / dual.value)
  }
  /// (√x)′ = x′/(2√x)
  public static func squareRoot(_ dual: Dual) -> Dual {
    let root = dual.value.squareRoot()
    return Dual(root, slope: dual.slope / (2 * root))
  }
  /// The larger one with its derivative; the right one of equals.
  public static func maximum(_ left: Dual, _ right: Dual) -> Dual { left.value > right.value ? left : right }
  /// A step: its derivative is 0.
  public static func converted(_ dual: Dual, _ rule: (Double) -> Double) -> Dual { Dual(rule(dual.value)) }
}
