/// What a run is about.
public struct ServingQuestion: Sendable {
  /// How replicas work.
  public var settings: ServingSettings
  /// What state takes.
  public var shape: StateShape
  /// What users do.
  public var load: Load
  /// What drawn requests are like; not asked where the load lists its requests.
  public var requests: RequestShape
  /// Of all streams.
  public var seed: Int
  /// Which of several runs with this seed it is, from 0.
  public var replication: Int

  /// The first run with seed 1 unless told otherwise.
  public init(
    _ settings: ServingSettings, _ shape: StateShape, _ load: Load,
    requests: RequestShape = .init(.apart(prompt: .fixed(1), output: .fixed(1))), seed: Int = 1, replication: Int = 0
  ) {
    self.settings = settings
    self.shape = shape
    self.load = load
    self.requests = requests
    self.seed = seed
    self.replication = replication
  }
}

/// What a run keeps beside the requests.
public struct Recording: OptionSet, Sendable {
  /// As a number.
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  /// The time of each token.
  public static let tokens = Recording(rawValue: 1)
  /// Every pass.
  public static let passes = Recording(rawValue: 2)
  /// Times between tokens of measured requests.
  public static let gaps = Recording(rawValue: 4)
}

/// A pass that ran.
public struct PassRecord: Hashable, Sendable {
  /// Index of its replica.
  public var replica: Int
  /// - Unit: ns
  public var start: Int
  /// - Unit: ns
  public var end: Int
  /// Of `end`, what swaps take.
  /// - Unit: ns
  public var swap: Int
  /// In the order in which the pass was formed.
  public var rows: [PassRow]
}

/// What a run has counted.
public struct ServingTotals: Hashable, Sendable {
  /// Passes.
  public var passes = 0
  /// Tokens filled, those filled again among them.
  public var fillTokens = 0
  /// Of decode rows, K each.
  public var decodeTokens = 0
  /// Tokens that are filled because of preemptions, those that hit again among them.
  public var refillTokens = 0
  /// Preemptions.
  public var preemptions = 0
  /// Blocks that went to the host, and came back.
  public var swappedOut = 0, swappedIn = 0
  /// Bytes between replicas.
  public var movedBytes = 0
  /// Time in passes, of all replicas together.
  /// - Unit: ns
  public var busy = 0
}

/// A run of the serving simulator, event by event (docs/simulation.md).
public struct Simulation<Price: PassPrice> {
  let settings: ServingSettings
  let shape: StateShape
  let recording: Recording
  let trim: Trim
  /// Nil where memory has no blocks.
  let counts: BlockCounts?
  var price: Price
  var source: RequestSource
  var spans: SpanKeys
  var events = Heap<Event>()
  var members: [Member] = []
  var replicas: [Replica]
  /// The next replica of each pool, for routing in turn.
  var turns = [0, 0]
  /// The time of the event that was handled last.
  public internal(set) var now = 0
  var inSystem = 0
  /// ∫ number in the system, in request · ns.
  var area: Int128 = 0
  /// What was counted so far.
  public internal(set) var totals = ServingTotals()
  /// In the order in which they began; empty unless they are recorded.
  public internal(set) var passes: [PassRecord] = []
  var gaps = Tally()
  /// Of the pass that is formed; kept for its storage.
  var rows: [PassRow] = []
  var swapTime = 0

