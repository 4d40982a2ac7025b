/// At least one element in order. A single one, the usual case, is held without an allocation.
@frozen
public struct Runs<Element> {
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
  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { 1 &+ others.count }
  @inlinable public subscript(index: Int) -> Element { index == 0 ? first : others[index &- 1] }
}

extension Runs: Equatable where Element: Equatable {}
extension Runs: Hashable where Element: Hashable {}
extension Runs: Sendable where Element: Sendable {}
