import Foundation
import Hardware
import Quantities

/// What coefficients are expected to be before any row is seen, and how far machines lie from it.
///
/// A search runs over unbounded positions: 0 is the expectation, 1 a spread away from it, in the logit of a share or the
/// logarithm of a time.
public struct ServingPull: Hashable, Sendable {
  /// Nil for what machines typically reach.
  private var source: [ServingCoefficient: Double]?

  /// What kernels of other people reach.
  ///
  /// 0.65–0.87 of the bandwidth in decode and 0.66–0.75 of the peak in prefill (Llama 2 7B on A100 and H100): logits
  /// 0.6–1.9 and 0.7–1.1. Caches are read by kernels of very different quality, and overlap is anybody's guess, so both
  /// have wide spreads. A launch is of the order of 5 µs, what the host does for a token of 20 µs; a spread of 1.5 in the
  /// logarithm is a factor of 4.5; a step of a server takes about a millisecond besides its work. Products in fp8 reached 0.44
  /// of their peak where those in bf16 reached 0.62 of theirs. Spreads and times are chosen.
  public static let typical = ServingPull(source: nil)

  private init(source: [ServingCoefficient: Double]?) { self.source = source }

  /// What another fit found: rows of another model on the same card say more than typical machines do.
  /// - Parameter profile: as a fit writes it.
  public init(towards profile: HardwareProfile) {
    source = Dictionary(
      uniqueKeysWithValues: ServingCoefficient.allCases.map { ($0, $0.value(in: profile)) })
  }

  /// Whether it comes from a fit, so that fewer rows than coefficients mean something.
  var isSource: Bool { source != nil }

  func value(of coefficient: ServingCoefficient, at position: Double) -> Double {
    let (center, spread) = expectation(of: coefficient)
    let u = center + spread * position
    return coefficient.isTime ? exp(u) : 1 / (1 + exp(-u))
  }

  /// The change of a value with its position.
  func slope(of coefficient: ServingCoefficient, at position: Double) -> Double {
    let (value, spread) = (value(of: coefficient, at: position), expectation(of: coefficient).spread)
    return coefficient.isTime ? spread * value : spread * value * (1 - value)
  }

  private func expectation(of coefficient: ServingCoefficient) -> (center: Double, spread: Double) {
    let usual = Self.usual(coefficient)
    guard let known = source?[coefficient] else { return usual }
    let center = coefficient.isTime ? log(known) : log(known / (1 - known))
    // What is at its ideal was not fitted there.
    return center.isFinite ? (center, Self.carriedSpread * usual.spread) : usual
  }

  /// Of what is known from another model, as a share of the spread among machines: shares of the bandwidth that two
  /// models reached on one card differ by 3 % at most. Chosen.
  private static let carriedSpread = 0.25

  private static func usual(_ coefficient: ServingCoefficient) -> (center: Double, spread: Double) {
    switch coefficient {
    case .weightBandwidth, .bandwidth: (1.2, 0.7)
    case .cacheBandwidth: (1.2, 1.3)
    case .arithmetic: (0.7, 0.8)
    case .overlap: (0, 1.6)
    case .launch: (log(5e-6), 1.5)
    case .sequence: (log(2e-5), 1.5)
    case .step: (log(1e-3), 1.5)
    case .narrow: (0.7, 0.8)
    }
  }
}

extension ServingCoefficient {
  fileprivate var isTime: Bool { self == .launch || self == .sequence || self == .step }

  /// What a profile has of it.
  fileprivate func value(in profile: HardwareProfile) -> Double {
    let product = profile.efficiency.matrixProduct
    return switch self {
    case .weightBandwidth, .bandwidth: product.bandwidth
    case .cacheBandwidth: profile.efficiency.attentionDecode.bandwidth
    case .arithmetic: product.compute.limit
    case .overlap: product.overlap
    case .launch: product.overhead.value
    case .sequence: profile.sequenceOverhead.value
    case .step: profile.stepOverhead.value
    case .narrow: profile.typeShares[.fp8] ?? 1
    }
  }
}
