/// What users do.
public enum Load: Sendable {
  /// These requests, from a trace or a test. Ids are their places.
  case requests([Request])
  /// So many requests that do not wait for answers.
  case open(count: Int, Arrivals)
  /// Users that send their next request when the last one is answered.
  case closed(ClosedLoop)
}

/// A fixed number of users.
public struct ClosedLoop: Hashable, Sendable {
  /// N
  public var users: Int
  /// R, of all users together.
  public var requests: Int
  /// Between the first requests of two users.
  /// - Unit: ns
  public var stagger: Int
  /// Between an answer and the moment at which its user begins to think.
  /// - Unit: ns
  public var delay: Int
  /// Before the next request.
  public var think: ThinkTime

  /// Nobody waits unless told otherwise.
  public init(users: Int, requests: Int, stagger: Int = 0, delay: Int = 0, think: ThinkTime = .fixed(0)) {
    self.users = users
    self.requests = requests
    self.stagger = stagger
    self.delay = delay
    self.think = think
  }
}

/// What requests of a drawn load are like.
public struct RequestShape: Hashable, Sendable {
  /// Of prompts and outputs.
  public var lengths: Lengths
  /// K of each.
  public var continuations: Int
  /// Nil where every prompt is its own.
  public var prefixes: SharedPrefixes?

  /// One continuation of a prompt of its own unless told otherwise.
  public init(_ lengths: Lengths, continuations: Int = 1, prefixes: SharedPrefixes? = nil) {
    self.lengths = lengths
    self.continuations = continuations
    self.prefixes = prefixes
  }
}

/// Makes the requests of a load in the order of their ids.
struct RequestSource {
  private let load: Load
  private let shape: RequestShape
  private var chance: Chance
  private var made = 0
  private var lastArrival = 0

  init(_ load: Load, _ shape: RequestShape, seed: Int, replication: Int) {
    (self.load, self.shape) = (load, shape)
    chance = Chance(seed: seed, replication: replication)
  }

  /// All that there will be.
  var total: Int {
    switch load {
    case .requests(let requests): requests.count
    case .open(let count, _): count
    case .closed(let loop): loop.requests
    }
  }

  /// Whether requests come whatever happens to others.
  var isOpen: Bool {
    if case .closed = load { false } else { true }
  }

  /// Requests that come by themselves, the next one by id; nil where there is none.
  mutating func next() throws(ServingError) -> Request? {
    switch load {
    case .requests(let requests):
      guard made < requests.count else { return nil }
      made += 1
      return requests[made - 1]
    case .open(let count, let arrivals):
      guard made < count else { return nil }
      // Regular arrivals begin at 0, random ones with a gap.
      if case .regular = arrivals, made == 0 { return try draw(at: 0) }
      lastArrival = try later(lastArrival, by: try chance.gap(arrivals))
      return try draw(at: lastArrival)
    case .closed(let loop):
      guard made < min(loop.users, loop.requests) else { return nil }
      let (arrival, overflow) = made.multipliedReportingOverflow(by: loop.stagger)
      if overflow { throw .overflow("the clock") }
      return try draw(at: arrival)
    }
  }

  /// The request of a user whose last one was answered; nil where none follows an answer.
  mutating func follow(answerAt time: Int) throws(ServingError) -> Request? {
    guard case .closed(let loop) = load, made < loop.requests else { return nil }
    let delay = try later(loop.delay, by: try chance.think(loop.think))
    return try draw(at: try later(time, by: delay))
  }

  private mutating func draw(at arrival: Int) throws(ServingError) -> Request {
    let lengths = try chance.lengths(shape.lengths, id: made)
    made += 1
    let keys = shape.prefixes.map {
      Request.Keys.prefix(id: chance.prefix($0), tokens: min($0.tokens, lengths.prompt))
    }
    return Request(
      arrival: arrival, prompt: lengths.prompt, output: lengths.output, continuations: shape.continuations,
      keys: keys ?? .own)
  }
}
