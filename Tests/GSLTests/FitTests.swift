import GSL
import Testing

/// Statistical Reference Datasets of NIST, https://www.itl.nist.gov/div898/strd: certified values have 11 to 15 digits.
private func isClose(_ a: Double, _ b: Double, relative: Double) -> Bool { abs(a - b) <= relative * abs(b) }

@Suite struct LinearFits {
  /// NIST NoInt1: y = 130 … 140 at x = 60 … 70, no intercept.
  @Test func `least squares reproduces NIST NoInt1`() throws {
    let x = (60...70).map(Double.init)
    let fit = try leastSquares(design: x.map { [$0] }, observations: x.map { $0 + 70 })
    #expect(isClose(fit.coefficients[0], 2.07438016528926, relative: 1e-13))
    #expect(isClose(fit.standardErrors[0], 0.0165289256198347, relative: 1e-12))
    #expect(isClose(fit.chiSquared, 3.56753034006338 * 3.56753034006338 * 10, relative: 1e-12))
  }

  /// Closed form of a straight line through (0, 1), (1, 3), (2, 4), (3, 4): slope 1, intercept 1.5, residual sum 1,
  /// variance 0.5, standard errors √(0.5/5) and √(0.5·(1/4 + 2.25/5)).
  @Test func `a straight line has the errors of the closed form`() throws {
    let fit = try leastSquares(design: (0..<4).map { [1, Double($0)] }, observations: [1, 3, 4, 4])
    #expect(isClose(fit.coefficients[0], 1.5, relative: 1e-13))
    #expect(isClose(fit.coefficients[1], 1, relative: 1e-13))
    #expect(isClose(fit.chiSquared, 1, relative: 1e-13))
    #expect(isClose(fit.standardErrors[1], 0.1.squareRoot(), relative: 1e-13))
    #expect(isClose(fit.standardErrors[0], (0.5 * 0.7).squareRoot(), relative: 1e-13))
    // Σ(y − 3)² = 6, of which 1 is left.
    #expect(isClose(fit.rSquared, 5.0 / 6, relative: 1e-13))
    for (residual, expected) in zip(fit.residuals, [-0.5, 0.5, 0.5, -0.5]) { #expect(abs(residual - expected) < 1e-14) }
  }

  @Test func `a weight of zero removes an observation`() throws {
    let design: [[Double]] = [[1, 0], [1, 1], [1, 2], [1, 3]]
    let with = try leastSquares(design: design, observations: [1, 3, 5, 100], weights: [1, 1, 1, 0])
    #expect(isClose(with.coefficients[0], 1, relative: 1e-12))
    #expect(isClose(with.coefficients[1], 2, relative: 1e-12))
  }

  @Test func `a robust fit ignores a wild outlier that least squares follows`() throws {
    let design = (0..<20).map { [1, Double($0)] }
    var observations = (0..<20).map { index -> Double in
      let noise = index % 2 == 0 ? 0.1 : -0.1
      return 1 + 2 * Double(index) + noise
    }
    let clean = try leastSquares(design: design, observations: observations)
    observations[10] = 1000
    let robust = try robustFit(design: design, observations: observations)
    let plain = try leastSquares(design: design, observations: observations)
    // One of twenty observations without a say moves the line by less than the noise.
    #expect(abs(robust.coefficients[0] - clean.coefficients[0]) < 0.1)
    #expect(abs(robust.coefficients[1] - clean.coefficients[1]) < 0.01)
    #expect(abs(plain.coefficients[0] - clean.coefficients[0]) > 10)
    #expect(isClose(robust.residuals[10], 1000 - 21, relative: 1e-3))
    // The library lets the least squares scatter into the robust one, so that the errors stay on the careful side.
    #expect(robust.standardErrors[1] < plain.standardErrors[1] / 2)
  }

  @Test func `a robust fit of exact data is the least squares fit`() throws {
    let design = (0..<6).map { [1, Double($0)] }
    let observations = (0..<6).map { 3 - 0.5 * Double($0) }
    #expect(
      try robustFit(design: design, observations: observations)
        == leastSquares(design: design, observations: observations))
  }

