import Architectures
import Tensors

/// X̂^(l) of consecutive units, as decoder l+1 restored them.
struct Reconstructions {
  /// Index of the first unit, from 0.
  let first: Int
  /// Units per sequence.
  let count: Int
  /// Sequence × count rows.
  let rows: Tensor

  func row(sequence: Int, unit: Int) -> Int {
    precondition(unit >= first && unit < first + count, "unit \(unit) was not reconstructed")
    return sequence * count + unit - first
  }
}

/// Prefill: the encoders run over the prompt in parallel; of the decoders only the chunks that the prompt leaves open,
/// and the closed ones whose reconstructions the next chunk is conditioned on (the carry).
extension HierarchySession {
  /// Runs the prompts: the batch of the workload, each of its prompt length.
  public func prefill(_ prompts: [[Int32]]) {
    let (batch, length) = (workload.batchSize, workload.promptLength)
    precondition(prompts.count == batch && prompts.allSatisfy { $0.count == length }, "prompts of another shape")
    machine.trace?.phase = .prefill
    let mark = machine.arena.mark
    defer { machine.arena.release(to: mark) }
    committed = length
    prepareEncoders(end: promptEnd)
    windows = PerLevel((1...model.levelCount).map { window($0, groups: sequences) })
    let latents = encode(prompts).latents
    keepNewest(latents)
    openChunks(prompts, latents: latents)
    observeMemory()
    if model.generation == .recursive, committed == dropLength {
      drop()
      observeMemory()
    }
    memory.endPrefill()
    if workload.continuations > 1 { sharePromptCaches() }
  }

  /// Empty encoder caches for the prompts.
  func prepareEncoders(end: Int, keepingEverything: Bool = false) {
    encoderCaches = PerLevel(
      (1...model.levelCount).map {
        let encoder = model.encoder(at: $0)
        return KeyValueCache(
          keepingEverything ? encoder.keepingEverything : encoder, groups: workload.batchSize,
          capacity: unitsCached($0, to: end) + encoder.lookahead,
          holdsNumbers: machine.holdsNumbers, methods: methods)
      })
  }

  /// Capacity is for the whole run, unless continuations get caches of their own.
  private var promptEnd: Int {
    workload.continuations > 1 ? workload.promptLength : workload.promptLength + workload.generatedLength
  }

  /// Units that encoder l takes between two lengths of the context.
  private func unitsCached(_ l: Int, from start: Int = 0, to end: Int) -> Int {
    // Below the top, recursive generation never caches past the drop.
    let end = model.generation == .recursive && l < model.levelCount ? min(end, dropLength) : end
    return max(end / level(l).span - start / level(l).span, 0)
  }

  func window(_ l: Int, groups: Int) -> KeyValueCache {
    KeyValueCache(
      model.decoder(at: l), groups: groups, capacity: level(l).conditionLength + level(l).chunkLength - 1,
      holdsNumbers: machine.holdsNumbers)
  }

  private func sharePromptCaches() {
    let (start, end) = (workload.promptLength, workload.promptLength + workload.generatedLength)
    for l in 1...model.levelCount {
      encoderCaches[l] = encoderCaches[l].continued(
        by: workload.continuations, room: unitsCached(l, from: start, to: end))
    }
    promptCaches = encoderCaches.compactMap(\.prefix)
  }

  /// Runs every encoder over the units that the tokens close, in as many passes as the cache of its level says; a
  /// teacher-forced pass is one.
  /// - Returns: A^(l) and X^(l) per level, sequence × units rows; `nil` where no unit closes. A^(l) are those of the last
  ///   pass.
  func encode(
    _ tokens: [[Int32]], teacherForced: Bool = false
  ) -> (chunks: PerLevel<Tensor?>, latents: PerLevel<Tensor?>) {
    var chunks: PerLevel<Tensor?> = []
    var latents: PerLevel<Tensor?> = []
    for l in 1...model.levelCount {
      let count = tokens[0].count / level(l).span
      guard count > 0 else {
        chunks.append(nil)
        latents.append(nil)
        continue
      }
      let passes = PromptPass.all(count, of: teacherForced ? .full : model.cache(at: l))
      let most = passes[0].own.count
      var results: [Tensor] = []
      for pass in passes {
        let summaries = chunked(l, units: unitsBelow(l, of: pass, tokens, latents))
        if pass.own.upperBound == count { chunks.append(summaries) }
        results.append(
          machine.runNormalised(
            weights(l).encoder, summaries, cache: encoderCaches[l], queries: pass.rows, readsOnce: true,
            lookahead: pass.ahead.count, prompt: teacherForced ? nil : count,
            willSettle: teacherForced ? {} : observeMemory))
      }
      // Rows of a sequence lie side by side again, without those that looked ahead.
      latents.append(
        results.count == 1
          ? results[0]
          : machine.assemble(rows: tokens.count * count, columns: results[0].columns) { row in
            let (sequence, unit) = (row / count, row % count)
            return (results[unit / most], sequence * passes[unit / most].rows + unit % most)
          })
    }
    return (chunks, latents)
  }

