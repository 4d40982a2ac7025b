import Architectures
import Formulas
import Foundation
import GSL

/// One executed phase beside its prediction.
public struct TimedPair: Hashable, Sendable {
  /// - Unit: s
  public var predicted: Double
  /// Median of the repetitions.
  /// - Unit: s
  public var measured: Double
  /// Run-to-run spread of the repetitions.
  /// - Unit: percent
  public var spreadPercent: Double
  /// What the time model says the phase waits for.
  public var predictedBound: Bound
  /// What doubling the batch did to the time; nil where it does not tell one bound from the other.
  public var measuredBound: Bound?

  /// Times are in s, the spread is in percent.
  public init(
    predicted: Double, measured: Double, spreadPercent: Double, predictedBound: Bound, measuredBound: Bound? = nil
  ) {
    self.predicted = predicted
    self.measured = measured
    self.spreadPercent = spreadPercent
    self.predictedBound = predictedBound
    self.measuredBound = measuredBound
  }

  /// Predicted ÷ measured − 1.
  /// - Unit: percent
  public var errorPercent: Double { 100 * (predicted / measured - 1) }
}

/// How well predictions agree with measurements.
public struct TimedAgreement: Hashable, Sendable {
  /// Pairs compared.
  public var points: Int
  /// Mean of |predicted ÷ measured − 1|.
  public var mapePercent: Double
  /// Median of |predicted ÷ measured − 1|.
  public var medianPercent: Double
  /// The largest |predicted ÷ measured − 1|.
  public var worstPercent: Double
  /// Mean of predicted ÷ measured − 1: negative where predictions are too fast.
  public var biasPercent: Double
  /// 1 − Σ(measured − predicted)² / Σ(measured − mean)²; nil where all measurements are equal.
  public var r2: Double?
  /// Median run-to-run spread of the points.
  public var spreadPercent: Double
  /// Share of the points with a measured bound whose predicted bound is the same; nil where no point has one.
  public var regimeAgreement: Double?

  /// - Precondition: at least one pair, all times positive.
  public init(_ pairs: [TimedPair]) {
    precondition(!pairs.isEmpty && pairs.allSatisfy { $0.measured > 0 }, "an agreement of measured times")
    let errors = pairs.map(\.errorPercent)
    points = pairs.count
    mapePercent = Statistics.mean(errors.map(abs))
    medianPercent = Statistics.median(errors.map(abs))
    worstPercent = errors.map(abs).max() ?? 0
    biasPercent = Statistics.mean(errors)
    let determination = Statistics.determination(
      observed: pairs.map(\.measured), predicted: pairs.map(\.predicted))
    r2 = determination.isNaN ? nil : determination
    spreadPercent = Statistics.median(pairs.map(\.spreadPercent))
    let told = pairs.filter { $0.measuredBound != nil }
    regimeAgreement =
      told.isEmpty
      ? nil : Double(told.count { $0.measuredBound == $0.predictedBound }) / Double(told.count)
  }

  /// Whether the mean error is at most `limit` or, where that is larger, twice the run-to-run spread.
  public func isWithin(percent limit: Double) -> Bool { mapePercent <= max(limit, 2 * spreadPercent) }
}

/// What a doubling of batch or context does: d log y / d log x, as log₂ of the ratio.
public func elasticity(of value: Double, doubled: Double) -> Double { log2(doubled / value) }

/// How far the elasticities of arithmetic and traffic must lie apart before a time can side with one of them. Chosen: two
/// times that are off by 5 % in opposite directions move an elasticity by log₂(1.05 / 0.95) = 0.14.
private let distinctElasticities = 0.2

/// The bound that an elasticity of time points to: of the work that could have been waited for, the one whose own
/// elasticity is nearer.
/// - Returns: nil where arithmetic and traffic grow so alike (within 0.2) that time cannot tell them apart.
public func measuredBound(time: Double, flops: Double, bytes: Double) -> Bound? {
  guard abs(flops - bytes) >= distinctElasticities else { return nil }
  return abs(time - flops) < abs(time - bytes) ? .compute : .memory
}
