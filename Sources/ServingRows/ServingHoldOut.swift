import Formulas
import GSL
import Hardware
import Synchronization

/// Predictions of rows by profiles that were fitted without them.
public struct ServingHoldOut: Sendable {
  let cases: [ServingCase]
  let base: HardwareProfile
  private let known: KnownFits

  /// - Parameters:
  ///   - points: rows with their models, of one machine.
  ///   - base: the machine, whose efficiencies are fitted anew for each group of rows that is left out.
  ///   - pull: what coefficients are without rows.
  /// - Throws: `CountOverflow`
  public init(_ points: [ServingPoint], base: HardwareProfile, pull: ServingPull = .typical) throws {
    self.init(try servingCases(points, memoryOf: base), base: base, known: KnownFits(pull))
  }

  init(_ cases: [ServingCase], base: HardwareProfile, known: KnownFits) {
    (self.cases, self.base, self.known) = (cases, base, known)
  }

  /// For every value of a column, fits the other rows and predicts those that have it.
  ///
  /// A row is predicted from the most similar rows that are left: of the same engine, version, precision and model; if
  /// those are too few, of the same engine, version and precision, of the same engine, of any. So leaving out a model
  /// fits the others.
  /// - Throws: `ServingFitError.tooFewRows` where even all other rows are too few.
  public func predictions(leavingOut column: MeasuredColumn) throws -> [ServingPrediction] {
    var fits: [String: ServingFit] = [:]
    return try cases.flatMap { served -> [ServingPrediction] in
      let left = column.value(of: served.row)
      let (training, scope) = try self.training(for: served, without: column)
      let key = scope + " without \(column.rawValue) \(left)"
      let fit = try fits[key] ?? chosenFit(training, base: base, requiresRank: false, known: known)
      fits[key] = fit
      return try ServingPrediction.predict([served], on: fit.profile).map { prediction in
        var prediction = prediction
        prediction.fittedTo = key
        return prediction
      }
    }
  }

  private func training(
    for served: ServingCase, without column: MeasuredColumn
  ) throws -> (cases: [ServingCase], scope: String) {
    let left = column.value(of: served.row)
    let others = cases.filter { column.value(of: $0.row) != left }
    let parameters = ServingForm.overlap.coefficients.count
    for shared in [
      [MeasuredColumn.engine, .engineVersion, .precision, .model], [.engine, .engineVersion, .precision], [.engine], [],
    ] {
      let similar = others.filter { other in
        shared.allSatisfy { $0.value(of: other.row) == $0.value(of: served.row) }
      }
      guard similar.reduce(0, { $0 + $1.fittedTimes }) >= parameters else { continue }
      let scope = shared.map { $0.value(of: served.row) }.filter { !$0.isEmpty }.joined(separator: " ")
      return (similar, scope.isEmpty ? "all rows" : scope)
    }
    throw ServingFitError.tooFewRows(rows: others.reduce(0) { $0 + $1.fittedTimes }, parameters: parameters)
  }

  /// Mean errors of the comparisons that tell forms apart: leaving out one concurrency, context or model. Prompts and
  /// output lengths often have two values; leaving out one of them asks what typical values are, not which form is right.
  func errors(of form: ServingForm) throws -> [(column: MeasuredColumn, percent: Double)] {
    try [MeasuredColumn.concurrency, .context, .model].compactMap { column in
      let rows = cases.map(\.row)
      guard column.values(of: rows).count > 1 else { return nil }
      var sizes: [Double] = []
      for value in column.values(of: rows) {
        let training = cases.filter { column.value(of: $0.row) != value }
        guard training.reduce(0, { $0 + $1.fittedTimes }) >= form.coefficients.count else { continue }
        let fitted = try known.profile(training, base: base, form: form)
        let held = cases.filter { column.value(of: $0.row) == value }
        sizes += try ServingPrediction.predict(held, on: fitted).filter { $0.metric != .timeToFirstToken }
          .map { abs($0.errorPercent) }
      }
      return sizes.isEmpty ? nil : (column, Statistics.mean(sizes))
    }
  }
}

/// Fits by what they were fitted to. Where a form is chosen for the rows that lack one concurrency, they are compared
/// without one context each, and the other way round: every fit but the outermost would be made twice.
final class KnownFits: Sendable {
  private struct Question: Hashable {
    var rows: [Int]
    var base: HardwareProfile
    var form: ServingForm
  }

  let pull: ServingPull
  private let profiles = Mutex<[Question: HardwareProfile]>([:])

  init(_ pull: ServingPull) { self.pull = pull }

  /// The fitted profile, which need not be determined by the rows alone.
  func profile(_ cases: [ServingCase], base: HardwareProfile, form: ServingForm) throws -> HardwareProfile {
    let question = Question(rows: cases.map(\.index), base: base, form: form)
    if let known = profiles.withLock({ $0[question] }) { return known }
    let fit = try ServingFit(
      cases, base: base, form: form, pull: pull, requiresRank: false, summarises: false)
    profiles.withLock { $0[question] = fit.profile }
    return fit.profile
  }
}

