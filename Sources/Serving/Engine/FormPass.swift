/// What the next pass of a replica is made of (docs/simulation.md, §4.1 and §4.2).
extension Simulation {
  /// What is left of a pass's budget, and what its parts did.
  private struct Forming {
    var left: Int
    var hasPreempted = false
    var hasAdmittedFill = false
  }

  mutating func formPass(_ replica: Int) throws(ServingError) {
    replicas[replica].isPosted = false
    rows.removeAll(keepingCapacity: true)
    swapTime = 0
    switch settings.scheduler {
    case .static(let batch): formStatic(replica, batch)
    case .continuous(let budget): try formMixed(replica, budget, isChunked: false)
    case .chunked(let budget): try formMixed(replica, budget, isChunked: true)
    }
    guard !rows.isEmpty else { return }
    let end = try later(now, by: later(price.nanoseconds(of: rows), by: swapTime))
    replicas[replica].isBusy = true
    events.push(Event(time: end, kind: .passEnds, number: replica))
    totals.passes += 1
    totals.busy += end - now
    if recording.contains(.passes) {
      passes.append(PassRecord(replica: replica, start: now, end: end, swap: swapTime, rows: rows))
    }
  }

  private mutating func formStatic(_ replica: Int, _ batch: Int) {
    if !replicas[replica].running.isEmpty {
      for id in replicas[replica].running { addDecode(id) }
      return
    }
    while replicas[replica].batch.count < batch, let next = replicas[replica].waiting.first,
      allocate(next.id, on: replica, path: [], watermark: 0)
    {
      start(next.id, on: replica)
      replicas[replica].batch.append(next.id)
      addFill(next.id, members[next.id].target)
    }
  }

  private mutating func formMixed(_ replica: Int, _ budget: Int, isChunked: Bool) throws(ServingError) {
    var forming = Forming(left: budget)
    try decode(replica, &forming)
    if isChunked { continueFills(replica, &forming) }
    guard !forming.hasPreempted else { return }
    while replicas[replica].running.count < settings.slots, let next = replicas[replica].waiting.first,
      try admit(next.id, on: replica, isChunked: isChunked, &forming)
    {}
  }

  private mutating func decode(_ replica: Int, _ forming: inout Forming) throws(ServingError) {
    var place = 0
    while place < replicas[replica].running.count {
      let id = replicas[replica].running[place]
      if members[id].isFilled {
        guard try makeRoom(for: id, on: replica, &forming) else { return }
        addDecode(id)
        forming.left -= members[id].request.continuations
      }
      place += 1
    }
  }

  /// Allocates for one token more, preempting the least senior until there is enough.
  /// - Returns: whether there is; otherwise the request preempted itself, and it was the last.
  private mutating func makeRoom(
    for id: Int, on replica: Int, _ forming: inout Forming
  ) throws(ServingError) -> Bool {
    guard let counts else { return true }
    let (extent, length) = (members[id].extent, members[id].length)
    let new = counts.growth(extent, length: length)
    guard new > 0 else { return true }
    while available(replica) < new, let victim = replicas[replica].running.last {
      forming.hasPreempted = true
      try preempt(victim, on: replica)
      if victim == id { return false }
    }
    withPages(of: replica) { memory, members in memory.grow(&members[id].holding, extent, length: length) }
    return true
  }

  private func available(_ replica: Int) -> Int {
    if case .paged(let memory) = replicas[replica].memory { memory.available } else { .max }
  }

  private mutating func continueFills(_ replica: Int, _ forming: inout Forming) {
    for id in replicas[replica].running where forming.left > 0 && !members[id].isFilled {
      let tokens = min(members[id].target - members[id].filled, forming.left)
      addFill(id, tokens)
      forming.left -= tokens
    }
  }

  /// Tests the most senior waiting request, and lets it run.
  private mutating func admit(
    _ id: Int, on replica: Int, isChunked: Bool, _ forming: inout Forming
  ) throws(ServingError) -> Bool {
    let path = path(of: id)
    let hit = path.count * (counts?.span ?? 0)
    let (rest, continuations) = (members[id].target - hit, members[id].request.continuations)
    let isFill = members[id].entry == .fill
    if !isFill {
      guard forming.left >= continuations || rows.isEmpty else { return false }
    } else if isChunked {
      guard forming.left > 0 else { return false }
    } else {
      guard rest <= forming.left || !forming.hasAdmittedFill else { return false }
    }
    let watermark = replicas[replica].running.isEmpty ? 0 : settings.watermark
    guard allocate(id, on: replica, path: path, watermark: watermark) else { return false }
    let isFirst = members[id].scheduled < 0
    start(id, on: replica)
    if isFill {
      if isFirst { members[id].hit = hit } else { members[id].hitAgain += hit }
      members[id].filled = hit
      let tokens = isChunked ? min(rest, forming.left) : rest
      forming.hasAdmittedFill = true
      forming.left -= tokens
      addFill(id, tokens)
    } else {
      if members[id].entry == .swapped { try swapIn(id, on: replica) }
      members[id].entry = .fill
      forming.left -= continuations
      addDecode(id)
    }
    return true
  }

  /// The first of the queue runs from now on.
  private mutating func start(_ id: Int, on replica: Int) {
    _ = replicas[replica].waiting.pop()
    members[id].state = .running
    if members[id].scheduled < 0 { members[id].scheduled = now }
    let own = seniority(id)
    // Most who are admitted are the least senior.
    var place = replicas[replica].running.count
    while place > 0, own < seniority(replicas[replica].running[place - 1]) { place -= 1 }
    replicas[replica].running.insert(id, at: place)
  }

  private mutating func addFill(_ id: Int, _ tokens: Int) {
    members[id].row = .fill(tokens)
    totals.fillTokens += tokens
    add(id, .fill(from: members[id].filled, tokens: tokens, target: members[id].target), boundary: 0)
  }

  private mutating func addDecode(_ id: Int) {
    members[id].row = .decode
    totals.decodeTokens += members[id].request.continuations
    add(id, .decode, boundary: shape.boundary(at: members[id].length + 1))
  }

  private mutating func add(_ id: Int, _ kind: PassRow.Kind, boundary: Int) {
    let member = members[id]
    rows.append(
      PassRow(
        id: id, kind: kind, prompt: member.request.prompt, continuations: member.request.continuations,
        emitted: member.emitted, length: member.length, boundary: boundary))
  }
}
