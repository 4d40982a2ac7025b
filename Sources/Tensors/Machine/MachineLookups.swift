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
      let rotated = run.shape.style.rotatedWidth ?? run.shape.headWidth
      let angles = rotaryAngles(headWidth: rotated, positions: cache.positionRoom + (method.tallyWindow ?? 0))
      let turning = Turning(angles: angles, headWidth: run.shape.headWidth, rotated: rotated)
      let rows = BlockRows(
        query: query, result: result, run: run, group: group, queries: shape.queries, start: cache.nextPosition,
        backend: backend, tallyWindow: method.tallyWindow, turning: method.bringsNear ? turning : nil)
      if dense > 0 {
        let all = (0..<cache.nextPosition)
        for head in heads.indices { rows.attend(0..<dense, head, heads[head], [all].filter { !$0.isEmpty }) }
      }
      for block in blocks {
        let first = block.position - cache.nextPosition
        let keys = KeyReader(
          heads: heads, headWidth: run.shape.headWidth, sharing: run.shape.heads / run.heads.count,
          query: { rows.query(first + $0) }, isFast: backend == .fast, position: block.position, turning: turning,
          weights: { run.mass(group: group, head: $0).map { UnsafePointer($0) } })
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
    guard scan.queries > 0 || scan.made > 0 || scan.turned > 0 else { return }
    let traffic = run.keyTraffic(formed: scan.keys + scan.made * scan.keysOfEach, fresh: scan.representatives)
    trace?.record(
      .scanKeys(
        ScanShape(
          groups: shape.groups, queries: scan.queries, pairs: scan.pairs, keys: scan.keys, averaged: scan.averaged,
          turned: scan.turned, rotatedKeys: scan.rotatedKeys, representatives: scan.representatives, made: scan.made,
          keysOfEach: scan.keysOfEach,
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
  /// What brings entries that lie outside that window to where it ends; nil: they stay where they are.
  let turning: Turning?

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
    let isFast = backend == .fast && !run.shape.style.needsPlainAttention
    if isFast, tallyWindow == nil {
      let all = pieces + entries.pieces([first..<first + rows.count])
      return attendFast(rows, head, all.map { Seen(entries, $0) })
    }
    for row in rows {
      withSeen(by: row, entries, pieces + entries.pieces([first..<start + row + 1])) { seen in
        var weights = [Float](repeating: 0, count: seen.reduce(0) { $0 + $1.count })
        if isFast {
          attendFast(row..<row + 1, head, seen, weights: &weights)
          tally(row, head, weights)
        } else {
          attendPlain(row, head, seen, &weights)
        }
      }
    }
  }

  /// What a row reads, in order of position.
  private func withSeen(
    by row: Int, _ entries: HeadEntries, _ pieces: [Range<Int>], _ body: ([Seen]) -> Void
  ) {
    let position = start + row
    guard let turning, let tallyWindow, position >= tallyWindow else { return body(pieces.map { Seen(entries, $0) }) }
    let end = position - tallyWindow + 1
    let far = pieces.map { $0.clamped(to: 0..<end) }.filter { !$0.isEmpty }
    let near = pieces.map { $0.clamped(to: end..<position + 1) }.filter { !$0.isEmpty }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: far.reduce(1) { $0 + $1.count * width }) { copies in
      var (seen, copy) = ([Seen](), copies.baseAddress!)
      for range in far {
        seen.append(Seen(keys: copy, values: entries.value(range.lowerBound), count: range.count))
        for entry in range {
          copy.update(from: entries.key(entry), count: width)
          turning.turn(copy, heads: 1, from: entry, to: position - tallyWindow)
          copy += width
        }
      }
      body(seen + near.map { Seen(entries, $0) })
    }
  }

  /// In the plainest words, query head by query head.
  private func attendPlain(_ row: Int, _ head: Int, _ seen: [Seen], _ weights: inout [Float]) {
    let segments = seen.map { (keys: UnsafePointer($0.keys), values: UnsafePointer($0.values), count: $0.count) }
    for member in head * sharing..<(head + 1) * sharing {
      PlainKernels<Float>.attend(
        headWidth: width, query: query(row) + member * width, segments: segments, weights: &weights,
        scores: run.shape.style.scores(
          ofHead: run.queryColumns.lowerBound / width + member, of: query.columns / width),
        into: result(row) + member * width)
      tally(row, head, weights)
    }
  }

  /// Adds the weights of a row's latest entries, which are the last that it has read.
  private func tally(_ row: Int, _ head: Int, _ weights: [Float]) {
    guard let tallyWindow, let sums = run.mass(group: group, head: head) else { return }
    let end = start + row + 1
    let count = min(tallyWindow, end)
    weights.withUnsafeBufferPointer {
      PlainKernels<Float>.accumulate(count, $0.baseAddress! + $0.count - count, into: sums + end - count)
    }
  }

  /// - Parameter weights: to which the weights of each entry are added, of all rows and the query heads that share it.
  private func attendFast(
    _ rows: Range<Int>, _ head: Int, _ seen: [Seen], weights: UnsafeMutablePointer<Float>? = nil
  ) {
    let segments = seen.map {
      ck_segment(keys: $0.keys, values: $0.values, count: $0.count, headStride: 0, groupStride: 0, share: 1)
    }
    let column = head * sharing * width
    segments.withUnsafeBufferPointer { segments in
      var arguments = ck_attention(
        groups: 1, queries: rows.count, past: seen.reduce(-rows.count) { $0 + $1.count }, window: 0, heads: sharing,
        keyValueHeads: 1, headWidth: width, scale: 1 / Float(width).squareRoot(), q: query(rows.lowerBound) + column,
        ldq: query.columns, segments: segments.baseAddress, y: result(rows.lowerBound) + column, ldy: result.columns,
        mass: weights, ldmass: 0)
      ck_attention(&arguments)
    }
  }
}

/// Keys and values that lie side by side.
private struct Seen {
  let keys, values: UnsafeMutablePointer<Float>
  let count: Int

  init(keys: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>, count: Int) {
    (self.keys, self.values, self.count) = (keys, values, count)
  }

  init(_ entries: HeadEntries, _ range: Range<Int>) {
    self.init(keys: entries.key(range.lowerBound), values: entries.value(range.lowerBound), count: range.count)
  }
}
