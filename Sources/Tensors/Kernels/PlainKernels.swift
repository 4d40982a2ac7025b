import Architectures
import Foundation

/// What a kernel is doing, so that a counting scalar can book matrix work and element-wise work apart.
public enum WorkKind: Sendable { case matmul, elementwise }

/// A number that the plain kernels can run on: `Float`, `Double`, or a scalar that counts its own arithmetic.
public protocol KernelScalar {
  init(_ value: Double)
  static func + (left: Self, right: Self) -> Self
  static func - (left: Self, right: Self) -> Self
  static func * (left: Self, right: Self) -> Self
  static func / (left: Self, right: Self) -> Self
  static func exponential(_ value: Self) -> Self
  static func logarithm(_ value: Self) -> Self
  static func squareRoot(_ value: Self) -> Self
  static func maximum(_ left: Self, _ right: Self) -> Self
  /// One operation that rounds a number.
  static func rounded(_ value: Self, _ rule: (Double) -> Double) -> Self
  /// The same where it is no arithmetic: another sign, or fewer bits for storing it.
  static func converted(_ value: Self, _ rule: (Double) -> Double) -> Self
  /// Announces what the following arithmetic belongs to; does nothing for ordinary numbers.
  static func account(as kind: WorkKind)
}

extension KernelScalar {
  /// Does nothing.
  @inlinable public static func account(as kind: WorkKind) {}
  /// As a conversion does.
  @inlinable public static func rounded(_ value: Self, _ rule: (Double) -> Double) -> Self { converted(value, rule) }
}

extension Float: KernelScalar {
  /// eˣ
  @inlinable public static func exponential(_ value: Float) -> Float { exp(value) }
  /// ln x
  @inlinable public static func logarithm(_ value: Float) -> Float { log(value) }
  /// √x
  @inlinable public static func squareRoot(_ value: Float) -> Float { value.squareRoot() }
  /// The larger one.
  @inlinable public static func maximum(_ left: Float, _ right: Float) -> Float { left > right ? left : right }
  /// The nearest float.
  @inlinable public static func converted(_ value: Float, _ rule: (Double) -> Double) -> Float {
    Float(rule(Double(value)))
  }
}

extension Double: KernelScalar {
  /// eˣ
  @inlinable public static func exponential(_ value: Double) -> Double { exp(value) }
  /// ln x
  @inlinable public static func logarithm(_ value: Double) -> Double { log(value) }
  /// √x
  @inlinable public static func squareRoot(_ value: Double) -> Double { value.squareRoot() }
  /// The larger one.
  @inlinable public static func maximum(_ left: Double, _ right: Double) -> Double { left > right ? left : right }
  /// What the rule says.
  @inlinable public static func converted(_ value: Double, _ rule: (Double) -> Double) -> Double { rule(value) }
}

/// Every kernel once more in the plainest possible words: one loop per index, sums in ascending order.
///
/// They define what the fast kernels compute, carry the bit-exact laws (a row's result does not depend on what else is
/// in the batch, nor on how a context was cut), and prove the work rules when run on a counting scalar.
public enum PlainKernels<Scalar: KernelScalar> {
  /// Elements that a kernel reads, row-major.
  public typealias Input = UnsafePointer<Scalar>
  /// Elements that a kernel writes, row-major.
  public typealias Output = UnsafeMutablePointer<Scalar>

  /// `y[r][o] = Σ_i w[o][i]·x[r][i]`, then `+ bias[o]`, then `+ residual[r][o]`.
  public static func linear(
    rows: Int, outputs: Int, inputs: Int, _ x: Input, weight: Input, bias: Input? = nil, residual: Input? = nil,
    into y: Output
  ) {
    for row in 0..<rows {
      for output in 0..<outputs {
        Scalar.account(as: .matmul)
        var sum = Scalar(0)
        for input in 0..<inputs { sum = sum + weight[output * inputs + input] * x[row * inputs + input] }
        Scalar.account(as: .elementwise)
        if let bias { sum = sum + bias[output] }
        if let residual { sum = sum + residual[row * outputs + output] }
        y[row * outputs + output] = sum
      }
    }
  }

  /// RMSNorm: `x / √(mean x² + ε) · w`.
  public static func norm(rows: Int, width: Int, _ x: Input, weight: Input, into y: Output) {
    Scalar.account(as: .elementwise)
    for row in 0..<rows {
      var sum = Scalar(0)
      for index in 0..<width { sum = sum + x[row * width + index] * x[row * width + index] }
      let scale = Scalar(1) / Scalar.squareRoot(sum / Scalar(Double(width)) + Scalar(normEpsilon))
      for index in 0..<width { y[row * width + index] = x[row * width + index] * scale * weight[index] }
    }
  }

  /// Rotary embedding of one row of `heads` heads in place: pairs (i, i + ⌊r/2⌋) of the first r features; an odd last one
  /// stays.
  /// - Parameters:
  ///   - heads: how many stand side by side in the row.
  ///   - headWidth: features of a head.
  ///   - rotated: r; nil: all features.
  ///   - x: the row.
  ///   - cosine: ⌊r/2⌋ values for the row's position.
  ///   - sine: as many.
  public static func rotate(
    heads: Int, headWidth: Int, rotated: Int? = nil, _ x: Output, cosine: Input, sine: Input
  ) {
    Scalar.account(as: .elementwise)
    let half = (rotated ?? headWidth) / 2
    for head in 0..<heads {
      let base = x + head * headWidth
      for index in 0..<half {
        let (a, b) = (base[index], base[index + half])
        base[index] = a * cosine[index] - b * sine[index]
        base[index + half] = b * cosine[index] + a * sine[index]
      }
    }
  }

  /// `g / (1 + exp(0 − g)) · u`: SiLU of the gate times the up product.
  public static func gate(_ count: Int, gate: Input, up: Input, into y: Output) {
    Scalar.account(as: .elementwise)
    for index in 0..<count {
      y[index] = gate[index] / (Scalar(1) + Scalar.exponential(Scalar(0) - gate[index])) * up[index]
    }
  }

  /// GELU in its tanh form, written with the logistic function: `x / (1 + exp(0 − x·(c₀ + c₁·x·x)))`.
  public static func gelu(_ count: Int, _ x: Input, into y: Output) {
    Scalar.account(as: .elementwise)
    let (c0, c1) = (Scalar(geluCoefficients.linear), Scalar(geluCoefficients.cubic))
    for index in 0..<count {
      let value = x[index]
      let exponent = value * (c0 + c1 * value * value)
      y[index] = value / (Scalar(1) + Scalar.exponential(Scalar(0) - exponent))
    }
  }
}

/// ε of RMSNorm; the paper is silent, Llama's value.
public let normEpsilon = 1e-5
/// Base of the rotary angles; the paper is silent, Llama's value.
public let rotaryBase = 10_000.0
/// c₀ = 2√(2/π) and c₁ = 0.044715·c₀, so that x·σ(x(c₀ + c₁x²)) is the tanh form of GELU.
public let geluCoefficients: (linear: Double, cubic: Double) = {
  let linear = 2 * (2 / Double.pi).squareRoot()
  return (linear, 0.044715 * linear)
}()
