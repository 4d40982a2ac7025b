import Architectures
import Quantities
import Tensors

/// PHOTON (and its one-level case, the Block Transformer) at work.
///
/// The encoders climb: C_l units of level l−1 become one unit of level l, which runs one position of encoder l. The
/// decoders descend: a latent becomes R_l condition vectors, after which decoder l restores the C_l units of one chunk.
/// n tokens are committed at any time; this file keeps the state at n and moves it by one token. Prefill, whole
/// meta-contexts and the teacher-forced pass stand in their own files.
///
/// Source: arXiv:2512.20687 v2 §2; the four readings of what decoders consume are `DecoderInput`.
public final class HierarchySession: Session {
  /// What operations are dispatched to.
  public let machine: Machine
  /// Counts the bytes of all caches.
  public let memory: CacheMeter
  let weights: ModelWeights
  let methods: CacheMethods.Factory
  let model: Model
  let levels: PerLevel<Level>
  let workload: Workload
  /// batch × continuations.
  let sequences: Int
  /// `B`
  let metaContext: Int
  /// `E`, the end of the meta-context that the prompt is in: where recursive generation drops the lower caches.
  let dropLength: Int

  /// Every condition sequence made so far, where the model retains them.
  public let retained: ConditionStore?

  /// Is told what decoders l ≥ 2 restore of every meta-context that is generated whole; for whoever compares, as its
  /// chunker then runs once more.
  public var observeRestored: ((RestoredUnits) -> Void)?

  /// Tokens committed.
  var committed = 0
  /// Whether recursive generation has dropped the caches below the top.
  var dropped = false
  /// Per level: the encoder's cache, and the shared prompt's cache before it if continuations share one.
  var encoderCaches: PerLevel<KeyValueCache> = []
  /// The prompts that continuations share.
  var promptCaches: [KeyValueCache] = []
  /// Per level: the window of the open chunk.
  var windows: PerLevel<KeyValueCache> = []
  /// Per level: windows of a whole meta-context's chunks, kept for the next one.
  var parallelWindows: PerLevel<KeyValueCache?>

  /// Per level: X^(l) of the newest unit; the start latent before there is one.
  var latest: PerLevel<Tensor>
  /// Per level below the top: X^(l) of the units in the open chunk above, sequence × C_{l+1} rows.
  var openUnits: PerLevel<Tensor>
  /// Per level below the top: X̂^(l) of the unit in progress, and of the unit before it.
  var pending: PerLevel<Tensor>
  var previous: PerLevel<Tensor>
  /// X̂^(L−1) of the open top chunk, which recursive generation chunks in place of X^(L−1).
  let bottleneck: Tensor
  /// Newest output row of decoder 1, before the norm that the head contains.
  let hidden: Tensor
  /// Tokens of the open level-1 chunk, sequence × C_1.
  var openTokens: [Int32]
  /// The tokens emitted last, one per sequence.
  private var newestTokens: [Int32]
  /// Of a whole meta-context: its tokens, sequence × B, and those of one slot of all its level-1 chunks.
  var metaContextTokens: [Int32]
  var slotTokens: [Int32]

  public convenience init(_ weights: ModelWeights, workload: Workload, machine: Machine) {
    self.init(weights, workload: workload, machine: machine, methods: CacheMethods.ofPlan)
  }