  /// The units of the level below that a level's units of a pass are made of: embeddings at level 1. The level below has
  /// read the whole prompt, so that a pass can look ahead.
  private func unitsBelow(_ l: Int, of pass: PromptPass, _ tokens: [[Int32]], _ latents: PerLevel<Tensor?>) -> Tensor {
    let chunk = level(l).chunkLength
    func below(_ units: Range<Int>) -> Range<Int> { units.lowerBound * chunk..<units.upperBound * chunk }
    let (own, ahead) = (below(pass.own), below(pass.ahead))
    if l == 1 { return embedForEncoder(tokens.flatMap { $0[own] + $0[ahead] }) }
    let (rows, available, count) = (latents[l - 1]!, latents[l - 1]!.rows / tokens.count, own.count + ahead.count)
    guard available != own.count else { return rows }
    return machine.assemble(rows: tokens.count * count, columns: rows.columns) { row in
      let (sequence, unit) = (row / count, row % count)
      let start = unit < own.count ? own.lowerBound : ahead.lowerBound - own.count
      return (rows, sequence * available + start + unit)
    }
  }

  /// Keeps the newest latent of each level, and those of the open chunk above it.
  private func keepNewest(_ latents: PerLevel<Tensor?>) {
    for l in 1...model.levelCount {
      let count = committed / level(l).span
      for sequence in 0..<sequences {
        let prompt = sequence / workload.continuations
        guard count > 0, let units = latents[l] else {
          if let start = weights(l).start { latest[l].setRow(sequence, to: start, row: 0) }
          continue
        }
        latest[l].setRow(sequence, to: units, row: (prompt + 1) * count - 1)
        guard l < model.levelCount else { continue }
        let chunk = level(l + 1).chunkLength
        for slot in 0..<count % chunk {
          openUnits[l].setRow(
            sequence * chunk + slot, to: units, row: prompt * count + count / chunk * chunk + slot)
        }
      }
    }
  }

  // MARK: Decoders

  /// Runs the decoders' open and carry chunks from the top down and keeps what generation continues from.
  private func openChunks(_ prompts: [[Int32]], latents: PerLevel<Tensor?>) {
    let (length, chunk) = (workload.promptLength, level(1).chunkLength)
    let open = length % chunk
    for sequence in 0..<sequences {
      let prompt = prompts[sequence / workload.continuations]
      for slot in 0..<open { openTokens[sequence * chunk + slot] = prompt[length - open + slot] }
    }
    let carry = firstCarryChunks()
    var restored = [Reconstructions?](repeating: nil, count: model.levelCount + 1)
    for l in stride(from: model.levelCount, through: 1, by: -1) where decoderRuns(l) {
      let closed = length / level(l).span - carry[l]
      let isOpen = length % level(l).span != 0
      guard closed > 0 || isOpen else { continue }
      let conditions = conditionRows(
        l, chunks: carry[l]..<carry[l] + closed + (isOpen ? 1 : 0), latents: latents, restored: restored[l])
      restored[l - 1] =
        l == 1 && model.decoderInput.feedsTokens || l > 1 && !feedsOwnOutputs
        ? runKnown(l, conditions, prompts: prompts, latents: latents)
        : runOwn(l, conditions, firstChunk: carry[l], closed: closed, isOpen: isOpen)
    }
    keepReconstructions(restored)
  }

  /// Per level (index l; 0 unused): the first closed chunk, from 0, that decoder l runs so that X̂^(l−1) of the prompt's
  /// last unit exists; the number of closed chunks where it runs none. Only the reconstruction readings carry.
  private func firstCarryChunks() -> [Int] {
    var first = (0...model.levelCount).map { workload.promptLength / model.metaContextLength(upTo: $0) }
    guard model.decoderInput.feedsReconstructions else { return first }
    for l in 2..<max(model.levelCount + 1, 2) {
      // Chunk first[l−1] of the level below is conditioned on the unit before it, at least on unit 0.
      let unit = max(first[l - 1] - 1, 0)
      first[l] = min(first[l], unit / level(l).chunkLength)
    }
    return first
  }

  /// The latents that condition a range of chunks: chunk by chunk, each for every prompt.
  private func conditionRows(
    _ l: Int, chunks: Range<Int>, latents: PerLevel<Tensor?>, restored: Reconstructions?
  ) -> Tensor {
    let batch = workload.batchSize
    let rows = machine.arena.tensor(rows: chunks.count * batch, columns: level(l).layer.width)
    let shifts = l == model.levelCount || model.decoderInput != .cascade
    let encoded = l == model.levelCount || model.decoderInput == .encoderState
    for (index, chunk) in chunks.enumerated() {
      for prompt in 0..<batch {
        let (row, unit) = (index * batch + prompt, shifts ? chunk - 1 : chunk)
        if unit < 0 {
          rows.setRow(row, to: weights(l).start!, row: 0)
        } else if encoded {
          let units = latents[l]!
          rows.setRow(row, to: units, row: prompt * (units.rows / batch) + unit)
        } else {
          rows.setRow(row, to: restored!.rows, row: restored!.row(sequence: prompt, unit: unit))
        }
      }
    }
    return rows
  }

