import Architectures

/// Which entries of a key–value head stay once a pass is over: a conformance for each method, in a file of its own.
package protocol Retaining: Sendable {
  /// Whether it asks for the attention weights that every entry has gathered.
  var needsMass: Bool { get }

  /// Ranges of the held entries that stay, in ascending order; nil where all of them do.
  ///
  /// How many stay depends on the two numbers alone, so that it is the same for all groups and heads, and for shapes.
  /// - Parameters:
  ///   - held: entries of the head in order of position, those of the pass included.
  ///   - nextPosition: positions that came before the next pass, whether their entries are held or not.
  ///   - mass: for each held entry the sum of the weights that it has been given so far, over all queries that saw it and
  ///     the heads that share it; nil where nobody asked, and for shapes.
  func survivors(
    of held: Int, after nextPosition: Int, mass: UnsafeBufferPointer<Float>?
  ) -> [Range<Int>]?
}

/// The method of a plan; nil where everything stays.
func retaining(_ retention: Retention) -> (any Retaining)? {
  switch retention {
  case .everything: nil
  }
}
