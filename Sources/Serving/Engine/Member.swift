/// Where a request stands.
public enum RequestState: String, Sendable {
  /// Not there yet.
  case pending
  /// In a queue.
  case waiting
  /// On a replica.
  case running
  /// Its state is on its way to another replica.
  case moving
  /// It got everything.
  case finished
  /// It gets nothing.
  case rejected
}

/// Why a request gets nothing.
public enum Rejection: String, Sendable {
  /// Alone it would exceed a replica's memory.
  case neverFits = "never_fits"
  /// As many as may wait do so.
  case queueFull = "queue_full"
}

/// A request and what became of it so far.
struct Member: Sendable {
  /// How it will go on once it is admitted.
  enum Entry: Sendable {
    case fill
    case swapped
    case moved
  }

  /// Its share of the pass that runs.
  enum Row: Hashable, Sendable {
    case none
    case fill(Int)
    case decode
  }

  let request: Request
  let extent: Extent
  var keys: [Int] = []
  var state = RequestState.pending
  var rejection: Rejection?
  var entry = Entry.fill
  var row = Row.none
  /// −1 before it is routed.
  var replica = -1
  /// Of a request that moves.
  var destination = -1
  /// e, F, f, n
  var emitted = 0
  var target: Int
  var filled = 0
  var length = 0
  var holding = Holding()
  /// −1 before they are.
  var scheduled = -1
  var first = -1
  var last = -1
  var hit = 0
  var hitAgain = 0
  var preemptions = 0
  var tokens: [Int] = []

  init(_ request: Request, _ extent: Extent) {
    (self.request, self.extent) = (request, extent)
    target = request.prompt
  }

  /// n of what is filled.
  var filledLength: Int { request.prompt + emitted }
  var isFilled: Bool { filled == target }
}

/// A replica: who waits and runs on it, and its memory.
struct Replica: Sendable {
  /// What state lies in.
  enum Memory: Sendable {
    case none
    case contiguous(available: Int)
    case paged(PagedMemory)
  }

  var memory: Memory
  var waiting = Heap<Seniority>()
  /// In order of seniority.
  var running: [Int] = []
  /// Members of a static batch, those that are finished too, in order of seniority.
  var batch: [Int] = []
  /// Requests whose state is on its way here.
  var expected = 0
  var isBusy = false
  /// Whether it has an event to form a pass.
  var isPosted = false
  /// When its outgoing link is free.
  var linkFree = 0
  var hostBlocks = 0

  var isWanted: Bool { !running.isEmpty || !waiting.isEmpty }
  /// What a router compares.
  var load: Int { running.count + waiting.count + expected }
}
