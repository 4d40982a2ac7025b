import Formulas
import Testing
import Validation

private func pair(_ predicted: Double, _ measured: Double, _ predictedBound: Bound, _ measuredBound: Bound?)
  -> TimedPair
{
  TimedPair(
    predicted: predicted, measured: measured, spreadPercent: 2, predictedBound: predictedBound,
    measuredBound: measuredBound)
}

@Suite struct TimedAgreementTests {
  @Test func `errors are relative to what was measured`() {
    let agreement = TimedAgreement([
      pair(9, 10, .memory, .memory), pair(24, 20, .memory, .compute), pair(40, 40, .compute, nil),
    ])
    // Errors −10 %, +20 % and 0.
    #expect(agreement.points == 3)
    #expect(abs(agreement.mapePercent - 10) < 1e-12)
    #expect(abs(agreement.medianPercent - 10) < 1e-12)
    #expect(abs(agreement.worstPercent - 20) < 1e-12)
    #expect(abs(agreement.biasPercent - 10.0 / 3) < 1e-12)
    #expect(agreement.spreadPercent == 2)
    #expect(agreement.regimeAgreement == 0.5)
    // 1 − (1 + 16) / Σ(x − 70/3)²
    let mean = 70.0 / 3
    let variance = [10.0, 20, 40].reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    #expect(abs(agreement.r2! - (1 - 17 / variance)) < 1e-12)
    #expect(agreement.isWithin(percent: 10.1) && !agreement.isWithin(percent: 9.9))
  }

  @Test func `an elasticity tells the bound whose work grew alike`() {
    #expect(elasticity(of: 3, doubled: 6) == 1)
    #expect(elasticity(of: 3, doubled: 3) == 0)
    #expect(measuredBound(time: 0.1, flops: 1, bytes: 0) == .memory)
    #expect(measuredBound(time: 0.9, flops: 1, bytes: 0) == .compute)
    #expect(measuredBound(time: 0.5, flops: 1, bytes: 0.9) == nil)
  }
}
