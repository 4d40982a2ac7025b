import Architectures

/// Where the entries of a key–value head lie: a conformance for each method, in a file of its own.
package protocol Placing: Sendable {
  /// Entries for which memory of the device is taken while so many are held.
  func allocated(for held: Int) -> Int
  /// Held entries, in order of position, that lie in the host's memory and cross the link when a pass reads them.
  func atHost(of held: Int) -> Range<Int>
}

/// One behind another in the memory of the device, and nothing between them.
struct Contiguous: Placing {
  func allocated(for held: Int) -> Int { held }
  func atHost(of held: Int) -> Range<Int> { 0..<0 }
}

/// The method of a plan.
func placing(_ placement: Placement) -> any Placing {
  switch placement {
  case .contiguous: Contiguous()
  }
}
