import Architectures
import Formulas
import Hardware
import Quantities
import Reports
import Scenarios

/// A profile that a sweep prices points on. A class, so that a row refers to its profile instead of copying it.
package final class SweptMachine: Sendable {
  /// The profile at one precision.
  package let roofline: Roofline
  /// Its peaks, apart because the profile is large and who is handed it gets a copy.
  let peaks: PlainRoofline
  let name: String
  /// How many of it share a model.
  let devices: Int
  /// Nil where only totals of phases are priced.
  private let ranges: TimeRanges?

  /// - Throws: `HardwareError` where the profile lacks a rate.
  package init(_ profile: HardwareProfile, _ precision: Precision, estimates: Bool) throws(HardwareError) {
    (name, devices) = (profile.name, profile.devices)
    let roofline = try Roofline(profile, precision)
    self.roofline = roofline
    peaks = roofline.together
    ranges = estimates ? try TimeRanges(roofline, precision) : nil
  }

  /// What tokens cost at a throughput; nothing where nothing is generated.
  func cost(at throughput: Rate<Token>?) -> TokenCost {
    throughput.map { TokenCost(roofline.profile, at: $0) } ?? TokenCost()
  }

  /// Whether a batch fits into each device, and the largest that does.
  func room(for demand: MemoryDemand, batchSize: Int) -> (fits: Bool, largestBatch: Int?) {
    let largest = demand.largestBatch(on: roofline.profile)
    return (largest.map { batchSize <= $0 } ?? true, largest)
  }

  /// What `--estimates` adds to a row; nil without it.
  func estimates(of point: ScenarioPoint) -> SweptEstimates? {
    guard let ranges else { return nil }
    let phases = TimedPhases(point.question, roofline)
    return SweptEstimates(
      prefill: PhaseResult(phases.prefill.total, ranges.range(phases.dispatched.prefill, phases.prefill)),
      decode: PhaseResult(phases.decode.total, ranges.range(phases.dispatched.decode, phases.decode)),
      timeToFirstToken: phases.prefill.total.time + phases.emission.total.time,
      extrapolated: extrapolated(roofline.profile.calibration, point.question, phases.dispatched))
  }
}

/// Sums over the dispatched operations of a point.
struct SweptEstimates {
  let prefill: PhaseResult
  let decode: PhaseResult
  let timeToFirstToken: Seconds
  let extrapolated: [String]

  subscript(phase: Phase) -> PhaseResult { phase == .prefill ? prefill : decode }
}
