import Architectures

/// What a machine did, in order, so that gradients can be brought back through it (reverse mode).
///
/// The model code is the same with and without a tape. While a machine has one, results are kept instead of overwritten
/// and every dispatch, and every movement of rows between dispatches, is written down with its operands. The tape holds
/// no numbers of its own: they lie in the machine's arena and caches, which must not be released before `Backward` has
/// run. A tape of shapes is a program that `Replay` runs on any scalar.
public final class Tape {
  /// A dispatched operation and its operands.
  struct Step {
    let operation: Operation
    let node: Node
    let layer: Int
    /// Rows that the operation reads; `nil` for an embedding, which reads a table.
    var input: Tensor?
    /// Added to the product, or the streaming side of a mixture.
    var residual: Tensor?
    /// Weight of the norm in front of the product.
    var norm: Tensor?
    /// Weight of the product, the embedding table, or the gates of a mixture.
    var matrix: Tensor?
    var bias: Tensor?
    /// The product before its activation.
    var hidden: Tensor?
    var tokens: [Int32] = []
    var window: Window?
    let output: Tensor
  }

  /// Entries of a cache that an operation appends, or that its queries belong to.
  struct Window {
    /// Among the tape's caches.
    let cache: Int
    let firstEntry: Int
    /// What the first query and its key are rotated by.
    let firstPosition: Int
    /// Of each group.
    let queries: Int

    var entries: Range<Int> { firstEntry..<firstEntry + queries }
  }

  /// Rows that were copied from elsewhere, zero where nothing was.
  struct Move {
    let output: Tensor
    /// Per row, where its first element stood.
    let origins: [Place?]
  }

  enum Entry {
    case step(Step)
    case move(Move)

    var output: Tensor {
      switch self {
      case .step(let step): step.output
      case .move(let move): move.output
      }
    }
  }

  private(set) var entries: [Entry] = []
  private(set) var caches: [KeyValueCache] = []

  public init() {}

  func append(_ step: Step) { entries.append(.step(step)) }
  func append(_ move: Move) { entries.append(.move(move)) }

  /// The position of a cache among those that the tape knows.
  func index(of cache: KeyValueCache) -> Int {
    precondition(cache.prefix == nil, "a shared prompt has no gradient")
    precondition(cache.isFull, "gradients need a cache that keeps and reads everything")
    if let known = caches.lastIndex(where: { $0 === cache }) { return known }
    caches.append(cache)
    return caches.count - 1
  }

  /// Bytes of keys and values that the tape keeps; activations are the arena's `liveElements`.
  public var cacheBytes: Int { caches.reduce(0) { $0 + $1.fullBytes } }

  /// The end of the line of activations.
  var activationCount: Int {
    entries.reduce(0) { end, entry in
      var tensors = [entry.output]
      if case .step(let step) = entry, let hidden = step.hidden { tensors.append(hidden) }
      return tensors.reduce(end) { max($0, $1.place.offset + $1.count) }
    }
  }
}
