import Architectures
import Formulas
import Hardware
import Quantities
import TestModels
import Testing

@testable import ServingRows

private let profile = HardwareProfile(
  name: "round", peaks: PeakRates([(.bf16, Rate(1e15))]), elementwise: Rate(5e13), memoryBandwidth: Rate(4e12),
  memoryBytes: 100_000_000_000)

private func close(_ left: Double, _ right: Double, _ tolerance: Double) -> Bool {
  (left - right).magnitude <= tolerance * max(left.magnitude, right.magnitude)
}

struct EngineFitTests {
  @Test func `a fit finds the engine that made its rows`() throws {
    let truth = Engine(
      name: "truth", launchOverhead: Seconds(8e-5), cacheTraffic: 11, scoreTraffic: 60, heldCaches: 2.7, heldScores: 6,
      holdsPromptLogits: true)
    let rows = try [PublishedSize.all[0].vanilla, PublishedSize.all[1].vanilla, PublishedSize.all[0].block].flatMap {
      model in
      try [(2048, 128), (128, 2048)].map { prompt, generated in
        let workload = Workload(promptLength: prompt, generatedLength: generated)
        let point = try ComparedPoint(Question(model, workload, Precision()), on: profile, engine: truth)
        return MeasuredServing(
          Question(model, workload, Precision()), on: profile, bytesPerSequence: Double(point.memory.bytesPerSequence),
          throughput: Rate(point.throughput(batch: point.batch)))
      }
    }
    let fit = try EngineFit(rows, from: .eager, name: "fitted")
    #expect(fit.rows == 6)
    #expect(close(fit.engine.heldCaches, 2.7, 1e-6) && close(fit.engine.heldScores, 6, 1e-6))
    #expect(close(fit.engine.launchOverhead.value, 8e-5, 1e-3))
    #expect(close(fit.engine.cacheTraffic, 11, 1e-3) && close(fit.engine.scoreTraffic, 60, 1e-3))
  }
}
