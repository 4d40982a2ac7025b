import Architectures
import Tensors

/// What decoder l ≥ 2 restored of a meta-context, where the machine left it: valid while it is told.
public struct RestoredUnits {
  /// That of the decoder, l.
  public let level: Int
  /// Index, from 0, of the first unit of level l − 1.
  public let firstUnit: Int
  /// X̂^(l−1), sequence × units rows of D_(l−1).
  public let units: Tensor
  /// Index of the first unit of level l.
  public let firstChunk: Int
  /// Â^(l), what chunker l makes of them, sequence × chunks rows of D_l: at the top, what recursive generation climbs on.
  public let chunks: Tensor
}

/// A whole meta-context at once: where decoders are fed their own outputs, the conditions of all chunks of a level are
/// known before any token of it, so that its chunks run side by side (v2 §2.3).
extension HierarchySession {
  /// Emits `B` tokens per sequence into `metaContextTokens` and commits them.
  /// - Precondition: the committed length is a multiple of `B`.
  func generateMetaContext(choosing choose: TokenChooser) {
    var restored: Tensor?
    var topUnits: Tensor?
    for l in stride(from: model.levelCount, through: 1, by: -1) {
      let conditions = chunkConditions(l, restored: restored)
      let window = parallelWindow(l)
      defer { window.clear() }
      if l < model.levelCount, let restored { keepLast(restored, of: l) }
      if l > 1 {
        restored = restoreChunks(l, conditions, window: window)
        report(l, restored!)
        if l == model.levelCount { topUnits = restored }
      } else {
        emitChunks(conditions, window: window, choosing: choose)
      }
      memory.observeParallel(window, groups: window.groups)
    }
    observeStatesInside()
    committed += metaContext
    encodeMetaContext(topUnits: topUnits)
  }

  private func report(_ l: Int, _ units: Tensor) {
    guard let observeRestored else { return }
    observeRestored(
      RestoredUnits(
        level: l, firstUnit: committed / level(l).spanBelow, units: units, firstChunk: committed / level(l).span,
        chunks: chunked(l, units: units)))
  }

  /// The local peak is defined over every state n, the states that a chunk-parallel run steps over included: an engine
  /// that may stop at any token has to have room for the windows that are open there.
  private func observeStatesInside() {
    for n in committed + 1..<max(committed + metaContext, committed + 1) {
      memory.observe(windows) { l in
        guard n % level(l).span != 0, decoderRuns(l) else { return 0 }
        return level(l).conditionLength + n / level(l).spanBelow % level(l).chunkLength
      }
    }
  }

  private func parallelWindow(_ l: Int) -> KeyValueCache {
    if let known = parallelWindows[l] { return known }
    let made = window(l, groups: sequences * metaContext / level(l).span)
    parallelWindows[l] = made
    return made
  }

  /// One latent per chunk, sequence × chunks rows: X̂^(l) of the chunk itself under `cascade`, of the chunk before it else.
  private func chunkConditions(_ l: Int, restored: Tensor?) -> Tensor {
    guard l < model.levelCount, let restored else { return latest[l] }
    guard model.decoderInput != .cascade else { return restored }
    let chunks = metaContext / level(l).span
    let rows = machine.arena.tensor(rows: restored.rows, columns: restored.columns)
    for sequence in 0..<sequences {
      rows.setRow(sequence * chunks, to: previous[l], row: sequence)
      for chunk in 1..<max(chunks, 1) {
        rows.setRow(sequence * chunks + chunk, to: restored, row: sequence * chunks + chunk - 1)
      }
    }
    return rows
  }

  /// X̂^(l−1) of the whole meta-context, sequence × units rows.
  private func restoreChunks(_ l: Int, _ conditions: Tensor, window: KeyValueCache) -> Tensor {
    let chunk = level(l).chunkLength
    let rows = machine.arena.tensor(rows: conditions.rows * chunk, columns: level(l).below.width)
    unroll(
      l, conditions, window: window, closed: conditions.rows, openFeeds: 0,
      collect: { slot, output in
        for row in 0..<output.rows { rows.setRow(row * chunk + slot, to: output, row: row) }
      })
    return rows
  }

  /// Reads the head after every slot of all level-1 chunks.
  private func emitChunks(
    _ conditions: Tensor, window: KeyValueCache, choosing choose: TokenChooser
  ) {
    let (chunk, start) = (level(1).chunkLength, committed)
    let chunks = metaContext / chunk
    unroll(
      1, conditions, window: window, closed: conditions.rows, openFeeds: 0,
      collect: { slot, output in
        let logits = machine.head(
          output, norm: weights(1).decoder.lastNorm, table: weights.head, at: Node(0, .decoder, .head))
        chooseTokens(
          logits, into: &slotTokens, sequence: { $0 / chunks }, position: { start + $0 % chunks * chunk + slot },
          choose: choose)
        for row in slotTokens.indices { metaContextTokens[row * chunk + slot] = slotTokens[row] }
      },
      feed: { _, output in
        model.decoderInput.feedsTokens
          ? machine.embed(slotTokens, table: weights.embedding, at: Node(0, .decoder, .embedding)) : ownOutput(output)
      })
  }

  /// X̂^(l) of the meta-context's last unit conditions the next one's first chunk.
  private func keepLast(_ restored: Tensor, of l: Int) {
    let units = restored.rows / sequences
    for sequence in 0..<sequences {
      previous[l].setRow(sequence, to: restored, row: (sequence + 1) * units - 1)
    }
  }

  /// The encoders that run take the meta-context's units in one pass each; after a drop only the top does, and chunks
  /// the reconstructions of the level below it.
  private func encodeMetaContext(topUnits: Tensor?) {
    var units = topUnits
    for l in 1...model.levelCount where encoderRuns(l) {
      let input = l == 1 ? embedForEncoder(metaContextTokens) : units!
      let queries = metaContext / level(l).span
      let output = machine.runNormalised(
        weights(l).encoder, chunked(l, units: input), cache: encoderCaches[l], queries: queries, readsOnce: false)
      for sequence in 0..<sequences { latest[l].setRow(sequence, to: output, row: (sequence + 1) * queries - 1) }
      units = output
    }
  }
}
