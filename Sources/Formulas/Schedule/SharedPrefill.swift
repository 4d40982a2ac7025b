import Architectures
import Hardware
import Quantities

/// Prefills that an engine takes into the pass of a decode step (continuous batching).
///
/// What both would do at the same node becomes one operation over all rows, and its weights are read once. So a prefill
/// costs a running request less than it would take alone: the time of the pass with both, less that of the decode step.
public struct SharedPrefill: Hashable, Sendable {
  /// The operations of the prefills, with the decode step's rows in those that both have.
  public var together: DispatchedPhase
  /// The operations of the decode step that are in `together`.
  public var apart: DispatchedPhase

  /// - Parameters:
  ///   - prefill: of one prompt.
  ///   - prompts: how many share the pass; a part of one where an engine splits prompts.
  ///   - decode: all steps of the requests that run; the pass has their mean step.
  public init(of prefill: DispatchedPhase, prompts: Double, into decode: DispatchedPhase) {
    var partners = Dictionary(grouping: decode.groups.filter(\.canShare).reversed()) { Place($0) }
    var together: [DispatchGroup] = []
    var apart: [DispatchGroup] = []
    for group in prefill.groups {
      let many = group.times(prompts)
      guard group.canShare, let partner = partners[Place(group)]?.popLast()?.meanDispatch,
        partner.work.weightBytes == group.work.weightBytes
      else {
        together.append(many)
        continue
      }
      // A stack that runs once in several steps is in the pass as often.
      let share = min(1, partner.dispatches / (decode.steps * group.dispatches))
      together.append(many.meanDispatch.joined(with: partner).dispatched(share * group.dispatches))
      apart.append(partner.dispatched(share * group.dispatches))
      if share < 1 { together.append(many.meanDispatch.dispatched((1 - share) * group.dispatches)) }
    }
    self.together = DispatchedPhase(groups: together, steps: 0)
    self.apart = DispatchedPhase(groups: apart, steps: 0)
  }

  /// Where an operation stands, and of which kind it is.
  private struct Place: Hashable {
    var node: Node
    var kind: DispatchGroup.Kind

    init(_ group: DispatchGroup) { (node, kind) = (group.node, group.kind) }
  }
}

extension DispatchGroup {
  /// Rows of different requests can be in one operation, unless each attends its own entries.
  fileprivate var canShare: Bool { kind == .product || kind == .elementwise }

  /// The same dispatches, all of them alike.
  fileprivate var meanDispatch: DispatchGroup {
    func mean(_ values: Affine) -> Affine { Affine(values.sum(from: 0, to: indices) / indices) }
    var group = dispatched(dispatches)
    group.work = DispatchWork(
      matmulFlops: mean(work.matmulFlops), elementwiseFlops: mean(work.elementwiseFlops), bytes: mean(work.bytes),
      weightBytes: work.weightBytes, entryBytes: mean(work.entryBytes), scores: mean(work.scores))
    return group
  }

  fileprivate func dispatched(_ count: Double) -> DispatchGroup {
    var group = self
    (group.indices, group.dispatchesPerIndex) = (1, count)
    return group
  }

  /// Each dispatch with the rows of so many prompts; its weights are read once.
  fileprivate func times(_ prompts: Double) -> DispatchGroup {
    var group = self
    group.rows *= prompts
    group.queryRows *= prompts
    group.linkBytes *= prompts
    if kind != .product {
      group.unitFlops *= prompts
      group.unitElementwiseFlops *= prompts
    }
    group.work = DispatchWork(
      matmulFlops: prompts * work.matmulFlops, elementwiseFlops: prompts * work.elementwiseFlops,
      bytes: prompts * work.bytes + Affine((1 - prompts) * work.weightBytes), weightBytes: work.weightBytes,
      entryBytes: prompts * work.entryBytes, scores: prompts * work.scores)
    return group
  }

  /// Both as one dispatch; both are mean dispatches with the same weights.
  fileprivate func joined(with other: DispatchGroup) -> DispatchGroup {
    var group = self
    group.rows += other.rows
    group.linkBytes += other.linkBytes
    group.work = DispatchWork(
      matmulFlops: work.matmulFlops + other.work.matmulFlops,
      elementwiseFlops: work.elementwiseFlops + other.work.elementwiseFlops,
      bytes: work.bytes + other.work.bytes + Affine(-work.weightBytes), weightBytes: work.weightBytes,
      entryBytes: work.entryBytes + other.work.entryBytes, scores: work.scores + other.work.scores)
    return group
  }
}
