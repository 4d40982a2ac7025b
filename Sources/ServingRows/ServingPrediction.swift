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
  /// The same at the peaks of the machine: what no kernel is faster than.
  /// - Unit: s
  public var floor: Double
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
    let machine = served.point.profile(profile)
    let roofline = try Roofline(machine, served.point.precision)
    let peaks = try Roofline(machine.atPeaks, served.point.precision)
    return MeasuredMetric.allCases.compactMap { metric in
      guard let measured = served.point.row.times[metric], let predicted = served.predicted(metric, roofline),
        let floor = served.predicted(metric, peaks)
      else { return nil }
      return ServingPrediction(
        row: served.point.row, metric: metric, measured: measured, predicted: predicted, floor: floor,
        active: served.active,
        extrapolated: outside)
    }
  }

  /// What a profile predicts for rows, as it stands.
  /// - Throws: `HardwareError`, `CountOverflow`
  public static func predict(_ points: [ServingPoint], on profile: HardwareProfile) throws -> [ServingPrediction] {
    try points.flatMap { try all(ServingCase($0, memoryOf: profile), on: profile) }
  }

  static func predict(_ cases: [ServingCase], on profile: HardwareProfile) throws -> [ServingPrediction] {
    try cases.flatMap { try all($0.on(profile), on: profile) }
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

/// How far predictions are from measurements, and how many of them extrapolate.
@dynamicMemberLookup
public struct ServingAccuracy: Hashable, Sendable {
  /// Over all predictions.
  public var errors: PredictionErrors
  /// Predictions outside the range of the rows that were fitted.
  public var extrapolated: Int

  /// - Precondition: at least one prediction.
  public init(_ predictions: [ServingPrediction]) {
    errors = PredictionErrors(predicted: predictions.map(\.predicted), measured: predictions.map(\.measured))
    extrapolated = predictions.count { !$0.extrapolated.isEmpty }
  }

  /// A figure of the errors.
  public subscript<Value>(dynamicMember path: KeyPath<PredictionErrors, Value>) -> Value { errors[keyPath: path] }
}
