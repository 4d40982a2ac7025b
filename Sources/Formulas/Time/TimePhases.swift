import Architectures
import Quantities

/// The dispatched operations of a workload: prefill, decode, and the emission of the first token.
///
/// The lists are as long as the model is deep; P, G, batch and K are numbers in them. Their sums are the counts of the
/// closed forms, which are derived without them.
public struct DispatchedWorkload: Hashable, Sendable {
  /// The prompt of every sequence, in parallel.
  public var prefill: DispatchedPhase
  /// All emitted tokens, one by one.
  public var decode: DispatchedPhase
  /// The head once, and the converters and condition passes that the first token opens; a part of decode.
  public var emission: DispatchedPhase

  /// - Parameters:
  ///   - question: a model of any family, its whole batch, and the element types of its traffic.
  ///   - devices: how many share the model; the operations are those of each.
  /// - Precondition: a valid model and workload; recursive generation has at least two levels; heads that divide over
  ///   the devices.
  public init(_ question: Question, devices: Int = 1) {
    let chain = DispatchChain(question.asked(of: question.model.share(of: devices)), devices: devices)
    prefill = chain.prefill()
    decode = chain.decode()
    emission = chain.emission()
  }
}

/// One workload on one model: the family's passes, dispatched operation by operation for all sequences of a batch.
struct DispatchChain {
  /// What one device computes of the model; its maps between widths compute 1/devices of their outputs.
  let model: Model
  let precision: Precision
  let devices: Double
  let schedule: any FamilySchedule
  let prompt: Int
  /// Sequences in prefill, and sequences with their continuations in decode.
  let batch: Double
  let sequences: Double

  init(_ question: Question, devices: Int) {
    self.devices = Double(devices)
    model = question.model
    precision = question.precision
    schedule = question.schedule
    prompt = question.workload.promptLength
    batch = Double(question.workload.batchSize)
    sequences = batch * Double(question.workload.continuations)
  }

  // MARK: Phases

  func prefill() -> DispatchedPhase {
    var builder = DispatchBuilder(model, precision, devices: devices)
    let groups = schedule.passes(in: .prefill, as: Double.self).stacks
    for group in groups { append(group, sequences: batch, to: &builder) }
    // Between two prefills the whole model runs.
    for stack in model.stacks {
      let entries = held(by: stack, after: groups, prompts: 0, perPrompt: 1)
      addResident(stack, to: &builder) { head in
        let held = entries(head)
        return TimedEntries(formed: batch * held.formed, fresh: batch * held.fresh)
      }
    }
    addHeadResident(to: &builder)
    return builder.phase(steps: 1, reusedByRank: false)
  }

  func decode() -> DispatchedPhase {
    var builder = DispatchBuilder(model, precision, devices: devices)
    let passes = schedule.passes(in: .decode, as: Double.self)
    for group in passes.stacks { append(group, sequences: sequences, to: &builder) }
    for stack in model.stacks where passes.stacks.contains(where: { $0.isOf(stack) }) {
      addResident(
        stack, to: &builder, entries: held(by: stack, after: passes.stacks, prompts: batch, perPrompt: sequences))
    }
    for head in passes.heads { appendHead(to: &builder, rows: sequences * head.rows, dispatches: head.dispatches) }
    addHeadResident(to: &builder)
    return builder.phase(steps: passes.heads.reduce(0) { $0 + $1.dispatches }, reusedByRank: true)
  }

  func emission() -> DispatchedPhase {
    var builder = DispatchBuilder(model, precision, devices: devices)
    for group in schedule.emission(as: Double.self) {
      append(group, sequences: sequences, to: &builder)
      timed(model.stack(group.level, group.side)).addResident(entries: { _ in TimedEntries(formed: 0) }, to: &builder)
    }
    appendHead(to: &builder, rows: sequences, dispatches: 1)
    addHeadResident(to: &builder)
    return builder.phase(steps: 0, reusedByRank: false)
  }