  /// - Parameter methods: what carries out the plans of its encoders' caches.
  init(_ weights: ModelWeights, workload: Workload, machine: Machine, methods: @escaping CacheMethods.Factory) {
    let model = weights.model
    let (levelCount, sequences) = (model.levelCount, workload.batchSize * workload.continuations)
    precondition(model.generation == .hierarchical || levelCount >= 2, "recursive generation needs two levels")
    self.weights = weights
    self.model = model
    levels = PerLevel(model.hierarchy)
    self.workload = workload
    self.machine = machine
    self.methods = methods
    self.sequences = sequences
    metaContext = model.metaContextLength
    dropLength = (workload.promptLength + metaContext - 1) / metaContext * metaContext
    retained =
      model.retainConditions ? ConditionStore(levelCount: levelCount, holdsNumbers: machine.holdsNumbers) : nil
    memory = CacheMeter(element: machine.trace?.precision.cache ?? .fp32)
    func state(_ levels: Range<Int>, rows: (Int) -> Int = { _ in 1 }) -> PerLevel<Tensor> {
      PerLevel(levels.map { machine.makeState(rows: sequences * rows($0), columns: model.layer(at: $0).width) })
    }
    latest = state(1..<levelCount + 1)
    openUnits = state(1..<levelCount) { model.levels[$0 + 1].chunkLength }
    pending = state(1..<levelCount)
    previous = state(1..<levelCount)
    bottleneck = machine.makeState(
      rows: sequences * levels[levelCount].chunkLength, columns: levels[levelCount].below.width)
    hidden = machine.makeState(rows: sequences, columns: model.layer.width)
    func tokens(_ perSequence: Int) -> [Int32] { [Int32](repeating: 0, count: sequences * perSequence) }
    openTokens = tokens(model.levels[1].chunkLength)
    newestTokens = tokens(1)
    metaContextTokens = tokens(metaContext)
    slotTokens = tokens(metaContext / model.levels[1].chunkLength)
    parallelWindows = PerLevel(repeating: nil, count: levelCount)
  }

  // MARK: Shorthand

  func level(_ l: Int) -> Level { levels[l] }
  func weights(_ l: Int) -> LevelWeights { weights.levels[l] }
  /// Whether decoder l runs at this point: under `encoder-state` those above level 1 do only after a drop.
  func decoderRuns(_ l: Int) -> Bool { l == 1 || model.decoderInput != .encoderState || dropped }
  func encoderRuns(_ l: Int) -> Bool { l == model.levelCount || !dropped }
  /// Whether decoder l ≥ 2 is fed its own outputs at this point.
  var feedsOwnOutputs: Bool { model.decoderInput.feedsReconstructions || dropped }

  // MARK: Generation

  /// Emits the generated length of the workload, hierarchically or recursively as the model says.
  public func generate(choosing choose: @escaping TokenChooser) -> [[Int32]] {
    machine.trace?.phase = .decode
    let end = workload.promptLength + workload.generatedLength
    var emitted = [[Int32]](repeating: [], count: sequences)
    for index in emitted.indices { emitted[index].reserveCapacity(workload.generatedLength) }
    while committed < end {
      let mark = machine.arena.mark
      if committed % metaContext == 0, committed + metaContext <= end, feedsOwnOutputs {
        generateMetaContext(choosing: choose)
        for sequence in 0..<sequences {
          emitted[sequence] += metaContextTokens[sequence * metaContext..<(sequence + 1) * metaContext]
        }
      } else {
        emit(choosing: choose)
        for sequence in 0..<sequences { emitted[sequence].append(newestTokens[sequence]) }
        commit(newestTokens)
      }
      machine.arena.release(to: mark)
      observeMemory()
    }
    return emitted
  }

  /// Opens the chunks that the next token begins, from the top down, and reads the head.
  private func emit(choosing choose: TokenChooser) {
    for l in stride(from: model.levelCount, through: 1, by: -1) where committed % level(l).span == 0 && decoderRuns(l) {
      advanceDecoder(l, convert(l, conditionLatent(l)))
    }
    let logits = machine.head(
      hidden, norm: weights(1).decoder.lastNorm, table: weights.head, at: Node(0, .decoder, .head))
    let position = committed
    chooseTokens(logits, into: &newestTokens, position: { _ in position }, choose: choose)
  }

  /// The latent that conditions the level-l chunk which opens now.
  private func conditionLatent(_ l: Int) -> Tensor {
    if l == model.levelCount { return latest[l] }
    switch model.decoderInput {
    case .cascade: return pending[l]
    case .reconstruction, .reconstructionAndTokens: return previous[l]
    case .encoderState: return dropped ? previous[l] : latest[l]
    }
  }

  /// Runs decoder l over the next rows of its open chunk and keeps the newest output.
  private func advanceDecoder(_ l: Int, _ input: Tensor) {
    let (window, queries) = (windows[l], input.rows / sequences)
    let output =
      l == 1
      ? machine.run(weights(l).decoder, input, cache: window, queries: queries, readsOnce: false)
      : machine.runNormalised(weights(l).decoder, input, cache: window, queries: queries, readsOnce: false)
    let newest = l == 1 ? hidden : pending[l - 1]
    for sequence in 0..<sequences { newest.setRow(sequence, to: output, row: (sequence + 1) * queries - 1) }
  }

