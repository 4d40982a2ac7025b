import Architectures
import Quantities
import Tensors

/// The decoder-only Transformer: every token runs the whole stack and attends everything before it.
public final class VanillaSession: Session {
  /// What operations are dispatched to.
  public let machine: Machine
  /// Counts the bytes of the cache.
  public let memory: CacheMeter
  /// A vanilla Transformer has no conditions.
  public var retained: ConditionStore? { nil }
  private let weights: ModelWeights
  private let workload: Workload
  private let sequences: Int
  private let methods: CacheMethods.Factory
  private(set) var caches: [KeyValueCache] = []
  /// Last row of each sequence before the last norm.
  private let hidden: Tensor

  public convenience init(_ weights: ModelWeights, workload: Workload, machine: Machine) {
    self.init(weights, workload: workload, machine: machine, methods: CacheMethods.ofPlan)
  }

  /// - Parameter methods: what carries out the plans of its caches.
  init(_ weights: ModelWeights, workload: Workload, machine: Machine, methods: @escaping CacheMethods.Factory) {
    precondition(workload.promptLength >= 1, "a vanilla Transformer has nothing to predict from without a prompt")
    self.weights = weights
    self.workload = workload
    self.machine = machine
    self.methods = methods
    sequences = workload.batchSize * workload.continuations
    memory = CacheMeter(element: machine.trace?.precision.cache ?? .fp32)
    hidden = machine.makeState(rows: sequences, columns: weights.model.layer.width)
  }

  /// Runs the prompts: the batch of the workload, each of its prompt length.
  public func prefill(_ prompts: [[Int32]]) {
    let (batch, length) = (workload.batchSize, workload.promptLength)
    precondition(prompts.count == batch && prompts.allSatisfy { $0.count == length }, "prompts of another shape")
    machine.trace?.phase = .prefill
    let shared = workload.continuations > 1
    let stack = weights.model.tokenStack
    let cache = KeyValueCache(
      stack, groups: batch, capacity: length + max(shared ? 0 : workload.generatedLength, stack.lookahead),
      holdsNumbers: machine.holdsNumbers, methods: methods)
    let mark = machine.arena.mark
    defer { machine.arena.release(to: mark) }
    caches = [cache]
    for pass in PromptPass.all(length, of: weights.model.cache(at: 0)) {
      let tokens = prompts.flatMap { $0[pass.own] + $0[pass.ahead] }
      let embedded = machine.embed(tokens, weights, places: Array(pass.own) + Array(pass.ahead))
      let result = machine.run(
        weights.stack, embedded, cache: cache, queries: pass.rows, readsOnce: true, lookahead: pass.ahead.count,
        prompt: length, willSettle: { memory.observe(persistent: caches, prompts: [], windows: []) })
      // The last pass leaves the last row of the prompt.
      for sequence in 0..<sequences {
        hidden.setRow(sequence, to: result, row: (sequence / workload.continuations + 1) * pass.rows - 1)
      }
      machine.arena.release(to: mark)
    }
    memory.observe(persistent: caches, prompts: [], windows: [])
    memory.endPrefill()
    if shared {
      let own = cache.continued(by: workload.continuations, room: workload.generatedLength)
      caches = own.prefix.map { [$0, own] } ?? [own]
    }
  }

  /// Emits the generated length of the workload, a pass for each token.
  public func generate(choosing choose: @escaping TokenChooser) -> [[Int32]] {
    machine.trace?.phase = .decode
    var emitted = [[Int32]](repeating: [], count: sequences)
    for index in emitted.indices { emitted[index].reserveCapacity(workload.generatedLength) }
    var tokens = [Int32](repeating: 0, count: sequences)
    for step in 0..<workload.generatedLength {
      let mark = machine.arena.mark
      let logits = machine.head(hidden, weights)
      let position = workload.promptLength + step
      chooseTokens(logits, into: &tokens, position: { _ in position }, choose: choose)
      for (sequence, token) in tokens.enumerated() { emitted[sequence].append(token) }
      let embedded = machine.embed(tokens, weights, places: [position])
      hidden.copy(
        from: machine.run(weights.stack, embedded, cache: caches[caches.count - 1], queries: 1, readsOnce: false))
      machine.arena.release(to: mark)
      memory.observe(persistent: caches, prompts: [], windows: [])
    }
    return emitted
  }
}

/// Teacher-forced pass over whole sequences, which keeps and reads everything whatever generation does.
extension VanillaSession {
  /// Logits at every position: row t of a sequence predicts token t+1.
  public static func forward(_ weights: ModelWeights, tokens: [[Int32]], machine: Machine) -> [Float] {
    teacherForced(weights, tokens: tokens, machine: machine).elements
  }

  /// The same where the machine left it, for gradients.
  /// - Parameters:
  ///   - weights: of a vanilla model.
  ///   - tokens: sequences of one length.
  ///   - mixing: heads that are partly full and partly streaming; nil: all of them are full.
  ///   - machine: whose arena holds the result.
  public static func teacherForced(
    _ weights: ModelWeights, tokens: [[Int32]], mixing: MixedHeads? = nil, machine: Machine
  ) -> Tensor {
    let result = run(weights, tokens: tokens, mixing: mixing, machine: machine)
    return machine.head(result, weights)
  }

  /// The hidden state of every position behind the stack's last norm.
  /// - Parameters:
  ///   - weights: of a vanilla model.
  ///   - tokens: sequences of one length.
  ///   - mixing: heads that are partly full and partly streaming; nil: all of them are full.
  ///   - machine: whose arena holds the result.
  /// - Returns: sequence × T rows of D.
  public static func hiddenStates(
    _ weights: ModelWeights, tokens: [[Int32]], mixing: MixedHeads? = nil, machine: Machine
  ) -> Tensor {
    precondition(weights.model.isPlain, "the hidden states that train are of Llama's layers")
    let result = run(weights, tokens: tokens, mixing: mixing, machine: machine)
    return machine.norm(result, weight: weights.stack.lastNorm, at: Node(0, .decoder, .norm))
  }

  private static func run(_ weights: ModelWeights, tokens: [[Int32]], mixing: MixedHeads?, machine: Machine) -> Tensor {
    let (batch, length) = (tokens.count, tokens[0].count)
    let cache = KeyValueCache(
      weights.model.tokenStack.keepingEverything, groups: batch, capacity: length, holdsNumbers: machine.holdsNumbers)
    let embedded = machine.embed(tokens.flatMap(\.self), weights, places: Array(0..<length))
    return machine.run(weights.stack, embedded, cache: cache, queries: length, readsOnce: true, mixing: mixing)
  }
}

/// The two ends of a stack over tokens.
extension Machine {
  /// - Parameter places: positions that one row after another has; those of a sequence, again and again.
  fileprivate func embed(_ tokens: [Int32], _ weights: ModelWeights, places: [Int]) -> Tensor {
    embed(
      tokens, table: weights.embedding, projection: weights.projections?.in, ends: weights.model.ends,
      positions: weights.positions, places: places,
      at: Node(0, .decoder, .embedding))
  }

  fileprivate func head(_ rows: Tensor, _ weights: ModelWeights) -> Tensor {
    head(
      rows, norm: weights.stack.lastNorm, normBias: weights.stack.lastNormBias,
      projection: weights.projections?.out, table: weights.head,
      ends: weights.model.ends, at: Node(0, .decoder, .head))
  }
}
