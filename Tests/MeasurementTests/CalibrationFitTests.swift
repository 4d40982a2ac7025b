import Architectures
import Hardware
import Quantities
import Testing

@testable import Measurement

/// A machine whose every figure is known.
private let truth = HardwareProfile(
  name: "this-machine", peaks: PeakRates([(.fp32, Rate(200e9))]), elementwise: Rate(50e9), memoryBandwidth: Rate(40e9),
  caches: [CacheLevel(bytes: 24e6, bandwidth: Rate(110e9))], displacement: Rate(4e9), memoryBytes: 1 << 34, fewRows: 24,
  efficiency: efficiencies)

private var efficiencies: PerOperationClass<Efficiency> {
  var all = PerOperationClass<Efficiency>(repeating: .ideal)
  all.matrixProduct = Efficiency(
    compute: .init(limit: 0.9, halfSize: 8), bandwidth: 0.6, overlap: 0.6, overhead: Seconds(8e-6))
  all.fewRowProduct = Efficiency(
    compute: .init(limit: 0.8, halfSize: 0.5), bandwidth: 0.8, overlap: 0.9, memoryOverlap: 0.5,
    overhead: Seconds(1e-6))
  all.oneRowProduct = Efficiency(compute: .init(limit: 0.3), elementwise: 0.8, overhead: Seconds(1e-6))
  all.attentionPrefill = Efficiency(
    compute: .init(limit: 0.8, halfSize: 30), bandwidth: 0.6, overlap: 0.5, overhead: Seconds(5e-7))
  all.attentionDecode = Efficiency(
    compute: .init(limit: 0.5, halfSize: 20), bandwidth: 0.8, memoryOverlap: 0.6, overhead: Seconds(1e-6),
    rowOverhead: Seconds(1.5e-7), memoryRowOverhead: Seconds(4e-7))
  all.elementwise = Efficiency(bandwidth: 0.9, overhead: Seconds(5e-8))
  return all
}

/// The samples that a perfect stopwatch would take on that machine.
private func samples(_ disturb: (Int) -> Double = { _ in 1 }) -> [CalibrationSample] {
  var samples: [CalibrationSample] = []
  func add(
    _ kind: CalibrationSample.Kind, rows: Int, flops: Double, elementwise: Double, unit: Double, bytes: Double,
    _ set: Double, queryRows: Double = 0
  ) {
    var sample = CalibrationSample(
      kind: kind, operation: "\(kind) \(rows)", rows: rows, matmulFlops: flops, elementwiseFlops: elementwise,
      unitFlops: unit, queryRows: queryRows, bytes: bytes, workingSet: set, seconds: 0)
    // What others displace depends on the time, which it makes longer by less and less.
    for _ in 0..<100 { sample.seconds = sample.predicted(on: truth).value }
    sample.seconds *= disturb(samples.count)
    samples.append(sample)
  }
  for set in [1e6, 8e6, 30e6, 120e6] {
    for rows in [1, 2, 4, 8, 16, 32, 64, 128, 512, 1024] {
      for (inputs, outputs) in [(128.0, 384.0), (640, 1792)] {
        let r = Double(rows)
        add(
          .product, rows: rows, flops: 2 * r * inputs * outputs, elementwise: 5 * r * outputs,
          unit: 2 * inputs * outputs,
          bytes: 4 * (inputs * outputs + r * (inputs + outputs)), set)
      }
    }
    for keys in [4.0, 64, 512, 2048] {
      for groups in [1, 4, 16] {
        let g = Double(groups)
        add(
          .attentionDecode, rows: groups, flops: 2560 * g * keys, elementwise: 60 * g * keys, unit: 2560 * g,
          bytes: 5120 * g * (1 + keys), set, queryRows: 5 * g)
        add(
          .attentionPrefill, rows: Int(keys) * groups, flops: 1280 * g * keys * (keys + 1),
          elementwise: 30 * g * keys * keys,
          unit: 2560 * g * keys, bytes: 10_240 * g * keys, set)
      }
    }
    for rows in [1, 16, 256, 4096] {
      add(
        .elementwise, rows: rows, flops: 0, elementwise: 2564 * Double(rows), unit: 0, bytes: 5120 * Double(rows), set)
    }
  }
  return samples
}

