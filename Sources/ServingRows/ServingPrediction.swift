import Formulas
import Foundation
import GSL
import Hardware
import Quantities

/// A measured time beside what a profile predicts.
public struct ServingPrediction: Sendable {
  /// The measured row.
  public var row: MeasuredRow
  /// Which of the row's times.
  public var metric: MeasuredMetric
  /// - Unit: s
  public var measured: Double
  /// - Unit: s
  public var predicted: Double
  /// Requests that run at once: fewer than the row's concurrency where the memory holds fewer.
  public var active: Int
  /// The properties of the row that lie outside what the profile was fitted to, such as `prompt`.
  public var extrapolated: [String]
  /// Which rows the profile was fitted to; empty for a profile as it stands.
  public var fittedTo = ""

  /// Predicted ÷ measured − 1.
  /// - Unit: percent
  public var errorPercent: Double { 100 * (predicted / measured - 1) }

  /// Every measured time of a row that the profile can predict.
  static func all(_ served: ServingCase, on profile: HardwareProfile) throws -> [ServingPrediction] {
    let outside = profile.calibration?.outside(served.point) ?? []
    let roofline = try Roofline(profile, served.point.precision)
    return MeasuredMetric.allCases.compactMap { metric in
      guard let measured = served.point.row.times[metric], let predicted = served.predicted(metric, roofline)
      else { return nil }
      return ServingPrediction(
        row: served.point.row, metric: metric, measured: measured, predicted: predicted, active: served.active,
        extrapolated: outside)
    }
  }

  /// What a profile predicts for rows, as it stands.
  /// - Throws: `HardwareError`, `CountOverflow`
  public static func predict(_ points: [ServingPoint], on profile: HardwareProfile) throws -> [ServingPrediction] {
    try points.flatMap { try all(ServingCase($0, memoryOf: profile), on: profile) }
  }

  static func predict(_ cases: [ServingCase], on profile: HardwareProfile) throws -> [ServingPrediction] {
    try cases.flatMap { try all($0.on(memoryOf: profile), on: profile) }
  }
}

extension CalibratedProperty {
  /// Of a row; nil where it does not say, or is about a whole workload rather than one operation.
  fileprivate func value(_ point: ServingPoint) -> Double? {
    switch self {
    case .prompt: point.row.prompt.map(Double.init)
    case .generated: point.row.generated.map(Double.init)
    case .concurrency: Double(point.row.concurrency)
    case .context: point.row.context.map(Double.init)
    case .parameters: Double(Formulas.parameters(of: point.model).total)
    case .rows, .workingSet: nil
    }
  }
}

extension CalibratedRange {
  /// The ranges of rows that a profile is fitted to.
  static func covered(by points: [ServingPoint]) -> [CalibratedRange] {
    CalibratedProperty.allCases.compactMap { property in
      let values = points.compactMap(property.value)
      guard let lowest = values.min(), let highest = values.max() else { return nil }
      return CalibratedRange(property: property, lowest: lowest, highest: highest)
    }
  }
}

extension CalibrationSummary {
  /// The properties of a row outside the ranges; none where the profile states no range.
  fileprivate func outside(_ point: ServingPoint) -> [String] {
    ranges.compactMap { range in
      guard let value = range.property.value(point) else { return nil }
      return range.contains(value) ? nil : range.property.rawValue
    }
  }
}

/// How far predictions are from measurements.
public struct ServingAccuracy: Hashable, Sendable {
  /// Predictions.
  public var count: Int
  /// Of |predicted ÷ measured − 1|, in per cent.
  public var mean, median, ninetieth, worst: Double
  /// Mean of predicted ÷ measured − 1, in per cent: negative where predictions are too fast.
  public var bias: Double
  /// 1 − Σ(measured − predicted)² / Σ(measured − mean)²; nil where all measurements are equal.
  public var determination: Double?
  /// Predictions outside the range of the rows that were fitted.
  public var extrapolated: Int

  /// - Precondition: at least one prediction.
  public init(_ predictions: [ServingPrediction]) {
    let errors = predictions.map(\.errorPercent)
    let sizes = errors.map(abs)
    count = predictions.count
    mean = Statistics.mean(sizes)
    median = Statistics.median(sizes)
    ninetieth = Statistics.quantile(0.9, of: sizes)
    worst = Statistics.quantile(1, of: sizes)
    bias = Statistics.mean(errors)
    let r2 = Statistics.determination(
      observed: predictions.map(\.measured), predicted: predictions.map(\.predicted))
    determination = r2.isNaN ? nil : r2
    extrapolated = predictions.count { !$0.extrapolated.isEmpty }
  }
}
