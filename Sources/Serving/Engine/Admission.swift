/// What a request may hold, and who gets it (docs/simulation.md, §4.5 and §5).
extension Simulation {
  /// Whether a request fits into an empty replica.
  func fits(_ id: Int) -> Bool {
    let extent = members[id].extent
    switch settings.memory {
    case .none: return true
    case .contiguous(let bytes): return lifetimeBytes(extent) <= bytes
    case .paged(let paging):
      guard let counts else { return true }
      // Alone it may be preempted too, and hold what a refill holds.
      if case .static = settings.scheduler { return lifetimeBlocks(extent, counts).blocks <= paging.blocks }
      return counts.total(extent, length: extent.longest, isRefill: true) <= paging.blocks
    }
  }

  /// What contiguous memory reserves.
  func lifetimeBytes(_ extent: Extent) -> Int {
    let peak = shape.peakLength(extent) { shape.bytes(extent, length: $0) }
    return shape.bytes(extent, length: peak) + extent.continuations * extent.windowBytes
  }

  /// What a member of a static batch holds, and the length at which it would.
  func lifetimeBlocks(_ extent: Extent, _ counts: BlockCounts) -> (blocks: Int, length: Int) {
    let blocks = { (length: Int) in counts.total(extent, length: length, isRefill: false) }
    let peak = shape.peakLength(extent, blocks)
    return (blocks(peak), peak)
  }

  /// The replica that a request goes to.
  mutating func route(_ id: Int, among pool: Range<Int>) -> Int {
    guard pool.count > 1 else { return pool.lowerBound }
    switch settings.router {
    case .roundRobin:
      let turn = pool.lowerBound == 0 ? 0 : 1
      defer { turns[turn] = (turns[turn] + 1) % pool.count }
      return pool.lowerBound + turns[turn]
    case .leastLoaded: return leastLoaded(pool)
    case .prefixAware:
      let hits = pool.map { matched(id, on: $0).count }
      let most = hits.max() ?? 0
      return leastLoaded(pool.filter { hits[$0 - pool.lowerBound] == most })
    }
  }

  private func leastLoaded(_ pool: some Collection<Int>) -> Int {
    // The first of equals, which is the lowest.
    pool.min { replicas[$0].load < replicas[$1].load } ?? 0
  }

  /// Nodes of a replica's prefix tree that a request would hit now.
  private func matched(_ id: Int, on replica: Int) -> [PrefixTree.Place] {
    guard case .paged(let memory) = replicas[replica].memory else { return [] }
    return memory.match(members[id].keys, target: members[id].target)
  }

  /// Gives a waiting request what it will hold, if that is there.
  /// - Parameters:
  ///   - path: nodes that it hits.
  ///   - watermark: what must stay.
  mutating func allocate(_ id: Int, on replica: Int, path: [PrefixTree.Place], watermark: Int) -> Bool {
    let (extent, isFill) = (members[id].extent, members[id].entry == .fill)
    switch replicas[replica].memory {
    case .none: return true
    case .contiguous(let available):
      let bytes = lifetimeBytes(extent)
      guard available - bytes >= watermark else { return false }
      members[id].holding.bytes = bytes
      replicas[replica].memory = .contiguous(available: available - bytes)
      return true
    case .paged:
      var length = isFill ? members[id].filledLength : members[id].length + 1
      if case .static = settings.scheduler, let counts { length = lifetimeBlocks(extent, counts).length }
      let isRefill = isFill && members[id].emitted > 0
      let time = now
      return withPages(of: replica) { memory, members in
        let missing = memory.missing(extent, length: length, isRefill: isRefill, hits: path.count)
        guard memory.available(holding: path) - missing >= watermark else { return false }
        memory.admit(&members[id].holding, extent, length: length, isRefill: isRefill, path: path, now: time)
        return true
      } ?? true
    }
  }

  /// The nodes that a waiting request hits on its replica.
  func path(of id: Int) -> [PrefixTree.Place] {
    members[id].entry == .fill ? matched(id, on: members[id].replica) : []
  }

  /// Works on the blocks of a replica in place: a copy of them would be made otherwise.
  /// - Returns: nil where its memory has no blocks.
  @discardableResult
  mutating func withPages<Result>(
    of replica: Int, _ body: (inout PagedMemory, inout [Member]) -> Result
  ) -> Result? {
    guard case .paged(var memory) = replicas[replica].memory else { return nil }
    replicas[replica].memory = .none
    defer { replicas[replica].memory = .paged(memory) }
    return body(&memory, &members)
  }

  /// Gives back all that a request holds on its replica.
  mutating func release(_ id: Int) {
    let replica = members[id].replica
    switch replicas[replica].memory {
    case .none: return
    case .contiguous(let available):
      replicas[replica].memory = .contiguous(available: available + members[id].holding.bytes)
      members[id].holding.bytes = 0
    case .paged:
      let time = now
      withPages(of: replica) { memory, members in memory.release(&members[id].holding, now: time) }
    }
  }
}
