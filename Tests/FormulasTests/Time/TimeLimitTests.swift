import Architectures
import Hardware
import Quantities
import TestModels
import Testing

@testable import Formulas

/// A profile whose numbers are all at the ends of what a file may hold.
private struct Extreme: CustomTestStringConvertible {
  var rate = 1e12
  var bandwidth = 1e12
  var overhead = 0.0
  var share = 1.0
  var overlap = 1.0
  var caches: [CacheLevel] = []

  var testDescription: String {
    "\(rate) FLOP/s, \(bandwidth) byte/s, \(overhead) s, share \(share), overlap \(overlap), \(caches.count) caches"
  }

  var profile: HardwareProfile {
    let efficiency = Efficiency(
      compute: SaturatingEfficiency(limit: share, halfSize: overhead), bandwidth: share, overlap: overlap,
      overhead: Seconds(overhead), rowOverhead: Seconds(overhead))
    return HardwareProfile(
      name: "extreme", peaks: PeakRates([(.bf16, Rate(rate))]), elementwise: Rate(rate),
      memoryBandwidth: Rate(bandwidth), caches: caches, displacement: Rate(rate), memoryBytes: 141_000_000_000,
      efficiency: .init(repeating: efficiency), stepOverhead: Seconds(overhead), sequenceOverhead: Seconds(overhead),
      pricePerHour: 0, deviceLink: Rate(bandwidth))
  }

  static let all: [Extreme] = {
    let ends = [.leastNonzeroMagnitude, 1e-300, 1e12, 1e308, .greatestFiniteMagnitude]
    var all = ends.flatMap { rate in ends.map { Extreme(rate: rate, bandwidth: $0) } }
    all +=
      ends.map { Extreme(overhead: $0) } + ends.map { Extreme(rate: $0, share: .leastNonzeroMagnitude, overlap: 0) }
    all += ends.map {
      Extreme(bandwidth: $0, overlap: 0.5, caches: [CacheLevel(bytes: 1e6, bandwidth: Rate(.leastNonzeroMagnitude))])
    }
    return all
  }()
}

struct TimeLimitTests {
  private static let size = PublishedSize.all[0]

  private func isTime(_ seconds: Double) -> Bool { seconds >= 0 }

  /// A time is at least none, and a NaN is not: sums, causes and ranges of times are never `∞ − ∞` or `0 · ∞`.
  @Test(arguments: Extreme.all)
  private func `a time is none, a number or infinite`(_ extreme: Extreme) throws {
    for model in [Self.size.vanilla, Self.size.photon()] {
      for devices in [1, 2] {
        let question = Question(model, Workload(promptLength: 130, generatedLength: 33), Precision())
        let profile = extreme.profile.sharing(devices)
        let point = try TimedPoint(question, on: profile)
        let roofline = try Roofline(profile, question.precision)
        let dispatched = DispatchedWorkload(question, devices: devices)
        for (phase, operations) in [(Phase.prefill, dispatched.prefill), (.decode, dispatched.decode)] {
          let (total, range, causes) = (point[phase], point.range(phase), roofline.causes(operations))
          let times =
            [total.time, total.compute, total.memory, total.overhead, total.communication, range.floor, causes.total]
            + [range.low, range.high].compactMap { $0 } + TimeCause.allCases.map { causes[$0] }
            + point.estimate(phase).nodes.map(\.figure.time) + [roofline.time(operations)]
          #expect(times.allSatisfy { isTime($0.value) })
          #expect(!total.margin.isNaN && !total.achieved.perSecond.isNaN)
          let shares = [range.memoryProbability, range.bottleneck?.causeShare, range.bottleneck?.nodeShare]
          #expect(shares.allSatisfy { $0.map { !$0.isNaN } ?? true })
          #expect(causes.total.isNumber == total.time.isNumber || total.time.value > 1e307)
        }
        let figures = point.figures
        let rates = [figures.throughput.perSecond, figures.throughputPerOccupiedGibibyte]
        #expect((rates + [figures.throughputPerSampleGibibyte ?? 0, point.cost.dollars ?? 0]).allSatisfy { $0 >= 0 })
      }
    }
  }

  /// Nothing of what takes infinitely long still takes no time.
  @Test func `work that there is none of takes no time at any rate`() throws {
    let profile = Extreme(rate: .leastNonzeroMagnitude).profile
    let rates = profile.rates(.elementwise, peak: profile.elementwise, workingSet: .infinity)
    #expect(rates.perMatmulFlop * 0 == 0 && rates.perElementwiseFlop * 0 == 0)
    let plain = try Roofline(profile, Precision()).plain(Work<Int128>())
    #expect(plain.time == .zero)
  }

  /// Searches over batches, prompts and continuations end, and their stretches still cover the range.
  @Test(arguments: [
    Extreme(rate: .leastNonzeroMagnitude), Extreme(bandwidth: 1e-300), Extreme(overhead: 1e300), Extreme(rate: 1e308),
  ])
  private func `a search over times that leave numbers ends`(_ extreme: Extreme) throws {
    let question = Question(Self.size.photon(), Workload(promptLength: 128, generatedLength: 8), Precision())
    let roofline = try Roofline(extreme.profile, question.precision)
    for phase in Phase.allCases {
      let bounds = BoundStretches(phase, question, roofline)
      #expect(bounds.overBatch.first?.range.lowerBound == 1)
      #expect(bounds.overBatch.last?.range.upperBound == SearchLimit.batch)
      #expect(batchFlips(phase, question, roofline).count <= 17)
    }
  }

  @Test func `times that leave numbers are not compared, and memory still is`() throws {
    let workload = Workload(promptLength: 128, generatedLength: 8)
    func side(_ model: Model) throws -> ComparedPoint {
      try ComparedPoint(Question(model, workload, Precision()), on: Extreme(bandwidth: 1e-308).profile)
    }
    let comparison = PointComparison(try side(Self.size.vanilla), try side(Self.size.photon()))
    #expect(comparison.leavesNumbers)
    #expect(comparison.waterfalls.map(\.figure) == ["memory_per_prompt_bytes"])
  }
}
