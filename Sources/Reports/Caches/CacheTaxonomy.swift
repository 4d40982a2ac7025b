import Architectures

/// The classes of sparse attention and eviction, as PruLong (arXiv:2506.17121, Table 1) tells them apart.
public enum CacheClass: String, CaseIterable, Sendable {
  case full = "full attention"
  case recency = "recency eviction"
  case postFill = "post-fill eviction"
  case chunked = "chunked eviction"
  case hierarchical = "hierarchy"

  /// What stays, in a few words.
  var keeps: String {
    switch self {
    case .full: "everything"
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
    case .slidingWindow, .streaming: .recency
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
    }
  }
}

extension Model {
  /// The retentions of its persistent caches that let entries go.
  var evictions: [Retention] {
    caches.map(\.plan.retention).filter { $0 != .everything }
  }

  /// The class of its caches; a hierarchy is one of its own, whether its levels evict or not.
  public var cacheClass: CacheClass {
    switch structure {
    case .stack: evictions.first?.cacheClass ?? .full
    case .hierarchy: .hierarchical
    }
  }
}
