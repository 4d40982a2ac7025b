/// What a request holds of a replica's memory.
struct Holding: Hashable, Sendable {
  /// A block that is not the tree's.
  struct Block: Hashable, Sendable {
    /// −1 where the tree took it over.
    var number: Int32
    /// From 1; 0 for a window.
    var level: Int32
    /// Whose it is; −1 for all.
    var continuation: Int32
  }

  /// In the order of acquisition.
  var blocks: [Block] = []
  /// Of the prefix tree, from the root down.
  var nodes: [PrefixTree.Place] = []
  /// The first nodes of it that were there before it.
  var hits = 0
  /// Where the shared blocks of each level begin in `blocks`.
  var starts: [Int] = []
  /// Of contiguous memory.
  var bytes = 0
  /// On the host, while it is swapped.
  var hostBlocks = 0

  var isEmpty: Bool { blocks.isEmpty && nodes.isEmpty && bytes == 0 && hostBlocks == 0 }
}

/// Blocks of one replica, those of its prefix tree among them, and who holds them (docs/simulation.md, §5 to §7).
struct PagedMemory: Sendable {
  let counts: BlockCounts
  private(set) var pool: BlockPool
  private(set) var tree: PrefixTree?
  /// Blocks that were copied because they were shared.
  private(set) var copies = 0

  init(_ counts: BlockCounts, blocks: Int) {
    self.counts = counts
    pool = BlockPool(count: blocks)
    tree = counts.span > 0 ? PrefixTree(blocksPerNode: counts.blocksPerNode.reduce(0, +)) : nil
  }

  /// Free, or of nodes that nobody holds.
  var available: Int { pool.freeCount + (tree.map { $0.unreferencedCount * $0.blocksPerNode } ?? 0) }

  /// Nodes of the tree that the beginning of a prompt has, where at least one token is computed.
  func match(_ keys: [Int], target: Int) -> [PrefixTree.Place] {
    guard let tree, target > 1 else { return [] }
    return tree.match(keys, atMost: (target - 1) / counts.span)
  }

  /// What would be available to a request that holds these nodes.
  func available(holding path: [PrefixTree.Place]) -> Int {
    guard let tree, !path.isEmpty else { return available }
    return available - path.count(where: tree.isUnreferenced) * tree.blocksPerNode
  }

  /// Blocks that must be allocated beside those of matched nodes.
  func missing(_ extent: Extent, length: Int, isRefill: Bool, hits: Int) -> Int {
    counts.total(extent, length: length, isRefill: isRefill) - hits * (tree?.blocksPerNode ?? 0)
  }

  /// Everything that a request of this length holds, beside matched nodes, which it holds from now on.
  mutating func admit(
    _ holding: inout Holding, _ extent: Extent, length: Int, isRefill: Bool, path: [PrefixTree.Place] = [], now: Int
  ) {
    for place in path { tree?.retain(place, now: now) }
    (holding.nodes, holding.hits, holding.starts) = (path, path.count, [])
    for continuation in 0..<extent.continuations {
      for _ in 0..<counts.windows(extent) { take(&holding, level: 0, continuation: continuation) }
    }
    for index in counts.shape.levels.indices {
      let units = counts.shape.units(index, length: length, drop: extent.drop, isRefill: isRefill)
      let parts = counts.parts(index, extent, units: units)
      if tree != nil { holding.starts.append(holding.blocks.count) }
      let matched = path.isEmpty ? 0 : path.count * counts.blocksPerNode[index]
      for _ in matched..<max(parts.shared, matched) {
        take(&holding, level: index + 1, continuation: -1, references: extent.continuations)
      }
      for continuation in 0..<extent.continuations {
        for _ in 0..<parts.each { take(&holding, level: index + 1, continuation: continuation) }
      }
    }
  }

