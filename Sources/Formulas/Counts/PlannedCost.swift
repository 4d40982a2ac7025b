import Architectures
import Quantities

extension Stack {
  /// Its share of a prompt, and how it is read.
  func promptPasses(_ model: Model, prompt: Int) -> PromptPasses {
    PromptPasses(units: prompt / model.metaContextLength(upTo: level), chunk: prefillChunk)
  }
}

/// The costs of a stack whose heads do not all keep and read everything, folded over its passes.
struct PlannedCost<Integer: CountingInteger> {
  /// Heads of one plan in all layers of a run.
  private struct Heads {
    let planned: PlannedHeads
    let row: LayerRow<Integer>
    let layers: Integer
    /// What they store of one position.
    let entryBits: Integer
  }

  let stack: Stack
  private let heads: [Heads]
  private let activationBits: Integer
  private let precision: Precision

  /// - Parameter stack: one of the question's, which persists.
  init(_ stack: Stack, _ question: Question) {
    let prompt = stack.promptPasses(question.model, prompt: question.workload.promptLength)
    let precision = question.precision
    (self.stack, self.precision) = (stack, precision)
    activationBits = StackCost(stack, precision).attentionActivationBits
    heads = stack.runs.flatMap { run in
      run.heads.map { heads in
        let row = LayerRow<Integer>(run.shape.share(ofHeads: heads.count))
        let layers = Integer(word: run.layers)
        return Heads(
          planned: PlannedHeads(heads.cache, prompt), row: row, layers: layers,
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
        for piece in heads.planned.passes(group) {
          let pairs = Integer(truncatingIfNeeded: piece.allPairs) &* sequences &* heads.layers
          let reads = Integer(truncatingIfNeeded: piece.entriesRead) &* sequences
          work.addWrapping(
            Work(
              matmulFlops: pairs &* heads.row.pairFlops, elementwiseFlops: pairs &* heads.row.pairElementwise,
              cacheReadBits: reads &* heads.entryBits))
        }
      }
    }
  }

  /// What the methods add beside attention.
  func upkeep(_ groups: [PassGroup<Int128>], _ sequences: Integer) -> Work<Integer> {
    groups.reduce(into: Work<Integer>.zero) { work, group in
      for heads in heads {
        let upkeep = heads.planned.upkeep(group)
        guard !upkeep.isZero else { continue }
        func count(_ field: Int) -> Integer { Integer(word: field) &* sequences &* heads.layers }
        let row = heads.row
        let (moved, transferred) = (
          Integer(word: upkeep.moved) &* sequences &* heads.entryBits,
          Integer(word: upkeep.transferred) &* sequences &* heads.entryBits
        )
        let keyBits = count(upkeep.voted) &* row.keyElements &* Integer(word: precision.cache.bits)
        work.addWrapping(
          Work(
            matmulFlops: count(upkeep.recomputed) &* row.votePairFlops,
            elementwiseFlops: count(upkeep.again) &* row.againPairElementwise &+ count(upkeep.own)
              &* row.ownPairElementwise
              &+ count(upkeep.added) &* row.addedPairElementwise &+ count(upkeep.pooled) &* row.dimensions.keyValueHeads
              &+ count(upkeep.rotated) &* row.keyRotation,
            activationBits: count(upkeep.voters) &* row.dimensions.query &* Integer(word: precision.activations.bits)
              &+ count(upkeep.tallied) &* row.tallyBits,
            cacheReadBits: moved &+ keyBits, cacheWriteBits: moved, hostBits: transferred))
      }
    }
  }

  /// Bits that all heads have room for once so many positions have passed.
  func bits(after positions: Int) -> Integer {
    heads.reduce(0) { $0 &+ Integer(word: $1.planned.allocated(after: positions)) &* $1.entryBits }
  }

  /// Bits that all heads have room for in the pass of the prompt with the most entries.
  var peakBitsInPrompt: Integer {
    Set(heads.flatMap(\.planned.promptTurns)).map { before in
      heads.reduce(0) { $0 &+ Integer(word: $1.planned.allocated(inPassFrom: before)) &* $1.entryBits }
    }.max() ?? 0
  }
}
