import Formulas
import Foundation
import GSL
import Hardware
import Quantities
import Scenarios

/// Rows that cannot determine what is to be fitted.
public enum ServingFitError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Fewer measured times than coefficients.
  case tooFewRows(rows: Int, parameters: Int)
  /// The rows vary too little: a change of these coefficients looks like a change of others.
  case collinear(coefficients: [String])
  /// A measured time that the machine cannot reach: another machine, precision or unit.
  case impossible(row: String, metric: String, milliseconds: Double, atPeaks: Double)

  public var description: String {
    switch self {
    case .tooFewRows(let rows, let parameters):
      "\(rows) measured \(rows == 1 ? "time" : "times") cannot determine \(parameters) coefficients; at least \(parameters) are needed"
    case .collinear(let coefficients):
      "the rows are collinear: they do not determine \(coefficients.joined(separator: " and ")) apart from the other "
        + "coefficients; add rows with other prompts, output lengths and concurrencies"
    case .impossible(let row, let metric, let milliseconds, let atPeaks):
      "row \(row): \(metric) of \(milliseconds) ms is less than half of the \((atPeaks * 100).rounded() / 100) ms that the "
        + "machine takes at its peaks; accepted: times of this machine, precision and model, in milliseconds"
    }
  }
}

extension ServingFitError {
  /// The same about rows of a table, at the row that it is about, or at the first of them.
  /// - Parameters:
  ///   - points: those that were to be fitted; at least one.
  ///   - path: what was to be fitted.
  public func refusal(of points: [ServingPoint], path: String) -> ScenarioError {
    var row = points[0].row
    if case .impossible(let identifier, _, _, _) = self {
      row = points.first { $0.row.identifier == identifier }?.row ?? row
    }
    return ScenarioError([Diagnostic(row.position, path: path, found: description)])
  }
}

/// A profile fitted to measured rows.
///
/// Minimises the relative errors, and a weak pull of every coefficient to what machines typically reach that is worth a
/// few per cent of error: rows of one prompt length, say, leave a coefficient where it was instead of anywhere.
public struct ServingFit: Sendable {
  /// A fitted coefficient with its uncertainty.
  public struct Value: Hashable, Sendable {
    /// Which one.
    public var coefficient: ServingCoefficient
    /// A share, or s for a time.
    public var value: Double
    /// In the unit of the value.
    public var standardError: Double
    /// Whether the rows say it; otherwise it is what machines typically reach.
    public var isDetermined: Bool
  }

  /// Which coefficients were fitted.
  public var form: ServingForm
  /// In the order of the form's coefficients.
  public var values: [Value]
  /// The base with the fitted coefficients, memory, serving behaviour and a summary of the fit.
  public var profile: HardwareProfile
  /// What the fit predicts for the rows that it saw.
  public var predictions: [ServingPrediction]

  /// A relative error that is worth as much as a coefficient one spread away from its typical value. Chosen.
  static let noise = 0.03
  /// Of a relative step and of the gradient; chosen far below any standard error.
  private static let tolerance = 1e-9
  /// Steps of central differences, of a coefficient in its position and of the errors. Chosen well above 6 · 10⁻⁶, the
  /// cube root of the precision, below which rounding takes over.
  private static let slopeStep = 1e-4
  private static let jacobianStep = 1e-3
  /// What may be left of a column of the Jacobian, as a share, before it counts as a combination of others; less is
  /// numerical noise.
  private static let leastRest = 1e-3
  /// The length of a column below which the errors do not react to a coefficient at all.
  private static let leastLength = 1e-9

  /// - Parameters:
  ///   - points: rows with their models.
  ///   - base: the machine, whose efficiencies are fitted anew.
  ///   - form: which coefficients are fitted.
  ///   - requiresRank: whether rows that leave two or more coefficients undetermined are refused; where a fold of a
  ///     comparison lacks what the others show, the pull to typical values decides.
  /// - Throws: `ServingFitError`, `HardwareError`, `CountOverflow`, `GSLError`
  public init(
    _ points: [ServingPoint], base: HardwareProfile, form: ServingForm, requiresRank: Bool = true
  ) throws {
    let cases = try servingCases(points, memoryOf: base)
    try self.init(
      cases, base: withFittedMemory(cases, base), form: form, requiresRank: requiresRank, summarises: true)
  }