  /// The open chunk, fed inputs that are known: condition and inputs in one pass.
  private func runKnown(
    _ l: Int, _ conditions: Tensor, prompts: [[Int32]], latents: PerLevel<Tensor?>
  ) -> Reconstructions? {
    let (batch, length, width) = (workload.batchSize, workload.promptLength, level(l).below.width)
    let condition = level(l).conditionLength
    let closedUnits = length / level(l).span * level(l).chunkLength
    let units = length / level(l).spanBelow - closedUnits
    let vectors = convert(l, conditions)
    let queries = condition + units
    let input = machine.arena.tensor(rows: batch * queries, columns: width)
    var known: Tensor?
    if l == 1, units > 0 {
      known = machine.embed(
        prompts.flatMap { $0.suffix(units) }, table: weights.embedding, at: Node(0, .decoder, .embedding))
    }
    for prompt in 0..<batch {
      for row in 0..<condition { input.setRow(prompt * queries + row, to: vectors, row: prompt * condition + row) }
      for unit in 0..<units {
        let (source, row) =
          l == 1
          ? (known!, prompt * units + unit)
          : (latents[l - 1]!, prompt * (length / level(l).spanBelow) + closedUnits + unit)
        input.setRow(prompt * queries + condition + unit, to: source, row: row)
      }
    }
    let open = window(l, groups: batch)
    let output = run(l, input, window: open, queries: queries)
    windows[l].copyGroups(from: open, copies: workload.continuations, count: queries)
    guard l > 1 else {
      keepHidden(output) { ($0 + 1) * queries - 1 }
      return nil
    }
    let rows = machine.arena.tensor(rows: batch * (units + 1), columns: width)
    for prompt in 0..<batch {
      for unit in 0...units {
        rows.setRow(prompt * (units + 1) + unit, to: output, row: prompt * queries + condition - 1 + unit)
      }
    }
    return Reconstructions(first: closedUnits, count: units + 1, rows: rows)
  }

  /// Closed chunks and the open one in lock-step, fed their own outputs.
  private func runOwn(
    _ l: Int, _ conditions: Tensor, firstChunk: Int, closed: Int, isOpen: Bool
  ) -> Reconstructions? {
    let (batch, chunk) = (workload.batchSize, level(l).chunkLength)
    let openUnits = workload.promptLength / level(l).spanBelow % chunk
    let count = closed * chunk + (isOpen ? openUnits + 1 : 0)
    let rows = machine.arena.tensor(rows: l > 1 ? batch * count : 0, columns: level(l).below.width)
    let all = window(l, groups: conditions.rows)
    unroll(
      l, conditions, window: all, closed: closed * batch, openFeeds: isOpen ? openUnits : 0,
      collect: { slot, output in
        guard l > 1 else { return keepHidden(output) { $0 } }
        for row in 0..<output.rows {
          rows.setRow(row % batch * count + row / batch * chunk + slot, to: output, row: row)
        }
      }, feed: { _, output in l > 1 ? output : ownOutput(output) })
    if isOpen {
      windows[l].copyGroups(
        from: all, first: closed * batch, copies: workload.continuations, count: level(l).conditionLength + openUnits)
    }
    if closed > 0 { memory.observeParallel(all, groups: closed * batch) }
    return l > 1 ? Reconstructions(first: firstChunk * chunk, count: count, rows: rows) : nil
  }

  private func keepHidden(_ output: Tensor, row: (Int) -> Int) {
    for sequence in 0..<sequences { hidden.setRow(sequence, to: output, row: row(sequence / workload.continuations)) }
  }

  /// X̂ of the unit in progress and of the one before it, where they exist and a later chunk is conditioned on them.
  private func keepReconstructions(_ restored: [Reconstructions?]) {
    for l in 1..<model.levelCount {
      let count = workload.promptLength / level(l).span
      for sequence in 0..<sequences {
        let prompt = sequence / workload.continuations
        if count == 0, let start = weights(l).start { previous[l].setRow(sequence, to: start, row: 0) }
        guard let known = restored[l] else { continue }
        if known.first < count, count <= known.first + known.count {
          previous[l].setRow(sequence, to: known.rows, row: known.row(sequence: prompt, unit: count - 1))
        }
        if known.first + known.count > count {
          pending[l].setRow(sequence, to: known.rows, row: known.row(sequence: prompt, unit: count))
        }
      }
    }
  }
}
