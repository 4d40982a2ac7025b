import Architectures

/// How many of the stored entries a query reads.
protocol LookupCounts: Sendable {
  /// Entries of those held before a pass that each of its rows reads.
  func read(of held: Int) -> Int
  /// Numbers of held entries at which `read` stops growing evenly.
  var bends: [Int] { get }
}

extension Lookup {
  /// The counts of each method.
  var counts: any LookupCounts {
    switch self {
    case .everything: ReadEverything()
    }
  }
}

/// Every entry is read.
struct ReadEverything: LookupCounts {
  func read(of held: Int) -> Int { held }
  var bends: [Int] { [] }
}
