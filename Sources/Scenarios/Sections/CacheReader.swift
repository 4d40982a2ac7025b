import Architectures

extension ModelReader {
  /// The plan of persistent caches: each of its four choices is the name of a method, or a mapping of a method and its
  /// settings.
  /// - Returns: the full plan where the section has none; nil after a complaint.
  func readCache(_ reader: FieldReader) -> CachePlan? {
    // While every choice has one method there is nothing to ask for, and the key does not exist.
    guard CachePlan.hasChoices else { return .full }
    guard let choices = reader.mapping("cache") else { return reader.has("cache") ? nil : .full }
    let retention = choice("retention", in: choices, default: CachePlan.full.retention)
    let lookup = choice("lookup", in: choices, default: CachePlan.full.lookup)
    let entry = choice("entry", in: choices, default: CachePlan.full.entry)
    let placement = choice("placement", in: choices, default: CachePlan.full.placement)
    choices.finish()
    guard let retention, let lookup, let entry, let placement else { return nil }
    return CachePlan(retention: retention, lookup: lookup, entry: entry, placement: placement)
  }

  private func choice<Choice: CacheChoice>(_ key: String, in reader: FieldReader, default usual: Choice) -> Choice? {
    guard let value = reader.value(key) else { return usual }
    if value.entries != nil, let settings = reader.mapping(key) {
      defer { settings.finish() }
      let method: Choice.Method? = settings.choice("method")
      return method.flatMap { Choice($0) { name, accepted in settings.integer(name, in: accepted) } }
    }
    let method: Choice.Method? = reader.choice(key)
    return method.flatMap { method in
      Choice(method) { name, accepted in
        reader.report(
          key, "\(method.rawValue) without its \(name)",
          accepted: "{method: \(method.rawValue), \(name): \(Problem.accepted(accepted))}")
        return nil
      }
    }
  }
}