  /// Entries of each head of a run after the passes: those of `prompts` prompts, and what the passes append for each
  /// sequence. Where entries go, every sequence has its own.
  private func held(
    by stack: Stack, after groups: [PassGroup<Double>], prompts: Double, perPrompt: Double
  ) -> (HeadRun) -> TimedEntries {
    guard stack.persists else { return { _ in TimedEntries(formed: 0) } }
    let appended = groups.filter { $0.isOf(stack) }.reduce(0) { $0 + Double($1.advance) * $1.passes }
    let passes = promptPasses(of: stack)
    let whole = prompts * Double(passes.units) + perPrompt * appended
    let before = prompts > 0 ? passes.units : 0
    return { heads in
      let residual = heads.cache.entry.residual
      let (host, tallies) = (heads.cache.placement.host, heads.cache.lookup.tallies)
      guard heads.cache.retention != .everything || residual > 0 || tallies || host != nil else {
        return TimedEntries(formed: whole)
      }
      let held = PlannedHeads(heads.cache, passes).held(after: before + Int(appended))
      return TimedEntries(EntryAmount(min(held, host?.onDevice ?? held), residual: residual), times: perPrompt)
    }
  }

  private func promptPasses(of stack: Stack) -> PromptPasses { stack.promptPasses(model, prompt: prompt) }
  private func timed(_ stack: Stack) -> TimedStack { TimedStack(stack, promptPasses(of: stack)) }

  // MARK: Passes

  /// The operations around a stack and those in it: what feeds it, its layers, its last norm.
  private func append(_ group: PassGroup<Double>, sequences: Double, to builder: inout DispatchBuilder) {
    let stack = model.stack(group.level, group.side)
    if group.calls > 0 {
      switch group.side {
      case .encoder:
        appendChunker(group.level, to: &builder, units: sequences * group.calls, dispatches: group.passes)
      case .decoder:
        appendConverter(group.level, to: &builder, chunks: sequences * group.calls, dispatches: group.passes)
      }
    }
    if group.feed == .embedding, group.fedRows > 0 {
      builder.appendEmbedding(
        Node(0, .decoder, .embedding), rows: sequences * group.fedRows, dispatches: group.passes,
        width: model.layer.width, ends: model.ends)
    }
    timed(stack).append(group, sequences: sequences, to: &builder)
    if !stack.isFull { appendUpkeep(of: stack, group, sequences: sequences, to: &builder) }
    if group.normRows > 0 {
      builder.appendNorm(
        stack.node(.norm), rows: sequences * group.normRows, dispatches: group.passes, width: Double(stack.width))
    }
  }

  /// What cache methods do behind the passes of a group, as one dispatch of each layer.
  private func appendUpkeep(
    of stack: Stack, _ group: PassGroup<Double>, sequences: Double, to builder: inout DispatchBuilder
  ) {
    let passes = max(group.passes, 1)
    for run in stack.runs {
      for heads in run.heads {
        let upkeep = PlannedHeads(heads.cache, promptPasses(of: stack)).upkeep(group)
        guard !upkeep.isZero else { continue }
        let form = TimedForm(heads, of: run, cacheBytes: builder.cacheBytes)
        // One for what a pass finds there and one for what it sends, in each layer.
        builder.append(
          LinkTransfers(
            node: stack.node(.upkeep), count: 2 * Double(run.layers) * passes,
            bytes: sequences * Double(run.layers) * Double(upkeep.transferred) * form.bytes))
        guard !upkeep.isOnlyTransfers else { continue }
        let row = form.row
        // The mean of a pass: passes of a group differ in this as in what they attend.
        func count(_ field: Int) -> Double { sequences * Double(field) / passes }
        let moved = count(upkeep.movedFormed) * 2 * form.bytes + count(upkeep.movedFresh) * 2 * form.freshBytes
        let voted = count(upkeep.votedFormed) * form.keyBytes + count(upkeep.votedFresh) * form.freshKeyBytes
        let entries =
          moved + voted + count(upkeep.formedHeld) * (form.freshBytes + form.bytes)
          + count(upkeep.made) * form.freshKeyBytes
        let activations =
          count(upkeep.voters) * row.dimensions.query * builder.activationBytes
          + count(upkeep.tallied) * row.tallyBits / 8
        let elementwise =
          count(upkeep.again) * row.againPairElementwise + count(upkeep.own) * row.ownPairElementwise
          + count(upkeep.added) * row.addedPairElementwise + count(upkeep.scored) * row.scoredPairElementwise
          + count(upkeep.averaged) * row.queryMean + count(upkeep.turned) * row.queryRotation
          + count(upkeep.keyMeans) * row.keyElements
          + count(upkeep.pooled) * row.dimensions.keyValueHeads + count(upkeep.rotated) * row.keyRotation
          + count(upkeep.smoothed) * row.smoothedPairElementwise + count(upkeep.reduced) * row.reducedEntryElementwise
          + count(upkeep.votedFormed) * form.readingKey + count(upkeep.formed) * form.forming
        builder.append(
          DispatchGroup(
            node: stack.node(.upkeep), kind: upkeep.recomputed > 0 ? .attentionDecode : .elementwise,
            rows: sequences * group.rows, dispatchesPerIndex: Double(run.layers) * passes,
            work: DispatchWork(
              matmulFlops: Affine(count(upkeep.recomputed) * row.votePairFlops), elementwiseFlops: Affine(elementwise),
              bytes: Affine(entries + activations), weightBytes: 0, entryBytes: Affine(entries))))
      }
    }
  }

