import Architectures
import Quantities

/// What a retention method makes of passes over a persistent cache. Eviction takes effect between passes: inside one,
/// rows attend each other as they always do.
protocol RetentionCounts: Sendable {
  /// Entries that a head holds once so many positions have passed.
  func held(after positions: Int) -> Int
  /// Positions at which `held` stops growing evenly, in ascending order: passes are told apart there.
  var bends: [Int] { get }
  /// What the method does behind a pass beside attention, in one head of one layer of one sequence.
  func upkeep(held: Int, appended: Int) -> UpkeepCounts
}

/// Work that a cache method adds to a pass, in one key–value head of one layer of one sequence.
struct UpkeepCounts: Hashable, Sendable {
  /// Entries that are copied inside the device's memory.
  var moved = 0
  /// Additions of attention mass.
  var scored = 0
  /// Entries that cross the link to the host.
  var transferred = 0
}

extension Retention {
  /// The counts of each method.
  var counts: any RetentionCounts {
    switch self {
    case .everything: KeepEverything()
    }
  }
}
