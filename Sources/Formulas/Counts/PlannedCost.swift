import Architectures
import Quantities

extension Stack {
  /// Its share of a prompt, and how it is read.
  func promptPasses(_ model: Model, prompt: Int) -> PromptPasses {
    PromptPasses(
      units: prompt / model.metaContextLength(upTo: level), chunk: prefillChunk, lookahead: lookahead)
  }
}

/// The costs of a stack whose heads do not all keep and read everything, folded over its passes.
struct PlannedCost<Integer: CountingInteger> {
  /// Heads of one plan in all layers of a run.
  private struct Heads {
    let planned: PlannedHeads
    let row: LayerRow<Integer>
    let layers: Integer
    /// What all of them store of one position in the form in which it is kept, and as it came.
    /// - Unit: bit
    let formedBits, freshBits: Integer
    /// The same of its key in one layer.
    let formedKeyBits, freshKeyBits: Integer
    /// Element-wise FLOP of reading one position in all layers, of reading its key in one layer, and of forming it in one.
    let reading, readingKey, forming: Integer

    func bits(_ amount: EntryAmount) -> Integer {
      Integer(word: amount.formed) &* formedBits &+ Integer(word: amount.fresh) &* freshBits
    }
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
    let element = Integer(word: precision.cache.bits)
    heads = stack.runs.flatMap { run in
      run.heads.map { heads in
        let row = LayerRow<Integer>(run.shape.share(ofHeads: heads.count))
        let (layers, width, form) = (Integer(word: run.layers), run.shape.headWidth, heads.cache.entry.counts)
        let (size, key) = (form.size(of: row, headWidth: width), form.keySize(of: row, headWidth: width))
        return Heads(
          planned: PlannedHeads(heads.cache, prompt), row: row, layers: layers,
          formedBits: size.bits(in: element) &* layers, freshBits: row.entryElements &* layers &* element,
          formedKeyBits: key.bits(in: element), freshKeyBits: row.keyElements &* element,
          reading: (size.reading ?? 0) &* layers, readingKey: key.reading ?? 0,
          forming: form.forming(of: row, headWidth: width) ?? 0)
      }
    }
  }

  /// What all heads store of one position in the form in which it is kept.
  /// - Unit: bit
  var entryBits: Integer { heads.reduce(0) { $0 &+ $1.formedBits } }

  /// What the rows of the passes append, for so many sequences.
  func appended(_ groups: [PassGroup<Int128>], _ sequences: Integer) -> Integer {
    groups.reduce(0) { sum, group in
      heads.reduce(sum) { $0 &+ sequences &* $1.bits($1.planned.appended(group)) }
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
          let formed = Integer(truncatingIfNeeded: piece.formedRead) &* sequences
          let fresh = Integer(truncatingIfNeeded: piece.freshRead ?? 0) &* sequences
          work.addWrapping(
            Work(
              matmulFlops: pairs &* heads.row.pairFlops,
              elementwiseFlops: pairs &* heads.row.pairElementwise &+ formed &* heads.reading,
              cacheReadBits: formed &* heads.formedBits &+ fresh &* heads.freshBits))
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
        let moved = EntryAmount(formed: upkeep.movedFormed, fresh: upkeep.movedFresh)
        let movedBits = sequences &* heads.bits(moved)
        let keyBits = count(upkeep.votedFormed) &* heads.formedKeyBits &+ count(upkeep.votedFresh) &* heads.freshKeyBits
        // What had been held as it came is read, and written in its form; what has just come is in no memory yet.
        let formedHeld = Integer(word: upkeep.formedHeld) &* sequences
        let votes =
          count(upkeep.again) &* row.againPairElementwise &+ count(upkeep.own) &* row.ownPairElementwise
          &+ count(upkeep.added) &* row.addedPairElementwise &+ count(upkeep.pooled) &* row.dimensions.keyValueHeads
        let numbers =
          count(upkeep.rotated) &* row.keyRotation &+ count(upkeep.votedFormed) &* heads.readingKey
          &+ count(upkeep.formed) &* heads.forming
        work.addWrapping(
          Work(
            matmulFlops: count(upkeep.recomputed) &* row.votePairFlops, elementwiseFlops: votes &+ numbers,
            activationBits: count(upkeep.voters) &* row.dimensions.query &* Integer(word: precision.activations.bits)
              &+ count(upkeep.tallied) &* row.tallyBits,
            cacheReadBits: movedBits &+ keyBits &+ formedHeld &* heads.freshBits,
            cacheWriteBits: movedBits &+ formedHeld &* heads.formedBits,
            hostBits: Integer(word: upkeep.transferred) &* sequences &* heads.formedBits))
      }
    }
  }

  /// Bits that all heads have room for once so many positions have passed.
  func bits(after positions: Int) -> Integer {
    heads.reduce(0) { $0 &+ $1.bits($1.planned.allocated(after: positions)) }
  }

  /// Bits that all heads have room for in the pass of the prompt with the most entries.
  var peakBitsInPrompt: Integer {
    Set(heads.flatMap(\.planned.promptTurns)).map { before in
      heads.reduce(0) { $0 &+ $1.bits($1.planned.allocated(inPassFrom: before)) }
    }.max() ?? 0
  }
}