extension ServingCase {
  var row: MeasuredRow { point.row }

  /// Measured times that coefficients are fitted to.
  var fittedTimes: Int { row.times.count { $0.key != .timeToFirstToken } }
}

/// Share of the error of the form kept so far below which another form replaces it. Chosen: with few rows the
/// comparison itself is uncertain, and a smaller gain is no reason.
private let clearlyBetterForm = 0.8

/// The fit of the form that predicts rows best which it did not see, decided on the given rows alone. Another form than
/// the first has to be better by a fifth: with few rows the comparison itself is uncertain.
/// - Throws: as `ServingFit`
public func chosenFit(
  _ points: [ServingPoint], base: HardwareProfile, pull: ServingPull = .typical, requiresRank: Bool = true
) throws -> ServingFit {
  try chosenFit(
    servingCases(points, memoryOf: base), base: base, requiresRank: requiresRank, known: KnownFits(pull))
}

private func chosenFit(
  _ cases: [ServingCase], base: HardwareProfile, requiresRank: Bool, known: KnownFits
) throws -> ServingFit {
  try requirePossible(cases, base)
  let memory = try withFittedMemory(cases, withFittedHabits(cases, base, pull: known.pull))
  let holdOut = ServingHoldOut(cases, base: memory, known: known)
  var best = (form: ServingForm.candidates[0], percent: Double.infinity)
  let isPooled = cases.contains { $0.point.machine != nil }
  for form in isPooled ? ServingForm.pooledCandidates : ServingForm.candidates {
    let errors = try holdOut.errors(of: form).map(\.percent)
    guard !errors.isEmpty else { break }
    let percent = Statistics.mean(errors)
    if percent < clearlyBetterForm * best.percent { best = (form, percent) }
  }
  return try ServingFit(
    cases, base: memory, form: best.form, pull: known.pull, requiresRank: requiresRank, summarises: true)
}

/// Rows predicted by fits of the chosen form that did not see them, one value of one column left out at a time.
public struct HeldOutColumns: Sendable {
  /// A column that has several values and of which none was left out.
  public struct Dropped: Hashable, Sendable {
    /// Which one.
    public var column: MeasuredColumn
    /// In words: what the rows that remain are too few for.
    public var reason: String
  }

  /// The columns that can be left out, with a prediction of every measured time of every row.
  public let predictions: [(column: MeasuredColumn, rows: [ServingPrediction])]
  /// In the order of the columns.
  public let dropped: [Dropped]

  /// How far the chosen form is from rows that it did not see, by column and metric.
  public var errors: [(column: MeasuredColumn, accuracy: [MeasuredMetric: ServingAccuracy])] {
    predictions.map { ($0.column, Dictionary(grouping: $0.rows, by: \.metric).mapValues(ServingAccuracy.init)) }
  }

  /// Quantiles of measured ÷ predicted − 1, times to first token apart; empty where nothing could be left out.
  public var residuals: [ResidualQuantile] {
    let ratios = predictions.flatMap(\.rows).filter { $0.metric != .timeToFirstToken }.map {
      $0.measured / $0.predicted - 1
    }
    return ratios.isEmpty ? [] : ResidualQuantile.usual(of: ratios)
  }
}

extension ServingHoldOut {
  /// Leaves out one value of each column that has several.
  /// - Throws: `HardwareError`, `CountOverflow`, `GSLError`; rows that are too few for a fit are a dropped column.
  public func columns() throws -> HeldOutColumns {
    var predictions: [(column: MeasuredColumn, rows: [ServingPrediction])] = []
    var dropped: [HeldOutColumns.Dropped] = []
    for column in [MeasuredColumn.concurrency, .prompt, .generated, .context, .model]
    where column.values(of: cases.map(\.row)).count > 1 {
      do {
        predictions.append((column, try self.predictions(leavingOut: column)))
      } catch let error as ServingFitError {
        dropped.append(HeldOutColumns.Dropped(column: column, reason: error.description))
      }
    }
    return HeldOutColumns(predictions: predictions, dropped: dropped)
  }
}

/// - Throws: `ServingFitError.impossible` for a time that refuses a fit.
private func requirePossible(_ cases: [ServingCase], _ base: HardwareProfile) throws {
  if let time = try ImpossibleTime.all(in: cases.map(\.point), on: base).first(where: \.refusesFit) {
    throw time.error
  }
}

extension ResidualQuantile {
  /// The quantiles that a profile states: the middle nine tenths, the quartiles and the median.
  static func usual(of ratios: [Double]) -> [ResidualQuantile] {
    [0.05, 0.25, 0.5, 0.75, 0.95].map {
      ResidualQuantile(probability: $0, value: Statistics.quantile($0, of: ratios))
    }
  }
}
