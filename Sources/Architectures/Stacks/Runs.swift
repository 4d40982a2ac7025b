/// At least one element in order. A single one, the usual case, is held without an allocation.
@frozen
public struct Runs<Element> {
  /// The one that is always there.
  public var first: Element
  /// Those behind the first.
  public var others: [Element]

  @inlinable
  public init(_ first: Element, _ others: [Element] = []) {
    self.first = first
    self.others = others
  }
}

extension Runs: RandomAccessCollection {
  /// That of `first`.
  @inlinable public var startIndex: Int { 0 }
  /// How many there are.
  @inlinable public var endIndex: Int { 1 &+ others.count }
  /// - Precondition: 0 ≤ index < `endIndex`.
  @inlinable public subscript(index: Int) -> Element { index == 0 ? first : others[index &- 1] }
}

extension Runs: Equatable where Element: Equatable {}
extension Runs: Hashable where Element: Hashable {}
extension Runs: Sendable where Element: Sendable {}
