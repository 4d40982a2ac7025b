import Architectures
import Hardware
import Quantities
import Scenarios

@testable import ServingRows

/// A machine of round numbers, large enough that nothing waits for memory.
func machine(memoryBytes: Int = 10_000_000_000_000) -> HardwareProfile {
  HardwareProfile(
    name: "round", peaks: PeakRates([(.bf16, Rate(1e15)), (.fp8, Rate(2e15))]), elementwise: Rate(5e13),
    memoryBandwidth: Rate(4e12), memoryBytes: memoryBytes)
}

let small = Model.vanilla(
  vocabulary: 32000,
  layer: LayerShape(width: 2048, heads: 16, keyValueHeads: 4, feedForward: 8192), layers: 24)

let large = Model.vanilla(
  vocabulary: 128_000,
  layer: LayerShape(width: 8192, heads: 64, keyValueHeads: 8, feedForward: 28672), layers: 80)

/// A machine that reaches these shares: what a fit has to find again.
func truth(_ base: HardwareProfile = machine()) -> HardwareProfile {
  var profile = base
  ServingCoefficient.weightBandwidth.set(0.71, in: &profile)
  ServingCoefficient.cacheBandwidth.set(0.52, in: &profile)
  ServingCoefficient.arithmetic.set(0.63, in: &profile)
  ServingCoefficient.overlap.set(0.4, in: &profile)
  return profile
}

/// Rows that a machine would measure if its profile were the whole truth.
func rows(
  _ model: Model, named name: String = "small", on profile: HardwareProfile, prompts: [(Int, Int)] = shapes,
  concurrencies: [Int] = [1, 4, 16, 64, 256], engine: String = "engine"
) throws -> [ServingPoint] {
  try prompts.flatMap { prompt, generated in
    try concurrencies.map { concurrency in
      var row = MeasuredRow(
        position: Position(file: "rows.csv", line: 1), identifier: "\(prompt)-\(generated)-\(concurrency)", model: name,
        hardware: "round", engine: engine, prompt: prompt, generated: generated, concurrency: concurrency)
      let served = try ServingCase(ServingPoint(row: row, model: model), memoryOf: profile)
      for metric in [MeasuredMetric.timePerOutputToken, .timeToFirstToken] {
        row.times[metric] = try served.predicted(metric, on: profile)
      }
      return ServingPoint(row: row, model: model)
    }
  }
}

let shapes = [(512, 512), (512, 4096), (4096, 512), (2048, 128)]
