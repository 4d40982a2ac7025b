import Architectures
import Quantities

/// The costs of a stack whose heads do not all keep and read everything, folded over its passes.
struct PlannedCost<Integer: CountingInteger> {
  /// Heads of one plan in all layers of a run.
  private struct Heads {
    let plan: CachePlan
    /// Query heads of all layers: each adds its weights to the mass of the entries that it shares.
    let count: Integer
    let pairFlops: Integer
    let pairElementwise: Integer
    /// What they store of one position.
    let entryBits: Integer
  }

  private let heads: [Heads]
  private let activationBits: Integer

  init(_ stack: Stack, _ precision: Precision) {
    activationBits = StackCost(stack, precision).attentionActivationBits
    heads = stack.runs.flatMap { run in
      run.heads.map { heads in
        let row = LayerRow<Integer>(run.shape.share(ofHeads: heads.count))
        let layers = Integer(word: run.layers)
        return Heads(
          plan: heads.cache, count: row.dimensions.heads &* layers, pairFlops: row.pairFlops &* layers,
          pairElementwise: row.pairElementwise &* layers,
          entryBits: heads.cache.entry.counts.elements(of: row) &* layers &* Integer(word: precision.cache.bits))
      }
    }
  }

  /// Scores, softmax and weighted values of all heads, for so many sequences.
  func attention(_ groups: [PassGroup<Int128>], _ sequences: Integer) -> Work<Integer> {
    groups.reduce(into: Work<Integer>.zero) { work, group in
      let rows = Integer(truncatingIfNeeded: group.rows * group.passes)
      work.addWrapping(Work(activationBits: rows &* sequences &* activationBits))
      for heads in heads {
        for piece in heads.plan.passes(group) {
          let pairs = Integer(truncatingIfNeeded: piece.allPairs) &* sequences
          let reads = Integer(truncatingIfNeeded: piece.entriesRead) &* sequences
          work.addWrapping(
            Work(
              matmulFlops: pairs &* heads.pairFlops, elementwiseFlops: pairs &* heads.pairElementwise,
              cacheReadBits: reads &* heads.entryBits))
        }
      }
    }
  }

  /// What the methods add beside attention.
  func upkeep(_ groups: [PassGroup<Int128>], _ sequences: Integer) -> Work<Integer> {
    groups.reduce(into: Work<Integer>.zero) { work, group in
      for heads in heads {
        let upkeep = heads.plan.upkeep(group)
        let moved = Integer(word: upkeep.moved) &* sequences &* heads.entryBits
        work.addWrapping(
          Work(
            elementwiseFlops: Integer(word: upkeep.scored) &* sequences &* heads.count, cacheReadBits: moved,
            cacheWriteBits: moved, hostBits: Integer(word: upkeep.transferred) &* sequences &* heads.entryBits))
      }
    }
  }

  /// Bits that all heads have room for once so many positions have passed.
  func bits(after positions: Int) -> Integer {
    heads.reduce(0) { $0 &+ Integer(word: $1.plan.allocated(after: positions)) &* $1.entryBits }
  }
}
