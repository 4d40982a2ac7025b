import Architectures
import Tensors

extension Machine {
  /// One pass through a stack: `queries` consecutive positions for each group, appended to the cache, which then lets go
  /// of what its retentions give up.
  ///
  /// - Parameters:
  ///   - input: rows ordered group by group.
  ///   - cache: the groups that take part are its first rows / queries.
  ///   - readsOnce: prefill reads each cached entry once per layer; decode reads it for every position.
  ///   - lookahead: the last of the queries that only look ahead: they leave no entry.
  ///   - prompt: positions of the whole prompt that this is a pass of; nil where it is none.
  ///   - mixing: heads that are partly full and partly streaming; nil: they are as the cache has them.
  ///   - willSettle: is called once all layers have appended, before anything goes.
  /// - Returns: rows × D, before the stack's last norm.
  func run(
    _ weights: StackWeights, _ input: Tensor, cache: KeyValueCache, queries: Int, readsOnce: Bool, lookahead: Int = 0,
    prompt: Int? = nil, mixing: MixedHeads? = nil, willSettle: () -> Void = {}
  ) -> Tensor {
    let stack = weights.stack
    makeRoom(in: cache, for: queries, at: stack.node(.upkeep))
    cache.lookAhead(by: lookahead)
    trace?.recordPass(at: stack.level, stack.side, layers: stack.layers)
    var result = arena.tensor(rows: input.rows, columns: input.columns)
    let (projections, attention) = (stack.node(.projections), stack.node(.attention))
    let feedForward = stack.node(.feedForward)
    var x = input
    for (layer, own) in weights.layers.enumerated() {
      let shape = weights.shapes[layer]
      // Gradients need every layer's result; otherwise layers write over one another's.
      if tape != nil, layer > 0 { result = arena.tensor(rows: input.rows, columns: input.columns) }
      let mark = arena.mark
      precondition(tape == nil || shape.isPlain, "gradients are of Llama's layers")
      let order = shape.style.order
      let shared = order == .parallelOneNorm ? arena.tensor(rows: x.rows, columns: x.columns) : nil
      let query = project(x, own, into: cache, layer: layer, queries: queries, at: projections, keeping: shared)
      var attended = attend(
        query, cache: cache, layer: layer, queries: queries, readsOnce: readsOnce, prompt: prompt, at: attention)
      if let mixing {
        let streaming = attendStreaming(
          query, cache: cache, layer: layer, queries: queries, sinks: mixing.sinks, window: mixing.window,
          at: attention)
        attended = mixHeads(
          attended, streaming, gates: mixing.gates.rows(layer..<layer + 1), shape: shape, layer: layer, at: attention)
      }
      let residual = output(attended, own, residual: x, shape: shape, layer: layer, at: projections)
      let read = order == .sequential ? residual : shared ?? x
      let hidden = gateUp(read, own, shape: shape, layer: layer, at: feedForward)
      down(hidden, own, residual: residual, shape: shape, layer: layer, into: result, at: feedForward)
      if tape == nil { arena.release(to: mark) }
      x = result
    }
    cache.advance(by: queries)
    willSettle()
    settle(cache, queries: queries - lookahead, prompt: prompt, at: stack.node(.upkeep))
    return result
  }

  /// A pass that ends in the stack's last norm.
  func runNormalised(
    _ weights: StackWeights, _ input: Tensor, cache: KeyValueCache, queries: Int, readsOnce: Bool, lookahead: Int = 0,
    prompt: Int? = nil, willSettle: () -> Void = {}
  ) -> Tensor {
    let result = run(
      weights, input, cache: cache, queries: queries, readsOnce: readsOnce, lookahead: lookahead, prompt: prompt,
      willSettle: willSettle)
    return norm(result, weight: weights.lastNorm, at: weights.stack.node(.norm))
  }
}

/// A pass of a prompt: the positions that it brings, and those that it only looks ahead to.
struct PromptPass {
  let own, ahead: Range<Int>

  var rows: Int { own.count + ahead.count }

  /// All passes of a stack over so many units: chunk by chunk, with the last units of the prompt behind every chunk but
  /// the last where its cache looks ahead.
  static func all(_ units: Int, of cache: StackCache) -> [PromptPass] {
    stride(from: 0, to: units, by: cache.prefillChunk ?? max(units, 1)).map { start in
      let end = min(start + (cache.prefillChunk ?? units), units)
      return PromptPass(own: start..<end, ahead: (end < units ? max(units - cache.lookahead, 0) : units)..<units)
    }
  }
}
