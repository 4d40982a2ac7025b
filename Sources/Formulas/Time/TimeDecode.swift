import Architectures

extension DispatchChain {
  /// The condition pass of `chunks` chunks that run side by side, `times` times.
  func appendCondition(_ level: Int, chunks: Double, times: Double, to builder: inout DispatchBuilder) {
    guard chunks > 0, times > 0 else { return }
    let length = Double(model.levels[level].conditionLength)
    let pairs = Affine(chunks * causalPairs(length))
    decoder(level).append(
      Passes(rows: chunks * length, times: times, pairs: pairs, entriesRead: pairs), to: &builder)
    if level > 1 { decoder(level).appendNorm(rows: chunks * length, dispatches: times, to: &builder) }
  }

  /// Passes that feed units `first` … `last` of `chunks` chunks: position R_l + j attends R_l + j keys.
  func appendFed(
    _ level: Int, chunks: Double, times: Double, from first: Int, through last: Int, to builder: inout DispatchBuilder
  ) {
    guard chunks > 0, times > 0, last >= first else { return }
    let count = Double(last - first + 1)
    let keys = chunks * Affine(Double(model.levels[level].conditionLength + first), slope: 1)
    if level == 1, model.decoderInput.feedsTokens {
      builder.appendEmbedding(
        Node(0, .decoder, .embedding), rows: chunks, dispatches: count * times, width: Double(model.layer.width))
    }
    decoder(level).append(
      Passes(rows: chunks, count: count, times: times, pairs: keys, entriesRead: keys), to: &builder)
    if level > 1 || !model.decoderInput.feedsTokens {
      decoder(level).appendNorm(rows: chunks, dispatches: count * times, to: &builder)
    }
  }

  /// Chunks from their first token: converter, condition pass and inputs 1 … `last`.
  func appendChunks(_ level: Int, chunks: Double, times: Double, through last: Int, to builder: inout DispatchBuilder) {
    guard times > 0 else { return }
    appendConverter(level, to: &builder, chunks: chunks, dispatches: times)
    appendCondition(level, chunks: chunks, times: times, to: &builder)
    appendFed(level, chunks: chunks, times: times, from: 1, through: last, to: &builder)
  }

  // MARK: Decode

  func decode() -> DispatchedPhase {
    var builder = DispatchBuilder(model, precision, devices: devices)
    for level in 1...model.levelCount {
      appendEncoder(level, to: &builder)
      appendDecoder(level, to: &builder)
    }
    let together = metaContext / model.levels[1].chunkLength
    let alone = Double(generated - parallel * metaContext)
    let sideBySide = Double(parallel * model.levels[1].chunkLength)
    appendHead(to: &builder, rows: sequences, dispatches: alone)
    appendHead(to: &builder, rows: sequences * Double(together), dispatches: sideBySide)
    addHeadResident(to: &builder)
    return builder.phase(steps: alone + sideBySide, reusedByRank: true)
  }

  /// Units of encoder `level`, one per pass, or all of a chunk-parallel meta-context in one.
  private func appendEncoder(_ level: Int, to builder: inout DispatchBuilder) {
    let length = model.metaContextLength(upTo: level)
    let span = metaContext / length
    let first = prompt / length
    let dropped = model.generation == .recursive && level < model.levelCount
    let last = (dropped ? min(end, dropAt) : end) / length
    guard last > first else { return }
    encoder(level).addResident(entries: batch * Double(first) + sequences * Double(last - first), to: &builder)
    addMapsResident(level, to: &builder)
    guard parallel > 0, !dropped else { return appendUnits(level, after: first, through: last, to: &builder) }

    let start = firstWhole * span
    appendUnits(level, after: first, through: start, to: &builder)
    let passes = Double(parallel)
    let rows = sequences * Double(span)
    let keys = Affine(causalPairs(Double(span)) + Double(start) * Double(span), slope: Double(span) * Double(span))
    appendChunker(level, to: &builder, units: rows, dispatches: passes)
    encoder(level).append(
      Passes(rows: rows, count: passes, pairs: sequences * keys, entriesRead: sequences * keys), to: &builder)
    encoder(level).appendNorm(rows: rows, dispatches: passes, to: &builder)
    appendUnits(level, after: start + parallel * span, through: last, to: &builder)
  }

  private func appendUnits(_ level: Int, after first: Int, through last: Int, to builder: inout DispatchBuilder) {
    guard last > first else { return }
    let count = Double(last - first)
    let keys = sequences * Affine(Double(first + 1), slope: 1)
    appendChunker(level, to: &builder, units: sequences, dispatches: count)
    encoder(level).append(Passes(rows: sequences, count: count, pairs: keys, entriesRead: keys), to: &builder)
    encoder(level).appendNorm(rows: sequences, dispatches: count, to: &builder)
  }

  /// The rest of the chunk that is open after the prompt, whole chunks alone and side by side, and the last open one.
  private func appendDecoder(_ level: Int, to builder: inout DispatchBuilder) {
    let shape = model.levels[level]
    let span = model.metaContextLength(upTo: level)
    let below = span / shape.chunkLength
    let isLate = level > 1 && model.decoderInput == .encoderState
    if isLate && (model.generation == .hierarchical || end <= dropAt) { return }
    let start = isLate ? dropAt : prompt
    guard end > start else { return }
    let fedAtStart = start / below % shape.chunkLength
    let fedAtEnd = end / below % shape.chunkLength
    let startIsOpen = start % span != 0
    let endIsOpen = end % span != 0
    decoder(level).addResident(entries: 0, to: &builder)

    if startIsOpen && start / span == end / span {
      appendFed(level, chunks: sequences, times: 1, from: fedAtStart + 1, through: fedAtEnd, to: &builder)
      return
    }
    let last = shape.chunkLength - 1
    if startIsOpen {
      appendFed(level, chunks: sequences, times: 1, from: fedAtStart + 1, through: last, to: &builder)
    }
    let together = metaContext / span
    let whole = end / span - start / span - (startIsOpen ? 1 : 0)
    appendChunks(
      level, chunks: sequences, times: Double(whole - parallel * together), through: last, to: &builder)
    appendChunks(
      level, chunks: sequences * Double(together), times: Double(parallel), through: last, to: &builder)
    appendChunks(level, chunks: sequences, times: endIsOpen ? 1 : 0, through: fedAtEnd, to: &builder)
  }

  // MARK: Emission

  func emission() -> DispatchedPhase {
    var builder = DispatchBuilder(model, precision, devices: devices)
    for level in stride(from: model.levelCount, through: 1, by: -1)
    where prompt % model.metaContextLength(upTo: level) == 0 {
      let isLate = level > 1 && model.decoderInput == .encoderState
      if isLate && (model.generation == .hierarchical || prompt < dropAt) { continue }
      appendConverter(level, to: &builder, chunks: sequences, dispatches: 1)
      appendCondition(level, chunks: sequences, times: 1, to: &builder)
      decoder(level).addResident(entries: 0, to: &builder)
    }
    appendHead(to: &builder, rows: sequences, dispatches: 1)
    addHeadResident(to: &builder)
    return builder.phase(steps: 0, reusedByRank: false)
  }
}
