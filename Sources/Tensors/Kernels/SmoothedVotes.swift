import Architectures
import CKernels

/// How the votes of a pass are added up where not all weights count alike.
package struct Smoothing: Equatable, Sendable {
  /// `β`: each query leaves this share of the votes before it.
  package var beta: Double
  /// What is made of the votes of several heads.
  package var reduction: Cascading.HeadReduction
  /// Whether they are those of all heads of a run, or those that share an entry.
  package var homogeneous: Bool
}

/// The weights of every query of a pass, smoothed in each query head and reduced over heads:
/// `v ← β^q·v + reduction over h of Σ_j β^(q−1−j)·a_hj`.
///
/// The factor 1 − β of a mean is left out: it is the same for all, and only their order is asked for.
struct SmoothedVotes {
  let smoothing: Smoothing
  let query: UnsafePointer<Float>
  /// From one row of queries to the next.
  let columns: Int
  /// Queries of a group, and entries before the first one's own.
  let queries, found: Int
  let run: CacheRun
  /// Whose keys are scored, as they are rotated.
  let entries: Entries<Float>
  /// Votes of this pass: of each group and query head of the run, entry by entry, beginning with zeros.
  let sums: UnsafeMutablePointer<Float>
  let mass: UnsafeMutablePointer<Float>
  let massColumns: Int
  let backend: Backend

  private var count: Int { found + queries }
  private var sharing: Int { run.shape.heads / run.heads.count }

  /// - Parameter member: a group and a query head of the run.
  func smooth(_ member: Int) {
    let (group, head, width) = (member / run.shape.heads, member % run.shape.heads, run.shape.headWidth)
    let keys = entries.keys(group: group, head: run.heads.lowerBound + head / sharing)
    let sums = sums + member * count
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { weights in
      for row in 0..<queries {
        let (seen, query) = (found + row + 1, query + (group * queries + row) * columns + head * width)
        if backend == .fast {
          PlainKernels<Float>.scale(seen, sums, by: smoothing.beta)
          add(query, keys, seen, to: sums)
        } else {
          PlainKernels<Float>.attentionWeights(
            headWidth: width, query: query, segments: [(keys: UnsafePointer(keys), values: UnsafePointer(keys), seen)],
            into: weights.baseAddress!)
          PlainKernels<Float>.smooth(seen, sums, by: smoothing.beta, adding: weights.baseAddress!)
        }
      }
    }
  }

  /// The weights of one query of one head, added to its sums.
  private func add(
    _ query: UnsafePointer<Float>, _ keys: UnsafePointer<Float>, _ seen: Int, to sums: UnsafeMutablePointer<Float>
  ) {
    let width = run.shape.headWidth
    var segment = ck_segment(keys: keys, values: nil, count: seen, headStride: 0, groupStride: 0, share: 1)
    withUnsafePointer(to: &segment) { segment in
      var arguments = ck_attention(
        groups: 1, queries: 1, past: seen - 1, window: 0, heads: 1, keyValueHeads: 1, headWidth: width,
        scale: 1 / Float(width).squareRoot(), q: query, ldq: width, segments: segment, y: nil, ldy: 0, mass: sums,
        ldmass: seen)
      ck_votes(&arguments)
    }
  }

  /// - Parameter member: a group and a key–value head of the run.
  func reduce(_ member: Int) {
    let (group, head) = (member / run.heads.count, member % run.heads.count)
    let heads = smoothing.homogeneous ? 0..<run.shape.heads : head * sharing..<(head + 1) * sharing
    let share = (0..<queries).reduce(1.0) { product, _ in product * smoothing.beta }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { reduced in
      PlainKernels<Float>.reduce(
        heads.map { UnsafePointer(sums + (group * run.shape.heads + $0) * count) }, count, smoothing.reduction,
        into: reduced.baseAddress!)
      PlainKernels<Float>.smooth(count, mass + member * massColumns, by: share, adding: reduced.baseAddress!)
    }
  }
}

extension PlainKernels {
  /// A share of every number, and another added to it.
  static func smooth(_ count: Int, _ x: Output, by share: Double, adding addend: Input) {
    Scalar.account(as: .elementwise)
    let share = Scalar(share)
    for index in 0..<count { x[index] = x[index] * share + addend[index] }
  }

}

extension PlainKernels where Scalar: Comparable {
  /// Numbers of several heads, none below zero, made one: as many operations as there are heads for each, without those
  /// that sort them.
  static func reduce(_ heads: [Input], _ count: Int, _ reduction: Cascading.HeadReduction, into y: Output) {
    Scalar.account(as: .elementwise)
    for index in 0..<count {
      switch reduction {
      case .max: y[index] = heads.reduce(Scalar(0)) { Scalar.maximum($0, $1[index]) }
      case .mean: y[index] = heads.dropFirst().reduce(heads[0][index]) { $0 + $1[index] } / Scalar(Double(heads.count))
      case .median: y[index] = heads.map { $0[index] }.sorted()[(heads.count - 1) / 2]
      }
    }
  }
}
