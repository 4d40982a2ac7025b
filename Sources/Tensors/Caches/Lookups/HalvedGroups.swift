import Architectures

/// HiP: groups of blocks of keys are halved, and as many of the better halves stay as there were groups, until every group
/// is one block. The latest entries are read besides, from the last whole block of keys on.
struct HalvedGroups: LookingUp {
  let plan: HiP

  /// Blocks of keys that are found.
  private var groups: Int { plan.budget / plan.keyBlock }
  var dense: Int { plan.recent + (groups + 1) * plan.keyBlock - 1 }
  var block: Int { plan.queryBlock }

  /// Whole blocks of keys before the window of a block of rows.
  private func blocks(before position: Int) -> Int { (position - plan.recent) / plan.keyBlock }

  func count(before position: Int) -> Int {
    plan.budget + position - blocks(before: position) * plan.keyBlock
  }

  /// Every second row of a block compares keys, or its only one.
  private func voters(_ block: ReadBlock) -> [Int] {
    block.rows == 1 ? [0] : Array(stride(from: 1, to: block.rows, by: 2))
  }

  func scan(_ block: ReadBlock) -> Scan {
    guard block.refreshes(every: plan.refresh) else { return Scan() }
    var (halvings, reach) = (0, groups)
    while reach < blocks(before: block.position) {
      halvings += 1
      reach *= 2
    }
    let (keys, rows) = (halvings * 2 * plan.budget, voters(block).count)
    return Scan(queries: rows, pairs: rows * keys, keys: keys)
  }

  func choose(_ block: ReadBlock, _ keys: KeyReader, _ memory: inout LookupMemory) -> [[Range<Int>]] {
    let end = blocks(before: block.position) * plan.keyBlock
    if block.refreshes(every: plan.refresh) {
      let found = keys.heads.indices.map { head in
        joined(search(head, keys.queries(head, rows: voters(block)), keys, block), length: plan.keyBlock)
      }
      if block.step == nil { return found.map { $0 + [end..<block.position].filter { !$0.isEmpty } } }
      memory.found = found
    }
    return memory.found.map { $0 + [end..<block.position].filter { !$0.isEmpty } }
  }

  /// The first entries of the blocks of keys that are found, in ascending order.
  private func search(_ head: Int, _ queries: KeyReader.Queries, _ keys: KeyReader, _ block: ReadBlock) -> [Int] {
    let blocks = blocks(before: block.position)
    var (own, reach) = ((0..<groups).map { $0 * blocks / groups..<($0 + 1) * blocks / groups }, groups)
    while reach < blocks {
      let halves = own.flatMap { group -> [Range<Int>] in
        let middle = group.lowerBound + group.count / 2
        return [group.lowerBound..<middle, middle..<group.upperBound]
      }.filter { !$0.isEmpty }
      let entries = halves.flatMap { half in (0..<plan.keyBlock).map { half.lowerBound * plan.keyBlock + $0 } }
      let products = keys.largestProducts(head, queries, of: entries)
      let scores = halves.indices.map { products[$0 * plan.keyBlock..<($0 + 1) * plan.keyBlock].max()! }
      own = best(groups, of: scores).map { halves[$0] }
      reach *= 2
    }
    return own.map { $0.lowerBound * plan.keyBlock }
  }
}
