/// What happens when a pass or a transfer ends (docs/simulation.md, §4.3 and §4.4).
extension Simulation {
  mutating func endPass(_ replica: Int) throws(ServingError) {
    replicas[replica].isBusy = false
    let running = replicas[replica].running
    var hasLeft = false
    for id in running where members[id].row != .none {
      try advance(id, on: replica)
      hasLeft = hasLeft || members[id].state != .running
    }
    if hasLeft {
      replicas[replica].running.removeAll { members[$0].state != .running }
      if replicas[replica].running.isEmpty { endBatch(replica) }
    }
    wake(replica)
  }

  /// The last member of a static batch has ended.
  private mutating func endBatch(_ replica: Int) {
    for id in replicas[replica].batch { release(id) }
    replicas[replica].batch.removeAll(keepingCapacity: true)
  }

  private mutating func advance(_ id: Int, on replica: Int) throws(ServingError) {
    let row = members[id].row
    members[id].row = .none
    let before = members[id].length
    switch row {
    case .none: return
    case .fill(let tokens):
      fill(id, tokens, on: replica)
      guard members[id].isFilled else { return }
      members[id].length = members[id].filledLength
    case .decode: members[id].length += 1
    }
    if before < members[id].extent.drop, members[id].length >= members[id].extent.drop { drop(id, on: replica) }
    emit(id)
    if members[id].emitted == members[id].request.output {
      try finish(id)
    } else if let disaggregation = settings.disaggregation, replica < disaggregation.prefillReplicas {
      try handOver(id, from: replica, disaggregation)
    }
  }

  /// Tokens are done; spans of the prompt that end among them enter the tree.
  private mutating func fill(_ id: Int, _ tokens: Int, on replica: Int) {
    let before = members[id].filled
    members[id].filled += tokens
    guard let span = counts?.span, span > 0 else { return }
    let prompt = members[id].request.prompt
    let spans = min(before, prompt) / span..<min(members[id].filled, prompt) / span
    guard !spans.isEmpty else { return }
    let time = now
    withPages(of: replica) { memory, members in
      memory.insert(&members[id].holding, members[id].keys, spans: spans, now: time)
    }
  }

  private mutating func drop(_ id: Int, on replica: Int) {
    // Static members keep what they hold until the batch ends.
    if case .static = settings.scheduler { return }
    withPages(of: replica) { memory, members in memory.drop(&members[id].holding) }
  }

  private mutating func emit(_ id: Int) {
    members[id].emitted += 1
    if members[id].first < 0 {
      members[id].first = now
    } else if recording.contains(.gaps), trim.keeps(id, of: source.total, arrival: members[id].request.arrival) {
      gaps.add(now - members[id].last)
    }
    members[id].last = now
    if recording.contains(.tokens) { members[id].tokens.append(now) }
  }

  private mutating func finish(_ id: Int) throws(ServingError) {
    members[id].state = .finished
    members[id].keys = []
    inSystem -= 1
    if case .static = settings.scheduler {} else { release(id) }
    try answered()
  }

  private mutating func handOver(
    _ id: Int, from replica: Int, _ disaggregation: ServingSettings.Disaggregation
  ) throws(ServingError) {
    let target = route(id, among: disaggregation.prefillReplicas..<settings.replicas)
    let extent = members[id].extent
    let length = members[id].length
    let bytes = shape.bytes(extent, length: length, isDropped: length >= extent.drop) + extent.windowBytes
    let link = disaggregation.link
    let duration = try linkTime(bytes: bytes, bandwidth: link.bandwidth, latency: link.latency)
    let end = try later(max(now, replicas[replica].linkFree), by: duration)
    replicas[replica].linkFree = end
    replicas[target].expected += 1
    members[id].state = .moving
    members[id].destination = target
    totals.movedBytes += bytes
    events.push(Event(time: end, kind: .transferEnds, number: id))
  }

  mutating func endTransfer(_ id: Int) {
    let (source, target) = (members[id].replica, members[id].destination)
    release(id)
    replicas[target].expected -= 1
    members[id].entry = .moved
    wait(id, on: target)
    wake(target)
    wake(source)
  }
}
