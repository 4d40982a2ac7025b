/// What holds after every event (docs/simulation.md, §11).
extension Simulation {
  /// The first law that does not hold; nil where all do.
  public var problem: String? {
    for replica in replicas.indices {
      if let problem = problem(of: replica) { return "at \(now), replica \(replica): \(problem)" }
    }
    let counts = Dictionary(grouping: members, by: \.state).mapValues(\.count)
    let alive = [RequestState.waiting, .running, .moving].reduce(0) { $0 + counts[$1, default: 0] }
    if alive != inSystem { return "at \(now): \(inSystem) requests are in the system, \(alive) wait, run or move" }
    let queued = replicas.reduce(0) { $0 + $1.waiting.count }
    if queued != counts[.waiting, default: 0] { return "at \(now): a request waits in no queue, or in two" }
    let running = replicas.reduce(0) { $0 + $1.running.count }
    if running != counts[.running, default: 0] { return "at \(now): a request runs nowhere, or twice" }
    for (id, member) in members.enumerated() {
      if member.emitted > member.request.output { return "request \(id) has more tokens than it asked for" }
      if zip(member.tokens, member.tokens.dropFirst()).contains(where: { $0 >= $1 }) {
        return "token times of request \(id) do not rise"
      }
    }
    return nil
  }

  /// What must hold besides when there are no events left.
  public var finalProblem: String? {
    if let problem { return problem }
    if let id = members.indices.first(where: { members[$0].state != .finished && members[$0].state != .rejected }) {
      return "request \(id) is \(members[id].state.rawValue) at the end"
    }
    if let id = members.indices.first(where: { !members[$0].holding.isEmpty }) {
      return "request \(id) holds memory at the end"
    }
    let finished = members.filter { $0.state == .finished }
    let inside = finished.reduce(0 as Int128) { $0 + Int128($1.last - $1.request.arrival) }
    if inside != area { return "requests were \(inside) ns inside, and the number inside adds up to \(area)" }
    let filled = finished.reduce(totals.refillTokens) { $0 + $1.request.prompt - $1.hit - $1.hitAgain }
    if filled != totals.fillTokens { return "\(totals.fillTokens) tokens were filled instead of \(filled)" }
    return nil
  }

  private func problem(of replica: Int) -> String? {
    let held = replicas[replica]
    if held.running.count > settings.slots { return "\(held.running.count) requests run" }
    let order = held.running.map(seniority)
    if zip(order, order.dropFirst()).contains(where: { $0 >= $1 }) { return "who runs is not in order" }
    let here = members.filter { $0.replica == replica }
    if here.reduce(0, { $0 + $1.holding.hostBlocks }) != held.hostBlocks { return "host blocks are miscounted" }
    switch held.memory {
    case .none: return nil
    case .contiguous(let available):
      guard case .contiguous(let bytes) = settings.memory else { return "memory is of another kind" }
      if available < 0 { return "more bytes are reserved than there are" }
      return available + here.reduce(0) { $0 + $1.holding.bytes } == bytes ? nil : "bytes are miscounted"
    case .paged(let memory): return problem(memory, here)
    }
  }

  private func problem(_ memory: PagedMemory, _ here: [Member]) -> String? {
    if let problem = memory.pool.problem ?? memory.tree?.problem { return problem }
    let own = here.flatMap { $0.holding.blocks.map { Int($0.number) } }.filter { $0 >= 0 }
    let all = (memory.pool.queue + own + (memory.tree?.heldBlocks ?? [])).sorted()
    if all != Array(0..<memory.pool.count) { return "blocks are in two places, or in none: \(all)" }
    guard let tree = memory.tree else { return nil }
    let references = tree.entries.reduce(0) { $0 + $1.references }
    return references == here.reduce(0) { $0 + $1.holding.nodes.count } ? nil : "nodes are held by others than requests"
  }
}