  /// What one token more needs; the caller has looked whether it is available.
  mutating func grow(_ holding: inout Holding, _ extent: Extent, length: Int) {
    for index in counts.shape.levels.indices {
      let new = counts.growth(index, extent, length: length)
      guard new > 0 else { continue }
      let units = length / counts.shape.levels[index].tokens
      if units % counts.unitsPerBlock[index] == 0 {
        for continuation in 0..<extent.continuations {
          take(&holding, level: index + 1, continuation: continuation)
        }
      } else {
        copy(&holding, level: index + 1, extent.continuations)
      }
    }
  }

  /// Continuations write, one after the other, behind the prompt in the last block that they share.
  private mutating func copy(_ holding: inout Holding, level: Int, _ continuations: Int) {
    let begun = holding.blocks.last { $0.level == Int32(level) && $0.continuation < 0 }
    guard let begun else { preconditionFailure("a block that is begun is held") }
    for continuation in 0..<continuations {
      if pool.isShared(Int(begun.number)) { makeRoom() }
      guard let block = pool.writable(Int(begun.number)) else { preconditionFailure("a copy was available") }
      guard block != Int(begun.number) else { continue }
      copies += 1
      holding.blocks.append(.init(number: Int32(block), level: Int32(level), continuation: Int32(continuation)))
    }
  }

  private mutating func take(_ holding: inout Holding, level: Int, continuation: Int, references: Int = 1) {
    makeRoom()
    guard let block = pool.allocate(references: references) else { preconditionFailure("a block was available") }
    holding.blocks.append(.init(number: Int32(block), level: Int32(level), continuation: Int32(continuation)))
  }

  private mutating func makeRoom() {
    guard pool.freeCount == 0, let evicted = tree?.evict() else { return }
    for block in evicted.reversed() { pool.free(Int(block)) }
  }

  /// Spans that were computed enter the tree, or are given up for those that are there.
  mutating func insert(_ holding: inout Holding, _ keys: [Int], spans: Range<Int>, now: Int) {
    guard var tree = self.tree.take() else { return }
    for span in spans {
      let own = ownBlocks(holding, span: span)
      let parent = holding.nodes.last ?? PrefixTree.root
      let place: PrefixTree.Place
      if let known = tree.child(of: parent, key: keys[span]) {
        for entry in own { pool.free(Int(holding.blocks[entry].number)) }
        place = known
      } else {
        place = tree.insert(key: keys[span], below: parent, own: own.map { holding.blocks[$0].number }, now: now)
      }
      for entry in own { holding.blocks[entry].number = -1 }
      tree.retain(place, now: now)
      holding.nodes.append(place)
    }
    self.tree = tree
  }

  /// Places of the blocks of a span among those held, levels 1 … L.
  private func ownBlocks(_ holding: Holding, span: Int) -> [Int] {
    counts.shape.levels.indices.flatMap { index in
      let first = holding.starts[index] + (span - holding.hits) * counts.blocksPerNode[index]
      return Array(first..<first + counts.blocksPerNode[index])
    }
  }

  /// Gives lower levels back.
  mutating func drop(_ holding: inout Holding) {
    let top = Int32(counts.shape.levels.count)
    let isLower = { (block: Holding.Block) in block.level > 0 && block.level < top }
    for block in holding.blocks.reversed() where isLower(block) && block.number >= 0 { pool.free(Int(block.number)) }
    holding.blocks.removeAll(where: isLower)
  }

  /// Gives everything back.
  mutating func release(_ holding: inout Holding, now: Int) {
    for place in holding.nodes { tree?.release(place, now: now) }
    for block in holding.blocks.reversed() where block.number >= 0 { pool.free(Int(block.number)) }
    (holding.blocks, holding.nodes, holding.hits, holding.starts) = ([], [], 0, [])
  }

  /// Blocks that a request holds, those of nodes among them.
  func blocks(of holding: Holding) -> Int {
    holding.blocks.count { $0.number >= 0 } + holding.nodes.count * (tree?.blocksPerNode ?? 0)
  }
}
