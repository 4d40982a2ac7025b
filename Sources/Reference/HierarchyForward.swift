import Architectures
import Tensors

/// The teacher-forced pass: all encoders over the sequence, then all chunks of every decoder, whatever generation would
/// skip. It is what training sees, and what hierarchical generation must reproduce token by token.
extension HierarchySession {
  public struct Forward: Sendable {
    /// Sequence × T rows of V; row t predicts token t from the tokens before it, as the reading allows. Empty for shapes.
    public let logits: [Float]
    /// Per level: X̂^(l−1), sequence × units rows of D_(l−1), padded to whole chunks; empty at level 1.
    public let reconstructions: [[Float]]
    /// Per level: units that the encoder's cache holds for one sequence, `M_l`.
    public let cachedUnits: [Int]
    /// Per level: every condition vector of width D_(l−1) that the model retains, all sequences; no level if it does not.
    public let retainedVectors: [Int]
    /// Their numbers.
    public let retained: [[Float]]
  }

  /// - Parameter tokens: sequences of one length T ≥ 1; batch × continuations of the session's workload is ignored.
  public static func forward(_ weights: ModelWeights, tokens: [[Int32]], machine: Machine) -> Forward {
    let workload = Workload(promptLength: tokens[0].count, generatedLength: 0, batchSize: tokens.count)
    let session = HierarchySession(weights, workload: workload, machine: machine)
    return session.forward(tokens)
  }

  private func forward(_ tokens: [[Int32]]) -> Forward {
    committed = tokens[0].count
    prepareEncoders(end: committed)
    let latents = encode(tokens)
    var restored: Tensor?
    var reconstructions: [[Float]] = []
    for l in stride(from: model.levelCount, through: 1, by: -1) {
      let chunks = (committed + span(l) - 1) / span(l)
      let conditions = teacherConditions(l, chunks: chunks, latents: latents, restored: restored)
      let all = window(l, groups: sequences * chunks)
      let own = l > 1 ? model.decoderInput.feedsReconstructions : !model.decoderInput.feedsTokens
      let output =
        own
        ? teacherOwn(l, conditions, window: all)
        : teacherKnown(l, conditions, chunks: chunks, tokens: tokens, latents: latents, window: all)
      restored = output
      reconstructions.append(output.elements)
    }
    let outputs = machine.arena.tensor(rows: sequences * committed, columns: model.layer.width)
    let padded = restored!.rows / sequences
    for sequence in 0..<sequences {
      for token in 0..<committed {
        outputs.setRow(sequence * committed + token, to: restored!, row: sequence * padded + token)
      }
    }
    let logits = machine.head(
      outputs, norm: weights(1).decoder.lastNorm, table: weights.head, at: Node(0, .decoder, .head))
    return Forward(
      logits: logits.elements, reconstructions: reconstructions.dropLast().reversed(),
      cachedUnits: encoderCaches.map(\.length), retainedVectors: retained?.vectors ?? [],
      retained: retained.map { store in (1...model.levelCount).map(store.elements) } ?? [])
  }

  /// Sequence × chunks latents: the unit before each chunk, or under `cascade` below the top the chunk's own unit.
  private func teacherConditions(_ l: Int, chunks: Int, latents: [Tensor?], restored: Tensor?) -> Tensor {
    let rows = machine.arena.tensor(rows: sequences * chunks, columns: level(l).layer.width)
    let shifts = l == model.levelCount || model.decoderInput != .cascade
    let encoded = l == model.levelCount || model.decoderInput == .encoderState
    let source = encoded ? latents[l - 1] : restored
    let units = (source?.rows ?? 0) / sequences
    for sequence in 0..<sequences {
      for chunk in 0..<chunks {
        let unit = shifts ? chunk - 1 : chunk
        if unit < 0 {
          rows.setRow(sequence * chunks + chunk, to: weights(l).start!, row: 0)
        } else {
          rows.setRow(sequence * chunks + chunk, to: source!, row: sequence * units + unit)
        }
      }
    }
    return rows
  }

  /// All chunks in lock-step, fed their own outputs; a last chunk that is not full is simply run to its end.
  private func teacherOwn(_ l: Int, _ conditions: Tensor, window: KeyValueCache) -> Tensor {
    let chunk = level(l).chunkLength
    let rows = machine.arena.tensor(rows: conditions.rows * chunk, columns: model.layer(at: l - 1).width)
    unroll(
      l, conditions, window: window, closed: conditions.rows, openFeeds: 0,
      collect: { slot, output in
        for row in 0..<output.rows { rows.setRow(row * chunk + slot, to: output, row: row) }
      }, feed: { _, output in l > 1 ? output : ownOutput(output) })
    return rows
  }

  /// All chunks in one pass: R condition vectors, then the C − 1 known units; units that do not exist yet are zero and
  /// stand behind everything that is read.
  private func teacherKnown(
    _ l: Int, _ conditions: Tensor, chunks: Int, tokens: [[Int32]], latents: [Tensor?], window: KeyValueCache
  ) -> Tensor {
    let (condition, chunk, width) = (level(l).conditionLength, level(l).chunkLength, model.layer(at: l - 1).width)
    let vectors = convert(l, conditions)
    let queries = condition + chunk - 1
    let input = machine.arena.tensor(rows: conditions.rows * queries, columns: width)
    input.base?.update(repeating: 0, count: input.count)
    let units = committed / span(l - 1)
    let known =
      l == 1
      ? machine.embed(tokens.flatMap(\.self), table: weights.embedding, at: Node(0, .decoder, .embedding))
      : latents[l - 2]
    for row in 0..<conditions.rows {
      for position in 0..<condition {
        input.setRow(row * queries + position, to: vectors, row: row * condition + position)
      }
      for slot in 0..<chunk - 1 where row % chunks * chunk + slot < units {
        input.setRow(
          row * queries + condition + slot, to: known!, row: row / chunks * units + row % chunks * chunk + slot)
      }
    }
    let output = run(l, input, window: window, queries: queries)
    let rows = machine.arena.tensor(rows: conditions.rows * chunk, columns: width)
    for row in 0..<conditions.rows {
      for slot in 0..<chunk {
        rows.setRow(row * chunk + slot, to: output, row: row * queries + condition - 1 + slot)
      }
    }
    return rows
  }
}
