import Serving

/// Serving as docs/simulation.md says it, written from that page: a loop over moments, lists that are searched, no event
/// queue, no sums that are kept. Loads draw nothing.
final class SlowSimulator {
  final class Machine {
    var memory: SlowMemory?
    var bytes = 0
    var hostUsed = 0
    var passEnd: Int?
    var linkFree = 0
    var wantsPass = false
    var batch: [SlowRequest] = []
  }

  let question: ServingQuestion
  let price: LinearPrice
  var settings: ServingSettings { question.settings }
  var requests: [SlowRequest] = []
  var machines: [Machine]
  var transfers: [(end: Int, request: SlowRequest)] = []
  var turns: [Int: Int] = [:]
  var now = 0

  init(_ question: ServingQuestion, _ price: LinearPrice) {
    (self.question, self.price) = (question, price)
    machines = (0..<question.settings.replicas).map { _ in
      let machine = Machine()
      if case .paged(let paging) = question.settings.memory { machine.memory = SlowMemory(question, paging) }
      return machine
    }
    switch question.load {
    case .requests(let list): list.forEach(create)
    case .closed(let loop):
      for user in 0..<min(loop.users, loop.requests) { create(inTurn(arrival: user * loop.stagger)) }
    case .open: break
    }
  }

  private func create(_ request: Request) {
    let span = machines[0].memory.flatMap { $0.paging.hasTree ? $0.span : nil }
    requests.append(SlowRequest(request, id: requests.count, question.shape, span: span))
  }

  private func inTurn(arrival: Int) -> Request {
    guard case .inTurn(let pairs) = question.requests.lengths else { fatalError("the slow simulator draws nothing") }
    let pair = pairs[requests.count % pairs.count]
    return Request(
      arrival: arrival, prompt: pair.prompt, output: pair.output, continuations: question.requests.continuations)
  }

  private func isSenior(_ left: SlowRequest, _ right: SlowRequest) -> Bool {
    (left.priority, left.A, left.id) < (right.priority, right.A, right.id)
  }

  private func on(_ replica: Int, _ state: String) -> [SlowRequest] {
    requests.filter { $0.replica == replica && $0.state == state }.sorted(by: isSenior)
  }

  /// Requests a router counts: those there, and those on their way there.
  private func load(_ replica: Int) -> Int {
    on(replica, "waiting").count + on(replica, "running").count
      + requests.filter { $0.state == "moving" && $0.target == replica }.count
  }

  private func want(_ replica: Int) {
    let machine = machines[replica]
    if machine.passEnd == nil, !on(replica, "waiting").isEmpty || !on(replica, "running").isEmpty {
      machine.wantsPass = true
    }
  }

  func run() {
    while let next = nextTime {
      now = next
      for replica in machines.indices where machines[replica].passEnd == now { endPass(replica) }
      while let index = transfers.indices.filter({ transfers[$0].end == now }).min(by: {
        transfers[$0].request.id < transfers[$1].request.id
      }) {
        endTransfer(transfers.remove(at: index).request)
      }
      while let request = requests.first(where: { $0.state == "pending" && $0.A == now }) { arrive(request) }
      for replica in machines.indices where machines[replica].wantsPass {
        machines[replica].wantsPass = false
        SlowPass(self, replica).form()
      }
    }
  }

  private var nextTime: Int? {
    (machines.compactMap(\.passEnd) + transfers.map(\.end) + requests.filter { $0.state == "pending" }.map(\.A)).min()
  }

  private func arrive(_ request: SlowRequest) {
    if !fits(request) { return reject(request, "never_fits") }
    let replica = route(request, Array(0..<(settings.disaggregation?.prefillReplicas ?? settings.replicas)))
    if let limit = settings.queueLimit, on(replica, "waiting").count >= limit { return reject(request, "queue_full") }
    (request.replica, request.state) = (replica, "waiting")
    want(replica)
  }

  private func reject(_ request: SlowRequest, _ reason: String) {
    (request.state, request.reason) = ("rejected", reason)
    answered()
  }

  private func answered() {
    guard case .closed(let loop) = question.load, case .fixed(let think) = loop.think else { return }
    if requests.count < loop.requests { create(inTurn(arrival: now + loop.delay + think)) }
  }

