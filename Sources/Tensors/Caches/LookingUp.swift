import Architectures

/// Which of the held entries the queries of a pass read: a conformance for each method, in a file of its own.
package protocol LookingUp: Sendable {
  /// Ranges of the entries held before the pass, in ascending order. What the pass appends, each query reads up to
  /// itself whatever is chosen.
  /// - Parameter held: entries of the head in order of position, those of a shared prompt included.
  func chosen(of held: Int) -> [Range<Int>]
}

/// The method of a plan; nil where everything is read.
func lookingUp(_ lookup: Lookup) -> (any LookingUp)? {
  switch lookup {
  case .everything: nil
  }
}
