/// Who gives way (docs/simulation.md, §6).
extension Simulation {
  mutating func preempt(_ id: Int, on replica: Int) throws(ServingError) {
    replicas[replica].running.removeLast()
    members[id].preemptions += 1
    totals.preemptions += 1
    if try !swapOut(id, on: replica) {
      release(id)
      let target = members[id].request.prompt + members[id].request.continuations * members[id].emitted
      totals.refillTokens += target - (members[id].target - members[id].filled)
      members[id].target = target
      (members[id].filled, members[id].length) = (0, 0)
      members[id].entry = .fill
    }
    wait(id, on: replica)
  }

  /// Moves the blocks of a request to the host.
  /// - Returns: false where they are not to be moved, or do not fit.
  private mutating func swapOut(_ id: Int, on replica: Int) throws(ServingError) -> Bool {
    guard case .paged(let paging) = settings.memory, let swap = paging.swap, members[id].isFilled,
      case .paged(let memory) = replicas[replica].memory
    else { return false }
    let blocks = memory.blocks(of: members[id].holding)
    guard blocks <= swap.hostBlocks - replicas[replica].hostBlocks else { return false }
    release(id)
    members[id].holding.hostBlocks = blocks
    members[id].entry = .swapped
    replicas[replica].hostBlocks += blocks
    totals.swappedOut += blocks
    try move(blocks, paging, swap)
    return true
  }

  /// The blocks of a request come back, to where it was admitted.
  mutating func swapIn(_ id: Int, on replica: Int) throws(ServingError) {
    guard case .paged(let paging) = settings.memory, let swap = paging.swap else { return }
    let blocks = members[id].holding.hostBlocks
    members[id].holding.hostBlocks = 0
    replicas[replica].hostBlocks -= blocks
    totals.swappedIn += blocks
    try move(blocks, paging, swap)
  }

  private mutating func move(
    _ blocks: Int, _ paging: ServingSettings.Paging, _ swap: ServingSettings.Swap
  ) throws(ServingError) {
    let (bytes, overflow) = blocks.multipliedReportingOverflow(by: paging.blockBytes)
    if overflow { throw .overflow("the bytes of a swap") }
    let time = try linkTime(bytes: bytes, bandwidth: swap.link.bandwidth, latency: swap.link.latency)
    swapTime = try later(swapTime, by: time)
  }
}
