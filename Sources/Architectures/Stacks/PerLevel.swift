/// One value for each level of a hierarchy: subscripts are levels, from 1 up.
@frozen
public struct PerLevel<Element> {
  @usableFromInline var elements: [Element]

  @inlinable public init() { elements = [] }
}

extension PerLevel: RandomAccessCollection, MutableCollection, RangeReplaceableCollection, ExpressibleByArrayLiteral {
  /// The lowest level.
  @inlinable public var startIndex: Int { 1 }
  /// L + 1.
  @inlinable public var endIndex: Int { elements.count &+ 1 }

  /// - Precondition: 1 ≤ level ≤ L.
  @inlinable public subscript(level: Int) -> Element {
    get { elements[level &- 1] }
    _modify { yield &elements[level &- 1] }
  }

  /// Levels above those that are replaced move up or down.
  @inlinable public mutating func replaceSubrange(
    _ levels: Range<Int>, with newElements: some Collection<Element>
  ) {
    elements.replaceSubrange((levels.lowerBound - 1)..<(levels.upperBound - 1), with: newElements)
  }

  @inlinable public init(arrayLiteral elements: Element...) { self.elements = elements }
}

extension PerLevel: Equatable where Element: Equatable {}
extension PerLevel: Hashable where Element: Hashable {}
extension PerLevel: Sendable where Element: Sendable {}

/// A level as its neighbours see it. The properties of its shape are its own.
@dynamicMemberLookup
public struct Level: Hashable, Sendable {
  /// `l`, from 1 up.
  public let number: Int
  /// Lengths, layers and the dimensions of its encoder.
  public let shape: LevelShape
  /// The dimensions of level l − 1, with which its decoder runs.
  public let below: LayerShape
  /// `C_{≤l}`: tokens under one unit.
  public let span: Int
  /// Features of a unit of level l − 1 as its chunker reads it: `D_{l−1}`, at level 1 those of an encoder embedding row.
  public let inputWidth: Int
  /// Whether it is level L.
  public let isTop: Bool

  /// A property of the shape.
  public subscript<Value>(dynamicMember path: KeyPath<LevelShape, Value>) -> Value { shape[keyPath: path] }

  /// Features that its chunker concatenates, `C_l` units of `inputWidth`.
  public var chunkerInputs: Int { shape.chunkLength * inputWidth }

  /// `C_{≤l−1}`: tokens under one unit of the level below.
  public var spanBelow: Int { span / shape.chunkLength }
}

extension Model {
  /// Level l with its neighbours.
  /// - Precondition: 1 ≤ number ≤ L.
  public func level(_ number: Int) -> Level {
    let (shape, below) = (levels[number], layer(at: number - 1))
    return Level(
      number: number, shape: shape, below: below, span: metaContextLength(upTo: number),
      inputWidth: number == 1 ? encoderEmbeddingWidth : below.width, isTop: number == levelCount)
  }

  /// Levels 1 … L; none where there is one stack.
  public var hierarchy: [Level] { levels.indices.map(level) }
}
