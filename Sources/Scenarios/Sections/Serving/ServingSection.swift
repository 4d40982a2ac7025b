import Serving

/// How a scenario's model is served: the section `serving` (docs/simulation.md, docs/scenario-format.md).
public struct ServingSection: Sendable {
  static let key = "serving"

  /// What state lies in, before it is known what a token takes.
  public struct Memory: Hashable, Sendable {
    /// How it is handed out.
    public enum Kind: String, CaseIterable, Sendable {
      /// Not counted.
      case none
      /// What a request will need at most, at once.
      case contiguous
      /// In blocks.
      case paged
    }

    /// How it is handed out.
    public var kind: Kind
    /// Of a replica; nil for what the machine has beside the weights.
    public var bytes: Int?
    /// Tokens of a block.
    public var blockTokens: Int
    /// Whether prompts stay for others.
    public var hasTree: Bool
    /// What the host takes of preempted requests, and how; nil where they are computed again.
    public var swap: (bytes: Int, link: ServingSettings.Link)? {
      hostBytes.flatMap { bytes in hostLink.map { (bytes, $0) } }
    }
    var hostBytes: Int?
    var hostLink: ServingSettings.Link?
  }

  /// Requests from a file.
  public struct TraceFile: Hashable, Sendable {
    /// Its path.
    public var file: String
    /// Its columns.
    public var format: TraceFormat
    /// Whether bad rows are passed over.
    public var skipsBadRows: Bool
  }

  /// All but the memory.
  public var settings: ServingSettings
  /// What state lies in.
  public var memory: Memory
  /// What users do; not asked where there is a trace.
  public var load: Load
  /// Of drawn requests; nil for the workload's.
  public var prompt, output: Length?
  /// Prompts that begin alike.
  public var prefixes: SharedPrefixes?
  /// Requests from a file.
  public var trace: TraceFile?
  /// Of all streams.
  public var seed: Int
  /// Which of the runs with this seed.
  public var replication: Int
  /// What users accept.
  public var limits: ServiceLimits
  /// Whose figures count.
  public var trim: Trim
  /// How percentiles are found.
  public var interpolation: Distribution.Interpolation
  /// What passes take; nil for what the model takes on the machine.
  public var price: LinearPrice?
}

extension ServingSection {
  /// - Parameter path: of a file that stands beside the scenario; nil where there is none.
  static func read(_ reader: FieldReader, path: (String) -> String?) -> ServingSection? {
    let settings = readSettings(reader)
    let memory = readMemory(reader)
    let load = readLoad(reader)
    let (hasPrompt, hasOutput) = (reader.has("prompt"), reader.has("output"))
    let (prompt, output) = (readLength(reader, "prompt", least: 0), readLength(reader, "output", least: 1))
    let prefixes = reader.section("prefixes") { section -> SharedPrefixes? in
      let (count, tokens) = (section.integer("count", in: 1...most), section.integer("tokens", in: 1...most))
      section.finish()
      guard let count, let tokens else { return nil }
      return SharedPrefixes(count: count, tokens: tokens)
    }
    let trace = reader.section("trace") { readTrace($0, path: path) }
    let seed = reader.integer("seed", default: 1, in: 0...Int(Int32.max))
    let replication = reader.integer("replication", default: 0, in: 0...Int(Int32.max))
    let limits = reader.section("limits", readLimits)
    let trim = reader.section("trim", readTrim)
    let interpolation = reader.choice("percentiles", default: Distribution.Interpolation.nearest)
    let price = reader.section("price", readPrice)
    reader.finish()
    guard var settings, let memory, let load, let seed, let replication, let interpolation,
      hasPrompt == (prompt != nil), hasOutput == (output != nil)
    else { return nil }
    settings.watermark = memory.watermark
    return ServingSection(
      settings: settings, memory: memory.memory, load: load, prompt: prompt, output: output, prefixes: prefixes,
      trace: trace, seed: seed, replication: replication, limits: limits ?? ServiceLimits(), trim: trim ?? .none,
      interpolation: interpolation, price: price)
  }

  /// Of lengths and numbers of things.
  static let most = Int(Int32.max)
  /// Of bytes and ns: 10^15.
  static let mostBytes = 1_000_000_000_000_000

