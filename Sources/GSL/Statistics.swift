import CGSL

/// Summaries of samples. A sample that contains a NaN has a NaN for a summary.
public enum Statistics {
  /// - Precondition: not empty.
  public static func mean(_ sample: [Double]) -> Double {
    precondition(!sample.isEmpty, "the mean of no numbers")
    return gsl_stats_mean(sample, 1, sample.count)
  }

  /// - Precondition: not empty.
  public static func median(_ sample: [Double]) -> Double { quantile(0.5, of: sample) }

  /// The `fraction` quantile, linear between the order statistics (i − 1)/(n − 1).
  /// - Precondition: not empty; `fraction` in 0 … 1.
  public static func quantile(_ fraction: Double, of sample: [Double]) -> Double {
    precondition(!sample.isEmpty, "a quantile of no numbers")
    precondition((0...1).contains(fraction), "a quantile's fraction lies in 0 … 1")
    if sample.contains(where: \.isNaN) { return .nan }
    return gsl_stats_quantile_from_sorted_data(sample.sorted(), 1, sample.count, fraction)
  }

  /// Half the distance between the quartiles over the median, for times that a few outliers must not spoil; 0 for one.
  /// - Unit: percent
  /// - Precondition: not empty.
  public static func spreadPercent(_ sample: [Double]) -> Double {
    50 * (quantile(0.75, of: sample) - quantile(0.25, of: sample)) / median(sample)
  }

  /// 1 − Σ(y − ŷ)² / Σ(y − ȳ)²; NaN where all observations are equal.
  /// - Precondition: as many predictions as observations, at least one.
  public static func determination(observed: [Double], predicted: [Double]) -> Double {
    precondition(observed.count == predicted.count, "a prediction for every observation")
    let center = mean(observed)
    let missed = zip(observed, predicted).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let spread = observed.reduce(0) { $0 + ($1 - center) * ($1 - center) }
    return spread == 0 ? .nan : 1 - missed / spread
  }

  /// The number below which a share of Student's t distribution lies.
  /// - Precondition: `share` above 0 and below 1; at least one degree of freedom.
  public static func studentQuantile(_ share: Double, degreesOfFreedom: Int) -> Double {
    precondition(share > 0 && share < 1, "a quantile's share lies between 0 and 1")
    precondition(degreesOfFreedom >= 1, "t has a degree of freedom")
    return gsl_cdf_tdist_Pinv(share, Double(degreesOfFreedom))
  }
}
