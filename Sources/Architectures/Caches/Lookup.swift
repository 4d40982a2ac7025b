/// Which of the stored entries a query reads.
public enum Lookup: CacheChoice {
  /// All of them, up to its own.
  case everything
  /// Those with the largest scores, chosen anew for every query.
  case topK(TopK)
  /// Those that a binary search over blocks of keys arrives at.
  case hip(HiP)
  /// The same in three stages of chunks that are cut smaller and smaller.
  case infiniteHiP(InfiniteHiP)
  /// Blocks whose representatives suit a query best.
  case infLLM(InfLLM)

  /// The methods by the names that scenarios give them.
  public enum Method: String, CaseIterable, Sendable {
    case everything
    case topK = "top-k"
    case hip
    case infiniteHiP = "infinite-hip"
    case infLLM = "infllm"
  }

  /// Which one, without its settings.
  public var method: Method {
    switch self {
    case .everything: .everything
    case .topK: .topK
    case .hip: .hip
    case .infiniteHiP: .infiniteHiP
    case .infLLM: .infLLM
    }
  }

  /// A method with its settings; what is not given is as the method's authors have it.
  public init?(_ method: Method, _ settings: some CacheSettings) {
    switch method {
    case .everything: self = .everything
    case .topK:
      guard let plan = TopK(settings) else { return nil }
      self = .topK(plan)
    case .hip:
      guard let plan = HiP(settings) else { return nil }
      self = .hip(plan)
    case .infiniteHiP:
      guard let plan = InfiniteHiP(settings) else { return nil }
      self = .infiniteHiP(plan)
    case .infLLM:
      guard let plan = InfLLM(settings) else { return nil }
      self = .infLLM(plan)
    }
  }

  /// What a scenario says besides the method.
  public var settings: [(key: String, value: CacheSetting)] {
    switch self {
    case .everything: []
    case .topK(let plan): plan.settings
    case .hip(let plan): plan.settings
    case .infiniteHiP(let plan): plan.settings
    case .infLLM(let plan): plan.settings
    }
  }

  /// What keeps the settings from working together.
  public var problems: [Problem] {
    switch self {
    case .everything, .topK: []
    case .hip(let plan): plan.problems
    case .infiniteHiP(let plan): plan.problems
    case .infLLM(let plan): plan.problems
    }
  }

  /// Consecutive rows of a prompt that read the same entries before them: blocks of rows begin at its multiples.
  public var queryBlock: Int {
    switch self {
    case .everything, .topK: 1
    case .hip(let plan): plan.queryBlock
    case .infiniteHiP(let plan): plan.queryBlock
    case .infLLM(let plan): plan.queryBlock
    }
  }

  /// Whether it adds up what entries are attended to: sequences that share a prompt then have sums of their own.
  public var tallies: Bool {
    switch self {
    case .everything, .topK, .hip, .infiniteHiP: false
    case .infLLM: true
    }
  }
}

extension CachePlan {
  /// What is chosen by scores is chosen of entries that are all there, in one form.
  var lookupProblems: [Problem] {
    guard lookup != .everything else { return [] }
    var problems: [Problem] = []
    if retention != .everything {
      problems.append(
        Problem(
          "lookup", "lookup: \(lookup.method.rawValue) beside retention: \(retention.method.rawValue)",
          accepted: "retention: everything, since it chooses among all entries"))
    }
    if entry.residual > 0 {
      problems.append(
        Problem(
          "residual",
          "\(entry.residual) newest entries of another form where lookup: \(lookup.method.rawValue) chooses",
          accepted: "0, so that what is read has one form"))
    }
    return problems
  }
}

extension StackCache {
  /// Blocks of rows that read the same entries lie in one pass; slopes of distances are of keys that all stand there.
  func lookupProblems(_ shape: LayerShape) -> [Problem] {
    var problems: [Problem] = []
    let (method, block) = (plan.lookup.method, plan.lookup.queryBlock)
    if let prefillChunk, prefillChunk % block != 0 {
      problems.append(
        Problem(
          "prefill_chunk", "\(prefillChunk) units at once where \(block) of them read the same entries",
          accepted: "a multiple of \(block)"))
    }
    if method != .everything, shape.style.alibi {
      problems.append(
        Problem(
          "lookup", "lookup: \(method.rawValue) in layers whose scores fall with the distance (alibi)",
          accepted: "lookup: everything"))
    }
    return problems
  }
}
