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
  /// `this-machine`, with a summary of the fit.
  public var profile: HardwareProfile
  /// Timed operations, medians of the rounds.
  public var samples: [CalibrationSample]
  /// Plain reads of some working sets, medians of the rounds.
  public var reads: [BandwidthSample]
  /// Reads of a few MiB that rested, medians of the rounds.
  public var rested: [BandwidthSample]
}

/// Measures this machine in rounds: reads, products, attention, norms and the cost of a step, each as the reference runs
/// it, and fits the profile `this-machine` to the medians of the rounds.
///
/// Rounds may lie between other measurements: a machine that others share drifts within minutes, and what is predicted
/// must not be the machine of another moment.
public final class Calibrator {
  private let plan: CalibrationPlan
  private let seed: UInt64
  private let threads: Int
  private var readRounds: [[BandwidthSample]] = []
  private var restedRounds: [[BandwidthSample]] = []
  private var sampleRounds: [[CalibrationSample]] = []

  /// - Parameters:
  ///   - threads: of the kernels, for everything that runs from now on.
  ///   - isQuick: fewer sizes and repetitions.
  ///   - seed: of the numbers that operations run on.
  public convenience init(threads: Int, isQuick: Bool = false, seed: UInt64 = 1) {
    self.init(isQuick ? .quick() : .full(), threads: threads, seed: seed)
  }

  init(_ plan: CalibrationPlan, threads: Int, seed: UInt64) {
    self.plan = plan
    self.threads = setKernelThreads(threads)
    self.seed = seed
  }

  /// Times everything once more.
  /// - Parameter progress: told the share that is done, from 0 to 1.
  public func round(progress: (Double) -> Void = { _ in }) {
    readRounds.append(plan.bandwidthSamples())
    restedRounds.append(plan.restedSamples())
    sampleRounds.append(plan.operationSamples(seed: seed, progress: progress))
  }

  /// The profile that explains the rounds.
  /// - Throws: `GSLError` where the timings determine no profile.
  /// - Precondition: at least one round.
  public func calibration() throws -> Calibration {
    let samples = sampleRounds[0].indices.map { index in
      var sample = sampleRounds[0][index]
      sample.seconds = Statistics.median(sampleRounds.map { $0[index].seconds })
      return sample
    }
    func medians(_ rounds: [[BandwidthSample]]) -> [BandwidthSample] {
      rounds[0].indices.map { index in
        var sample = rounds[0][index]
        sample.rate = Rate(Statistics.median(rounds.map { $0[index].rate.perSecond }))
        return sample
      }
    }
    let (reads, rested) = (medians(readRounds), medians(restedRounds))
    let fit = try CalibrationFit(emptyProfile(threads: threads), samples, reads, rested)
    var profile = fit.profile
    profile.stepOverhead = stepOverhead()
    profile.calibration = fit.summary(threads: threads)
    return Calibration(profile: profile, samples: samples, reads: reads, rested: rested)
  }
}

/// What the operating system says of the machine; rates are placeholders until they are fitted.
private func emptyProfile(threads: Int) -> HardwareProfile {
  let system = SystemDescription()
  return HardwareProfile(
    name: "this-machine",
    description: "\(SystemDescription.machine), \(threads) threads",
    source: "photon calibrate", peaks: PeakRates([(.fp32, Rate(1))]), elementwise: Rate(1), memoryBandwidth: Rate(1),
    caches: system.lastLevelCache.map { [CacheLevel(bytes: Double($0), bandwidth: Rate(1))] } ?? [],
    memoryBytes: system.memoryBytes, fewRows: Machine.streamedRows)
}

/// Entries of a usual small vocabulary, of which a token is chosen; the choice is linear in it.
private let usualVocabulary = 8192

/// What a decode step costs besides its operations: choosing a token among a usual vocabulary.
private func stepOverhead() -> Seconds {
  let logits = [Float](repeating: 0.5, count: usualVocabulary)
  // One choice takes microseconds: many repetitions cost nothing.
  let times = Repetitions(fewest: 5, most: 200, budget: 0.1).run {
    seconds { logits.withUnsafeBufferPointer { _ = greedy($0, 0, 0) } }
  }
  return Seconds(Statistics.median(times))
}
