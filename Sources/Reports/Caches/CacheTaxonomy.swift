import Architectures

extension Model {
  /// The retentions of its persistent caches that let entries go.
  var evictions: [Retention] {
    caches.map(\.plan.retention).filter { $0 != .everything }
  }

  /// The lookups of its persistent caches that read a part.
  private var searches: [Lookup] { caches.map(\.plan.lookup).filter { $0 != .everything } }

  /// The class of its caches; a hierarchy is one of its own, whether its levels evict or not.
  public var cacheClass: CacheClass {
    switch structure {
    case .stack: evictions.first?.cacheClass ?? (searches.isEmpty ? .full : .dynamic)
    case .hierarchy: .hierarchical
    }
  }

  /// Its pages below docs, without `.md`: of what its caches do, and of the architecture where that is what saves.
  var guides: [String] {
    let caches = caches.flatMap { cache -> [String] in
      let entry = cache.plan.entry == .keyAndValue ? [] : ["caches/\(cache.plan.entry.method.rawValue)"]
      let place = cache.plan.placement.host == nil ? [] : ["caches/host-memory"]
      return [cache.guide, cache.plan.lookup.guide].compactMap { $0.map { "caches/\($0)" } } + entry + place
    }
    let family =
      evictions.isEmpty && searches.isEmpty || cacheClass == .hierarchical ? ["models/\(family.rawValue)"] : []
    return (family + caches).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}

extension StackCache {
  /// Heads that stream beside others that do not are DuoAttention's and PruLong's.
  fileprivate var guide: String? {
    guard case .streaming = plan.retention else { return plan.retention.guide }
    return switch exempt {
    case .heads, .roles: "duo-attention"
    case .none, .firstLayers, .everyLayer: plan.retention.guide
    }
  }
}
