import Architectures
import CGSL
import CKernels

/// The entries that some of consecutive queries see, side by side as the columns of a product: sinks, then the others.
struct KeyBlock {
  let sinks: Int
  let latest: Range<Int>

  /// Columns.
  var count: Int { sinks + latest.count }

  /// Entries that lie side by side, and the column of the first of them.
  var stretches: [(column: Int, entries: Range<Int>)] {
    sinks == 0 ? [(0, latest)] : [(0, 0..<sinks), (sinks, latest)]
  }

  private func column(_ entry: Int) -> Int { entry <= sinks ? entry : sinks + entry - latest.lowerBound }

  /// Softmax of a query's row over what it sees, and its gradient; zeros where the query sees nothing.
  /// - Parameters:
  ///   - seen: by the query, as its shape has it.
  ///   - scale: of the scores.
  ///   - scores: which become weights.
  ///   - gradients: of the weights, which become those of the scores.
  func softmax(
    of seen: (sinks: Range<Int>, latest: Range<Int>), scale: Float, _ scores: UnsafeMutablePointer<Float>,
    gradients: UnsafeMutablePointer<Float>
  ) {
    let end = column(seen.latest.upperBound)
    for masked in column(seen.sinks.upperBound)..<column(seen.latest.lowerBound) { scores[masked] = -.infinity }
    ck_softmax_gradient(end, scale, scores, gradients)
    (scores + end).update(repeating: 0, count: count - end)
    (gradients + end).update(repeating: 0, count: count - end)
  }
}

extension AttentionShape {
  /// What some of the queries of a group see.
  func keys(of queries: Range<Int>) -> KeyBlock {
    let first = stretches(of: keysBefore + queries.lowerBound + 1)
    return KeyBlock(sinks: first.sinks.count, latest: first.latest.lowerBound..<keysBefore + queries.upperBound)
  }

  /// Queries whose scores are made together: few enough to waste little on keys that come after them.
  static var blockQueries: Int { 64 }
}

/// Attention under a window behind sinks: products of blocks of queries, for training alone. No sum depends on the number
/// of threads.
struct FastStreaming {
  let shape: AttentionShape
  /// Rows × D_q, as is the result.
  let query: UnsafePointer<Float>
  let result: UnsafeMutablePointer<Float>
  let entries: Entries<Float>

  func run() {
    Cut.run(self, count: shape.groups * shape.layer.keyValueHeads, grain: 1) { part, context in
      let (attention, heads) = Cut<FastStreaming>.part(part, of: context)
      attention.run(heads)
    }
  }

  /// A range of (group, key–value head) pairs, each with its blocks of queries and the heads that share it.
  private func run(_ heads: Range<Int>) {
    let (layer, most) = (shape.layer, AttentionShape.blockQueries)
    let sharing = layer.heads / layer.keyValueHeads
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * most * (shape.keysBefore + shape.queries)) { scratch in
      for head in heads {
        for first in stride(from: 0, to: shape.queries, by: most) {
          for member in 0..<sharing {
            run(
              first..<min(first + most, shape.queries), group: head / layer.keyValueHeads,
              head: head % layer.keyValueHeads, member: head % layer.keyValueHeads * sharing + member,
              scores: scratch.baseAddress!)
          }
        }
      }
    }
  }

  /// - Parameters:
  ///   - head: among the key–value heads.
  ///   - member: among the query heads.
  ///   - scores: scratch, with as much behind it for gradients that nobody asks for.
  private func run(
    _ queries: Range<Int>, group: Int, head: Int, member: Int, scores: UnsafeMutablePointer<Float>
  ) {
    let (layer, block) = (shape.layer, shape.keys(of: queries))
    let (width, stride, count, columns) = (
      Int32(layer.headWidth), Int32(layer.queryWidth), Int32(queries.count), Int32(block.count)
    )
    let at = (group * shape.queries + queries.lowerBound) * layer.queryWidth + member * layer.headWidth
    for (column, range) in block.stretches {
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, count, Int32(range.count), width, 1, query + at, stride,
        entries.keys(group: group, head: head, entry: range.lowerBound), width, 0, scores + column, columns)
    }
    let unused = scores + queries.count * block.count
    unused.update(repeating: 0, count: block.count)
    for (index, position) in queries.enumerated() {
      block.softmax(
        of: shape.stretches(of: shape.keysBefore + position + 1), scale: 1 / Float(layer.headWidth).squareRoot(),
        scores + index * block.count, gradients: unused)
    }
    for (column, range) in block.stretches {
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, count, width, Int32(range.count), 1, scores + column, columns,
        entries.values(group: group, head: head, entry: range.lowerBound), width, column == 0 ? 0 : 1, result + at,
        stride)
    }
  }
}
