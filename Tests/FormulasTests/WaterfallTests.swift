import Architectures
import Hardware
import Quantities
import TestModels
import Testing

@testable import Formulas

private let machine = HardwareProfile(
  name: "round", peaks: PeakRates([(.bf16, Rate(1e15)), (.fp8, Rate(2e15))]), elementwise: Rate(5e13),
  memoryBandwidth: Rate(4e12), memoryBytes: 100_000_000_000)
private var tiny: HardwareProfile {
  var profile = machine
  profile.memoryBytes = 1000
  profile.memoryBandwidth = Rate(1e12)
  return profile
}

/// Points of every family, two machines, two engines and different workloads and element types.
private func points() throws -> [ComparedPoint] {
  let size = PublishedSize.all[0]
  let heavy = Workload(promptLength: 128, generatedLength: 2048)
  return [
    try ComparedPoint(Question(size.vanilla, heavy, Precision()), on: machine),
    try ComparedPoint(Question(size.vanilla, heavy, Precision()), on: machine, engine: .eager),
    try ComparedPoint(Question(size.block, Workload(promptLength: 2048, generatedLength: 128), Precision()), on: tiny),
    try ComparedPoint(
      Question(
        size.photon(.cascade, .recursive),
        Workload(promptLength: 99, generatedLength: 64, batchSize: 9, continuations: 3),
        Precision(weights: .fp8, activations: .fp8, cache: .fp8)), on: machine, engine: .eager),
  ]
}

@Suite struct WaterfallTests {
  @Test func `factors multiply back to the ratio`() throws {
    let points = try points()
    for first in points {
      for second in points {
        let waterfalls = PointComparison(first, second).waterfalls
        // Where one side does not fit there is neither throughput nor TPM.
        #expect(waterfalls.count == (first.fits && second.fits ? 4 : 2))
        for waterfall in waterfalls {
          #expect((waterfall.product / waterfall.ratio - 1).magnitude < 1e-12, "\(waterfall)")
          #expect(waterfall.steps.allSatisfy { $0.factor > 0 && $0.factor.isFinite })
        }
      }
    }
  }

  @Test func `a point compared with itself has no factor but one`() throws {
    for point in try points() {
      let steps = PointComparison(point, point).waterfalls.flatMap(\.steps)
      #expect(steps.allSatisfy { $0.factor == 1 })
    }
  }

  @Test func `exchanging both sides turns every factor of time and memory over`() throws {
    let points = try points()
    for first in points {
      for second in points {
        let (there, back) = (PointComparison(first, second), PointComparison(second, first))
        for (one, other) in [(there.time, back.time), (there.memory, back.memory)] {
          let (one, other) = (try #require(one), try #require(other))
          for (step, inverse) in zip(one.steps, other.steps) {
            #expect(step.name == inverse.name)
            #expect((step.factor * inverse.factor - 1).magnitude < 1e-12)
          }
        }
      }
    }
  }

  @Test func `figures are those of a timed point`() throws {
    let model = PublishedSize.all[0].photon()
    let workload = Workload(promptLength: 128, generatedLength: 2048, batchSize: 5)
    for engine in [Engine.ideal, .eager] {
      let timed = try TimedPoint(Question(model, workload, Precision()), on: machine, engine: engine)
      let point = try ComparedPoint(Question(model, workload, Precision()), on: machine, engine: engine)
      let comparison = PointComparison(point, point)
      func expect(_ value: Double?, _ expected: Double?) throws {
        #expect((try #require(value) / (try #require(expected)) - 1).magnitude < 1e-11)
      }
      #expect(point.batch == timed.largestBatch)
      try expect(comparison.time?.first, (timed.prefill.total.time + timed.decode.total.time).value)
      try expect(comparison.throughput?.first, timed.atLargestBatch?.throughput.perSecond)
      try expect(comparison.throughputPerGibibyte?.first, timed.atLargestBatch?.throughputPerSampleGibibyte)
      try expect(comparison.memory?.first, Double(timed.memory.bytesPerSequence))
    }
  }

  @Test func `without emitted tokens there is no throughput to compare`() throws {
    let workload = Workload(promptLength: 128, generatedLength: 0)
    let point = try ComparedPoint(Question(PublishedSize.all[0].vanilla, workload, Precision()), on: machine)
    #expect(PointComparison(point, point).waterfalls.map(\.figure) == ["time_s", "memory_per_prompt_bytes"])
  }

  @Test func `the logarithmic mean lies between its arguments and is exact where they meet`() {
    #expect(logarithmicMean(3, 3) == 3)
    // (e − 1) / ln e
    #expect((logarithmicMean(1, 2.718281828459045) - 1.718281828459045).magnitude < 1e-15)
    let nextToThree = logarithmicMean(3, 3.0.nextUp)
    #expect(nextToThree >= 3 && nextToThree <= 3.0.nextUp)
  }
}
