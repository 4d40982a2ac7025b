import Architectures
import Quantities

/// Where the entries of a key–value head lie: a conformance for each method, in a file of its own.
package protocol Placing: Sendable {
  /// Entries for which memory of the device is taken while so many lie there.
  func allocated(for held: Int) -> Int
  /// Held entries, in order of position, that lie in the host's memory once a pass is over, and cross the link when the
  /// next one reads them.
  func atHost(of held: Int) -> Range<Int>
}

/// One behind another in the memory of the device, and nothing between them.
struct Contiguous: Placing {
  func allocated(for held: Int) -> Int { held }
  func atHost(of held: Int) -> Range<Int> { 0..<0 }
}

/// In the memory of the host, but for the newest.
struct NewestOnDevice: Placing {
  let newest: Int

  func allocated(for held: Int) -> Int { held }
  func atHost(of held: Int) -> Range<Int> { 0..<max(held - newest, 0) }
}

/// The method of a plan.
func placing(_ placement: Placement) -> any Placing {
  switch placement {
  case .contiguous: Contiguous()
  case .host(let plan): NewestOnDevice(newest: plan.onDevice)
  }
}

extension KeyValueCache {
  /// Sends what a pass has made too old to the host, once it is over.
  /// - Parameter sent: is told of each run of heads that sends some, and how many of each head.
  func sendAway(sent: (_ run: CacheRun, _ entries: Int) -> Void) {
    for (index, run) in runs.enumerated() {
      let away = run.methods.placing.atHost(of: ownHeld(run: index)).count
      let count = away - ownAtHost(run: index)
      setOwnAtHost(away, run: index)
      if count > 0 { sent(run, count) }
    }
    checkInvariants()
  }

  /// What of the own entries lies in the memory of the host, in their last form: the sum over layers and runs of heads.
  /// - Unit: bit, at the given element type
  public func bitsAtHost(in element: ElementType) -> Int128 {
    runs.indices.reduce(0) { sum, index in
      let (run, count) = (runs[index], ownAtHost(run: index))
      let traffic = run.traffic(formed: count, fresh: 0) ?? run.plainTraffic(count)
      return sum + Int128(groups) * traffic.bits(in: Int128(element.bits))
    }
  }
}