private let reads = (0...10).map { index in
  let bytes = 262_144 << index
  // Plain reads inside a cache are faster than any kernel that computes.
  let rate = Double(bytes) < 24e6 ? 190e9 : truth.bandwidth(workingSet: Double(bytes)).perSecond
  return BandwidthSample(bytes: bytes, rate: Rate(rate))
}

private let rested = [0, 2e-4, 1e-3, 3e-3, 1e-2].map { rest in
  var sample = BandwidthSample(bytes: 4 << 20, rest: rest, rate: Rate(190e9))
  for _ in 0..<100 {
    let touched = Double(sample.bytes) + truth.displacement.perSecond * sample.interval
    let share = truth.cachedShare(workingSet: touched)
    sample.rate = Rate(1 / (share / 190e9 + (1 - share) / 40e9))
  }
  return sample
}

private func fit(_ samples: [CalibrationSample]) throws -> CalibrationFit {
  let start = HardwareProfile(
    name: "this-machine", peaks: PeakRates([(.fp32, Rate(1))]), elementwise: Rate(1), memoryBandwidth: Rate(1),
    caches: [CacheLevel(bytes: 0x1p25, bandwidth: Rate(1))], memoryBytes: 1 << 34, fewRows: 24)
  return try CalibrationFit(start, samples, reads, rested)
}

@Suite struct CalibrationFitTests {
  // The weak pull towards the starting values (0.02 per unit in a sum over some hundred deviations) moves a prediction
  // by about its square root's share: a few percent where few samples tell a parameter.
  @Test func `exact timings are reproduced`() throws {
    let samples = samples()
    let fit = try fit(samples)
    let errors = samples.map { abs($0.predicted(on: fit.profile).value / $0.seconds - 1) }
    #expect(errors.reduce(0, +) / Double(errors.count) < 0.03)
    let summary = fit.summary(threads: 2)
    #expect(summary.rows == samples.count)
    #expect(summary.parameters == 35)
    #expect(abs(summary.meanAbsolutePercentageError - 100 * errors.reduce(0, +) / Double(errors.count)) < 1e-9)
  }

  @Test func `an outlier in fifty does not move the fit`() throws {
    let clean = samples()
    let disturbed = try fit(samples { $0 % 50 == 7 ? 10 : 1 })
    let errors = clean.map { abs($0.predicted(on: disturbed.profile).value / $0.seconds - 1) }
    #expect(errors.sorted()[errors.count / 2] < 0.03)
  }

  @Test func `memory and cache are told apart`() throws {
    let profile = try fit(samples()).profile
    #expect(abs(profile.memoryBandwidth.perSecond / 40e9 - 1) < 0.1)
    #expect(profile.caches[0].bandwidth.perSecond > 2 * profile.memoryBandwidth.perSecond)
    #expect(abs(profile.caches[0].bytes / 24e6 - 1) < 0.25)
    #expect(abs(profile.displacement.perSecond / 4e9 - 1) < 0.25)
  }

  @Test func `a real calibration is a profile of this machine`() throws {
    let layer = LayerShape(width: 32, heads: 2, feedForward: 64)
    let stack = CalibrationPlan.StackRun(
      shape: layer, layers: 2, decode: [(1, 4), (4, 16)], windows: [(4, 2, 0)], prefill: [(1, 32), (2, 128)])
    let plan = CalibrationPlan(
      stacks: [stack], readBytes: [262_144, 1 << 22], heads: [(1, 32, 256)], normRows: [1, 64],
      repetitions: Repetitions(fewest: 2, most: 2, budget: 0.01))
    let calibrator = Calibrator(plan, threads: 1, seed: 1)
    calibrator.round()
    let calibration = try calibrator.calibration()
    #expect(calibration.profile.name == "this-machine")
    #expect(calibration.profile.calibration?.threads == 1)
    #expect(calibration.samples.allSatisfy { $0.seconds > 0 && $0.predicted(on: calibration.profile).value > 0 })
    #expect((calibration.reads + calibration.rested).allSatisfy { $0.rate.perSecond > 0 })
  }
}
