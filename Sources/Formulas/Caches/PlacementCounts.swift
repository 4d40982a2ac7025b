import Architectures

/// What memory entries take where they lie.
protocol PlacementCounts: Sendable {
  /// Entries for which a head's memory on the device has room once it holds so many.
  func allocated(for held: Int) -> Int
}

extension Placement {
  /// The counts of each placement.
  var counts: any PlacementCounts {
    switch self {
    case .contiguous: Contiguous()
    }
  }
}

/// Room for what is held.
struct Contiguous: PlacementCounts {
  func allocated(for held: Int) -> Int { held }
}
