import Formulas
import Foundation
import GSL
import Hardware
import Quantities

/// The profile with the memory and the admission that waiting requests reveal.
///
/// Where more requests are in flight than the memory holds, one of N spends n/N of its life in a slot: n = N · busy /
/// (busy + time to first token), busy = G · time per output token (Little's law). n requests, the weights and an
/// activation are then what the engine really uses, whatever the data sheet and a reserve say. Rows count where the
/// profile expects that the requests nearly fill the memory and more than a tenth of a request's life is waiting; their
/// median holds if it is within 0.5 to 1.2 of the profile's memory. The engine's usual admission holds unless the other
/// one predicts the waiting of the rows that nearly fill the memory with less than half of its error.
/// - Throws: `CountOverflow`
func withFittedMemory(_ cases: [ServingCase], _ base: HardwareProfile) throws -> HardwareProfile {
  let full = try cases.compactMap { try FullPoint($0, base) }
  // Several machines have several memories.
  guard !full.isEmpty, cases.allSatisfy({ $0.point.machine == nil }) else { return base }
  var best = (profile: base, error: Double.infinity)
  let usual = full[0].point.admission(on: base)
  for admission in [usual, usual == .whole ? .held : .whole] {
    let used = try full.compactMap { try $0.usedBytes(admission, base) }
    var profile = base
    profile.serving = base.serving ?? ServingBehaviour()
    profile.serving?.admission = admission
    if !used.isEmpty, WaitingLimit.plausibleMemory.contains(Statistics.median(used) / Double(base.memoryBytes)) {
      let usable = Statistics.median(used)
      profile.memoryBytes = max(base.memoryBytes, Int(usable.rounded(.up)))
      profile.reserve = usable < Double(base.memoryBytes) ? 1 - usable / Double(base.memoryBytes) : 0
    }
    let error = full.reduce(0) { $0 + $1.error(on: profile) }
    if error < WaitingLimit.clearlyBetter * best.error { best = (profile, error) }
  }
  return best.profile
}

/// When rows are believed to tell about memory. All of these are chosen, not measured.
private enum WaitingLimit {
  /// Fitted memory as a share of the profile's: wide enough for any reserve and for a data sheet that rounds; what lies
  /// outside speaks of another machine or another unit.
  static let plausibleMemory = 0.5...1.2
  /// Share of another admission's error below which it replaces the usual one.
  static let clearlyBetter = 0.5
  /// Share of the usable memory from which on requests could have had to wait, as far as the profile knows it.
  static let nearlyFull = 0.9
  /// Share of a request's life that waiting must exceed; less may be the prefills of others.
  static let leastWaiting = 0.1
  /// The busy time over what is added to waits before they are compared: waits below a fiftieth of it count as none.
  static let floorDivisor = 50.0
}

/// A row whose requests could nearly fill the memory.
private struct FullPoint {
  let served: ServingCase
  /// Time to first token.
  let first: Double
  /// Time of all tokens of one request.
  let busy: Double

  var point: ServingPoint { served.point }

  init?(_ served: ServingCase, _ base: HardwareProfile) throws {
    let (point, row) = (served.point, served.point.row)
    guard let generated = row.generated, let token = row.times[.timePerOutputToken],
      let first = row.times[.timeToFirstToken]
    else { return nil }
    let demand = try point.demand(.whole)
    let isNearlyFull =
      Double(demand.occupiedBytes(batchSize: Int128(row.concurrency))) > WaitingLimit.nearlyFull * base.usableBytes
    guard isNearlyFull, demand.fits(batchSize: 1, on: base) else { return nil }
    self.served = served
    self.first = first
    busy = Double(generated) * token
  }

  /// What the requests that run occupy; nil where hardly any request waits.
  func usedBytes(_ admission: Admission, _ base: HardwareProfile) throws -> Double? {
    guard first > WaitingLimit.leastWaiting * (busy + first) else { return nil }
    let demand = try point.demand(admission)
    let active = Double(point.row.concurrency) * busy / (busy + first)
    return Double(demand.weightBytes + demand.widestActivationBytes) + active * Double(demand.bytesPerSequence)
  }

  /// |log| of predicted over measured waiting; a small part of the busy time is added to both, so that short waits for
  /// prefills weigh little.
  func error(on profile: HardwareProfile) -> Double {
    let waiting = served.on(profile).waitingPerActive * busy
    let floor = busy / WaitingLimit.floorDivisor
    return abs(log((waiting + floor) / (first + floor)))
  }
}