  init(
    _ cases: [ServingCase], base: HardwareProfile, form: ServingForm, requiresRank: Bool, summarises: Bool
  ) throws {
    let cases = cases.map { $0.on(memoryOf: base) }
    let observations = Self.observations(cases)
    let parameters = form.coefficients.count
    let count = observations.reduce(0) { $0 + $1.observations.count }
    if count < parameters {
      throw ServingFitError.tooFewRows(rows: count, parameters: parameters)
    }
    func errors(_ positions: [Double]) throws -> [Double] {
      let profile = form.profile(at: positions, base: base)
      return try observations.flatMap { precision, observations in
        let roofline = try Roofline(profile, precision)
        return observations.map { $0.relativeError(roofline) / Self.noise }
      }
    }
    let start = [Double](repeating: 0, count: parameters)
    // Where arithmetic and traffic change places, the errors have kinks.
    let fit = try nonlinearFit(start: start, tolerance: Self.tolerance, mustConverge: false) { positions in
      try errors(positions) + positions
    }
    let undetermined = summarises ? try Self.undetermined(errors, at: fit.parameters, form) : []
    if requiresRank, undetermined.count > 1 {
      throw ServingFitError.collinear(coefficients: undetermined.map(\.rawValue))
    }
    self.form = form
    values = zip(form.coefficients, zip(fit.parameters, fit.standardErrors)).map { coefficient, found in
      let (position, deviation) = found
      let step = Self.slopeStep
      let slope = (coefficient.value(at: position + step) - coefficient.value(at: position - step)) / (2 * step)
      return Value(
        coefficient: coefficient, value: coefficient.value(at: position), standardError: abs(slope) * deviation,
        isDetermined: !undetermined.contains(coefficient))
    }
    profile = form.profile(at: fit.parameters, base: base)
    profile.serving = try fittedBehaviour(cases, on: profile)
    predictions = []
    guard summarises else { return }
    predictions = try cases.flatMap { try ServingPrediction.all($0, on: profile) }
    profile.calibration = summary(cases.map(\.point), fitted: count)
  }

  /// The times that coefficients are fitted to, by precision in the order of the rows; first tokens wait in queues and
  /// are fitted afterwards.
  private static func observations(
    _ cases: [ServingCase]
  ) -> [(precision: Precision, observations: [Observation])] {
    var groups: [(precision: Precision, observations: [Observation])] = []
    for served in cases {
      let own = MeasuredMetric.allCases.compactMap { metric -> Observation? in
        guard metric != .timeToFirstToken, let measured = served.row.times[metric], let terms = served.terms[metric]
        else { return nil }
        return Observation(terms: terms, measured: measured)
      }
      if let index = groups.firstIndex(where: { $0.precision == served.point.precision }) {
        groups[index].observations += own
      } else {
        groups.append((served.point.precision, own))
      }
    }
    return groups
  }

  /// Coefficients to which the errors of the rows react as to a combination of those before (Gram–Schmidt on the columns
  /// of the Jacobian, without the pull to typical values; what is left of a unit vector is numerical noise below 10⁻³).
  private static func undetermined(
    _ errors: ([Double]) throws -> [Double], at positions: [Double], _ form: ServingForm
  ) throws -> [ServingCoefficient] {
    var basis: [[Double]] = []
    return try positions.indices.compactMap { index in
      var above = positions
      var below = positions
      above[index] += jacobianStep
      below[index] -= jacobianStep
      var column = try zip(errors(above), errors(below)).map { ($0 - $1) / (2 * jacobianStep) }
      let length = dot(column, column).squareRoot()
      for unit in basis {
        let share = dot(column, unit)
        column = zip(column, unit).map { $0 - share * $1 }
      }
      let rest = dot(column, column).squareRoot()
      guard rest > leastRest * length, length > leastLength else { return form.coefficients[index] }
      basis.append(column.map { $0 / rest })
      return nil
    }
  }

  private func summary(_ points: [ServingPoint], fitted: Int) -> CalibrationSummary {
    let scored = predictions.filter { $0.metric != .timeToFirstToken }
    let ratios = scored.map { $0.measured / $0.predicted - 1 }
    return CalibrationSummary(
      rows: fitted, parameters: form.coefficients.count,
      meanAbsolutePercentageError: Statistics.mean(scored.map { abs($0.errorPercent) }),
      residuals: ResidualQuantile.usual(of: ratios),
      ranges: CalibratedRange.covered(by: points))
  }
}

private func dot(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }

private struct Observation {
  var terms: [ServingCase.Term]
  var measured: Double

  func relativeError(_ roofline: Roofline) -> Double { roofline.seconds(terms) / measured - 1 }
}
