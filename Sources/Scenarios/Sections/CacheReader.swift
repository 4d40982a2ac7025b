import Architectures

extension ModelReader {
  /// The keys that say which heads keep everything; at most one is given.
  private enum Exemption: String, CaseIterable {
    case heads = "full_heads"
    case firstLayers = "full_layers"
    case everyLayer = "full_every"
    case roles
  }

  /// A list that is one value, as `levels` are.
  static let rolesKey = Exemption.roles.rawValue

  /// How a persistent cache is kept: a mapping with the name of a method for each choice, the settings of the methods
  /// beside them, the heads that are exempt, and how the prompt is read.
  /// - Parameters:
  ///   - key: of the mapping.
  ///   - usual: where the section has no such key.
  /// - Returns: nil after a complaint.
  func readCache(_ reader: FieldReader, _ key: String = "cache", usual: StackCache) -> StackCache? {
    guard let value = reader.value(key), !value.isNull else { return usual }
    let section = FieldReader(value, path: reader.path(of: key), collector: reader.collector, emptyRemoves: true)
    guard value.entries != nil else { return nil }
    let retention = choice("retention", in: section, usual: CachePlan.full.retention)
    let lookup = choice("lookup", in: section, usual: CachePlan.full.lookup)
    let entry = choice("entry", in: section, usual: CachePlan.full.entry)
    let placement = choice("placement", in: section, usual: CachePlan.full.placement)
    let exempt = exemptHeads(section)
    let chunk =
      section.has("prefill_chunk")
      ? section.integer("prefill_chunk", in: 1...Limits.promptLength) : retention?.usualPrefillChunk
    section.finish { settingKeys.contains($0) ? "no method that is named here has such a setting" : nil }
    guard let retention, let lookup, let entry, let placement, let exempt,
      chunk != nil || !section.has("prefill_chunk")
    else { return nil }
    return StackCache(
      CachePlan(retention: retention, lookup: lookup, entry: entry, placement: placement), exempt: exempt,
      prefillChunk: chunk)
  }

  private func choice<Choice: CacheChoice>(_ key: String, in section: FieldReader, usual: Choice) -> Choice? {
    let method: Choice.Method? = section.choice(key, default: usual.method)
    return method.flatMap { Choice($0, SectionSettings(section: section, choice: key, method: $0.rawValue)) }
  }

  private func exemptHeads(_ section: FieldReader) -> ExemptHeads? {
    let given = Exemption.allCases.filter { section.has($0.rawValue) }
    guard given.count <= 1 else {
      section.report(
        given[1].rawValue, "\(given[0].rawValue) and \(given[1].rawValue)",
        accepted: "one of \(enumerate(Exemption.allCases.map(\.rawValue)))")
      return nil
    }
    guard let key = given.first else { return ExemptHeads.none }
    switch key {
    case .heads: return section.integer(key.rawValue, in: 0...Limits.heads).map(ExemptHeads.heads)
    case .firstLayers: return section.integer(key.rawValue, in: 0...Limits.layers).map(ExemptHeads.firstLayers)
    case .everyLayer: return section.integer(key.rawValue, in: 1...Limits.layers).map(ExemptHeads.everyLayer)
    case .roles:
      guard let rows = section.list("roles") else { return nil }
      let texts = rows.compactMap(\.scalar)
      guard texts.count == rows.count, !texts.isEmpty else {
        section.report(Self.rolesKey, "rows that are no text", accepted: "a list such as [\"1100\", \"0110\"]")
        return nil
      }
      return .roles(texts)
    }
  }
}

/// The keys of all settings of all methods.
private let settingKeys = Set(
  keys(of: Retention.self) + keys(of: Lookup.self) + keys(of: EntryForm.self) + keys(of: Placement.self))

private func keys<Choice: CacheChoice>(of _: Choice.Type) -> [String] {
  Choice.Method.allCases.flatMap { Choice($0, AnySettings())?.settings.map(\.key) ?? [] }
}

/// The usual value of each setting, or else the first that is accepted; what can be so or not is so, and is named.
private struct AnySettings: CacheSettings {
  func integer(_: String, in accepted: ClosedRange<Int>, usual: Int?) -> Int? { usual ?? accepted.lowerBound }
  func fraction(_: String, usual: Double?) -> Double? { usual ?? 0 }
  func flag(_: String, usual _: Bool?) -> Bool? { true }
  func word<Word: RawRepresentable & CaseIterable>(_: String, usual: Word?) -> Word? where Word.RawValue == String {
    usual ?? Word.allCases.first
  }
}

/// Settings of a method among the keys of its section.
private struct SectionSettings: CacheSettings {
  let section: FieldReader
  /// The key that names the method, and the method.
  let choice, method: String

  func integer(_ key: String, in accepted: ClosedRange<Int>, usual: Int?) -> Int? {
    isGiven(key, usual) ? section.integer(key, default: usual, in: accepted) : nil
  }

  func fraction(_ key: String, usual: Double?) -> Double? {
    isGiven(key, usual) ? section.number(key, default: usual, in: 0...1) : nil
  }

  func flag(_ key: String, usual: Bool?) -> Bool? {
    isGiven(key, usual) ? section.boolean(key, default: usual) : nil
  }

  func word<Word: RawRepresentable & CaseIterable>(_ key: String, usual: Word?) -> Word? where Word.RawValue == String {
    isGiven(key, usual) ? section.choice(key, default: usual) : nil
  }

  /// - Returns: false after a complaint: there is neither a value nor a usual one.
  private func isGiven(_ key: String, _ usual: Any?) -> Bool {
    if section.has(key) || usual != nil { return true }
    let named = "\(choice): \(method)"
    section.report(choice, named, accepted: "\(named) with its \(key)")
    return false
  }
}
