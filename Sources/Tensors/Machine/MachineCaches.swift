import Architectures

/// Attention over a cache, and what the methods of the cache add to it.
extension Machine {
  /// Softmax attention of each query over the cache up to itself: one operation for each run of alike heads.
  /// - Parameters:
  ///   - query: rotated, as `project` returns it.
  ///   - cache: to which `project` has appended these positions.
  ///   - layer: position of the layer in its stack.
  ///   - queries: positions that each group brings, those among them that only look ahead.
  ///   - readsOnce: whether each entry is read once for all queries of its group, as in prefill.
  ///   - prompt: positions of the whole prompt that this is a pass of; nil where it is none.
  ///   - node: where attention is booked; what cache methods add to it is booked at its upkeep.
  /// - Returns: rows × D_q.
  public func attend(
    _ query: Tensor, cache: KeyValueCache, layer: Int, queries: Int, readsOnce: Bool, prompt: Int? = nil, at node: Node
  ) -> Tensor {
    let result = arena.tensor(rows: query.rows, columns: query.columns)
    for run in cache.runs(of: layer) {
      attend(
        query, cache: cache, run: run, queries: queries, readsOnce: readsOnce, prompt: prompt, into: result, at: node)
    }
    return result
  }

  private func attend(
    _ query: Tensor, cache: KeyValueCache, run index: Int, queries: Int, readsOnce: Bool, prompt: Int?,
    into result: Tensor, at node: Node
  ) {
    let run = cache.runs[index]
    let retaining = run.methods.retaining
    var shape = AttentionShape(
      groups: query.rows / queries, queries: queries, keysBefore: cache.held(run: index),
      layer: run.shape, store: cache.store, readsOnce: readsOnce, window: retaining?.mask ?? 0)
    let upkeep = Node(node.level, node.side, .upkeep)
    let blocks = cache.choosingBlocks(run: index, queries: queries, isPrompt: readsOnce)
    guard blocks.isEmpty, run.methods.lookingUp?.tallyWindow == nil else {
      return attendChosen(query, shape, blocks, cache: cache, run: index, into: result, at: node)
    }
    shape.reads = cache.reads(shape, run: index)
    let fetched = cache.countAtHost(run: index)
    if fetched > 0 { recordTransfer(fetched, groups: shape.groups, run, at: upkeep) }
    let pass = PassPlace(
      before: cache.nextPosition, queries: queries - cache.lookahead, lookahead: cache.lookahead,
      found: cache.held(run: index), prompt: prompt)
    let voters = retaining?.voters(in: pass)
    if retaining?.rotatesByPlace == true, pass.found > 0 {
      trace?.record(
        .rotateEntries(entries: shape.groups * pass.found, layer: run.shape), at: upkeep, layer: run.layer)
    }
    let mark = arena.mark
    let rotated = retaining?.rotatesByPlace == true ? rotatedKeys(cache, run: index, appended: queries) : nil
    record(
      .attention(shape), at: node, layer: run.layer, input: query, window: (cache, queries), output: result)
    cache.withSegments(run: index, appended: queries, keys: rotated) {
      attendRows(
        query, shape: shape, run: run, mass: voters?.countsWithAttention == true ? run.mass : nil, segments: $0,
        into: result)
    }
    if let voters { vote(voters, query, cache: cache, run: index, pass, keys: rotated, at: upkeep) }
    arena.release(to: mark)
  }

  /// The same attention where each query sees nothing but sinks, the latest entries before it and its own, whatever the
  /// cache holds: what heads train with that will stream.
  /// - Parameters:
  ///   - query: rotated, as `project` returns it.
  ///   - cache: that keeps and reads everything; to which `project` has appended these positions.
  ///   - layer: position of the layer in its stack.
  ///   - queries: positions that each group brings.
  ///   - sinks: `S`, the first entries.
  ///   - window: `W`, the latest entries before a query's own.
  ///   - node: where attention is booked.
  /// - Returns: rows × D_q.
  public func attendStreaming(
    _ query: Tensor, cache: KeyValueCache, layer: Int, queries: Int, sinks: Int, window: Int, at node: Node
  ) -> Tensor {
    precondition(cache.isFull && cache.runs(of: layer).count == 1, "heads that stream in a mask alone")
    let (result, index) = (arena.tensor(rows: query.rows, columns: query.columns), cache.runs(of: layer).lowerBound)
    let run = cache.runs[index]
    let shape = AttentionShape(
      groups: query.rows / queries, queries: queries, keysBefore: cache.held(run: index), layer: run.shape,
      store: cache.store, readsOnce: true, window: window + 1, sinks: sinks)
    record(.attention(shape), at: node, layer: layer, input: query, window: (cache, queries), output: result)
    cache.withSegments(run: index, appended: queries) {
      attendRows(query, shape: shape, run: run, mass: nil, segments: $0, into: result)
    }
    return result
  }

