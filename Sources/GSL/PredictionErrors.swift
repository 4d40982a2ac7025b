/// How far predictions are from what was measured: figures of predicted ÷ measured − 1.
public struct PredictionErrors: Hashable, Sendable {
  /// Pairs compared.
  public let count: Int
  /// Of |predicted ÷ measured − 1|.
  /// - Unit: percent
  public let mean, median, ninetieth, worst: Double
  /// Mean of predicted ÷ measured − 1: negative where predictions of times are too fast.
  /// - Unit: percent
  public let bias: Double
  /// 1 − Σ(measured − predicted)² / Σ(measured − mean)²; nil where all measurements are equal.
  public let determination: Double?

  /// - Precondition: at least one pair, and as many predictions as measurements, which are positive.
  public init(predicted: [Double], measured: [Double]) {
    precondition(!measured.isEmpty && predicted.count == measured.count, "errors of pairs")
    let errors = zip(predicted, measured).map { 100 * ($0 / $1 - 1) }
    let sizes = errors.map(abs)
    count = errors.count
    mean = Statistics.mean(sizes)
    median = Statistics.median(sizes)
    ninetieth = Statistics.quantile(0.9, of: sizes)
    worst = Statistics.quantile(1, of: sizes)
    bias = Statistics.mean(errors)
    let determination = Statistics.determination(observed: measured, predicted: predicted)
    self.determination = determination.isNaN ? nil : determination
  }
}
