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
  /// What the signs say; nil where none speaks.
  public var regime: MeasuredRegime?
  /// Whether too few repetitions were free of other programs.
  public var isDisturbed: Bool

  /// Times are in s, the spread is in percent.
  public init(
    predicted: Double, measured: Double, spreadPercent: Double, predictedBound: Bound,
    regime: MeasuredRegime? = nil, isDisturbed: Bool = false
  ) {
    self.predicted = predicted
    self.measured = measured
    self.spreadPercent = spreadPercent
    self.predictedBound = predictedBound
    self.regime = regime
    self.isDisturbed = isDisturbed
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
  /// Share of the points with a measured bound of high confidence whose predicted bound is the same; nil where no point
  /// has one.
  public var regimeAgreement: Double?

  /// - Precondition: at least one pair, all times positive.
  public init(_ pairs: [TimedPair]) {
    precondition(!pairs.isEmpty && pairs.allSatisfy { $0.measured > 0 }, "an agreement of measured times")
    let errors = PredictionErrors(predicted: pairs.map(\.predicted), measured: pairs.map(\.measured))
    points = errors.count
    (mapePercent, medianPercent, worstPercent) = (errors.mean, errors.median, errors.worst)
    (biasPercent, r2) = (errors.bias, errors.determination)
    spreadPercent = Statistics.median(pairs.map(\.spreadPercent))
    let told = pairs.filter { $0.regime?.confidence == .high }
    regimeAgreement =
      told.isEmpty
      ? nil : Double(told.count { $0.regime?.bound == $0.predictedBound }) / Double(told.count)
  }

  /// Whether the mean error is at most `limit` or, where that is larger, twice the run-to-run spread.
  public func isWithin(percent limit: Double) -> Bool { mapePercent <= max(limit, 2 * spreadPercent) }
}
