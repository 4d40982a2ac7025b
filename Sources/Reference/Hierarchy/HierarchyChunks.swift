import Architectures
import Tensors

/// Many chunks side by side: the lock-step that prefill, whole meta-contexts and the teacher-forced pass share.
extension HierarchySession {
  /// A pass of decoder l; above level 1 its rows end normalised, at level 1 the head contains the norm.
  func run(_ l: Int, _ input: Tensor, window: KeyValueCache, queries: Int) -> Tensor {
    l == 1
      ? machine.run(weights(l).decoder, input, cache: window, queries: queries, readsOnce: false)
      : machine.runNormalised(weights(l).decoder, input, cache: window, queries: queries, readsOnce: false)
  }

  /// The condition vectors of chunks, one latent each; kept where the model retains them.
  /// - Shape: latents × D_l in, (latents · R_l) × D_{l−1} out
  func convert(_ l: Int, _ latents: Tensor) -> Tensor {
    let vectors = machine.convert(latents, weights(l).converter, at: Node(l, .decoder, .converter))
      .reshaped(rows: latents.rows * level(l).conditionLength, columns: level(l).below.width)
    retained?.keep(vectors, level: l)
    return vectors
  }

  /// Restores chunks slot by slot: a condition pass for all of them, then one position at a time.
  ///
  /// - Parameters:
  ///   - conditions: one latent per chunk, those of closed chunks first.
  ///   - closed: chunks restored to their end.
  ///   - openFeeds: units that the remaining chunks are fed before they are left open.
  ///   - collect: takes a slot, from 0, and its outputs.
  ///   - feed: what goes in after a slot; the outputs themselves unless tokens are read.
  func unroll(
    _ l: Int, _ conditions: Tensor, window: KeyValueCache, closed: Int, openFeeds: Int,
    collect: (_ slot: Int, _ outputs: Tensor) -> Void, feed: (_ slot: Int, _ outputs: Tensor) -> Tensor = { $1 }
  ) {
    let condition = level(l).conditionLength
    let vectors = convert(l, conditions)
    let output = run(l, vectors, window: window, queries: condition)
    var newest = machine.assemble(rows: conditions.rows, columns: output.columns) {
      (output, ($0 + 1) * condition - 1)
    }
    let feeds = closed > 0 ? level(l).chunkLength - 1 : openFeeds
    collect(0, newest)
    for slot in 0..<feeds {
      // Open chunks stand behind the closed ones and leave the lock-step when they have had their units.
      let active = newest.rows(0..<(slot < openFeeds ? conditions.rows : closed))
      newest = run(l, feed(slot, active), window: window, queries: 1)
      collect(slot + 1, newest)
    }
  }
}
