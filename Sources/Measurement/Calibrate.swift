import Architectures
import CKernels
import Foundation
import GSL
import Hardware
import Quantities
import Reference
import Tensors

/// A measured profile with everything it was fitted to.
public struct Calibration: Sendable {
  public var profile: HardwareProfile
  public var samples: [CalibrationSample]
  public var reads: [BandwidthSample]
}

/// Measures this machine: reads, products, attention, norms and the cost of a step, each as the reference runs it, and
/// fits the profile `this-machine` to the medians.
/// - Parameters:
///   - threads: of the kernels.
///   - isQuick: fewer sizes and repetitions, some seconds instead of about twenty.
///   - progress: told the share that is done, from 0 to 1.
/// - Throws: `GSLError` where the timings determine no profile.
public func calibrate(
  threads: Int, isQuick: Bool = false, seed: UInt64 = 1, progress: (Double) -> Void = { _ in }
) throws -> Calibration {
  let running = setKernelThreads(threads)
  let plan = isQuick ? CalibrationPlan.quick() : CalibrationPlan.full()
  let reads = plan.bandwidthSamples()
  let samples = plan.operationSamples(seed: seed, progress: progress)
  var profile = emptyProfile(threads: running)
  let fit = try CalibrationFit(profile, samples, reads)
  profile = fit.profile
  profile.stepOverhead = stepOverhead(isQuick: isQuick, seed: seed)
  profile.calibration = fit.summary(threads: running)
  return Calibration(profile: profile, samples: samples, reads: reads)
}

/// What the operating system says of the machine; rates are placeholders until they are fitted.
private func emptyProfile(threads: Int) -> HardwareProfile {
  let system = SystemDescription()
  let instructions = String(cString: ck_instruction_set())
  return HardwareProfile(
    name: "this-machine",
    description: "\(system.processor), \(system.cores) cores, \(instructions), \(threads) threads",
    source: "photon calibrate", peaks: PeakRates([(.fp32, Rate(1))]), elementwise: Rate(1), memoryBandwidth: Rate(1),
    caches: system.caches(threads: threads).map { CacheLevel(bytes: $0, bandwidth: Rate(1)) },
    memoryBytes: system.memoryBytes, fewRows: fewRowLimit)
}

/// The most rows for which the kernel streams weights instead of packing rows.
private let fewRowLimit = 24

/// What a decode step costs besides its operations: choosing the tokens and keeping the books of a session.
///
/// The smallest vanilla model with a usual vocabulary takes steps; the same operations, run alone, are taken off.
private func stepOverhead(isQuick: Bool, seed: UInt64) -> Seconds {
  let logits = [Float](repeating: 0.5, count: 8192)
  let times = Repetitions(fewest: 5, most: isQuick ? 50 : 500, budget: 0.1).run {
    seconds { logits.withUnsafeBufferPointer { _ = greedy($0, 0, 0) } }
  }
  return Seconds(Statistics.median(times))
}
