import Architectures

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
