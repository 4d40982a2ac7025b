@preconcurrency import CGSL

/// Coefficients of a linear model with their uncertainty.
public struct LinearFit: Hashable, Sendable {
  /// One per column of the design.
  public let coefficients: [Double]
  /// Variances and covariances of the coefficients.
  public let covariance: [[Double]]
  /// Observation − prediction, in the order of the observations.
  public let residuals: [Double]
  /// Weighted sum of squared residuals.
  public let chiSquared: Double
  /// Share of the variance that the fit explains; of the weighted data in a robust fit.
  public let rSquared: Double

  /// Square roots of the covariance's diagonal.
  public var standardErrors: [Double] { covariance.indices.map { covariance[$0][$0].squareRoot() } }
}

/// Minimises Σ w·(y − X·c)² (Golub–Reinsch singular values of the column-scaled design).
/// - Shape: `design` observations × coefficients, `observations` and `weights` one for each row. Equal weights of 1
///   estimate the covariance from the residuals; given weights are taken as 1/σ².
/// - Throws: `GSLError` for ragged or non-finite input, fewer rows than coefficients, and a design without full rank.
public func leastSquares(
  design: [[Double]], observations: [Double], weights: [Double]? = nil
) throws(GSLError) -> LinearFit {
  let name = "linear least squares"
  let (rows, columns) = try dimensions(design, observations, name)
  if let weights { try requireWeights(weights, count: rows, name) }
  prepare()
  var memory = Workspace()
  defer { memory.free() }
  let x = memory.matrix(design, columns: columns)
  let (y, c) = (memory.vector(observations), memory.vector(count: columns))
  let covariance = memory.matrix(rows: columns, columns: columns)
  let residuals = memory.vector(count: rows)
  guard let work = gsl_multifit_linear_alloc(rows, columns) else { throw GSLError(Status.memory, in: name) }
  defer { gsl_multifit_linear_free(work) }
  var chiSquared = 0.0
  if let weights {
    let w = memory.vector(weights)
    try check(gsl_multifit_wlinear(x, w, y, c, covariance, &chiSquared, work), name)
  } else {
    try check(gsl_multifit_linear(x, y, c, covariance, &chiSquared, work), name)
  }
  let rank = gsl_multifit_linear_rank(0x1p-52 * Double(max(rows, columns)), work)
  if rank < columns {
    throw GSLError(Status.singular, in: name, reason: "the design has rank \(rank), fewer than \(columns) coefficients")
  }
  try check(gsl_multifit_linear_residuals(x, y, c, residuals), name)
  let predicted = zip(observations, copy(residuals)).map { $0 - $1 }
  return LinearFit(
    coefficients: copy(c), covariance: copy(covariance), residuals: copy(residuals), chiSquared: chiSquared,
    rSquared: Statistics.determination(observed: observations, predicted: predicted))
}

/// Fits a linear model by iteratively reweighted least squares with Tukey's bisquare, so that outliers lose their say.
/// - Shape: as `leastSquares`.
/// - Throws: `GSLError` for ragged or non-finite input, no more rows than coefficients, a design without full rank, and
///   weights that do not settle within 100 iterations.
public func robustFit(design: [[Double]], observations: [Double]) throws(GSLError) -> LinearFit {
  let name = "robust least squares"
  let (rows, columns) = try dimensions(design, observations, name)
  if rows == columns {
    throw GSLError(Status.badLength, in: name, reason: "\(rows) observations leave no degree of freedom")
  }
  // The robust iteration would return a pseudo-inverse's answer for a design without full rank.
  let plain = try leastSquares(design: design, observations: observations)
  // Residuals at the level of rounding have no scale that outliers could be told by.
  let largest = observations.reduce(0) { max($0, abs($1)) }
  if plain.residuals.allSatisfy({ abs($0) <= 0x1p-46 * largest }) { return plain }
  var memory = Workspace()
  defer { memory.free() }
  let x = memory.matrix(design, columns: columns)
  let (y, c) = (memory.vector(observations), memory.vector(count: columns))
  let covariance = memory.matrix(rows: columns, columns: columns)
  guard let work = gsl_multifit_robust_alloc(gsl_multifit_robust_bisquare, rows, columns) else {
    throw GSLError(Status.memory, in: name)
  }
  defer { gsl_multifit_robust_free(work) }
  try check(gsl_multifit_robust(x, y, c, covariance, work), name)
  let statistics = gsl_multifit_robust_statistics(work)
  return LinearFit(
    coefficients: copy(c), covariance: copy(covariance), residuals: copy(statistics.r), chiSquared: statistics.sse,
    rSquared: statistics.Rsq)
}

private func dimensions(
  _ design: [[Double]], _ observations: [Double], _ name: String
) throws(GSLError) -> (rows: Int, columns: Int) {
  let columns = design.first?.count ?? 0
  func reject(_ reason: String) throws(GSLError) { throw GSLError(Status.badLength, in: name, reason: reason) }
  if columns == 0 { try reject("the design is empty") }
  if design.count != observations.count {
    try reject("\(design.count) rows of the design for \(observations.count) observations")
  }
  if let row = design.firstIndex(where: { $0.count != columns }) {
    try reject("row \(row) of the design has \(design[row].count) columns instead of \(columns)")
  }
  if design.count < columns { try reject("\(design.count) observations for \(columns) coefficients") }
  for (row, line) in design.enumerated() { try requireFinite(line, name, "design[\(row)]") }
  try requireFinite(observations, name, "observations")
  return (design.count, columns)
}

private func requireWeights(_ weights: [Double], count: Int, _ name: String) throws(GSLError) {
  if weights.count != count {
    throw GSLError(Status.badLength, in: name, reason: "\(weights.count) weights for \(count) observations")
  }
  try requireFinite(weights, name, "weights")
  if let index = weights.firstIndex(where: { $0 < 0 }) {
    throw GSLError(Status.domain, in: name, reason: "weights[\(index)] is negative")
  }
}
