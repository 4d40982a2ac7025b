import Foundation
import Tensors

/// The gates of PruLong (arXiv:2506.17121 §4, its code where the two differ): a head is full with a probability that one
/// number `logα` says, and a sample of it has a slope.
///
/// `σ̂ = σ((ln u − ln(1 − u) + logα)/τ)` for u from 0 to 1, and `z = clip(σ̂·(r − l) + l, 0, 1)`: hard concrete (Louizos
/// et al., arXiv:1712.01312).
public enum HardConcrete {
  /// `τ`
  public static let temperature = 2.0 / 3
  /// `l` and `r`, to which σ̂ is stretched before it is cut to 0…1.
  public static let stretch = (low: -0.1, high: 1.1)
  /// u is from ε to 1 − ε.
  public static let noiseMargin = 1e-8

  /// σ(x)
  public static func logistic<Scalar: KernelScalar>(_ x: Scalar) -> Scalar {
    Scalar(1) / (Scalar(1) + Scalar.exponential(Scalar(0) - x))
  }

  /// `σ̂` stretched, before it is cut.
  private static func stretched<Scalar: KernelScalar>(_ logAlpha: Scalar, noise: Double) -> Scalar {
    let sigma = logistic((Scalar(log(noise) - log(1 - noise)) + logAlpha) / Scalar(temperature))
    return sigma * Scalar(stretch.high - stretch.low) + Scalar(stretch.low)
  }

  /// `z`, whose slope is 0 where it is cut.
  /// - Parameters:
  ///   - logAlpha: of the head.
  ///   - noise: u.
  public static func sample<Scalar: KernelScalar>(_ logAlpha: Scalar, noise: Double) -> Scalar {
    let z = Scalar.maximum(Scalar(0), stretched(logAlpha, noise: noise))
    return Scalar(1) - Scalar.maximum(Scalar(0), Scalar(1) - z)
  }

  /// `dz/dlogα`, which is `(r − l)·σ̂·(1 − σ̂)/τ` between the ends and 0 at them.
  public static func slope(_ logAlpha: Double, noise: Double) -> Double {
    let z: Double = stretched(logAlpha, noise: noise)
    guard z > 0, z < 1 else { return 0 }
    let sigma = (z - stretch.low) / (stretch.high - stretch.low)
    return (stretch.high - stretch.low) * sigma * (1 - sigma) / temperature
  }

  /// `P(z > 0) = σ(logα − τ·ln(−l/r))`
  public static func keepProbability<Scalar: KernelScalar>(_ logAlpha: Scalar) -> Scalar {
    logistic(logAlpha - Scalar(temperature * log(-stretch.low / stretch.high)))
  }

  /// The share of heads that stream: `1 − Σ P(z > 0)/N`.
  public static func expectedSparsity(_ logAlphas: [Double]) -> Double {
    1 - logAlphas.reduce(0) { $0 + keepProbability($1) } / Double(logAlphas.count)
  }

  /// Masks without noise: the round(Σ P(z = 0)) smallest are 0, the others σ(0.8·logα/τ).
  public static func masks(_ logAlphas: [Double]) -> [Double] {
    var masks = logAlphas.map { logistic(0.8 * $0 / temperature) }
    let zeros = Int((expectedSparsity(logAlphas) * Double(logAlphas.count)).rounded(.toNearestOrEven))
    for head in masks.indices.sorted(by: { (masks[$0], $0) < (masks[$1], $1) }).prefix(zeros) { masks[head] = 0 }
    return masks
  }
}
