import Serving

/// Blocks of a replica as docs/simulation.md, §5 and §7, say it: lists that are searched, and formulas evaluated anew.
final class SlowMemory {
  struct Node {
    var id, references, lastUse: Int
    var blocks: [Int]
  }

  let question: ServingQuestion
  let paging: ServingSettings.Paging
  var queue: [Int]
  /// By the keys from the root.
  var tree: [[String]: Node] = [:]
  var made = 0

  init(_ question: ServingQuestion, _ paging: ServingSettings.Paging) {
    (self.question, self.paging) = (question, paging)
    queue = Array(0..<paging.blocks)
  }

  var levels: [StateShape.Level] { question.shape.levels }
  func perBlock(_ level: Int) -> Int { paging.blockBytes / levels[level].bytes }

  /// Tokens of a node, by trying.
  var span: Int {
    (1...).first { tokens in levels.indices.allSatisfy { tokens % (perBlock($0) * levels[$0].tokens) == 0 } }!
  }

  func nodeBlocks(_ level: Int) -> Int { span / (perBlock(level) * levels[level].tokens) }
  var nodeSize: Int { levels.indices.map(nodeBlocks).reduce(0, +) }

  /// Units of a level after n tokens.
  func units(_ level: Int, _ n: Int, _ request: SlowRequest, isRefill: Bool) -> Int {
    let isTop = level == levels.count - 1
    if isTop || !question.shape.isRecursive || n <= request.dropLength { return n / levels[level].tokens }
    return isRefill ? request.dropLength / levels[level].tokens : 0
  }

  func windowBlocks(_ request: SlowRequest) -> Int {
    (request.windowBytes + paging.blockBytes - 1) / paging.blockBytes
  }

  /// Blocks of a level by the formula: those that all share, and those of each continuation.
  func blocks(_ level: Int, units: Int, _ request: SlowRequest) -> (shared: Int, each: Int) {
    let (q, prompt) = (perBlock(level), request.P / levels[level].tokens)
    let ceiling = (units + q - 1) / q
    return units <= prompt ? (ceiling, 0) : (prompt / q, ceiling - prompt / q)
  }

  func total(_ n: Int, _ request: SlowRequest, isRefill: Bool) -> Int {
    var sum = request.K * windowBlocks(request)
    for level in levels.indices {
      let parts = blocks(level, units: units(level, n, request, isRefill: isRefill), request)
      sum += parts.shared + request.K * parts.each
    }
    return sum
  }

  var available: Int { queue.count + tree.values.filter { $0.references == 0 }.count * nodeSize }

  func match(_ request: SlowRequest) -> [[String]] {
    guard paging.hasTree else { return [] }
    var paths: [[String]] = []
    var depth = 1
    while depth <= request.keys.count, depth * span <= request.F - 1 {
      let path = Array(request.keys.prefix(depth))
      if tree[path] == nil { break }
      paths.append(path)
      depth += 1
    }
    return paths
  }

  func evict() {
    let leaves = tree.filter { path, node in
      node.references == 0 && !tree.keys.contains { $0.count == path.count + 1 && Array($0.prefix(path.count)) == path }
    }
    let oldest = leaves.min { ($0.value.lastUse, $0.value.id) < ($1.value.lastUse, $1.value.id) }!
    tree[oldest.key] = nil
    queue += oldest.value.blocks.reversed()
  }

  func pop() -> Int {
    if queue.isEmpty { evict() }
    return queue.removeFirst()
  }

  func admit(_ request: SlowRequest, n: Int, isRefill: Bool, path: [[String]], now: Int) {
    for prefix in path {
      tree[prefix]!.references += 1
      tree[prefix]!.lastUse = now
    }
    request.nodes = path
    for continuation in 0..<request.K {
      for _ in 0..<windowBlocks(request) { request.held.append(.init(block: pop(), level: -1, owner: continuation)) }
    }
    for level in levels.indices {
      let parts = blocks(level, units: units(level, n, request, isRefill: isRefill), request)
      for _ in 0..<parts.shared - path.count * (paging.hasTree ? nodeBlocks(level) : 0) {
        request.held.append(.init(block: pop(), level: level, owner: nil))
      }
      for continuation in 0..<request.K {
        for _ in 0..<parts.each { request.held.append(.init(block: pop(), level: level, owner: continuation)) }
      }
    }
  }

