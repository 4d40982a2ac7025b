@preconcurrency import CGSL

/// Parameters of a non-linear model with their uncertainty.
public struct NonlinearFit: Hashable, Sendable {
  /// Where the sum of squares is smallest.
  public let parameters: [Double]
  /// Variances and covariances of the parameters, from the residuals and the Jacobian at the solution; empty if there
  /// are no more residuals than parameters.
  public let covariance: [[Double]]
  /// At the solution, in the order of the residual function.
  public let residuals: [Double]
  /// Steps that the search took.
  public let iterations: Int

  /// Sum of squared residuals.
  public var chiSquared: Double { residuals.reduce(0) { $0 + $1 * $1 } }
  /// Square roots of the covariance's diagonal.
  public var standardErrors: [Double] { covariance.indices.map { covariance[$0][$0].squareRoot() } }
}

/// What the library's callback needs: the residuals as a function of the parameters.
private final class Residuals {
  let count: Int
  let function: ([Double]) throws -> [Double]
  /// The first error of the function; it cannot pass through the library, which hears of a bad function instead.
  var failure: (any Error)?

  init(count: Int, function: @escaping ([Double]) throws -> [Double]) {
    self.count = count
    self.function = function
  }
}

/// Minimises Σ r(p)² by the Levenberg–Marquardt trust region, with a Jacobian by finite differences.
/// - Parameters:
///   - start: where the search begins; scale parameters so that all are of the order of 1.
///   - iterations: the most steps of the trust region.
///   - tolerance: of a relative step, and of the gradient.
///   - mustConverge: whether running out of iterations is an error; residuals with kinks may zigzag about their
///     minimum.
///   - residuals: the residual vector at given parameters, always of the same length.
/// - Throws: `GSLError` for fewer residuals than parameters, a residual that is not finite, a Jacobian without full
///   rank at the solution, and no convergence in `iterations` steps; whatever `residuals` throws.
public func nonlinearFit(
  start: [Double], iterations: Int = 200, tolerance: Double = 1e-12, mustConverge: Bool = true,
  residuals: ([Double]) throws -> [Double]
) throws -> NonlinearFit {
  let name = "non-linear least squares"
  prepare()
  try requireFinite(start, name, "start")
  let first = try residuals(start)
  try requireFinite(first, name, "residuals")
  if start.isEmpty || first.count < start.count {
    throw GSLError(Status.badLength, in: name, reason: "\(first.count) residuals for \(start.count) parameters")
  }
  return try withoutActuallyEscaping(residuals) { function in
    let residuals = Residuals(count: first.count, function: function)
    do {
      return try solve(
        residuals, start: start, iterations: iterations, tolerance: tolerance, mustConverge: mustConverge, name)
    } catch {
      throw residuals.failure ?? error
    }
  }
}

private func solve(
  _ residuals: Residuals, start: [Double], iterations: Int, tolerance: Double, mustConverge: Bool, _ name: String
) throws(GSLError) -> NonlinearFit {
  var parameters = gsl_multifit_nlinear_default_parameters()
  parameters.trs = gsl_multifit_nlinear_trs_lm
  parameters.fdtype = GSL_MULTIFIT_NLINEAR_CTRDIFF
  guard
    let work = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters, residuals.count, start.count)
  else { throw GSLError(Status.memory, in: name) }
  defer { gsl_multifit_nlinear_free(work) }

  var problem = gsl_multifit_nlinear_fdf()
  problem.n = residuals.count
  problem.p = start.count
  problem.params = Unmanaged.passUnretained(residuals).toOpaque()
  problem.f = { x, context, result in
    guard let x, let context, let result else { return Status.badFunction }
    let residuals = Unmanaged<Residuals>.fromOpaque(context).takeUnretainedValue()
    let values: [Double]
    do {
      values = try residuals.function(copy(x))
    } catch {
      residuals.failure = residuals.failure ?? error
      return Status.badFunction
    }
    guard values.count == residuals.count, values.allSatisfy(\.isFinite) else { return Status.badFunction }
    for (index, value) in values.enumerated() { gsl_vector_set(result, index, value) }
    return Status.success
  }
  var memory = Workspace()
  defer { memory.free() }
  let origin = memory.vector(start)
  // The library's workspace keeps a pointer to the problem, so both stay in one scope.
  let outcome = withExtendedLifetime(residuals) {
    withUnsafeMutablePointer(to: &problem) { problem -> Result<NonlinearFit, GSLError> in
      Result { () throws(GSLError) in
        try check(gsl_multifit_nlinear_init(origin, problem, work), name)
        var info: Int32 = 0
        let status = gsl_multifit_nlinear_driver(iterations, tolerance, tolerance, 0, nil, nil, &info, work)
        // No further progress from a point is what convergence looks like at the level of rounding.
        let isEnough = status == Status.noProgress || (status == Status.unfinished && !mustConverge)
        if !isEnough { try check(status, name) }
        return try summary(work, count: residuals.count, parameters: start.count, name)
      }
    }
  }
  return try outcome.get()
}

private func summary(
  _ work: UnsafeMutablePointer<gsl_multifit_nlinear_workspace>, count: Int, parameters: Int, _ name: String
) throws(GSLError) -> NonlinearFit {
  let residuals = copy(gsl_multifit_nlinear_residual(work))
  var covariance: [[Double]] = []
  if count > parameters {
    var memory = Workspace()
    defer { memory.free() }
    let matrix = memory.matrix(rows: parameters, columns: parameters)
    try check(gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(work), 1e-12, matrix), name)
    let variance = residuals.reduce(0) { $0 + $1 * $1 } / Double(count - parameters)
    let cofactors = copy(matrix)
    covariance = cofactors.map { $0.map { $0 * variance } }
    // The library answers with zero rows for the columns that it found dependent.
    if cofactors.indices.contains(where: { cofactors[$0][$0] == 0 }) {
      throw GSLError(Status.singular, in: name, reason: "the residuals do not determine every parameter")
    }
  }
  return NonlinearFit(
    parameters: copy(gsl_multifit_nlinear_position(work)), covariance: covariance, residuals: residuals,
    iterations: gsl_multifit_nlinear_niter(work))
}
