import Architectures
import CKernels

/// Attention over entries that are chosen.
extension Machine {
  /// Attention of a pass some of whose rows choose what they read: one operation, and one for the choice.
  /// - Parameters:
  ///   - query: rotated, rows of the pass of each group.
  ///   - whole: the shape of attention to everything.
  ///   - blocks: those that choose; the rows before them read everything.
  ///   - cache: to which the pass has been appended, and which holds all entries of the run.
  ///   - index: of the run.
  ///   - result: rows × D_q.
  ///   - node: where attention is booked.
  func attendChosen(
    _ query: Tensor, _ whole: AttentionShape, _ blocks: [ReadBlock], cache: KeyValueCache, run index: Int,
    into result: Tensor, at node: Node
  ) {
    let run = cache.runs[index]
    guard let method = run.methods.lookingUp else { return }
    precondition(run.methods.retaining == nil && cache.countAtHost(run: index) == 0, "a choice among entries that went")
    let (start, upkeep) = (cache.nextPosition, Node(node.level, node.side, .upkeep))
    let dense = (blocks.first?.position ?? start + whole.queries) - start
    var shape = whole
    if !blocks.isEmpty { shape.chosen = chosen(blocks, by: method, whole, dense: dense) }
    shape.reads = cache.reads(shape, run: index)
    record(method.scan(blocks, of: start..<start + whole.queries), whole, run, at: upkeep)
    if let window = method.tallyWindow { recordTally(window, whole, run, at: upkeep) }
    record(
      .attention(shape), at: node, layer: run.layer, input: query, window: (cache, shape.queries), output: result)
    guard query.base != nil, result.base != nil else { return }
    for group in 0..<shape.groups {
      let heads = run.heads.indices.compactMap { head in
        cache.headEntries(run: index, group: group, head: head - run.heads.lowerBound)
      }
      guard heads.count == run.heads.count else { return }
      let rows = BlockRows(
        query: query, result: result, run: run, group: group, queries: shape.queries, start: cache.nextPosition,
        backend: backend, tallyWindow: method.tallyWindow)
      let rotated = run.shape.style.rotatedWidth ?? run.shape.headWidth
      let angles = rotaryAngles(headWidth: rotated, positions: cache.positionRoom + (method.tallyWindow ?? 0))
      if dense > 0 {
        let all = (0..<cache.nextPosition)
        for head in heads.indices { rows.attend(0..<dense, head, heads[head], [all].filter { !$0.isEmpty }) }
      }
      for block in blocks {
        let first = block.position - cache.nextPosition
        let keys = KeyReader(
          heads: heads, headWidth: run.shape.headWidth, sharing: run.shape.heads / run.heads.count,
          query: { rows.query(first + $0) }, isFast: backend == .fast, position: block.position, angles: angles,
          rotated: rotated, weights: { run.mass(group: group, head: $0).map { UnsafePointer($0) } })
        let chosen = method.choose(block, keys, &cache.memories[index][group])
        for head in heads.indices {
          let count = chosen[head].reduce(0) { $0 + $1.count }
          precondition(count == method.count(before: block.position), "\(count) entries were chosen")
          rows.attend(first..<first + block.rows, head, heads[head], chosen[head])
        }
      }
    }
  }

  private func record(_ scan: Scan, _ shape: AttentionShape, _ run: CacheRun, at node: Node) {
    guard scan.queries > 0 || scan.made > 0 else { return }
    let traffic = run.keyTraffic(formed: scan.keys + scan.made * scan.keysOfEach, fresh: scan.representatives)
    trace?.record(
      .scanKeys(
        ScanShape(
          groups: shape.groups, queries: scan.queries, pairs: scan.pairs, keys: scan.keys, averaged: scan.averaged,
          turned: scan.turned, representatives: scan.representatives, made: scan.made, keysOfEach: scan.keysOfEach,
          layer: run.shape, traffic: traffic.map { shape.groups * $0 })), at: node, layer: run.layer)
  }

  /// The weights of the latest entries that a pass adds up: attention of one row ends with them, others compute them again.
  private func recordTally(_ window: Int, _ shape: AttentionShape, _ run: CacheRun, at node: Node) {
    let entries = min(shape.keysBefore, window - 1) + shape.queries
    let isRow = shape.queries == 1
    trace?.record(
      .scoreEntries(
        VoteShape(
          groups: shape.groups, queries: shape.queries, entries: entries, layer: run.shape,
          weights: isRow ? .attention : .again, pooled: 0, window: window,
          keys: isRow ? nil : run.keyTraffic(formed: entries, fresh: 0).map { shape.groups * $0 })), at: node,
      layer: run.layer)
  }