  /// New blocks of a level for one token more: the difference of two states.
  func growth(_ level: Int, _ request: SlowRequest) -> Int {
    if question.shape.isRecursive, level < levels.count - 1, request.n >= request.dropLength { return 0 }
    let before = blocks(level, units: request.n / levels[level].tokens, request)
    let after = blocks(level, units: (request.n + 1) / levels[level].tokens, request)
    return after.shared + request.K * after.each - before.shared - request.K * before.each
  }

  func grow(_ request: SlowRequest) {
    for level in levels.indices {
      // K new ones, or K − 1 copies: in both cases one each, in order.
      for continuation in 0..<growth(level, request) {
        request.held.append(.init(block: pop(), level: level, owner: continuation))
      }
    }
  }

  /// Spans that end in from ..< to tokens of the prompt.
  func insert(_ request: SlowRequest, from: Int, to: Int, now: Int) {
    for index in 0..<request.keys.count where (index + 1) * span > from && (index + 1) * span <= to {
      let path = Array(request.keys.prefix(index + 1))
      var own: [Int] = []
      for level in levels.indices {
        for _ in 0..<nodeBlocks(level) {
          let place = request.held.firstIndex { $0.level == level && $0.owner == nil }!
          own.append(request.held.remove(at: place).block)
        }
      }
      if tree[path] != nil {
        queue += own
      } else {
        tree[path] = Node(id: made, references: 0, lastUse: now, blocks: own)
        made += 1
      }
      tree[path]!.references += 1
      tree[path]!.lastUse = now
      request.nodes.append(path)
    }
  }

  func drop(_ request: SlowRequest) {
    let isLower = { (held: SlowRequest.Held) in held.level >= 0 && held.level < self.levels.count - 1 }
    queue += request.held.filter(isLower).reversed().map(\.block)
    request.held.removeAll(where: isLower)
  }

  func release(_ request: SlowRequest, now: Int) {
    for path in request.nodes {
      tree[path]!.references -= 1
      tree[path]!.lastUse = now
    }
    queue += request.held.reversed().map(\.block)
    (request.held, request.nodes) = ([], [])
  }
}

/// A request of the slow simulator, with the letters of docs/simulation.md.
final class SlowRequest {
  struct Held {
    var block, level: Int
    var owner: Int?
  }

  let id, A, P, G, K, priority: Int
  let keys: [String]
  let dropLength, windowBytes: Int
  var state = "pending"
  var reason: String?
  var replica: Int?
  var target = 0
  var entry = "fill"
  var (e, f, F, n) = (0, 0, 0, 0)
  var row: Int?
  var isDecoding = false
  var held: [Held] = []
  var nodes: [[String]] = []
  var bytes = 0
  var hostBlocks = 0
  var scheduled: Int?
  var tokens: [Int] = []
  var (hit, hitAgain, preemptions) = (0, 0, 0)

  init(_ request: Request, id: Int, _ shape: StateShape, span: Int?) {
    (self.id, A, P, G, K) = (id, request.arrival, request.prompt, request.output, request.continuations)
    priority = request.priority
    F = P
    let meta = shape.levels.last!.tokens
    dropLength = (P + meta - 1) / meta * meta
    if case .fixed(let bytes) = shape.windows { windowBytes = bytes } else { windowBytes = 0 }
    keys = (0..<P / (span ?? (P + 1))).map { index in
      if case .prefix(let prefix, let tokens) = request.keys, (index + 1) * span! <= tokens {
        return "\(prefix)/\(index)"
      }
      return "own \(id)/\(index)"
    }
  }

  var line: String {
    func text(_ value: Int?) -> String { value.map { "\($0)" } ?? "null" }
    return "{\"id\":\(id),\"arrival\":\(A),\"state\":\"\(state)\",\"replica\":\(text(replica)),"
      + "\"scheduled\":\(text(scheduled)),\"first\":\(text(tokens.first)),\"last\":\(text(tokens.last)),\"hit\":\(hit),"
      + "\"hit_again\":\(hitAgain),\"preemptions\":\(preemptions)" + (reason.map { ",\"reason\":\"\($0)\"" } ?? "")
      + ",\"tokens\":[\(tokens.map { "\($0)" }.joined(separator: ","))]}"
  }
}
