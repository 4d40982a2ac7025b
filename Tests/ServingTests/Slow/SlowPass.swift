import Serving

/// One pass of the slow simulator, step by step as docs/simulation.md, §4 and §6, list them.
final class SlowPass {
  let simulator: SlowSimulator
  let replica: Int
  var time = 0
  var swapTime = 0
  var rows = 0
  var highest = 0
  var hasPreempted = false

  init(_ simulator: SlowSimulator, _ replica: Int) { (self.simulator, self.replica) = (simulator, replica) }

  var machine: SlowSimulator.Machine { simulator.machines[replica] }
  var settings: ServingSettings { simulator.settings }
  var price: LinearPrice { simulator.price }
  var shape: StateShape { simulator.question.shape }

  func list(_ state: String) -> [SlowRequest] {
    simulator.requests.filter { $0.replica == replica && $0.state == state }
      .sorted { ($0.priority, $0.A, $0.id) < ($1.priority, $1.A, $1.id) }
  }

  func form() {
    switch settings.scheduler {
    case .static(let batch): group(batch)
    case .continuous(let budget): mix(budget, isChunked: false)
    case .chunked(let budget): mix(budget, isChunked: true)
    }
    if rows == 0 { return }
    time += price.pass
    for level in price.levels.prefix(highest) { time += level.pass }
    machine.passEnd = simulator.now + max(1, time) + swapTime
  }

  private func fillRow(_ request: SlowRequest, _ tokens: Int) {
    request.row = tokens
    time += price.fillToken * tokens
    rows += 1
  }

  private func decodeRow(_ request: SlowRequest) {
    request.isDecoding = true
    time += request.K * (price.row + price.context * (request.n + 1))
    rows += 1
    guard shape.closesUnits else { return }
    let boundary = shape.levels.filter { (request.n + 1) % $0.tokens == 0 }.count
    highest = max(highest, boundary)
    for level in price.levels.prefix(boundary) { time += request.K * level.row }
  }

  private func begin(_ request: SlowRequest) {
    request.state = "running"
    if request.scheduled == nil { request.scheduled = simulator.now }
  }

  private func group(_ batch: Int) {
    let running = list("running")
    if !running.isEmpty { return running.forEach(decodeRow) }
    for request in list("waiting").prefix(batch) {
      // The least length with the most memory.
      let lengths = request.P...request.P + request.G - 1
      if let memory = machine.memory {
        let totals = lengths.map { memory.total($0, request, isRefill: false) }
        let most = totals.max()!
        if memory.available < most { break }
        let n = request.P + totals.firstIndex(of: most)!
        memory.admit(request, n: n, isRefill: false, path: [], now: simulator.now)
      } else if !reserve(request, watermark: 0) {
        break
      }
      begin(request)
      machine.batch.append(request)
      fillRow(request, request.F)
    }
  }

  private func reserve(_ request: SlowRequest, watermark: Int) -> Bool {
    guard case .contiguous(let all) = settings.memory else { return true }
    let bytes = (request.P...request.P + request.G - 1).map { simulator.stateBytes(request, $0) }.max()!
    if all - machine.bytes - bytes < watermark { return false }
    machine.bytes += bytes
    request.bytes = bytes
    return true
  }

  private func mix(_ budget: Int, isChunked: Bool) {
    var left = budget
    for request in list("running") where request.state == "running" && request.f == request.F {
      guard makeRoom(request) else { break }
      decodeRow(request)
      left -= request.K
    }
    if isChunked {
      for request in list("running") where request.f < request.F && left > 0 {
        let tokens = min(request.F - request.f, left)
        fillRow(request, tokens)
        left -= tokens
      }
    }
    if hasPreempted { return }
    var hasFilled = false
    while list("running").count < settings.maxRunning, let request = list("waiting").first {
      guard admit(request, isChunked, &left, &hasFilled) else { break }
    }
  }

  private func makeRoom(_ request: SlowRequest) -> Bool {
    guard let memory = machine.memory else { return true }
    let need = shape.levels.indices.map { memory.growth($0, request) }.reduce(0, +)
    while need > 0, memory.available < need {
      let victim = list("running").last!
      hasPreempted = true
      preempt(victim, memory)
      if victim === request { return false }
    }
    memory.grow(request)
    return true
  }

  private func preempt(_ victim: SlowRequest, _ memory: SlowMemory) {
    victim.preemptions += 1
    let blocks = victim.held.count + victim.nodes.count * (memory.paging.hasTree ? memory.nodeSize : 0)
    memory.release(victim, now: simulator.now)
    victim.state = "waiting"
    if let swap = memory.paging.swap, victim.f == victim.F, machine.hostUsed + blocks <= swap.hostBlocks {
      machine.hostUsed += blocks
      (victim.hostBlocks, victim.entry) = (blocks, "swapped")
      swapTime += duration(blocks, memory, swap)
    } else {
      (victim.F, victim.f, victim.n, victim.entry) = (victim.P + victim.K * victim.e, 0, 0, "fill")
    }
  }

  private func duration(_ blocks: Int, _ memory: SlowMemory, _ swap: ServingSettings.Swap) -> Int {
    let bytes = blocks * memory.paging.blockBytes
    return (bytes * 1_000_000_000 + swap.link.bandwidth - 1) / swap.link.bandwidth + swap.link.latency
  }

  private func admit(_ request: SlowRequest, _ isChunked: Bool, _ left: inout Int, _ hasFilled: inout Bool) -> Bool {
    let isFill = request.entry == "fill"
    let path = isFill ? machine.memory?.match(request) ?? [] : []
    let hit = path.isEmpty ? 0 : path.count * machine.memory!.span
    let rest = request.F - hit
    if !isFill {
      if left < request.K, rows > 0 { return false }
    } else if isChunked {
      if left <= 0 { return false }
    } else if rest > left, hasFilled {
      return false
    }
    let watermark = list("running").isEmpty ? 0 : settings.watermark
    if let memory = machine.memory {
      let n = isFill ? request.P + request.e : request.n + 1
      let isRefill = isFill && request.e > 0
      let new = memory.total(n, request, isRefill: isRefill) - (path.isEmpty ? 0 : path.count * memory.nodeSize)
      let pinned = path.filter { memory.tree[$0]!.references == 0 }.count * (path.isEmpty ? 0 : memory.nodeSize)
      if memory.available - pinned - new < watermark { return false }
      memory.admit(request, n: n, isRefill: isRefill, path: path, now: simulator.now)
    } else if !reserve(request, watermark: watermark) {
      return false
    }
    let isFirst = request.scheduled == nil
    begin(request)
    if !isFill {
      if request.entry == "swapped", let memory = machine.memory, let swap = memory.paging.swap {
        machine.hostUsed -= request.hostBlocks
        swapTime += duration(request.hostBlocks, memory, swap)
        request.hostBlocks = 0
      }
      request.entry = "fill"
      left -= request.K
      decodeRow(request)
      return true
    }
    if isFirst { request.hit = hit } else { request.hitAgain += hit }
    request.f = hit
    let tokens = isChunked ? min(rest, left) : rest
    hasFilled = true
    left -= tokens
    fillRow(request, tokens)
    return true
  }
}
