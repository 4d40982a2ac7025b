import Formulas
import GSL
import Hardware
import Quantities

/// The coefficients that explain rows best, as positions of a pull.
struct ServingSearch {
  /// In the order of the form's coefficients; 0 is what the pull expects.
  let positions: [Double]
  let standardErrors: [Double]
  /// Measured times that were fitted.
  let count: Int
  private let observations: [ObservedGroup]
  private let base: HardwareProfile
  private let form: ServingForm
  private let pull: ServingPull

  /// A relative error that is worth as much as a coefficient one spread away from its typical value. Chosen.
  private static let noise = 0.03
  /// Of a relative step and of the gradient; chosen far below any standard error.
  private static let tolerance = 1e-9
  /// A step of central differences in a position. Chosen well above 6 · 10⁻⁶, the cube root of the precision, below which
  /// rounding takes over.
  private static let jacobianStep = 1e-3
  /// What may be left of a column of the Jacobian, as a share, before it counts as a combination of others; less is
  /// numerical noise.
  private static let leastRest = 1e-3
  /// The length of a column below which the errors do not react to a coefficient at all.
  private static let leastLength = 1e-9

  init(_ cases: [ServingCase], base: HardwareProfile, form: ServingForm, pull: ServingPull) throws {
    let observations = Self.observations(cases.map { $0.on(base) })
    (self.observations, self.base, self.form, self.pull) = (observations, base, form, pull)
    count = observations.reduce(0) { $0 + $1.observations.count }
    let least = pull.isSource ? 1 : form.coefficients.count
    if count < least { throw ServingFitError.tooFewRows(rows: count, parameters: least) }
    let start = [Double](repeating: 0, count: form.coefficients.count)
    // Where arithmetic and traffic change places, the errors have kinks.
    let fit = try nonlinearFit(start: start, tolerance: Self.tolerance, mustConverge: false) { positions in
      try Self.errors(observations, form.profile(at: positions, pull, base: base)) + positions
    }
    (positions, standardErrors) = (fit.parameters, fit.standardErrors)
  }

  /// Predicted ÷ measured − 1 of every fitted time.
  var errors: [Double] { get throws { try Self.errors(observations, profile).map { $0 * Self.noise } } }

  /// The base with what was found.
  var profile: HardwareProfile { form.profile(at: positions, pull, base: base) }

  private static func errors(
    _ groups: [ObservedGroup], _ profile: HardwareProfile
  ) throws -> [Double] {
    try groups.flatMap { group in
      let roofline = try Roofline(group.first.profile(profile), group.first.precision)
      return group.observations.map { $0.relativeError(roofline) / noise }
    }
  }

  /// The times that coefficients are fitted to, by precision and machine in the order of the rows; first tokens wait in
  /// queues and are left out.
  private static func observations(_ cases: [ServingCase]) -> [ObservedGroup] {
    var groups: [ObservedGroup] = []
    for served in cases {
      let own = MeasuredMetric.allCases.compactMap { metric -> Observation? in
        guard metric != .timeToFirstToken, let measured = served.row.times[metric], let terms = served.terms[metric]
        else { return nil }
        return Observation(terms: terms, measured: measured)
      }
      let place = groups.firstIndex {
        $0.first.precision == served.point.precision && $0.first.machine?.name == served.point.machine?.name
      }
      if let place {
        groups[place].observations += own
      } else {
        groups.append(ObservedGroup(first: served.point, observations: own))
      }
    }
    return groups
  }

  /// Coefficients to which the errors of the rows react as to a combination of those before (Gram–Schmidt on the columns
  /// of the Jacobian, without the pull; what is left of a unit vector is numerical noise below 10⁻³).
  func undetermined() throws -> [ServingCoefficient] {
    var basis: [[Double]] = []
    return try positions.indices.compactMap { index in
      func errors(_ step: Double) throws -> [Double] {
        var moved = positions
        moved[index] += step
        return try Self.errors(observations, form.profile(at: moved, pull, base: base))
      }
      let step = Self.jacobianStep
      var column = try zip(errors(step), errors(-step)).map { ($0 - $1) / (2 * step) }
      let length = dot(column, column).squareRoot()
      for unit in basis {
        let share = dot(column, unit)
        column = zip(column, unit).map { $0 - share * $1 }
      }
      let rest = dot(column, column).squareRoot()
      guard rest > Self.leastRest * length, length > Self.leastLength else { return form.coefficients[index] }
      basis.append(column.map { $0 / rest })
      return nil
    }
  }
}

private func dot(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }

/// Times that one roofline prices.
private struct ObservedGroup {
  /// Any point of the group: they agree in machine and precision.
  var first: ServingPoint
  var observations: [Observation]
}

private struct Observation {
  var terms: [ServingCase.Term]
  var measured: Double

  func relativeError(_ roofline: Roofline) -> Double { roofline.seconds(terms) / measured - 1 }
}