  @Test func `what cannot be fitted is an error with a reason`() {
    func reason(_ body: () throws(GSLError) -> LinearFit) -> String {
      do throws(GSLError) { return "\(try body())" } catch { return error.description }
    }
    #expect(
      reason { () throws(GSLError) in try leastSquares(design: [[1, 2]], observations: [1]) }
        == "linear least squares: 1 observations for 2 coefficients")
    #expect(
      reason { () throws(GSLError) in try leastSquares(design: [[1, 2], [2, 4], [3, 6]], observations: [1, 2, 3]) }
        == "linear least squares: the design has rank 1, fewer than 2 coefficients")
    #expect(
      reason { () throws(GSLError) in try robustFit(design: [[1, 2], [2, 4], [3, 6]], observations: [1, 2, 4]) }
        == "linear least squares: the design has rank 1, fewer than 2 coefficients")
    #expect(
      reason { () throws(GSLError) in try robustFit(design: [[1, 2], [2, 5]], observations: [1, 2]) }
        == "robust least squares: 2 observations leave no degree of freedom")
    #expect(
      reason { () throws(GSLError) in try leastSquares(design: [[1], [.nan]], observations: [1, 2]) }
        == "linear least squares: design[1][0] is nan, not a finite number")
    #expect(
      reason { () throws(GSLError) in try leastSquares(design: [[1], [2]], observations: [1, .infinity]) }
        == "linear least squares: observations[1] is inf, not a finite number")
    #expect(
      reason { () throws(GSLError) in try leastSquares(design: [[1], [2, 3]], observations: [1, 2]) }
        == "linear least squares: row 1 of the design has 2 columns instead of 1")
    #expect(
      reason { () throws(GSLError) in try leastSquares(design: [], observations: []) }
        == "linear least squares: the design is empty")
    #expect(
      reason { () throws(GSLError) in try leastSquares(design: [[1], [2]], observations: [1, 2], weights: [1, -1]) }
        == "linear least squares: weights[1] is negative")
  }
}

@Suite struct NonlinearFits {
  /// NIST Misra1a: y = b₁(1 − exp(−b₂x)), from the first of the two certified starting points.
  @Test func `the trust region reproduces NIST Misra1a`() throws {
    let x = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0]
    let y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78]
    let fit = try nonlinearFit(start: [500, 1]) { b in
      zip(x, y).map { x, y in y - b[0] * (1 - Double.exp(-b[1] * 1e-4 * x)) }
    }
    #expect(isClose(fit.parameters[0], 2.3894212918e2, relative: 1e-8))
    #expect(isClose(fit.parameters[1], 5.5015643181, relative: 1e-8))
    #expect(isClose(fit.chiSquared, 1.2455138894e-1, relative: 1e-9))
    // The Jacobian by central differences has about ten digits less than half.
    #expect(isClose(fit.standardErrors[0], 2.7070075241, relative: 1e-5))
    #expect(isClose(fit.standardErrors[1], 7.2668688436e-2, relative: 1e-5))
  }

  @Test func `as many residuals as parameters are solved exactly, without a covariance`() throws {
    let fit = try nonlinearFit(start: [1, 1]) { p in [p[0] * p[0] - 2, p[0] * p[1] - 4] }
    #expect(isClose(fit.parameters[0], 2.0.squareRoot(), relative: 1e-10))
    #expect(isClose(fit.parameters[1], 8.0.squareRoot(), relative: 1e-10))
    #expect(fit.covariance.isEmpty)
  }

  @Test func `bad residuals are errors`() {
    #expect(throws: GSLError.self) { try nonlinearFit(start: [1, 2]) { [$0[0]] } }
    #expect(throws: GSLError.self) { try nonlinearFit(start: [.nan]) { $0 } }
    #expect(throws: GSLError.self) { try nonlinearFit(start: [1]) { [$0[0], .nan] } }
    #expect(throws: GSLError.self) { try nonlinearFit(start: [2]) { [$0[0] < 1.9 ? .nan : $0[0], $0[0]] } }
    // The second parameter has no influence.
    #expect(throws: GSLError.self) { try nonlinearFit(start: [1, 1]) { [$0[0] - 3, $0[0] - 4, 2 * $0[0]] } }
  }

  @Test func `what the residuals throw is what the fit throws, at the start and on the way`() {
    struct Failure: Error, Equatable { var first: Double }
    #expect(throws: Failure(first: 2)) { try nonlinearFit(start: [2]) { throw Failure(first: $0[0]) } }
    #expect(throws: Failure(first: 0)) {
      try nonlinearFit(start: [2]) { p in
        if p[0] != 2 { throw Failure(first: 0) }
        return [p[0] - 5, p[0]]
      }
    }
  }
}

extension Double {
  /// Avoids a dependency on a C library module for one function.
  fileprivate static func exp(_ x: Double) -> Double {
    // exp(x) = (exp(x/1024))^1024 with a Taylor series that is exact to rounding for |x/1024| < 0.1.
    let r = x / 1024
    var term = 1.0
    var sum = 0.0
    for n in 1...12 {
      term *= r / Double(n)
      sum += term
    }
    // (1 + s)² − 1 = s(2 + s) keeps the digits that 1 + s would lose.
    for _ in 0..<10 { sum *= 2 + sum }
    return 1 + sum
  }
}
