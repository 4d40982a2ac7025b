import GSL
import Testing

@Suite struct PredictionErrorTests {
  @Test func `errors are relative to what was measured`() throws {
    // −10 %, +20 % and 0.
    let errors = PredictionErrors(predicted: [9, 24, 40], measured: [10, 20, 40])
    #expect(errors.count == 3)
    #expect(abs(errors.mean - 10) < 1e-12 && abs(errors.median - 10) < 1e-12)
    // Between the order statistics 10 and 20 at (n − 1) · 0.9 = 1.8.
    #expect(abs(errors.ninetieth - 18) < 1e-12 && abs(errors.worst - 20) < 1e-12)
    #expect(abs(errors.bias - 10.0 / 3) < 1e-12)
    // 1 − (1 + 16 + 0) / ((40/3)² + (10/3)² + (50/3)²).
    let determination = try #require(errors.determination)
    #expect(abs(determination - (1 - 17 / (4200.0 / 9))) < 1e-12)
    #expect(PredictionErrors(predicted: [1], measured: [2]).determination == nil)
  }
}
