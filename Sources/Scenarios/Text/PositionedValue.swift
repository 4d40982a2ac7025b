/// A YAML value that remembers where it was written.
public struct PositionedValue: Hashable, Sendable {
  public struct Entry: Hashable, Sendable {
    public var key: String
    public var keyPosition: Position
    public var value: PositionedValue

    public init(key: String, keyPosition: Position, value: PositionedValue) {
      self.key = key
      self.keyPosition = keyPosition
      self.value = value
    }
  }

  public indirect enum Content: Hashable, Sendable {
    /// A plain `null`, `~` or nothing at all.
    case null
    /// `quoted` text is never read as a number or a Boolean.
    case scalar(String, quoted: Bool)
    case list([PositionedValue])
    case mapping([Entry])
  }

  public var content: Content
  public var position: Position

  public init(_ content: Content, at position: Position) {
    self.content = content
    self.position = position
  }

  public var entries: [Entry]? {
    if case .mapping(let entries) = content { entries } else { nil }
  }

  public var elements: [PositionedValue]? {
    if case .list(let elements) = content { elements } else { nil }
  }

  public var scalar: String? {
    if case .scalar(let text, _) = content { text } else { nil }
  }

  public var isNull: Bool { content == .null }

  public subscript(_ key: String) -> PositionedValue? { entries?.first { $0.key == key }?.value }

  /// For messages: `"text"`, `42`, `a list of 3`, `a mapping`, `nothing`.
  public var summary: String {
    switch content {
    case .null: return "nothing"
    case .list(let elements): return elements.isEmpty ? "an empty list" : "a list of \(elements.count)"
    case .mapping: return "a mapping"
    case .scalar(let text, let quoted):
      let shown = text.count > 40 ? text.prefix(40) + "…" : text[...]
      let clean = String(shown.map { $0.isNewline ? " " : $0 })
      return quoted || Double(text) == nil ? "\"\(clean)\"" : clean
    }
  }

  /// What an unquoted number is, `_` between its digits left out; a grid may have a million of them.
  var wholeNumber: Int? {
    guard case .scalar(let text, quoted: false) = content else { return nil }
    return Int(text) ?? (text.utf8.contains(UInt8(ascii: "_")) ? Int(text.replacing("_", with: "")) : nil)
  }

  /// Equal for values that mean the same: numbers without `_`, mappings in the order of their keys.
  var canonical: String {
    switch content {
    case .scalar(let text, quoted: false): wholeNumber.map(String.init) ?? text
    case .list(let elements): "[" + elements.map(\.canonical).joined(separator: ", ") + "]"
    case .mapping(let entries):
      "{" + entries.map { "\($0.key): \($0.value.canonical)" }.sorted().joined(separator: ", ") + "}"
    default: flow
    }
  }

  /// The value as YAML on one line: the label of an alternative and the text of a fingerprint.
  public var flow: String {
    switch content {
    case .null: "null"
    case .scalar(let text, let quoted): quoted ? "\"\(text)\"" : text
    case .list(let elements): "[" + elements.map(\.flow).joined(separator: ", ") + "]"
    case .mapping(let entries): "{" + entries.map { "\($0.key): \($0.value.flow)" }.joined(separator: ", ") + "}"
    }
  }
}
