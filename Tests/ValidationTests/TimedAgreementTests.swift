import Formulas
import Testing
import Validation

private func pair(_ predicted: Double, _ measured: Double, _ predictedBound: Bound, _ measuredBound: Bound?)
  -> TimedPair
{
  TimedPair(
    predicted: predicted, measured: measured, spreadPercent: 2, predictedBound: predictedBound,
    regime: measuredBound.map { MeasuredRegime(bound: $0, margin: 1, confidence: .high) })
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
    func said(_ time: Double, flops: Double, bytes: Double) -> Bound? {
      MeasuredSigns(
        time: 1, cached: 0.8, reading: 0.8, batch: Elasticities(time: time, flops: flops, bytes: bytes), context: nil)[
          .batch]
    }
    #expect(said(0.1, flops: 1, bytes: 0) == .memory)
    #expect(said(0.9, flops: 1, bytes: 0) == .compute)
    // In the middle, and where arithmetic and traffic grow alike.
    #expect(said(0.55, flops: 1, bytes: 0) == nil)
    #expect(said(0.5, flops: 1, bytes: 0.9) == nil)
  }

  /// For t ≤ arithmetic + traffic, half of it without one part proves that the other is the longer one.
  @Test(arguments: [
    (cached: 0.4, reading: 0.99, bound: Bound.memory, confidence: MeasuredRegime.Confidence.high),
    (0.97, 0.3, .compute, .high), (0.7, 0.3, .compute, .low), (0.7, 0.96, .memory, .low),
  ])
  func `what is left without one part tells the other`(
    cached: Double, reading: Double, bound: Bound, confidence: MeasuredRegime.Confidence
  ) throws {
    let signs = MeasuredSigns(time: 2, cached: 2 * cached, reading: 2 * reading, batch: nil, context: nil)
    let regime = try #require(signs.regime)
    #expect(regime.bound == bound && regime.confidence == confidence)
    #expect(abs(regime.margin - cached / reading) < 1e-12)
  }

  @Test func `signs that disagree are of low confidence, and none is no regime`() throws {
    let grows = Elasticities(time: 1, flops: 1, bytes: 0)
    let mixed = MeasuredSigns(time: 1, cached: 0.4, reading: 0.95, batch: grows, context: nil)
    #expect(mixed.text == "batch compute, context –, cached memory, reading memory")
    #expect(try #require(mixed.regime).bound == .memory && mixed.regime?.confidence == .low)
    #expect(mixed.regime?.dispute == mixed.text)
    #expect(MeasuredSigns(time: 1, cached: 0.8, reading: 0.8, batch: nil, context: nil).regime == nil)
  }
}
