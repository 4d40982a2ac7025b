/// Which entries of a persistent cache stay once a pass is over.
public enum Retention: CacheChoice {
  /// All of them.
  case everything
  /// The latest ones: attention with a sliding window, whose mask also holds inside a pass.
  case slidingWindow(Int)
  /// The first and the latest ones.
  case streaming(Streaming)
  /// Those that have gathered the largest attention weights, and the latest ones.
  case heavyHitters(HeavyHitters)
  /// Those of the prompt that its last queries attend to most; all that are generated.
  case snapKV(SnapKV)
  /// As SnapKV, with more of them in lower layers than in higher ones.
  case pyramidKV(PyramidKV)
  /// As one of the two, chunk by chunk of the prompt.
  case chunked(ChunkedEviction)
  /// The first and the latest ones, and ever fewer of those between them.
  case cascading(Cascading)

  /// The methods by the names that scenarios give them.
  public enum Method: String, CaseIterable, Sendable {
    case everything
    case slidingWindow = "sliding-window"
    case streaming
    case heavyHitters = "h2o"
    case snapKV = "snapkv"
    case pyramidKV = "pyramidkv"
    case chunked, cascading
  }

  /// Which one, without its settings.
  public var method: Method {
    switch self {
    case .everything: .everything
    case .slidingWindow: .slidingWindow
    case .streaming: .streaming
    case .heavyHitters: .heavyHitters
    case .snapKV: .snapKV
    case .pyramidKV: .pyramidKV
    case .chunked: .chunked
    case .cascading: .cascading
    }
  }

  /// A method with its settings; what is not given is as the method's authors have it.
  public init?(_ method: Method, _ settings: some CacheSettings) {
    switch method {
    case .everything: self = .everything
    case .slidingWindow:
      guard let window = settings.integer("window", in: 1...Limits.promptLength, usual: nil) else { return nil }
      self = .slidingWindow(window)
    case .streaming:
      guard let plan = Streaming(settings) else { return nil }
      self = .streaming(plan)
    case .heavyHitters:
      guard let plan = HeavyHitters(settings) else { return nil }
      self = .heavyHitters(plan)
    case .snapKV:
      guard let plan = SnapKV(settings) else { return nil }
      self = .snapKV(plan)
    case .pyramidKV:
      guard let plan = PyramidKV(settings) else { return nil }
      self = .pyramidKV(plan)
    case .chunked:
      guard let plan = ChunkedEviction(settings) else { return nil }
      self = .chunked(plan)
    case .cascading:
      guard let plan = Cascading(settings) else { return nil }
      self = .cascading(plan)
    }
  }

  /// What a scenario says besides the method.
  public var settings: [(key: String, value: CacheSetting)] {
    switch self {
    case .everything: []
    case .slidingWindow(let window): [("window", .integer(window))]
    case .streaming(let plan): plan.settings
    case .heavyHitters(let plan): plan.settings
    case .snapKV(let plan): plan.settings
    case .pyramidKV(let plan): plan.settings
    case .chunked(let plan): plan.settings
    case .cascading(let plan): plan.settings
    }
  }

  /// What keeps the settings from working together.
  public var problems: [Problem] {
    switch self {
    case .everything, .slidingWindow, .streaming, .heavyHitters, .cascading: []
    case .snapKV(let plan): plan.problems
    case .pyramidKV(let plan): plan.votes.problems
    case .chunked(let plan): plan.problems
    }
  }

  /// The method in one layer of a stack: budgets may differ from layer to layer.
  public func at(layer: Int, of layers: Int) -> Retention {
    switch self {
    case .everything, .slidingWindow, .streaming, .heavyHitters, .snapKV, .cascading: return self
    case .pyramidKV(var plan):
      (plan.layer, plan.layers) = (layer, layers)
      return .pyramidKV(plan)
    case .chunked(var plan):
      if plan.isPyramid { (plan.layer, plan.layers) = (layer, layers) }
      return .chunked(plan)
    }
  }

  /// The latest entries that stay whatever goes; nil where entries go in the order of their age.
  public var keptLatest: Int? {
    switch self {
    case .everything, .slidingWindow: nil
    case .streaming(let plan): plan.window
    case .heavyHitters(let plan): plan.recent
    case .snapKV(let plan): plan.window
    case .pyramidKV(let plan): plan.votes.window
    case .chunked(let plan): plan.window
    case .cascading(let plan): plan.scores ? plan.window : nil
    }
  }

  /// Whether entries are chosen by the attention that they get: what else lets entries go in another order than that of
  /// their age is a window behind sinks.
  public var votes: Bool { keptLatest != nil && method != .streaming }

  /// Last units of the prompt that run behind each of its passes but the last, and leave nothing there.
  public var lookahead: Int {
    if case .chunked(let plan) = self, plan.patched { plan.window } else { 0 }
  }

  /// Units of the prompt in one pass where a scenario does not say; nil: all of them.
  public var usualPrefillChunk: Int? {
    switch self {
    case .everything, .slidingWindow, .streaming, .heavyHitters, .snapKV, .pyramidKV: nil
    case .chunked: ChunkedEviction.usualChunk
    case .cascading: Cascading.usualStride
    }
  }
}
