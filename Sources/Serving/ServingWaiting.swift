import Formulas
import GSL
import Hardware
import Quantities

/// The profile with the memory that waiting requests reveal.
///
/// Where more requests are in flight than the memory holds, one of N spends n/N of its life in a slot: n = N · busy /
/// (busy + time to first token), busy = G · time per output token (Little's law). n requests, the weights and an
/// activation are then what the engine really uses, whatever the data sheet and a reserve say. Rows count where the
/// profile expects that the requests nearly fill the memory and more than a tenth of a request's life is waiting; their
/// median holds if it is within 0.5 to 1.2 of the profile's memory.
func withFittedMemory(_ points: [ServingPoint], _ base: HardwareProfile) throws -> HardwareProfile {
  let used = try points.compactMap { try usedBytes($0, base) }
  guard !used.isEmpty else { return base }
  let usable = Statistics.median(used)
  guard (0.5...1.2).contains(usable / Double(base.memoryBytes)) else { return base }
  var profile = base
  profile.memoryBytes = max(base.memoryBytes, Int(usable.rounded(.up)))
  profile.reserve = max(0, 1 - usable / Double(profile.memoryBytes))
  return profile
}

private func usedBytes(_ point: ServingPoint, _ base: HardwareProfile) throws -> Double? {
  let row = point.row
  guard let generated = row.generated, let token = row.times[.timePerOutputToken],
    let first = row.times[.timeToFirstToken]
  else { return nil }
  let busy = Double(generated) * token
  let demand = try Admission(engine: row.engine).demand(point)
  let isNearlyFull = Double(demand.occupiedBytes(batchSize: Int128(row.concurrency))) > 0.9 * base.usableBytes
  guard isNearlyFull, first > 0.1 * (busy + first), demand.fits(batchSize: 1, on: base) else { return nil }
  let active = Double(row.concurrency) * busy / (busy + first)
  return Double(demand.weightBytes + demand.widestActivationBytes) + active * Double(demand.bytesPerSequence)
}

/// Fits what first tokens wait for besides prefill, relative to the measured times and robustly: engines differ most in
/// this, and a warm-up that was counted must not decide. Rows whose requests wait for memory are left out, because what
/// they wait for is predicted from the decode time. Nil with fewer than three rows.
func fittedDelay(_ cases: [ServingCase], on profile: HardwareProfile) throws -> FirstTokenDelay? {
  var design: [[Double]] = []
  var observed: [Double] = []
  for served in cases where served.waitingPerActive == 0 {
    guard let measured = served.point.row.times[.timeToFirstToken], !served.firstToken.isEmpty else { continue }
    let roofline = try Roofline(profile, served.point.precision)
    let prefill = served.seconds([served.firstToken[0]], roofline)
    design.append([Double(served.active) * prefill / measured, 1 / measured])
    observed.append(1 - served.seconds(served.firstToken, roofline) / measured)
  }
  guard observed.count > 2 else { return nil }
  // Rows of one concurrency and prompt do not tell both apart, and weights may fail to settle: then it is one number.
  let fit = (try? robustFit(design: design, observations: observed)).map(\.coefficients)
  if let fit, fit[0] >= 0, fit[1] >= 0 { return FirstTokenDelay(waitingShare: fit[0], overhead: Seconds(fit[1])) }
  let shares = zip(observed, design).map { max(0, $0 / $1[0]) }
  return FirstTokenDelay(waitingShare: Statistics.median(shares))
}
