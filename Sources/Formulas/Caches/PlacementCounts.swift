import Architectures

/// What memory entries take where they lie.
protocol PlacementCounts: Sendable {
  /// Entries for which a head's memory on the device has room once it holds so many.
  func allocated(for held: Int) -> Int
  /// The same while a pass brings some beside those that it finds.
  func allocated(finding found: Int, bringing rows: Int) -> Int
  /// Of so many entries that are held between passes those in the memory of the host.
  func atHost(of held: Int) -> Int
  /// Numbers of held entries at which that stops growing evenly.
  var bend: Int? { get }
}

extension PlacementCounts {
  func allocated(finding found: Int, bringing rows: Int) -> Int { allocated(for: found + rows) }
  func atHost(of _: Int) -> Int { 0 }
  var bend: Int? { nil }
}

extension Placement {
  /// The counts of each placement.
  var counts: any PlacementCounts {
    switch self {
    case .contiguous: Contiguous()
    case .host(let plan): AtHost(newest: plan.onDevice)
    }
  }
}

/// Room for what is held.
struct Contiguous: PlacementCounts {
  func allocated(for held: Int) -> Int { held }
}

/// All but the newest in the memory of the host. What a pass finds there crosses as attention reads it and has no room of
/// its own; what it brings is on the device until it is over.
struct AtHost: PlacementCounts {
  let newest: Int

  func allocated(for held: Int) -> Int { min(held, newest) }
  func allocated(finding found: Int, bringing rows: Int) -> Int { min(found, newest) + rows }
  func atHost(of held: Int) -> Int { max(held - newest, 0) }
  var bend: Int? { newest }
}
