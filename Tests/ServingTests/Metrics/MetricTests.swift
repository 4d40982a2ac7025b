import Testing

@testable import Serving

/// Figures of docs/simulation.md, §1 and §9.
@Suite struct MetricTests {
  @Test func `the price of stages is rounded once`() throws {
    // The check of arithmetic in the page's unit: F = 3·10¹² at 6·10¹⁴ FLOP/s, Y = 1.6·10¹⁰ at 2·10¹² byte/s.
    for (overlap, expected) in [(0.9, 8_500_000), (0, 13_000_000), (1, 8_000_000)] {
      var price = try StagePrice()
      try price.add(
        .init(flop: 3_000_000_000_000, bytes: 16_000_000_000),
        .init(flopPerSecond: 6e14, bytesPerSecond: 2e12, overlap: overlap))
      #expect(try price.nanoseconds == expected)
    }
    let rates = try StagePrice.Rates(flopPerSecond: 6e14, bytesPerSecond: 2e12, overlap: 1)
    #expect(rates.flop == 1_666_666_667 && rates.byte == 500_000_000_000)
    // Halves of a nanosecond go up, nothing takes no time, and rows cost what they cost.
    var half = try StagePrice(overhead: 3, rowOverhead: 2, rows: 4)
    try half.add(.init(flop: 0, bytes: 1000), rates)
    #expect(try half.nanoseconds == 12 && StagePrice().nanoseconds == 1)
    #expect(throws: ServingError.self) { try StagePrice.Rates(flopPerSecond: 0, bytesPerSecond: 1, overlap: 1) }
    var vast = try StagePrice()
    #expect(throws: ServingError.self) { try vast.add(.init(flop: .max / 2, bytes: 0), rates) }
  }

  @Test func `a percentile is a value that there is`() {
    let tally = Tally([260, 260, 570, 710, 530]).sorted
    #expect(tally.mean == 466 && tally.percentile(50_000) == 530 && tally.percentile(99_000) == 710)
    #expect(tally.percentile(0) == 260 && tally.percentile(40_000) == 260 && tally.percentile(40_001) == 530)
    #expect(tally.linearPercentile(50_000) == 530 && tally.linearPercentile(90_000) == 654)
    #expect(Tally().sorted.percentile(50_000) == nil && Tally().sorted.mean == nil)
  }

  @Test func `figures of the second worked example`() throws {
    let requests = [(0, 8, 3), (0, 8, 2), (0, 20, 2), (10, 4, 2), (335, 4, 1)].map {
      Request(arrival: $0.0, prompt: $0.1, output: $0.2)
    }
    func run(_ trim: Trim) throws -> ServingSummary {
      var run = try Simulation(
        ServingQuestion(
          .init(.continuous(budget: 16), maxRunning: 3), StateShape(bytesPerToken: 1), .requests(requests)),
        price: LinearPrice(pass: 100, fillToken: 10, row: 5), recording: .gaps, trim: trim)
      try run.run()
      return run.summary(limits: ServiceLimits(timeToFirstToken: 560, timePerOutputToken: 145))
    }
    let all = try run(.none)
    #expect(all.timeToFirstToken.mean == 466 && all.timeToFirstToken.percentiles.first == .integer(530))
    #expect(all.timePerOutputToken.count == 4 && all.timePerOutputToken.mean == (230 + 310 + 150 + 145) / 4)
    // Tokens 260 570 720 | 260 570 | 570 720 | 720 865 | 865.
    #expect(all.interToken.count == 5 && all.interToken.mean == Double(310 + 150 + 310 + 150 + 145) / 5)
    #expect(all.queueing.mean == Double(0 + 0 + 260 + 560 + 385) / 5)
    #expect(all.span == 865 && all.tokens == 10 && all.perSecond(10) == 10 * 1e9 / 865)
    // The last one has no time between tokens; the fourth waits too long.
    #expect(all.good == 1 && all.attainment == 0.2 && all.isUnstable == nil)
    let some = try run(.requests(first: 1, last: 2))
    #expect(some.finished == 2 && some.interToken.count == 2 && some.span == 720)
    #expect(try run(.window(from: 10, to: 335)).timeToFirstToken.mean == 710)
  }

  @Test func `an interval needs two values a batch, and leaves the first ones out`() {
    #expect(halfWidth(Array(repeating: 1, count: 39)) == nil)
    #expect(halfWidth([9] + Array(repeating: 1, count: 40)) == 0)
    // Batch means 0, 1, 0, 1 …: s² = 20 · 0.25 / 19.
    let half = halfWidth((0..<40).map { Double($0 / 2 % 2) })
    #expect(half == 2.0930240544083096 * (5.0 / 19).squareRoot() / 20.0.squareRoot())
  }

  @Test func `a queue that grows is unstable`() throws {
    // A pass of one request takes 100 ns.
    for (gap, expected) in [(200, false), (110, false), (50, true)] {
      var run = try Simulation(
        ServingQuestion(
          .init(.continuous(budget: 1), maxRunning: 1), StateShape(bytesPerToken: 1),
          .open(count: 400, .regular(gap: gap))), price: LinearPrice(pass: 100, fillToken: 0, row: 0))
      try run.run()
      #expect(run.summary().isUnstable == expected, "\(gap)")
    }
  }
}
