import Architectures
import Hardware
import Quantities
import Testing

@testable import Formulas

private func machine(memoryBytes: Int, reserve: Double = 0) -> HardwareProfile {
  HardwareProfile(
    name: "machine", peaks: PeakRates([(.bf16, Rate(1))]), elementwise: Rate(1), memoryBandwidth: Rate(1),
    memoryBytes: memoryBytes, reserve: reserve)
}

@Suite struct TimeDerivedTests {
  @Test func `the largest batch fits and one more does not`() {
    for memoryBytes in [100, 101, 113, 1000, 141_000_000_000] {
      for reserve in [0, 0.05, 0.5] {
        for demand in [
          MemoryDemand(weightBytes: 10, bytesPerSequence: 7, widestActivationBytes: 3),
          MemoryDemand(weightBytes: 0, bytesPerSequence: 1, widestActivationBytes: 0),
          MemoryDemand(weightBytes: 40, bytesPerSequence: 13, widestActivationBytes: 1),
        ] {
          let profile = machine(memoryBytes: memoryBytes, reserve: reserve)
          guard let batch = demand.largestBatch(on: profile) else {
            Issue.record("a sequence that needs memory has a largest batch")
            continue
          }
          #expect(batch == 0 || demand.fits(batchSize: Int128(batch), on: profile))
          #expect(!demand.fits(batchSize: Int128(batch) + 1, on: profile))
        }
      }
    }
  }

  @Test func `a model that does not fit has a largest batch of zero`() {
    let demand = MemoryDemand(weightBytes: 2000, bytesPerSequence: 1, widestActivationBytes: 0)
    #expect(demand.largestBatch(on: machine(memoryBytes: 1000)) == 0)
    let tight = MemoryDemand(weightBytes: 900, bytesPerSequence: 90, widestActivationBytes: 11)
    #expect(tight.largestBatch(on: machine(memoryBytes: 1000)) == 0)
    #expect(tight.largestBatch(on: machine(memoryBytes: 1001)) == 1)
  }

  @Test func `sequences without memory have no largest batch`() {
    let demand = MemoryDemand(weightBytes: 1, bytesPerSequence: 0, widestActivationBytes: 0)
    #expect(demand.largestBatch(on: machine(memoryBytes: 1000)) == nil)
  }

  @Test func `rates and latencies follow from both phase times`() {
    let figures = ServingFigures(
      workload: Workload(promptLength: 5, generatedLength: 8, batchSize: 3, continuations: 2), prefill: Seconds(2),
      decode: Seconds(4), emission: Seconds(0.25),
      memory: MemoryDemand(weightBytes: 1 << 30, bytesPerSequence: 1 << 29, widestActivationBytes: 1 << 29))
    #expect(figures.timeToFirstToken == Seconds(2.25))
    #expect(figures.timePerOutputToken == Seconds(0.5))
    #expect(figures.throughput == Rate(8))
    #expect(figures.throughputPerSampleGibibyte == 16)
    // 1 GiB of weights, 3 · ½ of caches and ½ of activations.
    #expect(figures.throughputPerOccupiedGibibyte == 8.0 / 3)
  }

  @Test func `nothing generated has no time per token and no throughput`() {
    let figures = ServingFigures(
      workload: Workload(promptLength: 0, generatedLength: 0), prefill: .zero, decode: .zero, emission: .zero,
      memory: MemoryDemand(weightBytes: 1, bytesPerSequence: 0, widestActivationBytes: 0))
    #expect(figures.timePerOutputToken == nil)
    #expect(figures.throughput == Rate(0))
    #expect(figures.throughputPerSampleGibibyte == nil)
  }

  /// log(2^e)/log 2 rounds once in each logarithm and once in the quotient.
  @Test(arguments: [-1.0, 0, 0.5, 1, 2]) func `the elasticity of a power is its exponent`(exponent: Double) {
    var time = 1.0
    for _ in 0..<Int(2 * abs(exponent)) { time *= exponent < 0 ? 0.5.squareRoot() : 2.0.squareRoot() }
    let found = elasticity(from: (16, Seconds(3)), to: (32, Seconds(3 * time)))
    #expect(abs(found - exponent) <= 8 * Double.ulpOfOne)
  }

  @Test func `the elasticity over one doubling of a fixed cost and a proportional one lies between`() {
    #expect(elasticity(doubling: 4) { Seconds(Double($0)) } == 1)
    #expect(elasticity(doubling: 4) { _ in Seconds(5) } == 0)
    let both = elasticity(doubling: 4) { Seconds(4 + Double($0)) }
    #expect(both > 0 && both < 1)
  }
}

@Suite struct TimeCrossingsTests {
  @Test func `a crossing is bracketed by direct evaluation`() {
    for offset in 1...200 {
      let difference = { (x: Int) in Double(2 * x - offset) }
      let found = crossings(in: 1...1000, of: difference)
      #expect(found.count == (offset >= 2 ? 1 : 0))
      for crossing in found {
        #expect(difference(crossing.integer) > 0)
        #expect(difference(crossing.integer - 1) <= 0)
        #expect(crossing.rises)
        #expect(abs(crossing.root - Double(offset) / 2) <= 1e-12 * Double(offset))
      }
    }
  }

  @Test func `a function that keeps its sign has no crossing`() {
    #expect(crossings(in: 1...(1 << 40)) { _ in 1 }.isEmpty)
    #expect(crossings(in: 1...(1 << 40)) { _ in 0 }.isEmpty)
    #expect(crossings(in: 5...5) { Double($0 - 5) }.isEmpty)
  }

  @Test func `several crossings are found in order with their directions`() {
    let found = crossings(in: 1...4096) { Double(($0 - 10) * ($0 - 100) * ($0 - 1000)) }
    #expect(found.map(\.integer) == [11, 100, 1001])
    #expect(found.map(\.rises) == [true, false, true])
  }

  @Test func `steps of floors are crossed at the exact integer`() {
    let found = crossings(in: 1...100_000) { Double($0 / 16) - 777.5 }
    #expect(found.map(\.integer) == [778 * 16])
  }

  @Test func `a closed form is evaluated a logarithmic number of times`() {
    var calls = 0
    let found = crossings(in: 1...(1 << 40)) { x in
      calls += 1
      return Double(x) - 123_456_789_012.5
    }
    #expect(found.map(\.integer) == [123_456_789_013])
    #expect(calls <= 81)
  }

  @Test func `a bound flips where compute overtakes memory`() {
    // Weights are read once per step, arithmetic grows with the batch: memory 100 + b, compute 3 b.
    let flips = boundFlips(in: 1...1024) { batch in
      TimeFigure(compute: Seconds(3 * Double(batch)), memory: Seconds(100 + Double(batch)))
    }
    #expect(flips.map(\.integer) == [51])
    #expect(flips[0].root == 50)
    #expect(flips[0].rises)
  }

  @Test func `one model overtakes another at the first value where it is faster`() {
    let flat = { (_: Int) in Seconds(10.0) }
    let growing = { (context: Int) in Seconds(1 + Double(context)) }
    #expect(overtakes(in: 1...100, flat, growing) == 10)
    #expect(overtakes(in: 1...100, growing, flat) == 1)
    #expect(overtakes(in: 20...100, flat, growing) == 20)
    #expect(overtakes(in: 1...8, flat, growing) == nil)
  }
}
