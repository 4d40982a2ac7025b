@preconcurrency import CGSL

/// A function of one variable in the form of the library's callback.
private final class Curve {
  let function: (Double) -> Double

  init(_ function: @escaping (Double) -> Double) { self.function = function }

  /// The library's view of this object, valid inside `body`.
  func use<Value>(
    _ body: (UnsafeMutablePointer<gsl_function>) throws(GSLError) -> Value
  ) throws(GSLError) -> Value {
    var view = gsl_function(
      function: { x, context in
        guard let context else { return .nan }
        return Unmanaged<Curve>.fromOpaque(context).takeUnretainedValue().function(x)
      },
      params: Unmanaged.passUnretained(self).toOpaque())
    defer { withExtendedLifetime(self) {} }
    return try body(&view)
  }
}

/// Finds x in `bracket` with f(x) = 0 by Brent's method, to `relativeTolerance` of x or, for x near 0, a thousandth of
/// that of the bracket.
/// - Throws: `GSLError` if the signs at both ends are equal, a value is not finite, or no convergence in 200 steps.
public func root(
  in bracket: ClosedRange<Double>, relativeTolerance: Double = 1e-12, _ function: (Double) -> Double
) throws(GSLError) -> Double {
  let name = "root"
  let absolute = relativeTolerance * (bracket.upperBound - bracket.lowerBound) / 1000
  prepare()
  // The library wants a sign change; a root at an end is one already.
  for end in [bracket.lowerBound, bracket.upperBound] where function(end) == 0 { return end }
  guard let solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent) else { throw GSLError(Status.memory, in: name) }
  defer { gsl_root_fsolver_free(solver) }
  return try withoutActuallyEscaping(function) { function throws(GSLError) -> Double in
    try Curve(function).use { curve throws(GSLError) -> Double in
      try check(gsl_root_fsolver_set(solver, curve, bracket.lowerBound, bracket.upperBound), name)
      for _ in 0..<200 {
        try check(gsl_root_fsolver_iterate(solver), name)
        let (low, high) = (gsl_root_fsolver_x_lower(solver), gsl_root_fsolver_x_upper(solver))
        if gsl_root_test_interval(low, high, absolute, relativeTolerance) == Status.success {
          return gsl_root_fsolver_root(solver)
        }
        if low == high { return low }
      }
      throw GSLError(Status.unfinished, in: name)
    }
  }
}

/// Finds a local minimum of f inside `bracket` by Brent's method, to `relativeTolerance` of x or, for x near 0, a
/// thousandth of that of the bracket. Near a minimum f is flat: half of the digits of a number is all that can be had.
/// - Parameters:
///   - bracket: where to search; both ends are finite.
///   - guess: a point inside the bracket at which f is less than at both ends.
///   - relativeTolerance: of x.
///   - function: f, with a finite value everywhere in the bracket.
/// - Throws: `GSLError` if it is not, a value is not finite, or no convergence in 200 steps.
public func minimum(
  in bracket: ClosedRange<Double>, guess: Double, relativeTolerance: Double = 1e-6, _ function: (Double) -> Double
) throws(GSLError) -> Double {
  let name = "minimum"
  let absolute = relativeTolerance * (bracket.upperBound - bracket.lowerBound) / 1000
  prepare()
  guard let solver = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent) else {
    throw GSLError(Status.memory, in: name)
  }
  defer { gsl_min_fminimizer_free(solver) }
  return try withoutActuallyEscaping(function) { function throws(GSLError) -> Double in
    try Curve(function).use { curve throws(GSLError) -> Double in
      try check(gsl_min_fminimizer_set(solver, curve, guess, bracket.lowerBound, bracket.upperBound), name)
      for _ in 0..<200 {
        try check(gsl_min_fminimizer_iterate(solver), name)
        let (low, high) = (gsl_min_fminimizer_x_lower(solver), gsl_min_fminimizer_x_upper(solver))
        if gsl_min_test_interval(low, high, absolute, relativeTolerance) == Status.success {
          return gsl_min_fminimizer_x_minimum(solver)
        }
      }
      throw GSLError(Status.unfinished, in: name)
    }
  }
}