  /// What the rows of a group read: those that read everything each entry once in a prompt, and every block what is
  /// chosen and its own.
  private func chosen(
    _ blocks: [ReadBlock], by method: any LookingUp, _ whole: AttentionShape, dense: Int
  ) -> ChosenReads {
    func triangle(_ count: Int) -> Int { count * (count + 1) / 2 }
    let pairs = dense * whole.keysBefore + triangle(dense)
    var reads = ChosenReads(pairs: pairs, entries: whole.readsOnce ? (dense > 0 ? whole.keysBefore + dense : 0) : pairs)
    for block in blocks {
      let count = method.count(before: block.position)
      reads.pairs += block.rows * count + triangle(block.rows)
      reads.entries += count + block.rows
    }
    return reads
  }
}

/// Queries and results of one group in the columns of a run of heads.
private struct BlockRows {
  let query, result: Tensor
  let run: CacheRun
  let group, queries: Int
  /// The position of its first row.
  let start: Int
  let backend: Backend
  /// Latest entries whose weights are added up; nil: none.
  let tallyWindow: Int?

  private var width: Int { run.shape.headWidth }
  private var sharing: Int { run.shape.heads / run.heads.count }

  /// The queries of the run's heads in a row.
  func query(_ row: Int) -> UnsafePointer<Float> {
    UnsafePointer(query.base! + (group * queries + row) * query.columns + run.queryColumns.lowerBound)
  }

  private func result(_ row: Int) -> UnsafeMutablePointer<Float> {
    result.base! + (group * queries + row) * result.columns + run.queryColumns.lowerBound
  }

  /// Attention of some rows in the query heads that share a key–value head.
  /// - Parameter ranges: of entries before the first of the rows; each reads its own and those of the rows before it
  ///   besides.
  func attend(_ rows: Range<Int>, _ head: Int, _ entries: HeadEntries, _ ranges: [Range<Int>]) {
    let first = start + rows.lowerBound
    let pieces = entries.pieces(ranges)
    if backend == .fast, !run.shape.style.needsPlainAttention {
      guard let tallyWindow else {
        return attendFast(rows, head, entries, pieces + entries.pieces([first..<first + rows.count]))
      }
      for row in rows {
        let seen = pieces + entries.pieces([first..<start + row + 1])
        var weights = [Float](repeating: 0, count: seen.reduce(0) { $0 + $1.count })
        attendFast(row..<row + 1, head, entries, seen, weights: &weights)
        tally(tallyWindow, row, head, weights, of: weights.count)
      }
      return
    }
    let most = ranges.reduce(rows.count) { $0 + $1.count }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: most) { weights in
      for row in rows {
        let seen = (pieces + entries.pieces([first..<start + row + 1])).map {
          (
            keys: UnsafePointer(entries.key($0.lowerBound)), values: UnsafePointer(entries.value($0.lowerBound)),
            count: $0.count
          )
        }
        for member in head * sharing..<(head + 1) * sharing {
          PlainKernels<Float>.attend(
            headWidth: width, query: query(row) + member * width, segments: seen, weights: weights.baseAddress!,
            scores: run.shape.style.scores(
              ofHead: run.queryColumns.lowerBound / width + member, of: query.columns / width),
            into: result(row) + member * width)
          if let tallyWindow {
            tally(tallyWindow, row, head, weights.baseAddress!, of: seen.reduce(0) { $0 + $1.count })
          }
        }
      }
    }
  }

  /// Adds the weights of a row's latest entries, which are the last that it has read.
  private func tally(_ window: Int, _ row: Int, _ head: Int, _ weights: UnsafePointer<Float>, of read: Int) {
    guard let sums = run.mass(group: group, head: head) else { return }
    let end = start + row + 1
    let count = min(window, end)
    PlainKernels<Float>.accumulate(count, weights + read - count, into: sums + end - count)
  }

  /// - Parameter weights: to which the weights of each entry are added, of all rows and the query heads that share it.
  private func attendFast(
    _ rows: Range<Int>, _ head: Int, _ entries: HeadEntries, _ pieces: [Range<Int>],
    weights: UnsafeMutablePointer<Float>? = nil
  ) {
    let segments = pieces.map {
      ck_segment(
        keys: entries.key($0.lowerBound), values: entries.value($0.lowerBound), count: $0.count, headStride: 0,
        groupStride: 0, share: 1)
    }
    let column = head * sharing * width
    segments.withUnsafeBufferPointer { segments in
      var arguments = ck_attention(
        groups: 1, queries: rows.count, past: pieces.reduce(-rows.count) { $0 + $1.count }, window: 0, heads: sharing,
        keyValueHeads: 1, headWidth: width, scale: 1 / Float(width).squareRoot(), q: query(rows.lowerBound) + column,
        ldq: query.columns, segments: segments.baseAddress, y: result(rows.lowerBound) + column, ldy: result.columns,
        mass: weights, ldmass: 0)
      ck_attention(&arguments)
    }
  }
}
