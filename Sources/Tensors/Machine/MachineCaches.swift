import Architectures

/// Attention over a cache, and what the methods of the cache add to it.
extension Machine {
  /// Softmax attention of each query over the cache up to itself: one operation for each run of alike heads.
  /// - Parameters:
  ///   - query: rotated, as `project` returns it.
  ///   - cache: to which `project` has appended these positions.
  ///   - layer: position of the layer in its stack.
  ///   - queries: positions that each group brings.
  ///   - readsOnce: whether each entry is read once for all queries of its group, as in prefill.
  ///   - node: where attention is booked; what cache methods add to it is booked at its upkeep.
  /// - Returns: rows × D_q.
  public func attend(
    _ query: Tensor, cache: KeyValueCache, layer: Int, queries: Int, readsOnce: Bool, at node: Node
  ) -> Tensor {
    let result = arena.tensor(rows: query.rows, columns: query.columns)
    for run in cache.runs(of: layer) {
      attend(query, cache: cache, run: run, queries: queries, readsOnce: readsOnce, into: result, at: node)
    }
    return result
  }

  private func attend(
    _ query: Tensor, cache: KeyValueCache, run index: Int, queries: Int, readsOnce: Bool, into result: Tensor,
    at node: Node
  ) {
    let (run, chosen) = (cache.runs[index], cache.chosen(run: index))
    precondition(chosen == nil || run.mass == nil, "the mass of entries that a query may not have read")
    let shape = AttentionShape(
      groups: query.rows / queries, queries: queries, keysBefore: cache.count(of: chosen, run: index),
      layer: run.shape, store: cache.store, readsOnce: readsOnce)
    let upkeep = Node(node.level, node.side, .upkeep)
    let fetched = cache.countAtHost(of: chosen, run: index)
    if fetched > 0 {
      trace?.record(
        .transferEntries(entries: shape.groups * fetched, layer: run.shape), at: upkeep, layer: run.layer)
    }
    record(
      .attention(shape), at: node, layer: run.layer, input: query, window: (cache, queries), output: result)
    cache.withSegments(run: index, chosen: chosen, appended: queries) {
      attendRows(query, shape: shape, run: run, segments: $0, into: result)
    }
    if run.mass != nil {
      trace?.record(
        .scoreEntries(rows: shape.groups, entries: Int(shape.pairsPerGroup), heads: run.shape.heads), at: upkeep,
        layer: run.layer)
    }
  }

  /// Lets the cache go of what its retentions give up, once all layers of a pass have run.
  /// - Parameters:
  ///   - cache: to which every layer has appended, and which has advanced.
  ///   - node: where the movement of what stays is booked.
  public func settle(_ cache: KeyValueCache, at node: Node) {
    cache.settle { run, entries in
      trace?.record(.moveEntries(entries: entries, layer: run.shape), at: node, layer: run.layer)
    }
  }
}