  /// Weights and entries of a stack, and the maps of its level where it is an encoder's.
  private func addResident(_ stack: Stack, to builder: inout DispatchBuilder, entries: (HeadRun) -> TimedEntries) {
    timed(stack).addResident(entries: entries, to: &builder)
    if stack.side == .encoder { addMapsResident(stack.level, to: &builder) }
  }

  // MARK: Maps

  func appendHead(to builder: inout DispatchBuilder, rows: Double, dispatches: Double) {
    let width = Double(model.layer.width)
    let vocabulary = Double(model.vocabulary)
    let row = model.headRow(width, vocabulary)
    builder.appendProduct(
      Node(0, .decoder, .head), .head, rows: rows, dispatches: dispatches, inputs: model.tableWidth,
      outputs: row.matrix / Double(model.tableWidth), vectors: row.weights - row.matrix,
      elementwisePerRow: row.elementwise, activationsPerRow: row.activations,
      gatheredPerRow: devices * vocabulary)
  }

  func addHeadResident(to builder: inout DispatchBuilder) {
    let row = model.headRow(Double(model.layer.width), Double(model.vocabulary))
    builder.addResident(
      Double(model.headMatrixBits(builder.precision)) / 8
        + builder.weightBytes(.vector, inputs: 1, outputs: row.weights - row.matrix), at: Node(0, .decoder, .head))
  }

  /// One dispatch of `chunks` condition vectors.
  func appendConverter(_ level: Int, to builder: inout DispatchBuilder, chunks: Double, dispatches: Double) {
    let own = model.level(level)
    let inputs = own.layer.width
    let outputs = Double(own.conditionLength * own.below.width) / devices
    builder.appendProduct(
      Node(level, .decoder, .converter), rows: chunks, dispatches: dispatches, inputs: inputs, outputs: outputs,
      vectors: outputs, elementwisePerRow: outputs, activationsPerRow: Double(inputs) + outputs,
      gatheredPerRow: devices * outputs)
  }

  /// What feeds encoder `level`: at level 1 the embedding rows, then the chunker unless it is a view.
  func appendChunker(_ level: Int, to builder: inout DispatchBuilder, units: Double, dispatches: Double) {
    let own = model.level(level)
    let inputs = own.chunkerInputs
    let outputs = Double(own.layer.width) / devices
    if level == 1 {
      builder.appendEmbedding(
        Node(0, .encoder, .embedding), rows: units * Double(own.chunkLength), dispatches: dispatches,
        width: own.inputWidth)
    }
    guard own.chunker != .concatenation else { return }
    let normed = own.chunker == .linear ? Double(inputs) : 0
    builder.appendProduct(
      Node(level, .encoder, .chunker), rows: units, dispatches: dispatches, inputs: inputs, outputs: outputs,
      vectors: outputs + normed, elementwisePerRow: outputs + (normed > 0 ? 4 * normed + 4 : 0),
      activationsPerRow: Double(inputs) + outputs, gatheredPerRow: devices * outputs)
  }

  func addMapsResident(_ level: Int, to builder: inout DispatchBuilder) {
    let own = model.level(level)
    let width = own.layer.width
    let chunker =
      own.chunker == .concatenation
      ? 0 : builder.weightBytes(.matrix, inputs: own.chunkerInputs, outputs: Double(width))
    let converter = builder.weightBytes(
      .matrix, inputs: width, outputs: Double(own.conditionLength * own.below.width))
    builder.addResident((chunker + converter) / devices, at: Node(level, .encoder, .chunker))
  }
}

extension PassGroup {
  /// Whether its passes run through a stack.
  func isOf(_ stack: Stack) -> Bool { level == stack.level && side == stack.side }
}
