import Architectures

extension ModelReader {
  static let cacheKeys = ["prefill_chunk"] + exemptions
  private static let exemptions = ["full_heads", "full_layers", "full_every", "roles"]

  /// How a persistent cache is kept: a mapping with the name of a method for each choice, the settings of the methods
  /// beside them, the heads that are exempt, and how the prompt is read.
  /// - Parameters:
  ///   - key: of the mapping.
  ///   - usual: where the section has no such key.
  /// - Returns: nil after a complaint.
  func readCache(_ reader: FieldReader, _ key: String = "cache", usual: StackCache) -> StackCache? {
    guard let value = reader.value(key), !value.isNull else { return usual }
    // An empty value takes a key away, as it does in the model section.
    var given = value
    if let entries = value.entries { given.content = .mapping(entries.filter { !$0.value.isNull }) }
    let section = FieldReader(given, path: reader.path(of: key), collector: reader.collector)
    guard value.entries != nil else { return nil }
    let retention = choice("retention", in: section, usual: CachePlan.full.retention)
    let lookup = choice("lookup", in: section, usual: CachePlan.full.lookup)
    let entry = choice("entry", in: section, usual: CachePlan.full.entry)
    let placement = choice("placement", in: section, usual: CachePlan.full.placement)
    let exempt = exemptHeads(section)
    let chunk =
      section.has("prefill_chunk")
      ? section.integer("prefill_chunk", in: 1...Limits.promptLength) : retention?.usualPrefillChunk
    section.finish()
    guard let retention, let lookup, let entry, let placement, let exempt,
      chunk != nil || !section.has("prefill_chunk")
    else { return nil }
    return StackCache(
      CachePlan(retention: retention, lookup: lookup, entry: entry, placement: placement), exempt: exempt,
      prefillChunk: chunk)
  }

  private func choice<Choice: CacheChoice>(_ key: String, in section: FieldReader, usual: Choice) -> Choice? {
    let method: Choice.Method? = section.choice(key, default: usual.method)
    return method.flatMap { Choice($0, SectionSettings(section: section, method: "\(key): \($0.rawValue)")) }
  }

  private func exemptHeads(_ section: FieldReader) -> ExemptHeads? {
    let given = Self.exemptions.filter(section.has)
    guard given.count <= 1 else {
      section.report(given[1], "\(given[0]) and \(given[1])", accepted: "one of \(enumerate(Self.exemptions))")
      return nil
    }
    switch given.first {
    case "full_heads": return section.integer("full_heads", in: 0...Limits.heads).map(ExemptHeads.heads)
    case "full_layers": return section.integer("full_layers", in: 0...Limits.layers).map(ExemptHeads.firstLayers)
    case "full_every": return section.integer("full_every", in: 1...Limits.layers).map(ExemptHeads.everyLayer)
    case "roles":
      guard let rows = section.list("roles") else { return nil }
      let texts = rows.compactMap(\.scalar)
      guard texts.count == rows.count, !texts.isEmpty else {
        section.report("roles", "rows that are no text", accepted: "a list such as [\"1100\", \"0110\"]")
        return nil
      }
      return .roles(texts)
    default: return ExemptHeads.none
    }
  }
}

/// Settings of a method among the keys of its section.
private struct SectionSettings: CacheSettings {
  let section: FieldReader
  let method: String

  func integer(_ key: String, in accepted: ClosedRange<Int>, usual: Int?) -> Int? {
    require(key, usual)
    return section.integer(key, default: usual, in: accepted)
  }

  func fraction(_ key: String, usual: Double?) -> Double? {
    require(key, usual)
    return section.number(key, default: usual, in: 0...1)
  }

  func word<Word: RawRepresentable & CaseIterable>(_ key: String, usual: Word?) -> Word? where Word.RawValue == String {
    require(key, usual)
    return section.choice(key, default: usual)
  }

  private func require(_ key: String, _ usual: Any?) {
    guard usual == nil, !section.has(key) else { return }
    section.report("retention", method, accepted: "\(method) with its \(key)")
  }
}
