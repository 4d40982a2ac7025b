import Architectures
import Hardware
import Quantities
import TestModels
import Testing

@testable import Formulas

/// NVIDIA H200 data sheet: 4.8 TB/s, 989 TFLOP/s dense bf16, 141 GB.
private let sheet = HardwareProfile(
  name: "h200", peaks: PeakRates([(.bf16, Rate(989e12))]), elementwise: Rate(67e12), memoryBandwidth: Rate(4.8e12),
  memoryBytes: 141_000_000_000)

/// The same with efficiencies and the residuals of a calibration.
private let calibrated: HardwareProfile = {
  var profile = sheet
  profile.efficiency = .init(
    repeating: Efficiency(compute: .init(limit: 0.7, halfSize: 8), bandwidth: 0.8, overhead: Seconds(2e-6)))
  profile.stepOverhead = Seconds(1e-4)
  profile.sequenceOverhead = Seconds(1e-6)
  profile.calibration = CalibrationSummary(
    rows: 40, parameters: 4, meanAbsolutePercentageError: 3,
    residuals: [(0.05, -0.1), (0.25, -0.03), (0.5, 0), (0.75, 0.02), (0.95, 0.2)].map {
      ResidualQuantile(probability: $0.0, value: $0.1)
    },
    ranges: [
      CalibratedRange(property: .prompt, lowest: 128, highest: 4096),
      CalibratedRange(property: .concurrency, lowest: 1, highest: 64),
      CalibratedRange(property: .context, lowest: 128, highest: 4096),
    ])
  return profile
}()

private let size = PublishedSize.all[0]
private let models = [size.vanilla, size.block, size.photon(), size.photon(.reconstruction, .recursive)]

@Suite struct TimeRangeTests {
  @Test func `a data sheet's expected time lies above its floor and inside its range`() throws {
    for model in models {
      let question = Question(model, Workload(promptLength: 256, generatedLength: 64, batchSize: 4), Precision())
      let point = try TimedPoint(question, on: sheet.expected)
      let atPeaks = try TimedPoint(question, on: sheet.expected.atPeaks)
      for phase in Phase.allCases {
        let (range, time) = (point.range(phase), point[phase].time)
        #expect(range.floor == atPeaks[phase].time && range.floor < time)
        let (low, high) = (try #require(range.low), try #require(range.high))
        #expect(range.floor <= low && low < time && time < high)
      }
    }
    #expect(sheet.expected.isTypical && !sheet.isTypical && calibrated.expected == calibrated)
  }

  @Test func `a calibrated time lies above its floor and between the quantiles of its residuals`() throws {
    for model in models {
      let workload = Workload(promptLength: 256, generatedLength: 64, batchSize: 4)
      let point = try TimedPoint(Question(model, workload, Precision()), on: calibrated)
      let plain = try TimedPoint(Question(model, workload, Precision()), on: sheet)
      for phase in Phase.allCases {
        let (range, time) = (point.range(phase), point[phase].time)
        #expect(range.floor == plain[phase].time && range.floor < time)
        #expect(range.low == (1 - 0.1) * time && range.high == (1 + 0.2) * time)
      }
    }
  }

  @Test func `a bound far from balance is sure and one at balance is open`() throws {
    let ranges = [sheet.expected, calibrated].map { profile in
      { (compute: Double, memory: Double) throws -> Double in
        let phase = DispatchedPhase(groups: [], steps: 0)
        let figure = TimeFigure(
          time: Seconds(max(compute, memory)), compute: Seconds(compute), memory: Seconds(memory), flops: 1, bytes: 1)
        let roofline = try Roofline(profile, Precision())
        return try #require(
          try TimeRanges(roofline, Precision()).range(phase, PhaseEstimate(total: figure, figures: []))
            .memoryProbability)
      }
    }
    for probability in ranges {
      #expect(try probability(1, 10) == 1)
      #expect(try probability(10, 1) == 0)
      #expect(try probability(0, 1) == 1)
      let steps = try [0.8, 0.9, 1, 1.1, 1.25].map { try probability(1, $0) }
      #expect(steps == steps.sorted() && steps.first! < steps.last!)
    }
    // Both factors of a calibration come from one distribution: at balance each is the larger one equally often, and
    // pairs of equal factors count for memory: 32 of each with itself, and twice 1 of the 2 beyond the outermost quantiles
    // (1/64 and 3/64 lie below 0.05, 61/64 and 63/64 above 0.95).
    #expect(try ranges[1](1, 1) == Double(32 * 31 / 2 + 32 + 2) / Double(32 * 32))
  }

  @Test func `efficiencies without residuals are taken as they are`() throws {
    var word = calibrated
    word.calibration = nil
    let point = try TimedPoint(
      Question(size.vanilla, Workload(promptLength: 256, generatedLength: 64), Precision()), on: word)
    #expect(point.decodeRange.memoryProbability == 1 && point.decodeRange.high == nil)
  }

  @Test func `the bottleneck has the largest share of causes and nodes`() throws {
    let point = try TimedPoint(
      Question(size.vanilla, Workload(promptLength: 64, generatedLength: 16), Precision()), on: sheet)
    let decode = try #require(point.decodeRange.bottleneck)
    // 16 layers: 4 · 1664² for projections against 3 · 1664 · 4096 in the feed-forward network.
    #expect(decode.cause == .weights && decode.node == Node(0, .decoder, .feedForward))
    #expect(decode.causeShare > 0.9 && decode.nodeShare > 0.5)
    let empty = try TimedPoint(
      Question(size.vanilla, Workload(promptLength: 64, generatedLength: 0), Precision()), on: sheet)
    #expect(empty.decodeRange.bottleneck == nil && empty.decodeRange.memoryProbability == nil)
  }

  @Test func `what a calibration did not cover is named`() throws {
    func marks(_ workload: Workload) throws -> [String] {
      try TimedPoint(Question(size.vanilla, workload, Precision()), on: calibrated).extrapolated
    }
    #expect(try marks(Workload(promptLength: 128, generatedLength: 64, batchSize: 64)).isEmpty)
    #expect(try marks(Workload(promptLength: 4096, generatedLength: 1)) == ["context"])
    #expect(try marks(Workload(promptLength: 64, generatedLength: 8)) == ["prompt", "context"])
    #expect(
      try marks(Workload(promptLength: 256, generatedLength: 8, batchSize: 33, continuations: 2)) == ["concurrency"])
  }

  @Test func `stretches of bounds agree with the bound at both of their ends`() throws {
    let workload = Workload(promptLength: 67, generatedLength: 64, batchSize: 2)
    let roofline = try Roofline(calibrated, Precision())
    var changes = 0
    for model in models {
      for phase in Phase.allCases {
        let bounds = BoundStretches(phase, Question(model, workload, Precision()), roofline)
        func check(_ stretches: [Stretch], _ change: (Int) -> Workload) {
          changes += stretches.count - 1
          for stretch in stretches {
            for value in [stretch.range.lowerBound, stretch.range.upperBound] {
              let figure = TimedPhases(Question(model, change(value), Precision()), roofline)[phase].total
              #expect((figure.bound == .compute) == stretch.isPositive)
            }
          }
        }
        check(bounds.overBatch) { workload.with(batchSize: $0) }
        check(bounds.overPrompt) { workload.with(promptLength: $0) }
        #expect(bounds.overPrompt.allSatisfy { ($0.range.lowerBound - 67) % model.metaContextLength == 0 })
      }
    }
    #expect(changes > 0)
  }
}
