import Architectures

/// How a stack's cache is kept as a checkpoint's JSON writes it, under the keys of a scenario's `cache` section.
struct CacheConfiguration: Codable, Hashable {
  enum Value: Codable, Hashable {
    case integer(Int)
    case fraction(Double)
    case flag(Bool)
    case word(String)
    case rows([String])

    init(_ setting: CacheSetting) {
      switch setting {
      case .integer(let value): self = .integer(value)
      // As JSON reads it back.
      case .fraction(let value): self = Int(exactly: value).map(Value.integer) ?? .fraction(value)
      case .flag(let value): self = .flag(value)
      case .word(let value): self = .word(value)
      }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      func read<Kind: Decodable>(_ kind: Kind.Type) -> Kind? {
        // One kind after another is tried, and the last one says what is wrong.
        try? container.decode(kind)
      }
      if let value = read(Int.self) {
        self = .integer(value)
      } else if let value = read(Double.self) {
        self = .fraction(value)
      } else if let value = read(Bool.self) {
        self = .flag(value)
      } else if let value = read(String.self) {
        self = .word(value)
      } else {
        self = .rows(try container.decode([String].self))
      }
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .integer(let value): try container.encode(value)
      case .fraction(let value): try container.encode(value)
      case .flag(let value): try container.encode(value)
      case .word(let value): try container.encode(value)
      case .rows(let value): try container.encode(value)
      }
    }
  }

  private var values: [String: Value] = [:]

  init(from decoder: any Decoder) throws {
    values = try decoder.singleValueContainer().decode([String: Value].self)
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(values)
  }

  /// - Returns: nil where everything is kept and read, in one pass of the prompt.
  init?(_ cache: StackCache) {
    guard !cache.isFull else { return nil }
    func put<Choice: CacheChoice>(_ key: String, _ path: KeyPath<CachePlan, Choice>) {
      let choice = cache.plan[keyPath: path]
      guard choice != CachePlan.full[keyPath: path] else { return }
      values[key] = .word(choice.method.rawValue)
      for (key, setting) in choice.settings { values[key] = Value(setting) }
    }
    put("retention", \.retention)
    put("lookup", \.lookup)
    put("entry", \.entry)
    put("placement", \.placement)
    switch cache.exempt {
    case .none: break
    case .heads(let count): values["full_heads"] = .integer(count)
    case .firstLayers(let count): values["full_layers"] = .integer(count)
    case .everyLayer(let period): values["full_every"] = .integer(period)
    case .roles(let rows): values["roles"] = .rows(rows)
    }
    values["prefill_chunk"] = cache.prefillChunk.map(Value.integer)
  }

  /// - Throws: where a method is unknown or lacks a setting.
  func cache() throws(CheckpointError) -> StackCache {
    let plan = CachePlan(
      retention: try choice("retention", CachePlan.full.retention), lookup: try choice("lookup", CachePlan.full.lookup),
      entry: try choice("entry", CachePlan.full.entry), placement: try choice("placement", CachePlan.full.placement))
    let cache = StackCache(plan, exempt: exempt, prefillChunk: integer("prefill_chunk"))
    guard CacheConfiguration(cache) == self else {
      throw CheckpointError("model.cache: found settings that its methods do not have; accepted: those of docs/caches")
    }
    return cache
  }

  private func integer(_ key: String) -> Int? {
    guard case .integer(let value) = values[key] else { return nil }
    return value
  }

  private func choice<Choice: CacheChoice>(_ key: String, _ usual: Choice) throws(CheckpointError) -> Choice {
    guard let value = values[key] else { return usual }
    guard case .word(let name) = value, let method = Choice.Method(rawValue: name) else {
      throw CheckpointError(
        "model.cache.\(key): found an unknown method; accepted: "
          + Choice.Method.allCases.map(\.rawValue).joined(separator: ", "))
    }
    guard let choice = Choice(method, self) else {
      throw CheckpointError(
        "model.cache: found a setting of \(name) missing or out of range; accepted: those of docs/caches")
    }
    return choice
  }

  private var exempt: ExemptHeads {
    if let count = integer("full_heads") { return .heads(count) }
    if let count = integer("full_layers") { return .firstLayers(count) }
    if let period = integer("full_every") { return .everyLayer(period) }
    if case .rows(let rows) = values["roles"] { return .roles(rows) }
    return .none
  }
}

extension CacheConfiguration: CacheSettings {
  func integer(_ key: String, in accepted: ClosedRange<Int>, usual: Int?) -> Int? {
    guard values[key] != nil else { return usual }
    return integer(key).flatMap { accepted.contains($0) ? $0 : nil }
  }

  func fraction(_ key: String, usual: Double?) -> Double? {
    switch values[key] {
    case nil: usual
    case .integer(let value): (0...1).contains(value) ? Double(value) : nil
    case .fraction(let value): (0...1).contains(value) ? value : nil
    case .flag, .word, .rows: nil
    }
  }

  func flag(_ key: String, usual: Bool?) -> Bool? {
    guard let value = values[key] else { return usual }
    guard case .flag(let flag) = value else { return nil }
    return flag
  }

  func word<Word: RawRepresentable & CaseIterable>(_ key: String, usual: Word?) -> Word? where Word.RawValue == String {
    guard let value = values[key] else { return usual }
    guard case .word(let text) = value else { return nil }
    return Word(rawValue: text)
  }
}