  private enum SchedulerName: String, CaseIterable { case `static`, continuous, chunked }

  private static func readSettings(_ reader: FieldReader) -> ServingSettings? {
    let name = reader.choice("scheduler", default: SchedulerName.chunked)
    let isStatic = name == .static
    if isStatic, reader.has("token_budget") || reader.has("max_running") {
      reader.report("scheduler", "static with a token budget or running requests", accepted: "batch")
    }
    if !isStatic, reader.has("batch") {
      reader.report(
        "batch", "a batch, of which \(name?.rawValue ?? "this scheduler") knows nothing", accepted: "static")
    }
    let batch = reader.integer("batch", default: 8, in: 1...most)
    let budget = reader.integer("token_budget", default: 2048, in: 1...most)
    let running = reader.integer("max_running", default: 256, in: 1...most)
    let replicas = reader.integer("replicas", default: 1, in: 1...4096)
    let router = reader.choice("router", default: ServingSettings.Router.roundRobin)
    let hasLimit = reader.has("queue_limit")
    let limit = hasLimit ? reader.integer("queue_limit", in: 0...most) : nil
    let parts = reader.section("disaggregation") { section -> ServingSettings.Disaggregation? in
      let count = section.integer("prefill_replicas", in: 1...4096)
      let link = readLink(section)
      section.finish()
      guard let count, let link else { return nil }
      return .init(prefillReplicas: count, link: link)
    }
    guard let name, let batch, let budget, let running, let replicas, let router, hasLimit == (limit != nil)
    else { return nil }
    let scheduler: ServingSettings.Scheduler
    switch name {
    case .static: scheduler = .static(batch: batch)
    case .continuous: scheduler = .continuous(budget: budget)
    case .chunked: scheduler = .chunked(budget: budget)
    }
    var settings = ServingSettings(scheduler, maxRunning: running)
    (settings.replicas, settings.router, settings.queueLimit) = (replicas, router, limit)
    settings.disaggregation = parts
    if let parts, parts.prefillReplicas >= replicas || isStatic {
      let accepted = isStatic ? "continuous or chunked scheduling" : "replicas of which some make tokens"
      reader.report(
        "disaggregation", "\(parts.prefillReplicas) of \(replicas) replicas for prompts", accepted: accepted)
    }
    return settings
  }

  private static func readLink(_ section: FieldReader) -> ServingSettings.Link? {
    let bandwidth = section.integer("bandwidth", in: 1...mostBytes)
    let latency = section.integer("latency_ns", default: 0, in: 0...mostBytes)
    guard let bandwidth, let latency else { return nil }
    return .init(bandwidth: bandwidth, latency: latency)
  }

  private static func readMemory(_ reader: FieldReader) -> (memory: Memory, watermark: Int)? {
    guard let section = reader.mapping("memory") else {
      return (Memory(kind: .paged, bytes: nil, blockTokens: 16, hasTree: false), 0)
    }
    let kind = section.choice("kind", default: Memory.Kind.paged)
    let hasBytes = section.has("bytes")
    let bytes = hasBytes ? section.integer("bytes", in: 1...mostBytes) : nil
    let tokens = section.integer("block_tokens", default: 16, in: 1...(1 << 20))
    let tree = section.boolean("prefix_tree", default: false)
    let watermark = section.integer("watermark", default: 0, in: 0...mostBytes)
    let host = section.section("swap") { swap -> (Int, ServingSettings.Link)? in
      let (bytes, link) = (swap.integer("bytes", in: 0...mostBytes), readLink(swap))
      swap.finish()
      guard let bytes, let link else { return nil }
      return (bytes, link)
    }
    if let kind, kind != .paged, tree == true || host != nil {
      section.report("kind", "found \(kind.rawValue) with a prefix tree or a swap", accepted: "paged")
    }
    section.finish()
    guard let kind, let tokens, let tree, let watermark, hasBytes == (bytes != nil) else { return nil }
    let memory = Memory(
      kind: kind, bytes: bytes, blockTokens: tokens, hasTree: tree, hostBytes: host?.0, hostLink: host?.1)
    return (memory, watermark)
  }
}
