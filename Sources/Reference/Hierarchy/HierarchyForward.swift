import Architectures
import Tensors

/// What the teacher-forced pass of a hierarchy makes, where the machine left it: in its arena.
public struct TeacherForced: Sendable {
  /// Sequence × T rows of V; row t predicts token t from the tokens before it, as the reading allows.
  public let logits: Tensor
  /// Per level: A^(l), sequence × M_l rows of D_l; `nil` where no unit closes.
  public let chunks: PerLevel<Tensor?>
  /// Per level: X^(l), of the same shape.
  public let latents: PerLevel<Tensor?>
  /// Per level: X̂^(l−1), sequence × units rows of D_(l−1), padded to whole chunks; at level 1 before the last norm.
  public let reconstructions: PerLevel<Tensor>
}

/// The teacher-forced pass: all encoders over the sequence, then all chunks of every decoder, whatever generation would
/// skip. It is what training sees, and what hierarchical generation must reproduce token by token.
extension HierarchySession {
  /// What the pass made, copied out of the arena.
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

  /// - Parameters:
  ///   - weights: of a hierarchy.
  ///   - tokens: sequences of one length T ≥ 1; batch × continuations of the session's workload is ignored.
  ///   - machine: whose arena holds what the pass makes until it is copied.
  public static func forward(_ weights: ModelWeights, tokens: [[Int32]], machine: Machine) -> Forward {
    withTeacherSession(weights, tokens: tokens, machine: machine) { session, result in
      Forward(
        logits: result.logits.elements, reconstructions: result.reconstructions.dropFirst().map(\.elements),
        cachedUnits: session.encoderCaches.map(\.ownHeld), retainedVectors: session.retained?.vectors ?? [],
        retained: session.retained.map { store in (1...weights.model.levelCount).map(store.elements) } ?? [])
    }
  }

  /// The pass with its results where they are, for gradients.
  /// - Parameters:
  ///   - weights: of a hierarchy.
  ///   - tokens: sequences of one length T ≥ 1.
  ///   - machine: whose arena holds the results.
  public static func teacherForced(_ weights: ModelWeights, tokens: [[Int32]], machine: Machine) -> TeacherForced {
    withTeacherSession(weights, tokens: tokens, machine: machine) { $1 }
  }

  /// The pass needs no state of a session: what it makes lies in the arena.
  private static func withTeacherSession<Result>(
    _ weights: ModelWeights, tokens: [[Int32]], machine: Machine,
    _ body: (HierarchySession, TeacherForced) -> Result
  ) -> Result {
    let workload = Workload(promptLength: tokens[0].count, generatedLength: 0, batchSize: tokens.count)
    return machine.withTemporaryState {
      let session = HierarchySession(weights, workload: workload, machine: machine)
      return body(session, session.runTeacherForced(tokens))
    }
  }

  private func runTeacherForced(_ tokens: [[Int32]]) -> TeacherForced {
    committed = tokens[0].count
    prepareEncoders(end: committed, keepingEverything: true)
    let (summaries, latents) = encode(tokens, teacherForced: true)
    var reconstructions: [Tensor] = []
    for l in stride(from: model.levelCount, through: 1, by: -1) {
      let chunks = (committed + level(l).span - 1) / level(l).span
      let conditions = teacherConditions(l, chunks: chunks, latents: latents, restored: reconstructions.last)
      let all = window(l, groups: sequences * chunks)
      let own = l > 1 ? model.decoderInput.feedsReconstructions : !model.decoderInput.feedsTokens
      reconstructions.append(
        own
          ? teacherOwn(l, conditions, window: all)
          : teacherKnown(l, conditions, chunks: chunks, tokens: tokens, latents: latents, window: all))
    }
    let restored = reconstructions[model.levelCount - 1]
    let (length, padded) = (committed, restored.rows / sequences)
    let outputs = machine.assemble(rows: sequences * length, columns: model.layer.width) {
      (restored, $0 / length * padded + $0 % length)
    }
    let logits = machine.head(
      outputs, norm: weights(1).decoder.lastNorm, table: weights.head, at: Node(0, .decoder, .head))
    return TeacherForced(
      logits: logits, chunks: summaries, latents: latents,
      reconstructions: PerLevel(reconstructions.reversed()))
  }

  /// Sequence × chunks latents: the unit before each chunk, or under `cascade` below the top the chunk's own unit.
  private func teacherConditions(_ l: Int, chunks: Int, latents: PerLevel<Tensor?>, restored: Tensor?) -> Tensor {
    let shifts = l == model.levelCount || model.decoderInput != .cascade
    let encoded = l == model.levelCount || model.decoderInput == .encoderState
    let source = encoded ? latents[l] : restored
    let units = (source?.rows ?? 0) / sequences
    return machine.assemble(rows: sequences * chunks, columns: level(l).layer.width) { row in
      let unit = shifts ? row % chunks - 1 : row % chunks
      return unit < 0 ? (weights(l).start!, 0) : (source!, row / chunks * units + unit)
    }
  }

  /// All chunks in lock-step, fed their own outputs; a last chunk that is not full is simply run to its end.
  private func teacherOwn(_ l: Int, _ conditions: Tensor, window: KeyValueCache) -> Tensor {
    let chunk = level(l).chunkLength
    var slots: [Tensor] = []
    unroll(
      l, conditions, window: window, closed: conditions.rows, openFeeds: 0,
      collect: { _, output in slots.append(output) }, feed: { _, output in l > 1 ? output : ownOutput(output) })
    return machine.assemble(rows: conditions.rows * chunk, columns: level(l).below.width) {
      (slots[$0 % chunk], $0 / chunk)
    }
  }

  /// All chunks in one pass: R condition vectors, then the C − 1 known units; units that do not exist yet are zero and
  /// stand behind everything that is read.
  private func teacherKnown(
    _ l: Int, _ conditions: Tensor, chunks: Int, tokens: [[Int32]], latents: PerLevel<Tensor?>, window: KeyValueCache
  ) -> Tensor {
    let (condition, chunk, width) = (level(l).conditionLength, level(l).chunkLength, level(l).below.width)
    let vectors = convert(l, conditions)
    let queries = condition + chunk - 1
    let units = committed / level(l).spanBelow
    let known =
      l == 1
      ? machine.embed(tokens.flatMap(\.self), table: weights.embedding, at: Node(0, .decoder, .embedding))
      : latents[l - 1]
    let input = machine.assemble(rows: conditions.rows * queries, columns: width) { row in
      let (group, position) = (row / queries, row % queries)
      guard position >= condition else { return (vectors, group * condition + position) }
      let unit = group % chunks * chunk + position - condition
      return unit < units ? (known!, group / chunks * units + unit) : nil
    }
    let output = run(l, input, window: window, queries: queries)
    return machine.assemble(rows: conditions.rows * chunk, columns: width) {
      (output, $0 / chunk * queries + condition - 1 + $0 % chunk)
    }
  }
}
