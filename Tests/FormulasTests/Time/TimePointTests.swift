import Architectures
import Hardware
import Quantities
import TestModels
import Testing

@testable import Formulas

/// NVIDIA H200 data sheet: 4.8 TB/s, 989 TFLOP/s dense bf16, 141 GB.
private let h200 = HardwareProfile(
  name: "h200", peaks: PeakRates([(.bf16, Rate(989e12))]), elementwise: Rate(67e12), memoryBandwidth: Rate(4.8e12),
  memoryBytes: 141_000_000_000)

private let size = PublishedSize.all[0]

@Suite struct TimePointTests {
  @Test func `weights alone bound a decode step from below and the first token costs the prefill and more`() throws {
    let point = try TimedPoint(
      Question(size.vanilla, Workload(promptLength: 128, generatedLength: 2048), Precision()), on: h200)
    let weights = Double(parameters(of: size.vanilla).total - Int128(32000 * 1664)) * 2 / 4.8e12
    #expect(point.decode.total.bound == .memory)
    #expect(try #require(point.figures.timePerOutputToken).value > weights)
    #expect(point.figures.timeToFirstToken > point.prefill.total.time)
    #expect(point.figures.timeToFirstToken.value < point.prefill.total.time.value + 2 * weights)
  }

  @Test func `the largest batch occupies less than the memory and one more sequence does not fit`() throws {
    for model in [size.vanilla, size.block, size.photon()] {
      let workload = Workload(promptLength: 2048, generatedLength: 128)
      let point = try TimedPoint(Question(model, workload, Precision()), on: h200)
      let batch = try #require(point.largestBatch)
      // Directly from the counts: weights, caches of the whole batch, the widest activation of one prompt.
      var pricer = Pricer()
      func occupied(_ batch: Int) throws -> Double {
        let cache = try pricer.price(Question(model, workload.with(batchSize: batch), Precision())).cache
        let widest = Int128(2048) / Int128(model.family == .vanilla ? 1 : 4) * (4096 + 2 * 1664) * 2
        return Double(
          parameters(of: model).memoryBits(Precision()) / 8 + cache.peakBytes + cache.localPeakBytes + widest)
      }
      #expect(try occupied(batch) <= 141e9 * 0.95)
      #expect(try occupied(batch + 1) > 141e9 * 0.95)
      #expect(point.atLargestBatch != nil)
    }
  }

  @Test func `without enough memory there is no figure at the largest batch`() throws {
    var small = h200
    small.memoryBytes = 1_000_000_000
    let point = try TimedPoint(
      Question(size.vanilla, Workload(promptLength: 2048, generatedLength: 128), Precision()), on: small)
    #expect(point.largestBatch == 0)
    #expect(point.atLargestBatch == nil)
  }

  @Test func `flips in batch are bracketed by direct evaluation`() throws {
    let roofline = try Roofline(h200, Precision())
    let workload = Workload(promptLength: 256, generatedLength: 64)
    var flipped = 0
    for model in [size.vanilla, size.block, size.photon(.reconstruction)] {
      for phase in Phase.allCases {
        for flip in batchFlips(phase, Question(model, workload, Precision()), roofline) {
          flipped += 1
          func bound(_ batch: Int) -> Bound {
            TimedPhases(Question(model, workload.with(batchSize: batch), Precision()), roofline)[phase].total.bound
          }
          #expect(bound(flip.integer) == (flip.rises ? .compute : .memory))
          #expect(bound(flip.integer - 1) == (flip.rises ? .memory : .compute))
        }
      }
    }
    #expect(flipped > 0)
  }

  @Test func `a data sheet never promises more time than its plain roofline and overheads only add`() throws {
    var pricer = Pricer()
    var slower = h200
    slower.efficiency = .init(
      repeating: Efficiency(compute: .init(limit: 0.7, halfSize: 8), bandwidth: 0.8, overhead: Seconds(2e-6)))
    slower.stepOverhead = Seconds(1e-4)
    for model in [size.vanilla, size.block, size.photon(), size.photon(.reconstruction, .recursive)] {
      for batch in [1, 8, 256] {
        let workload = Workload(promptLength: 130, generatedLength: 70, batchSize: batch)
        let totals = try pricer.price(Question(model, workload, Precision()))
        let roofline = try Roofline(h200, Precision())
        let ideal = TimedPhases(Question(model, workload, Precision()), roofline)
        let real = TimedPhases(Question(model, workload, Precision()), try Roofline(slower, Precision()))
        for phase in Phase.allCases {
          let plain = roofline.plain(totals[phase])
          #expect(plain.time.value <= ideal[phase].total.time.value * (1 + 1e-12))
          #expect(plain.bound == ideal[phase].total.bound)
          #expect(abs(plain.margin / ideal[phase].total.margin - 1) <= 1e-12)
          #expect(ideal[phase].total.time < real[phase].total.time)
        }
      }
    }
  }
}
