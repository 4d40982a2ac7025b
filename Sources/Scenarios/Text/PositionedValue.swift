import Quantities

/// A YAML value that remembers where it was written.
public struct PositionedValue: Hashable, Sendable {
  /// A key of a mapping with its value.
  public struct Entry: Hashable, Sendable {
    /// As it was written.
    public var key: String
    /// Where the key stands; the value has a position of its own.
    public var keyPosition: Position
    /// What stands behind the key.
    public var value: PositionedValue

    /// The position is that of the key.
    public init(key: String, keyPosition: Position, value: PositionedValue) {
      self.key = key
      self.keyPosition = keyPosition
      self.value = value
    }
  }

  /// What a YAML value is, without its place.
  public indirect enum Content: Hashable, Sendable {
    /// A plain `null`, `~` or nothing at all.
    case null
    /// `quoted` text is never read as a number or a Boolean.
    case scalar(String, quoted: Bool)
    /// A sequence, in block or flow style.
    case list([PositionedValue])
    /// Keys with their values, in the order of the text.
    case mapping([Entry])
  }

  /// What it is.
  public var content: Content
  /// Where it begins.
  public var position: Position

  /// The position is where the content begins.
  public init(_ content: Content, at position: Position) {
    self.content = content
    self.position = position
  }

  /// Those of a mapping; `nil` for anything else.
  public var entries: [Entry]? {
    if case .mapping(let entries) = content { entries } else { nil }
  }

  /// Those of a list; `nil` for anything else.
  public var elements: [PositionedValue]? {
    if case .list(let elements) = content { elements } else { nil }
  }

  /// The text of a scalar, quoted or not; `nil` for anything else.
  public var scalar: String? {
    if case .scalar(let text, _) = content { text } else { nil }
  }

  /// Whether it is a plain `null`, `~` or nothing at all.
  public var isNull: Bool { content == .null }

  /// The value of a mapping's key; `nil` where there is none, and for anything but a mapping.
  public subscript(_ key: String) -> PositionedValue? { entries?.first { $0.key == key }?.value }

  /// For messages: `"text"`, `42`, `a list of 3`, `a mapping`, `nothing`.
  public var summary: String {
    switch content {
    case .null: return "nothing"
    case .list(let elements): return elements.isEmpty ? "an empty list" : "a list of \(elements.count)"
    case .mapping: return "a mapping"
    case .scalar(let text, let quoted):
      let shown = text.count > 40 ? text.prefix(40) + "…" : text[...]
      return quoted || Double(text) == nil ? "\"\(visible(shown))\"" : String(shown)
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
