import Architectures

/// Ways of keeping caches that are tried on the trained models of a quality sweep: the scenario's `cache_quality` section.
public struct CacheQuality: Sendable {
  static let key = "cache_quality"

  /// A way of keeping caches, at several budgets.
  public struct Method: Sendable {
    /// As the section writes it.
    public let name: String
    /// One for each element of the list among the settings; one where there is no list.
    public let budgets: [StackCache]
    /// As the method's authors run it; nil where the section does not say.
    public let official: StackCache?
  }

  /// In order.
  public let methods: [Method]
  /// Sequences of each seed that are answered with each budget.
  public let sequences: Int
}

extension CacheQuality {
  static func read(_ reader: FieldReader) -> CacheQuality? {
    let before = reader.collector.diagnostics.count
    reader.require(
      "methods", accepted: "a list such as - {name: streaming, cache: {retention: streaming, window: [8, 16]}}")
    let values = reader.list("methods") ?? []
    if values.isEmpty, reader.value("methods")?.elements != nil {
      reader.report("methods", "found an empty list", accepted: "at least one")
    }
    let methods = values.enumerated().compactMap { index, value in
      readMethod(FieldReader(value, path: "\(reader.path(of: "methods"))[\(index + 1)]", collector: reader.collector))
    }
    let names = methods.map(\.name)
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      reader.report("methods", "\"\(twice)\" stands in the list twice", accepted: "each name once")
    }
    let sequences = reader.integer("sequences", default: 256, in: 1...1 << 20)
    reader.finish()
    guard reader.collector.diagnostics.count == before, let sequences else { return nil }
    return CacheQuality(methods: methods, sequences: sequences)
  }

  private static func readMethod(_ entry: FieldReader) -> Method? {
    let name = entry.text("name")
    entry.require("cache", accepted: "a cache as in the model section, one setting of which may be a list of budgets")
    let caches = alternatives(entry, "cache").map { cache(entry, "cache", $0) }
    let official = entry.value("official").map { cache(entry, "official", $0) }
    entry.finish()
    guard let name, let budgets = all(caches), !budgets.isEmpty else { return nil }
    if let official, official == nil { return nil }
    if Set(budgets).count < budgets.count {
      entry.report("cache", "\(name) has a budget twice", accepted: "each budget once")
      return nil
    }
    return Method(name: name, budgets: budgets, official: official ?? nil)
  }

  private static func all(_ caches: [StackCache?]) -> [StackCache]? {
    caches.contains { $0 == nil } ? nil : caches.compactMap { $0 }
  }

  /// The section once for each element of the one list in it; `roles` are a list themselves.
  private static func alternatives(_ entry: FieldReader, _ key: String) -> [PositionedValue] {
    guard let section = entry.value(key) else { return [] }
    let lists = (section.entries ?? []).filter { $0.key != "roles" && $0.value.elements != nil }
    guard let list = lists.first else { return [section] }
    let elements = list.value.elements ?? []
    guard lists.count == 1, !elements.isEmpty else {
      entry.report(
        key, elements.isEmpty ? "\(list.key) is an empty list" : "\(list.key) and \(lists[1].key) are lists",
        accepted: "one setting as a list of budgets")
      return []
    }
    return elements.compactMap { section.setting([.key(list.key)], to: $0) }
  }

  /// - Parameter value: one of the alternatives of the key.
  private static func cache(_ entry: FieldReader, _ key: String, _ value: PositionedValue) -> StackCache? {
    var section = value
    section.content = .mapping([.init(key: key, keyPosition: value.position, value: value)])
    let reader = FieldReader(section, path: entry.path, collector: entry.collector)
    guard let cache = ModelReader(path: entry.path, collector: entry.collector).readCache(reader, key, usual: .full)
    else { return nil }
    let problems = cache.plan.problems
    for problem in problems {
      entry.collector.add(
        .init(
          value[problem.key]?.position ?? value.position, path: "\(entry.path(of: key)).\(problem.key)",
          found: problem.found, accepted: problem.accepted))
    }
    return problems.isEmpty ? cache : nil
  }
}
