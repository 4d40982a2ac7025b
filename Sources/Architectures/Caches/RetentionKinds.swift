/// The classes of sparse attention and eviction, as PruLong (arXiv:2506.17121, Table 1) tells them apart.
public enum CacheClass: String, CaseIterable, Sendable {
  case full = "full attention"
  case dynamic = "dynamic sparsity"
  case recency = "recency eviction"
  case postFill = "post-fill eviction"
  case chunked = "chunked eviction"
  case hierarchical = "hierarchy"

  /// What stays, in a few words.
  public var keeps: String {
    switch self {
    case .full: "everything"
    case .dynamic: "everything, of which a query reads a part"
    case .recency: "the first and the latest entries, in all heads or in some"
    case .postFill: "everything until the prompt ends, then a budget"
    case .chunked: "a share of each chunk of the prompt"
    case .hierarchical: "an entry for each unit of several tokens"
    }
  }
}

extension Retention {
  /// Its class.
  public var cacheClass: CacheClass {
    switch self {
    case .everything: .full
    case .slidingWindow, .streaming, .cascading: .recency
    case .heavyHitters, .snapKV, .pyramidKV: .postFill
    case .chunked: .chunked
    }
  }

  /// The name of its page in docs/caches, without `.md`.
  public var guide: String? {
    switch self {
    case .everything: nil
    case .slidingWindow: "sliding-window"
    case .streaming: "streaming"
    case .heavyHitters: "h2o"
    case .snapKV: "snapkv"
    case .pyramidKV: "pyramidkv"
    case .chunked: "chunked-eviction"
    case .cascading: "cascading"
    }
  }
}

extension Retention.Method {
  /// Small settings, for whoever compares both sides of every method: budgets that are never, just and long since full,
  /// windows of one entry, votes that are and are not pooled.
  public var smallSettings: [Retention] {
    switch self {
    case .everything: [.everything]
    case .slidingWindow: [1, 2, 5].map(Retention.slidingWindow)
    case .streaming:
      [(0, 1), (0, 4), (2, 1), (1, 3)].flatMap { sinks, window in
        Streaming.Positions.allCases.map {
          Retention.streaming(Streaming(sinks: sinks, window: window, positions: $0))
        }
      } + [.streaming(Streaming(sinks: 1, window: 9, evicts: .before))]
    case .heavyHitters:
      [(0, 1), (2, 1), (1, 3)].map { Retention.heavyHitters(HeavyHitters(heavy: $0, recent: $1)) }
    case .snapKV:
      [(1, 1, 1), (4, 2, 3), (6, 6, 5)].map { budget, window, kernel in
        Retention.snapKV(SnapKV(budget: budget, window: window, kernel: kernel))
      }
    case .pyramidKV:
      [(3, 1, 2), (6, 2, 20)].map { budget, window, beta in
        Retention.pyramidKV(PyramidKV(votes: SnapKV(budget: budget, window: window, kernel: 3), beta: beta))
      }
    case .chunked:
      [0, 0.4, 1].flatMap { sparsity in
        ChunkedEviction.Budgets.allCases.map {
          Retention.chunked(ChunkedEviction(budgets: $0, sparsity: sparsity, window: 1, kernel: 3))
        }
      }
        + [(.uniform, 0.6, 1), (.pyramid, 0.8, 2), (.uniform, 1, 3), (.pyramid, 0.5, 8)].map {
          budgets, sparsity, window in
          Retention.chunked(
            ChunkedEviction(budgets: budgets, sparsity: sparsity, patched: true, window: window, kernel: 3))
        }
    case .cascading:
      [
        Cascading(sinks: 0, window: 2, cascades: 1), Cascading(sinks: 1, window: 2, cascades: 3, beta: 0.9),
        Cascading(sinks: 2, window: 1, cascades: 2, schedule: .pow3, reduction: .mean, homogeneous: true),
        Cascading(sinks: 1, window: 1, cascades: 4, eager: false, positions: .text),
        Cascading(sinks: 0, window: 2, cascades: 3, schedule: .iplus1, eager: false, reduction: .median),
        Cascading(sinks: 0, window: 3, cascades: 4, schedule: .lastPow2, eager: false),
      ].map(Retention.cascading)
    }
  }
}
