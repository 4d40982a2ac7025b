/// How replicas work (docs/simulation.md, §4 to §7).
public struct ServingSettings: Hashable, Sendable {
  /// What a pass is made of.
  public enum Scheduler: Hashable, Sendable {
    /// Groups of so many that begin and end together.
    case `static`(batch: Int)
    /// Every pass decodes; prompts are read whole.
    case continuous(budget: Int)
    /// Every pass decodes; prompts are read in parts, up to the budget.
    case chunked(budget: Int)
  }

  /// What state lies in.
  public enum Memory: Hashable, Sendable {
    /// Nothing is counted.
    case none
    /// The most that a request will need, from its admission on.
    case contiguous(bytes: Int)
    /// Blocks.
    case paged(Paging)
  }

  /// Which replica gets a request.
  public enum Router: String, Hashable, Sendable, CaseIterable {
    /// One after the other.
    case roundRobin = "round_robin"
    /// The one with the fewest requests.
    case leastLoaded = "least_loaded"
    /// The one that has most of the prompt.
    case prefixAware = "prefix_aware"
  }

  /// Blocks of memory.
  public struct Paging: Hashable, Sendable {
    /// N, of a replica.
    public var blocks: Int
    /// Of one.
    public var blockBytes: Int
    /// Whether prompts stay for others.
    public var hasTree: Bool
    /// Where blocks go when requests are preempted; nil where their tokens are computed again.
    public var swap: Swap?

    /// Neither tree nor swap unless told otherwise.
    public init(blocks: Int, blockBytes: Int, hasTree: Bool = false, swap: Swap? = nil) {
      self.blocks = blocks
      self.blockBytes = blockBytes
      self.hasTree = hasTree
      self.swap = swap
    }
  }

  /// A wire to somewhere else.
  public struct Link: Hashable, Sendable {
    /// Byte per second.
    public var bandwidth: Int
    /// - Unit: ns
    public var latency: Int

    public init(bandwidth: Int, latency: Int = 0) { (self.bandwidth, self.latency) = (bandwidth, latency) }
  }

  /// Memory of the host.
  public struct Swap: Hashable, Sendable {
    /// For each replica.
    public var hostBlocks: Int
    /// To it and from it.
    public var link: Link

    public init(hostBlocks: Int, link: Link) { (self.hostBlocks, self.link) = (hostBlocks, link) }
  }

  /// Prompts are read here, tokens made there.
  public struct Disaggregation: Hashable, Sendable {
    /// Replicas that read prompts; the others make tokens.
    public var prefillReplicas: Int
    /// Out of each of them.
    public var link: Link

    public init(prefillReplicas: Int, link: Link) { (self.prefillReplicas, self.link) = (prefillReplicas, link) }
  }

  /// What a pass is made of.
  public var scheduler: Scheduler
  /// Requests that run side by side on a replica; not for `static`, whose batch says it.
  public var maxRunning: Int
  /// What state lies in.
  public var memory: Memory
  /// What stays free while somebody runs: blocks, or bytes if contiguous.
  public var watermark = 0
  /// Waiting requests that a replica takes; nil for any number.
  public var queueLimit: Int?
  /// All alike.
  public var replicas = 1
  /// Which of them gets a request.
  public var router = Router.roundRobin
  /// Nil where each replica does all.
  public var disaggregation: Disaggregation?

  /// One replica that takes every request, without a watermark.
  public init(_ scheduler: Scheduler, maxRunning: Int = .max, memory: Memory = .none) {
    self.scheduler = scheduler
    self.maxRunning = maxRunning
    self.memory = memory
  }

  /// Slots of a replica.
  var slots: Int {
    if case .static(let batch) = scheduler { batch } else { maxRunning }
  }

  /// What is wrong with the settings for a state; nil where nothing is.
  public func problem(for shape: StateShape) -> String? {
    if let problem = shape.problem { return problem }
    if replicas < 1 || slots < 1 { return "at least one replica runs at least one request" }
    if watermark < 0 || queueLimit ?? 0 < 0 { return "a watermark and a queue limit are not negative" }
    if case .paged(let paging) = memory, let level = shape.levels.first(where: { $0.bytes > paging.blockBytes }) {
      return "a block of \(paging.blockBytes) bytes does not hold a unit of \(level.bytes)"
    }
    if let disaggregation {
      guard 1..<replicas ~= disaggregation.prefillReplicas else { return "a replica for prefill and one for decode" }
      guard disaggregation.link.bandwidth >= 1 else { return "a link moves a byte per second" }
    }
    switch scheduler {
    case .static:
      if disaggregation != nil { return "static scheduling has no disaggregation" }
      if case .paged(let paging) = memory, paging.hasTree || paging.swap != nil {
        return "static scheduling has neither a prefix tree nor a swap"
      }
    case .continuous(let budget), .chunked(let budget):
      if budget < 1 { return "a pass has a budget of at least one token" }
    }
    return nil
  }
}