  private func fits(_ request: SlowRequest) -> Bool {
    let lengths = request.P...request.P + request.G - 1
    switch settings.memory {
    case .none: return true
    case .contiguous(let bytes): return lengths.allSatisfy { stateBytes(request, $0) <= bytes }
    case .paged(let paging):
      let isStatic = if case .static = settings.scheduler { true } else { false }
      return lengths.allSatisfy { machines[0].memory!.total($0, request, isRefill: !isStatic) <= paging.blocks }
    }
  }

  /// Of all continuations, with windows; before a drop at n.
  func stateBytes(_ request: SlowRequest, _ n: Int) -> Int {
    var sum = request.K * request.windowBytes
    for (index, level) in question.shape.levels.enumerated() {
      let isTop = index == question.shape.levels.count - 1
      if !isTop, question.shape.isRecursive, n > request.dropLength { continue }
      let (units, prompt) = (n / level.tokens, request.P / level.tokens)
      sum += level.bytes * (min(units, prompt) + request.K * max(units - prompt, 0))
    }
    return sum
  }

  private func route(_ request: SlowRequest, _ pool: [Int]) -> Int {
    switch settings.router {
    case .roundRobin:
      let turn = turns[pool[0], default: 0]
      turns[pool[0]] = (turn + 1) % pool.count
      return pool[turn]
    case .leastLoaded: return pool.min { (load($0), $0) < (load($1), $1) }!
    case .prefixAware:
      let hits = { (replica: Int) in self.machines[replica].memory?.match(request).count ?? 0 }
      return pool.min { (-hits($0), load($0), $0) < (-hits($1), load($1), $1) }!
    }
  }

  private func endPass(_ replica: Int) {
    let machine = machines[replica]
    machine.passEnd = nil
    for request in on(replica, "running") where request.row != nil || request.isDecoding { advance(request, machine) }
    if on(replica, "running").isEmpty {
      for request in machine.batch { release(request, machine) }
      machine.batch = []
    }
    want(replica)
  }

  private func advance(_ request: SlowRequest, _ machine: Machine) {
    let before = request.n
    if let tokens = request.row {
      request.row = nil
      request.f += tokens
      if let memory = machine.memory, memory.paging.hasTree {
        memory.insert(request, from: request.f - tokens, to: min(request.f, request.P), now: now)
      }
      if request.f < request.F { return }
      request.n = request.P + request.e
    } else {
      request.isDecoding = false
      request.n += 1
    }
    let isStatic = if case .static = settings.scheduler { true } else { false }
    if question.shape.isRecursive, !isStatic, before < request.dropLength, request.n >= request.dropLength {
      machine.memory?.drop(request)
    }
    request.e += 1
    request.tokens.append(now)
    if request.e == request.G {
      request.state = "finished"
      if !isStatic { release(request, machine) }
      answered()
    } else if let parts = settings.disaggregation, request.replica! < parts.prefillReplicas {
      handOver(request, machine, parts)
    }
  }

  private func handOver(_ request: SlowRequest, _ machine: Machine, _ parts: ServingSettings.Disaggregation) {
    request.target = route(request, Array(parts.prefillReplicas..<settings.replicas))
    request.state = "moving"
    var bytes = request.windowBytes
    for (index, level) in question.shape.levels.enumerated() {
      let isDropped =
        question.shape.isRecursive && index < question.shape.levels.count - 1 && request.n >= request.dropLength
      if !isDropped { bytes += request.P / level.tokens * level.bytes }
    }
    let time = parts.link.latency + (bytes * 1_000_000_000 + parts.link.bandwidth - 1) / parts.link.bandwidth
    machine.linkFree = max(now, machine.linkFree) + time
    transfers.append((machine.linkFree, request))
  }

  private func endTransfer(_ request: SlowRequest) {
    let source = request.replica!
    release(request, machines[source])
    (request.replica, request.state, request.entry) = (request.target, "waiting", "moved")
    want(request.target)
    want(source)
  }

  func release(_ request: SlowRequest, _ machine: Machine) {
    machine.memory?.release(request, now: now)
    machine.bytes -= request.bytes
    request.bytes = 0
  }
}
