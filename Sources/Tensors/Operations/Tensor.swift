import CKernels

/// Where elements stand on a line of numbers, storage or none: how a `Tape` knows two views of the same elements.
public struct Place: Hashable, Sendable {
  /// Which line elements stand on.
  public enum Line: UInt8, Sendable {
    /// What no gradient is asked for.
    case elsewhere
    /// What a machine makes as it runs.
    case activations
    /// What is learned.
    case parameters
  }

  /// Which line.
  public let line: Line
  /// Elements from the beginning of the line.
  public let offset: Int

  @inlinable
  public init(_ line: Line, _ offset: Int) {
    self.line = line
    self.offset = offset
  }

  /// On no line that a tape follows.
  public static let elsewhere = Place(.elsewhere, 0)

  @inlinable func moved(by elements: Int) -> Place { Place(line, offset + elements) }
}

/// A matrix of float32 rows, or only its shape.
///
/// Storage belongs to an `Arena`, a weight store or a cache, never to the tensor: a tensor is a view, so that a model
/// function moves no memory and counts no references. A tensor without storage is *shape-only*: the same model code then
/// runs without numbers, and a 70B model is traced on a laptop.
public struct Tensor: @unchecked Sendable {
  /// Vectors.
  public let rows: Int
  /// Features of each.
  public let columns: Int
  /// Row-major elements; `nil` when the tensor is shape-only.
  public let base: UnsafeMutablePointer<Float>?
  /// Where the first element stands; shapes have places too.
  public let place: Place

  @inlinable
  public init(rows: Int, columns: Int, base: UnsafeMutablePointer<Float>?, place: Place = .elsewhere) {
    self.rows = rows
    self.columns = columns
    self.base = base
    self.place = place
  }

  /// Elements.
  @inlinable public var count: Int { rows * columns }

  /// The same elements as other rows: how a concatenation chunker sees C vectors as one.
  /// - Precondition: the element counts agree.
  public func reshaped(rows: Int, columns: Int) -> Tensor {
    precondition(rows * columns == count, "a view of \(self.rows)×\(self.columns) as \(rows)×\(columns)")
    return Tensor(rows: rows, columns: columns, base: base, place: place)
  }

  /// A contiguous range of rows.
  public func rows(_ range: Range<Int>) -> Tensor {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
    return Tensor(
      rows: range.count, columns: columns, base: base.map { $0 + range.lowerBound * columns },
      place: place.moved(by: range.lowerBound * columns))
  }

  /// Copies one row of another tensor of the same width; nothing happens to a shape.
  @inlinable
  public func setRow(_ row: Int, to source: Tensor, row sourceRow: Int) {
    guard let base, let other = source.base else { return }
    (base + row * columns).update(from: other + sourceRow * columns, count: columns)
  }

  /// Copies all elements of a tensor of the same shape.
  public func copy(from source: Tensor) {
    precondition(source.rows == rows && source.columns == columns, "copying between different shapes")
    guard let base, let other = source.base else { return }
    base.update(from: other, count: count)
  }

  /// The elements, for tests and for reading logits; empty for a shape.
  public var elements: [Float] { base.map { Array(UnsafeBufferPointer(start: $0, count: count)) } ?? [] }
}

/// Memory for activations and weights: allocated once, handed out by moving a mark, given back by moving it down again.
///
/// A model function takes a mark, allocates what it needs, and releases to the mark; no allocation happens per token.
public final class Arena {
  private var blocks: [(base: UnsafeMutablePointer<Float>, capacity: Int)] = []
  private var block = 0
  private var used = 0
  /// Whether tensors get storage; without it the arena hands out shapes.
  public let holdsNumbers: Bool
  private let line: Place.Line
  private let blockCapacity: Int
  /// Elements handed out and not given back, each tensor rounded up to whole cache lines; counted for shapes too.
  public private(set) var liveElements = 0
  /// The largest `liveElements` so far.
  public private(set) var peakElements = 0

  /// - Parameters:
  ///   - holdsNumbers: whether tensors have storage, or only shapes.
  ///   - blockCapacity: elements that are allocated together; pages that nothing touches cost nothing.
  ///   - line: what the tensors are to a tape.
  public init(holdsNumbers: Bool, blockCapacity: Int = 1 << 20, line: Place.Line = .elsewhere) {
    self.holdsNumbers = holdsNumbers
    self.blockCapacity = blockCapacity
    self.line = line
  }

  deinit { for block in blocks { ck_free(block.base) } }

  /// How far an arena was used at some moment.
  public struct Mark {
    fileprivate let block: Int
    fileprivate let used: Int
    fileprivate let liveElements: Int
  }

  /// How far the arena is used now.
  public var mark: Mark { Mark(block: block, used: used, liveElements: liveElements) }

  /// Gives back all that was taken since a mark; tensors made since then are no longer valid.
  public func release(to mark: Mark) {
    block = mark.block
    used = mark.used
    liveElements = mark.liveElements
  }

  /// Uninitialised rows, 64-byte aligned.
  public func tensor(rows: Int, columns: Int) -> Tensor {
    let needed = (rows * columns + 15) & ~15
    let place = Place(line, liveElements)
    liveElements += needed
    peakElements = max(peakElements, liveElements)
    guard holdsNumbers else { return Tensor(rows: rows, columns: columns, base: nil, place: place) }
    while block < blocks.count, used + needed > blocks[block].capacity {
      block += 1
      used = 0
    }
    if block == blocks.count {
      let capacity = max(needed, blockCapacity)
      blocks.append((ck_allocate(capacity), capacity))
      used = 0
    }
    defer { used += needed }
    return Tensor(rows: rows, columns: columns, base: blocks[block].base + used, place: place)
  }
}
