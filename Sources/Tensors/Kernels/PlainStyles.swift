import Architectures
import Foundation

/// What scores go through between the scale and the softmax.
public struct ScoreRule: Sendable {
  /// c of c·tanh(score / c); 0: none.
  public var cap: Double
  /// What a key's bias grows by from one position to the next; 0: none.
  public var slope: Double

  public init(cap: Double = 0, slope: Double = 0) { (self.cap, self.slope) = (cap, slope) }

  /// Scores as they are.
  public static let none = ScoreRule()
}

extension LayerStyle {
  /// Whether scores go through what fast kernels do not know.
  var needsPlainAttention: Bool { alibi || scoreCap != 0 }

  /// Of a query head among all heads of a layer: slopes 2^(−8(h + 1)/H) (arXiv:2108.12409 §3).
  func scores(ofHead head: Int, of heads: Int) -> ScoreRule {
    ScoreRule(cap: scoreCap, slope: alibi ? pow(2, -8 * Double(head + 1) / Double(heads)) : 0)
  }
}

/// Kernels of layers that are not Llama's, in the plainest words.
extension PlainKernels {
  /// LayerNorm: `(x − mean x) / √(mean (x − mean x)² + ε) · w + b`.
  static func layerNorm(rows: Int, width: Int, _ x: Input, weight: Input, bias: Input, into y: Output) {
    Scalar.account(as: .elementwise)
    for row in 0..<rows {
      let (from, to) = (x + row * width, y + row * width)
      var sum = Scalar(0)
      for index in 0..<width { sum = sum + from[index] }
      let mean = sum / Scalar(Double(width))
      for index in 0..<width { to[index] = from[index] - mean }
      var squares = Scalar(0)
      for index in 0..<width { squares = squares + to[index] * to[index] }
      let scale = Scalar(1) / Scalar.squareRoot(squares / Scalar(Double(width)) + Scalar(normEpsilon))
      for index in 0..<width { to[index] = to[index] * scale * weight[index] + bias[index] }
    }
  }

  /// `c·tanh(x / c)`, written with one exponential: `c − 2c / (1 + exp(x · (2/c)))`.
  static func cap(_ value: Scalar, at cap: Double) -> Scalar {
    Scalar(cap) - Scalar(2 * cap) / (Scalar(1) + Scalar.exponential(value * Scalar(2 / cap)))
  }

  /// The same of a row in place.
  static func cap(_ count: Int, _ x: Output, at cap: Double) {
    Scalar.account(as: .elementwise)
    for index in 0..<count { x[index] = Self.cap(x[index], at: cap) }
  }

  /// Every number times one.
  static func scale(_ count: Int, _ x: Output, by factor: Double) {
    Scalar.account(as: .elementwise)
    for index in 0..<count { x[index] = x[index] * Scalar(factor) }
  }

  /// Adds a row to another.
  static func add(_ count: Int, _ addend: Input, to x: Output) {
    Scalar.account(as: .elementwise)
    for index in 0..<count { x[index] = x[index] + addend[index] }
  }

  /// An activation, and the product with the other half where there is one.
  static func activate(_ count: Int, _ activation: Activation, _ x: Input, up: Input?, into y: Output) {
    Scalar.account(as: .elementwise)
    switch activation {
    case .silu:
      for index in 0..<count { y[index] = x[index] / (Scalar(1) + Scalar.exponential(Scalar(0) - x[index])) }
    case .gelu: gelu(count, x, into: y)
    case .relu:
      for index in 0..<count { y[index] = Scalar.maximum(x[index], Scalar(0)) }
    }
    guard let up else { return }
    for index in 0..<count { y[index] = y[index] * up[index] }
  }
}
