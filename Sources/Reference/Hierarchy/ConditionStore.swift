import Architectures
import Tensors

/// Every condition sequence that a session's converters have made, kept as the first version of the paper stores them.
///
/// The windowed design drops a chunk's conditions with its window; this store is what keeping them takes.
public final class ConditionStore {
  private let arena: Arena
  private var sequences: PerLevel<[Tensor]>

  init(levelCount: Int, holdsNumbers: Bool) {
    arena = Arena(holdsNumbers: holdsNumbers)
    sequences = PerLevel(repeating: [], count: levelCount)
  }

  /// Takes a copy of vectors that condition decoder `level`.
  /// - Shape: vectors × D_{level−1}
  func keep(_ vectors: Tensor, level: Int) {
    let copy = arena.tensor(rows: vectors.rows, columns: vectors.columns)
    copy.copy(from: vectors)
    sequences[level].append(copy)
  }

  /// Vectors held for each level, level 1 first, all sequences of the batch together.
  public var vectors: [Int] { sequences.map { $0.reduce(0) { $0 + $1.rows } } }

  /// Numbers held for a level in the order in which they were made; empty for shapes.
  public func elements(level: Int) -> [Float] { sequences[level].flatMap(\.elements) }
}