  /// - Parameters:
  ///   - question: what is run.
  ///   - price: what passes take.
  ///   - recording: what is kept beside the requests.
  ///   - trim: whose times between tokens count.
  /// - Throws: `ServingError` where no run can have these settings.
  public init(
    _ question: ServingQuestion, price: Price, recording: Recording = [], trim: Trim = .none
  ) throws(ServingError) {
    if let problem = question.settings.problem(for: question.shape) { throw .settings(problem) }
    (settings, shape, self.price) = (question.settings, question.shape, price)
    (self.recording, self.trim) = (recording, trim)
    let memory: Replica.Memory
    switch settings.memory {
    case .none: (counts, memory) = (nil, .none)
    case .contiguous(let bytes): (counts, memory) = (nil, .contiguous(available: bytes))
    case .paged(let paging):
      let counts = try BlockCounts(shape, paging)
      (self.counts, memory) = (counts, .paged(PagedMemory(counts, blocks: paging.blocks)))
    }
    replicas = Array(repeating: Replica(memory: memory), count: settings.replicas)
    spans = SpanKeys(span: max(counts?.span ?? 0, 1))
    source = RequestSource(question.load, question.requests, seed: question.seed, replication: question.replication)
    members.reserveCapacity(source.total)
    // Open arrivals come one by one; all others are known now.
    if case .open = question.load {
      try postArrival()
    } else {
      for _ in 0..<source.total { try postArrival() }
    }
  }

  /// Handles events until there are none.
  public mutating func run() throws(ServingError) { while try step() {} }

  /// Handles the next event.
  /// - Returns: whether there was one.
  public mutating func step() throws(ServingError) -> Bool {
    guard let event = events.pop() else { return false }
    area += Int128(event.time - now) * Int128(inSystem)
    now = event.time
    switch event.kind {
    case .passEnds: try endPass(event.number)
    case .transferEnds: endTransfer(event.number)
    case .requestArrives: try arrive(event.number)
    case .passBegins: try formPass(event.number)
    }
    return true
  }

  /// The next request that comes by itself gets its event.
  private mutating func postArrival() throws(ServingError) {
    if let request = try source.next() { try post(request) }
  }

  private mutating func post(_ request: Request) throws(ServingError) {
    let id = members.count
    guard request.prompt >= (shape.closesUnits ? 0 : 1), request.output >= 1, request.continuations >= 1 else {
      throw .settings("request \(id) has no prompt, no output or no continuation")
    }
    guard max(request.prompt, request.output, request.continuations) < 1 << 31 else { throw .overflow("a length") }
    let extent = Extent(request, shape)
    let unit = shape.levels.reduce(Double(extent.windowBytes)) { $0 + Double($1.bytes) }
    // No sum of bytes or blocks is larger than this one.
    guard Double(extent.longest + 1) * Double(request.continuations) * unit < 0x1p62 else {
      throw .overflow("the memory of request \(id)")
    }
    members.append(Member(request, extent))
    events.push(Event(time: request.arrival, kind: .requestArrives, number: id))
  }

  /// An idle replica gets its event to form a pass, once.
  mutating func wake(_ replica: Int) {
    guard !replicas[replica].isBusy, !replicas[replica].isPosted, replicas[replica].isWanted else { return }
    replicas[replica].isPosted = true
    events.push(Event(time: now, kind: .passBegins, number: replica))
  }

  private mutating func arrive(_ id: Int) throws(ServingError) {
    // Closed loops post all that come by themselves at the start, so only open loads have another one.
    if id == members.count - 1 { try postArrival() }
    guard fits(id) else { return try reject(id, .neverFits) }
    if let counts, counts.span > 0 { members[id].keys = spans.numbers(of: members[id].request, id: id) }
    let replica = route(id, among: settings.disaggregation.map { 0..<$0.prefillReplicas } ?? 0..<settings.replicas)
    if let limit = settings.queueLimit, replicas[replica].waiting.count >= limit { return try reject(id, .queueFull) }
    inSystem += 1
    wait(id, on: replica)
    wake(replica)
  }

  private mutating func reject(_ id: Int, _ reason: Rejection) throws(ServingError) {
    members[id].state = .rejected
    members[id].rejection = reason
    try answered()
  }

  /// The user of a request that was just answered goes on.
  mutating func answered() throws(ServingError) {
    if let request = try source.follow(answerAt: now) { try post(request) }
  }

  /// A request joins a queue.
  mutating func wait(_ id: Int, on replica: Int) {
    members[id].state = .waiting
    members[id].replica = replica
    replicas[replica].waiting.push(seniority(id))
  }

  func seniority(_ id: Int) -> Seniority {
    Seniority(priority: members[id].request.priority, arrival: members[id].request.arrival, id: id)
  }
}
