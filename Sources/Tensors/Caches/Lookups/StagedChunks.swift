import Architectures

/// InfiniteHiP: between sinks and stream, three stages score chunks by the best product of a representative that is searched
/// for in each, keep the best and cut them smaller. What is found is the same for all heads of a run.
struct StagedChunks: LookingUp {
  let plan: InfiniteHiP

  private var largest: Int { plan.stages[0].chunk }
  var dense: Int { plan.sinks + plan.recent + (plan.budget / largest + 1) * largest - 1 }
  var block: Int { plan.queryBlock }

  /// Entries before the stream of a block: sinks, and whole chunks.
  private func end(before position: Int) -> Int {
    plan.sinks + (position - plan.sinks - plan.recent) / largest * largest
  }

  func count(before position: Int) -> Int { plan.sinks + plan.budget + position - end(before: position) }

  // MARK: What it takes

  func scan(_ block: ReadBlock) -> Scan {
    var scan = Scan()
    // What the last block that began with the first stage left to the others.
    let since = block.position - (block.step.map { $0 % plan.stages[0].refresh } ?? 0)
    var candidates = end(before: since) - plan.sinks
    for stage in plan.stages {
      candidates = min(candidates, stage.input)
      guard block.refreshes(every: stage.refresh) else { continue }
      let (keys, queries) = (candidates / stage.chunk * keys(of: stage.chunk), means(block, stage))
      scan += Scan(
        queries: block.rows, pairs: queries * keys, keys: keys,
        averaged: queries < block.rows ? block.rows + queries : 0)
    }
    return scan
  }

  /// Queries that a stage compares keys with.
  private func means(_ block: ReadBlock, _ stage: InfiniteHiP.Stage) -> Int {
    (block.rows + stage.stride - 1) / stage.stride
  }

  /// Keys that are read to find the representative of a chunk: two at each turn.
  private func keys(of chunk: Int) -> Int {
    var (turns, width) = (0, 1)
    switch plan.representatives {
    case .middle:
      while width <= chunk { (turns, width) = (turns + 1, 2 * width) }
      return 2 * turns
    case .first:
      while width < chunk { (turns, width) = (turns + 1, 2 * width) }
      return turns == 0 ? 1 : 2 * turns
    }
  }

  // MARK: What is found

  func choose(_ block: ReadBlock, _ keys: KeyReader, _ memory: inout LookupMemory) -> [[Range<Int>]] {
    let end = end(before: block.position)
    var own = block.step == nil ? LookupMemory() : memory
    if own.inputs.isEmpty { own.inputs = Array(repeating: [], count: plan.stages.count + 1) }
    for (index, stage) in plan.stages.enumerated() where block.refreshes(every: stage.refresh) {
      if index == 0 { own.inputs[0] = Array(stride(from: plan.sinks, to: end, by: largest)) }
      own.inputs[index + 1] = next(index, own.inputs[index], block, keys)
    }
    if block.step != nil { memory = own }
    let found = joined(own.inputs[plan.stages.count], length: plan.stages[plan.stages.count - 1].chunk)
    let ranges = ([0..<plan.sinks] + found + [end..<block.position]).filter { !$0.isEmpty }
    return Array(repeating: ranges, count: keys.heads.count)
  }

  /// What a stage leaves of its candidates, as chunks of the next one; the last one what is found.
  private func next(_ index: Int, _ chunks: [Int], _ block: ReadBlock, _ keys: KeyReader) -> [Int] {
    let (stage, isLast) = (plan.stages[index], index + 1 == plan.stages.count)
    var scores = [Float](repeating: -.infinity, count: chunks.count)
    for head in keys.heads.indices {
      let queries =
        means(block, stage) < block.rows
        ? keys.means(head, rows: block.rows, of: stage.stride) : keys.queries(head, rows: 0..<block.rows)
      let own = self.scores(chunks, stage.chunk) { keys.largestProducts(head, queries, of: $0) }
      for index in scores.indices { scores[index] = max(scores[index], own[index]) }
    }
    let kept = best((isLast ? plan.budget : plan.stages[index + 1].input) / stage.chunk, of: scores).map { chunks[$0] }
    return isLast
      ? kept : kept.flatMap { Array(stride(from: $0, to: $0 + stage.chunk, by: plan.stages[index + 1].chunk)) }
  }

  /// The score of each chunk: halves are compared by an entry of each, and the search goes on in the better one.
  /// - Parameter products: of entries.
  private func scores(_ chunks: [Int], _ length: Int, _ products: ([Int]) -> [Float]) -> [Float] {
    let turns = keys(of: length) / 2
    var left = chunks
    var right = chunks.map { $0 + length }
    var best = [Float](repeating: -.infinity, count: chunks.count)
    guard turns > 0 else { return products(chunks) }
    for _ in 0..<turns {
      let middles = chunks.indices.map { (left[$0] + right[$0]) / 2 }
      let entries = chunks.indices.flatMap { index -> [Int] in
        switch plan.representatives {
        case .middle: [(left[index] + middles[index]) / 2, (middles[index] + right[index]) / 2]
        // The second half of a chunk of one entry is that entry.
        case .first: [left[index], middles[index]]
        }
      }
      let products = products(entries)
      for index in chunks.indices {
        let (one, other) = (products[2 * index], products[2 * index + 1])
        switch plan.representatives {
        case .middle: best[index] = max(best[index], one, other)
        case .first: best[index] = max(one, other)
        }
        // Of equal halves the second is taken; the first may be empty.
        if one > other { right[index] = middles[index] } else { left[index] = middles[index] }
      }
    }
    return best
  }
}
