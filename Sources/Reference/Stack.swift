import Architectures
import Tensors

extension Machine {
  /// One pass through a stack: `queries` consecutive positions for each group, appended to the cache.
  ///
  /// - Parameters:
  ///   - input: rows ordered group by group.
  ///   - cache: the groups that take part are its first rows / queries.
  ///   - readsOnce: prefill reads each cached entry once per layer; decode reads it for every position.
  /// - Returns: rows × D, before the stack's last norm.
  func run(_ stack: StackWeights, _ input: Tensor, cache: KeyValueCache, queries: Int, readsOnce: Bool) -> Tensor {
    trace?.recordPass(at: stack.level, stack.side, layers: stack.layers.count)
    var result = arena.tensor(rows: input.rows, columns: input.columns)
    let (shape, projections) = (stack.shape, stack.node(.projections))
    let feedForward = stack.node(.feedForward)
    var x = input
    for (layer, weights) in stack.layers.enumerated() {
      // Gradients need every layer's result; otherwise layers write over one another's.
      if tape != nil, layer > 0 { result = arena.tensor(rows: input.rows, columns: input.columns) }
      let mark = arena.mark
      let query = project(x, weights, into: cache, layer: layer, queries: queries, at: projections)
      let attended = attend(
        query, cache: cache, layer: layer, queries: queries, readsOnce: readsOnce, at: stack.node(.attention))
      let residual = output(attended, weights, residual: x, shape: shape, layer: layer, at: projections)
      let hidden = gateUp(residual, weights, shape: shape, layer: layer, at: feedForward)
      down(hidden, weights, residual: residual, shape: shape, layer: layer, into: result, at: feedForward)
      if tape == nil { arena.release(to: mark) }
      x = result
    }
    cache.advance(by: queries)
    return result
  }

  /// A pass that ends in the stack's last norm.
  func runNormalised(
    _ stack: StackWeights, _ input: Tensor, cache: KeyValueCache, queries: Int, readsOnce: Bool
  ) -> Tensor {
    let result = run(stack, input, cache: cache, queries: queries, readsOnce: readsOnce)
    return norm(result, weight: stack.lastNorm, at: stack.node(.norm))
  }
}