  /// z·full + (1 − z)·streaming, head by head.
  /// - Parameters:
  ///   - full: rows × D_q.
  ///   - streaming: rows × D_q.
  ///   - gates: 1 × H_kv, each for the query heads that share a key–value head.
  ///   - shape: of the layer.
  ///   - layer: position of the layer in its stack.
  ///   - node: where the work is booked.
  /// - Returns: rows × D_q.
  public func mixHeads(
    _ full: Tensor, _ streaming: Tensor, gates: Tensor, shape: LayerShape, layer: Int, at node: Node
  ) -> Tensor {
    precondition(gates.rows == 1 && gates.columns == shape.keyValueHeads, "one gate for each key–value head")
    let result = arena.tensor(rows: full.rows, columns: full.columns)
    record(
      .mixHeads(rows: full.rows, layer: shape), at: node, layer: layer, input: full, residual: streaming,
      matrix: gates, output: result)
    mixRows(full, streaming, gates: gates, shape: shape, into: result)
    return result
  }

  /// Lets the cache go of what has to make room for a pass, before any layer runs.
  public func makeRoom(in cache: KeyValueCache, for queries: Int, at node: Node) {
    if !cache.keepsEverything { trace?.beginTiming(node) }
    cache.makeRoom(for: queries) { recordMove($1, groups: cache.groups, $0, at: node) }
  }

  /// Lets the cache go of what its retentions give up, once all layers of a pass have run.
  /// - Parameters:
  ///   - cache: to which every layer has appended, and which has advanced.
  ///   - queries: positions that the pass brought, without those that only looked ahead.
  ///   - prompt: positions of the whole prompt that it was a pass of; nil where it was none.
  ///   - node: where the movement of what stays is booked.
  public func settle(_ cache: KeyValueCache, queries: Int, prompt: Int? = nil, at node: Node) {
    cache.withdrawLookahead()
    if !cache.keepsEverything || cache.usesHost { trace?.beginTiming(node) }
    cache.settle(queries: queries, prompt: prompt) { recordMove($1, groups: cache.groups, $0, at: node) }
    if cache.usesHost { cache.sendAway { recordTransfer($1, groups: cache.groups, $0, at: node) } }
  }

  /// Entries of each head of a run that cross the link, in the form in which they are kept.
  private func recordTransfer(_ entries: Int, groups: Int, _ run: CacheRun, at node: Node) {
    let traffic = run.traffic(formed: entries, fresh: 0).map { groups * $0 }
    trace?.record(
      .transferEntries(entries: groups * entries, layer: run.shape, traffic: traffic), at: node, layer: run.layer)
  }

  private func recordMove(_ entries: MovedEntries, groups: Int, _ run: CacheRun, at node: Node) {
    let traffic = run.traffic(formed: entries.all - entries.fresh, fresh: entries.fresh)
    trace?.record(
      .moveEntries(entries: groups * entries.all, layer: run.shape, traffic: traffic.map { groups * $0 }), at: node,
      layer: run.layer)
  }

  /// Quantises the entries of a layer that a pass makes old enough, once it has been appended and before it attends.
  /// - Parameter groups: that take part in the pass.
  func quantise(_ cache: KeyValueCache, layer: Int, groups: Int, queries: Int, at node: Node) {
    guard !cache.storesKeysAndValues else { return }
    for index in cache.runs(of: layer) {
      let run = cache.runs[index]
      guard let quantising = cache.quantising(run: index, queries: queries), !quantising.ranks.isEmpty,
        let form = run.methods.form.quantisation
      else { continue }
      trace?.record(
        .quantiseEntries(
          entries: groups * quantising.ranks.count, held: groups * quantising.leaving, layer: run.shape, form: form),
        at: node, layer: layer)
      cache.round(quantising, groups: groups, run: index)
    }
  }
}