  /// Commits one token per sequence: feeds the decoders, closes chunks, and advances the encoders above them.
  private func commit(_ tokens: [Int32]) {
    let chunk = level(1).chunkLength
    for (sequence, token) in tokens.enumerated() { openTokens[sequence * chunk + committed % chunk] = token }
    committed += 1
    if committed % chunk != 0 {
      advanceDecoder(1, decoderInput(tokens))
    } else {
      closeUnit(1)
    }
    if model.generation == .recursive, committed == dropLength {
      observeMemory()
      drop()
    }
  }

  /// What decoder 1 is fed for committed tokens: their embeddings, or in `reconstruction` its own normalised output.
  private func decoderInput(_ tokens: [Int32]) -> Tensor {
    guard !model.decoderInput.feedsTokens else {
      return machine.embed(tokens, table: weights.embedding, at: Node(0, .decoder, .embedding))
    }
    return ownOutput(hidden)
  }

  /// Decoder 1's output as its next input.
  func ownOutput(_ output: Tensor) -> Tensor {
    let input = machine.assemble(rows: output.rows, columns: output.columns) { (output, $0) }
    return machine.norm(input, weight: weights(1).decoder.lastNorm, at: Node(1, .decoder, .norm))
  }

  /// A level-l unit is complete: encoder l takes it, decoder l+1 moves on, and what that completes follows.
  private func closeUnit(_ l: Int) {
    windows[l].clear()
    if encoderRuns(l) { stepEncoder(l) }
    guard l < model.levelCount else { return }
    let (slot, chunk) = ((committed / level(l).span - 1) % level(l + 1).chunkLength, level(l + 1).chunkLength)
    if decoderRuns(l + 1) {
      previous[l].copy(from: pending[l])
      if dropped, l == model.levelCount - 1 {
        for sequence in 0..<sequences { bottleneck.setRow(sequence * chunk + slot, to: pending[l], row: sequence) }
      }
    }
    if slot == chunk - 1 {
      closeUnit(l + 1)
    } else if decoderRuns(l + 1) {
      advanceDecoder(l + 1, feedsOwnOutputs ? pending[l] : latest[l])
    }
  }

  /// One position of encoder l over the chunk that has just closed.
  private func stepEncoder(_ l: Int) {
    let output = machine.runNormalised(
      weights(l).encoder, chunked(l, units: chunkUnits(l)), cache: encoderCaches[l], queries: 1, readsOnce: false)
    latest[l].copy(from: output)
    guard l < model.levelCount else { return }
    let chunk = level(l + 1).chunkLength
    let slot = (committed / level(l).span - 1) % chunk
    for sequence in 0..<sequences { openUnits[l].setRow(sequence * chunk + slot, to: output, row: sequence) }
  }

  /// The units of the level-l chunk that has just closed, sequence × C_l rows.
  private func chunkUnits(_ l: Int) -> Tensor {
    if l == 1 { return embedForEncoder(openTokens) }
    return dropped ? bottleneck : openUnits[l - 1]
  }

  func embedForEncoder(_ tokens: [Int32]) -> Tensor {
    machine.embed(tokens, table: weights.encoderEmbedding, at: Node(0, .encoder, .embedding))
  }

  /// Chunker l: each C_l rows become one of width D_l.
  func chunked(_ l: Int, units: Tensor) -> Tensor {
    let chunk = level(l).chunkLength
    let joined = units.reshaped(rows: units.rows / chunk, columns: units.columns * chunk)
    guard let map = weights(l).chunker else { return joined }
    return machine.chunk(joined, map, norm: weights(l).chunkerNorm, at: Node(l, .encoder, .chunker))
  }

  /// Recursive generation: the caches of every level below the top are given back. The newest X^(l) stays and stands in
  /// for X̂^(l) where a reading conditions on the unit before.
  func drop() {
    dropped = true
    for l in 1..<model.levelCount {
      encoderCaches[l].release()
      encoderCaches[l].prefix?.release()
      if model.decoderInput == .encoderState { previous[l].copy(from: latest[l]) }
    }
  }

  func observeMemory() {
    memory.observe(persistent: encoderCaches, prompts: promptCaches, windows: windows)
  }
}
