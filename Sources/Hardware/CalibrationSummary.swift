/// How well a calibrated profile reproduces the measurements it was fitted to.
public struct CalibrationSummary: Hashable, Sendable {
  /// Measured rows.
  public var rows: Int
  /// Fitted coefficients.
  public var parameters: Int
  /// Mean absolute percentage error over the rows.
  /// - Unit: percent
  public var meanAbsolutePercentageError: Double
  /// Quantiles of measured ÷ predicted − 1, ascending in probability.
  public var residuals: [ResidualQuantile]
  /// The ranges of the fitted rows; a prediction outside is an extrapolation.
  public var ranges: [CalibratedRange]
  /// Threads that the measurement used.
  public var threads: Int?

  /// Empty lists where nothing is known.
  public init(
    rows: Int, parameters: Int, meanAbsolutePercentageError: Double, residuals: [ResidualQuantile] = [],
    ranges: [CalibratedRange] = [], threads: Int? = nil
  ) {
    self.rows = rows
    self.parameters = parameters
    self.meanAbsolutePercentageError = meanAbsolutePercentageError
    self.residuals = residuals
    self.ranges = ranges
    self.threads = threads
  }

  /// The relative residual below which a share of the measured rows lies, interpolated linearly between quantiles and
  /// constant beyond the outermost ones; nil without quantiles.
  public func residual(probability: Double) -> Double? {
    guard let first = residuals.first, let last = residuals.last else { return nil }
    if probability <= first.probability { return first.value }
    for (low, high) in zip(residuals, residuals.dropFirst()) where probability <= high.probability {
      let share = (probability - low.probability) / (high.probability - low.probability)
      return low.value + share * (high.value - low.value)
    }
    return last.value
  }
}

/// One quantile of the relative residuals, measured ÷ predicted − 1.
public struct ResidualQuantile: Hashable, Sendable {
  /// Between 0 and 1.
  public var probability: Double
  /// Measured ÷ predicted − 1.
  public var value: Double

  /// The probability is that of a ratio below the value, which is measured ÷ predicted − 1.
  public init(probability: Double, value: Double) {
    self.probability = probability
    self.value = value
  }
}

/// What measured rows differ in, as far as a calibration says which values it has seen.
public enum CalibratedProperty: String, CaseIterable, Sendable {
  /// Of the workload, in tokens, but for the sequences that run side by side: batch · K.
  case prompt, generated, concurrency, context
  /// Of the model.
  case parameters
  /// Of a product, an attention or a norm.
  case rows
  /// - Unit: byte
  case workingSet = "working_set_bytes"
}

/// The values of one property, for example `prompt`, that the fitted rows cover.
public struct CalibratedRange: Hashable, Sendable {
  /// What was varied; a prediction compares its own value of it.
  public var property: CalibratedProperty
  /// The smallest fitted value, in the property's own unit.
  public var lowest: Double
  /// The largest fitted value, in the property's own unit.
  public var highest: Double

  /// Both ends belong to the range.
  public init(property: CalibratedProperty, lowest: Double, highest: Double) {
    self.property = property
    self.lowest = lowest
    self.highest = highest
  }

  /// Whether a prediction at this value interpolates.
  public func contains(_ value: Double) -> Bool { lowest <= value && value <= highest }
}
