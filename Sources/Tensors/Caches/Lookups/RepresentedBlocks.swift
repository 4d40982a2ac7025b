import Architectures

/// InfLLM: rows read the blocks with the representatives that suit their mean query best, the first entries, and what lies
/// in no block yet. What is read is the same for all heads of a run.
struct RepresentedBlocks: LookingUp {
  let plan: InfLLM

  var dense: Int { plan.sinks + plan.recent + (plan.blocks + 1) * plan.keyBlock - 1 }
  var block: Int { plan.queryBlock }
  var tallyWindow: Int? { plan.recent }
  var bringsNear: Bool { plan.positions == .window }

  /// Blocks that have left the window behind so many entries.
  private func blocks(behind entries: Int) -> Int {
    entries < plan.sinks + plan.recent ? 0 : (entries - plan.sinks - plan.recent) / plan.keyBlock
  }

  func count(before position: Int) -> Int {
    position - (blocks(behind: position) - plan.blocks) * plan.keyBlock
  }

  func scan(_ block: ReadBlock) -> Scan {
    let represented = blocks(behind: block.position)
    return Scan(
      queries: block.rows, pairs: represented, averaged: block.rows > 1 ? block.rows + 1 : 0,
      turned: bringsNear ? 0 : block.rows,
      representatives: represented)
  }

  func scan(_ blocks: [ReadBlock], of pass: Range<Int>) -> Scan {
    var scan = blocks.reduce(into: Scan()) { $0 += self.scan($1) }
    scan.made = self.blocks(behind: pass.upperBound) - self.blocks(behind: pass.lowerBound)
    scan.keysOfEach = plan.representativeKeys
    if bringsNear {
      // Keys are stored before their rotation, and those of the window are rotated as they are read.
      (scan.turned, scan.rotatedKeys) = (pass.count, min(pass.lowerBound, plan.recent - 1))
    } else {
      scan.rotatedKeys = scan.made * plan.representativeKeys
    }
    return scan
  }

  func choose(_ block: ReadBlock, _ keys: KeyReader, _ memory: inout LookupMemory) -> [[Range<Int>]] {
    let count = blocks(behind: block.position)
    while memory.representatives.count < count {
      let first = plan.sinks + memory.representatives.count * plan.keyBlock
      memory.representatives.append(keys.heads.indices.map { represent(first..<first + plan.keyBlock, $0, keys) })
    }
    var scores = [Float](repeating: 0, count: count)
    for head in keys.heads.indices {
      let query = keys.meanQuery(head, rows: block.rows, turnedTo: plan.recent)
      for index in scores.indices { scores[index] += product(query, memory.representatives[index][head]) }
    }
    let found = best(plan.blocks, of: scores).map { plan.sinks + $0 * plan.keyBlock }
    let rest = plan.sinks + count * plan.keyBlock..<block.position
    let ranges = ([0..<plan.sinks] + joined(found, length: plan.keyBlock) + [rest]).filter { !$0.isEmpty }
    return Array(repeating: ranges, count: keys.heads.count)
  }

  /// The mean of the keys, before their rotation, that have been given the largest weights.
  private func represent(_ entries: Range<Int>, _ head: Int, _ keys: KeyReader) -> [Float] {
    let chosen = best(plan.representativeKeys, of: keys.weights(head, of: entries)).map { entries.lowerBound + $0 }
    var mean = [Float](repeating: 0, count: keys.headWidth)
    for entry in chosen {
      let key = keys.unrotatedKey(head, entry)
      PlainKernels<Float>.accumulate(keys.headWidth, key, into: &mean)
    }
    PlainKernels<Float>.scale(keys.headWidth, &mean, by: 1 / Double(chosen.count))
    return mean
  }

  /// Of the query heads that share a head with its representative, added up.
  private func product(_ query: [Float], _ representative: [Float]) -> Float {
    query.indices.reduce(0) { $0 + query[$1] * representative[$1 % representative.count] }
  }
}
