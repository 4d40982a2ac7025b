import Formulas
import Testing

@Suite struct CriticalFootprintTests {
  private static func curve(_ points: [(Double, Double)], full: Double = 100) -> FootprintCurve {
    FootprintCurve(points.map { FootprintCurve.Point(footprint: $0.0, score: $0.1) }, fullScore: full)
  }

  @Test(arguments: FootprintCurve.Reading.allCases)
  func `a method that is good enough everywhere is below what was tried`(reading: FootprintCurve.Reading) {
    #expect(Self.curve([(0.5, 92), (0.34, 90), (0.8, 99)]).critical(reading) == .below(0.34))
  }

  @Test(arguments: FootprintCurve.Reading.allCases)
  func `a method that is good enough nowhere is above what was tried`(reading: FootprintCurve.Reading) {
    #expect(Self.curve([(0.5, 40), (0.93, 89.9), (0.34, 10)]).critical(reading) == .above(0.93))
  }

  @Test(arguments: FootprintCurve.Reading.allCases)
  func `between two configurations the curve is straight`(reading: FootprintCurve.Reading) {
    // Half way from 80 to 100, and exactly at a configuration.
    #expect(Self.curve([(0.25, 80), (0.75, 100)]).critical(reading) == .value(0.5))
    #expect(Self.curve([(0.3, 80), (0.7, 90), (0.9, 95)]).critical(reading) == .value(0.7))
    #expect(Self.curve([(0.25, 20), (0.75, 60)], full: 100).critical(fraction: 0.4, reading) == .value(0.5))
  }

  @Test func `readings differ where the curve crosses the threshold twice`() {
    // From 50 to 95 between 0.3 and 0.5, from 80 to 96 between 0.7 and 0.9.
    let twice = Self.curve([(0.3, 50), (0.5, 95), (0.7, 80), (0.9, 96)])
    #expect(twice.critical(.globalMinimum) == .value((1 - 40.0 / 45) * 0.3 + 40.0 / 45 * 0.5))
    #expect(twice.critical(.contiguousFromFull) == .value((1 - 10.0 / 16) * 0.7 + 10.0 / 16 * 0.9))
    // Good, bad, good; and good, bad.
    let dip = Self.curve([(0.25, 95), (0.5, 80), (0.75, 100)])
    #expect(dip.critical(.globalMinimum) == .below(0.25) && dip.critical(.contiguousFromFull) == .value(0.625))
    let fall = Self.curve([(0.25, 95), (0.5, 80)])
    #expect(fall.critical(.globalMinimum) == .below(0.25) && fall.critical(.contiguousFromFull) == .above(0.5))
  }

  @Test func `of configurations with one footprint the best counts, and those that save nothing do not`() {
    let points = [(0.5, 20.0), (0.5, 90), (0.25, 10), (1, 50)]
    for reading in FootprintCurve.Reading.allCases {
      #expect(Self.curve(points).critical(reading) == .value(0.5))
      #expect(Self.curve([(1, 50)]).critical(reading) == .value(1))
      #expect(Self.curve([]).critical(reading) == .value(1))
    }
  }

  @Test func `a curve of a model that holds less by itself ends there`() {
    let points = [FootprintCurve.Point(footprint: 0.1, score: 80), .init(footprint: 0.3, score: 99)]
    let curve = FootprintCurve(points, fullScore: 100, fullFootprint: 0.2)
    for reading in FootprintCurve.Reading.allCases {
      #expect(curve.critical(reading) == .above(0.1))
      #expect(curve.critical(fraction: 0.8, reading) == .below(0.1))
      #expect(FootprintCurve([], fullScore: 100, fullFootprint: 0.2).critical(reading) == .value(0.2))
    }
  }

  /// Scores between 0 and 3 as a share of the best one.
  @Test func `the threshold is a share of the full score`() {
    let curve = Self.curve([(0.25, 1), (0.75, 2)], full: 2)
    #expect(curve.critical(fraction: 0.75, .globalMinimum) == .value(0.5))
    #expect(curve.critical(fraction: 0.5, .globalMinimum) == .below(0.25))
    #expect(curve.critical(fraction: 1, .globalMinimum) == .value(0.75))
  }
}
