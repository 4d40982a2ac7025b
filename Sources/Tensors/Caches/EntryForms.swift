import Architectures
import Quantities

/// What an entry of one key–value head consists of: a conformance for each method, in a file of its own.
package protocol EntryForming: Sendable {
  /// What an entry takes where the cache's elements are of this type.
  /// - Unit: bit
  func bits(headWidth: Int, in element: ElementType) -> Int
}

/// A rotated key and a value.
struct KeyAndValue: EntryForming {
  func bits(headWidth: Int, in element: ElementType) -> Int { 2 * headWidth * element.bits }
}

/// The method of a plan.
func forming(_ form: EntryForm) -> any EntryForming {
  switch form {
  case .keyAndValue: KeyAndValue()
  }
}
