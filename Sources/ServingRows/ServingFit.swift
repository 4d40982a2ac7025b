import Formulas
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

  /// - Parameters:
  ///   - points: rows with their models.
  ///   - base: the machine, whose efficiencies are fitted anew.
  ///   - form: which coefficients are fitted.
  ///   - pull: what coefficients are without rows.
  ///   - requiresRank: whether rows that leave two or more coefficients undetermined are refused; where a fold of a
  ///     comparison lacks what the others show, the pull decides.
  /// - Throws: `ServingFitError`, `HardwareError`, `CountOverflow`, `GSLError`
  public init(
    _ points: [ServingPoint], base: HardwareProfile, form: ServingForm, pull: ServingPull = .typical,
    requiresRank: Bool = true
  ) throws {
    let cases = try servingCases(points, memoryOf: base)
    let found = try withFittedMemory(cases, withFittedHabits(cases, base, pull: pull))
    try self.init(
      cases, base: found, form: form, pull: pull, requiresRank: requiresRank, summarises: true)
  }

  init(
    _ cases: [ServingCase], base: HardwareProfile, form: ServingForm, pull: ServingPull, requiresRank: Bool,
    summarises: Bool
  ) throws {
    let search = try ServingSearch(cases, base: base, form: form, pull: pull)
    let undetermined = summarises ? try search.undetermined() : []
    if requiresRank, undetermined.count > 1 {
      throw ServingFitError.collinear(coefficients: undetermined.map(\.rawValue))
    }
    self.form = form
    values = zip(form.coefficients, zip(search.positions, search.standardErrors)).map { coefficient, found in
      Value(
        coefficient: coefficient, value: pull.value(of: coefficient, at: found.0),
        standardError: abs(pull.slope(of: coefficient, at: found.0)) * found.1,
        isDetermined: !undetermined.contains(coefficient))
    }
    profile = search.profile
    predictions = []
    guard summarises else { return }
    predictions = try cases.flatMap { try ServingPrediction.all($0.on(profile), on: profile) }
    profile.calibration = summary(cases.map(\.point), fitted: search.count)
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
