import Architectures

/// Reads the fields of one mapping: typed, positioned, and strict about keys it was never asked for.
///
/// Ask for every key that the format has, then call `finish()`. A wrong or missing value adds a diagnostic and gives
/// `nil`, so that reading goes on and finds the next mistake.
public final class FieldReader {
  /// Where the mapping begins.
  public let position: Position
  /// The dotted path of the mapping, empty for the document.
  public let path: String
  /// Where complaints go.
  public let collector: DiagnosticCollector
  private let entries: [PositionedValue.Entry]
  /// Whether a key with nothing behind it is one that is absent.
  private let emptyRemoves: Bool
  private var known: [String] = []

  /// - Parameters:
  ///   - value: the mapping; anything else is a complaint.
  ///   - path: the dotted path of the mapping, empty for the document.
  ///   - collector: where complaints go.
  ///   - emptyRemoves: whether a key with nothing behind it is one that is absent: it takes a preset's away. One that the
  ///     command line empties always is.
  public init(
    _ value: PositionedValue, path: String, collector: DiagnosticCollector, emptyRemoves: Bool = false
  ) {
    position = value.position
    self.emptyRemoves = emptyRemoves
    self.path = path
    self.collector = collector
    entries = value.entries ?? []
    if value.entries == nil {
      collector.add(
        .init(position, path: path, found: "found \(value.summary)", accepted: "a mapping of keys to values"))
    }
  }

  /// The dotted path of one of the mapping's keys.
  public func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// Where the key's value stands, or the mapping where it is absent.
  public func position(of key: String) -> Position { entry(key)?.value.position ?? position }

  /// Whether the mapping has the key.
  public func has(_ key: String) -> Bool { entry(key) != nil }

  /// The value as it was written.
  public func value(_ key: String) -> PositionedValue? { entry(key)?.value }

  /// - Returns: the default where the key is absent; `nil` after a diagnostic.
  public func integer(_ key: String, default fallback: Int? = nil, in range: ClosedRange<Int>? = nil) -> Int? {
    read(key, default: fallback) { value in
      integerOf(value, path: path(of: key), in: range, collector)
    }
  }

  /// A finite number.
  public func number(_ key: String, default fallback: Double? = nil, in range: ClosedRange<Double>? = nil) -> Double? {
    let accepted = range.map(Problem.accepted) ?? "a finite number"
    return read(key, default: fallback) { value in
      guard case .scalar(let text, quoted: false) = value.content, isDecimal(text), let number = Double(text),
        number.isFinite, range?.contains(number) ?? true
      else { return refuse(key, value, accepted) }
      return number
    }
  }

  /// A number of a section where the key is given and right; else the section keeps what it has.
  public func read<Section>(_ key: String, _ field: NumberField<Section>, into section: inout Section) {
    switch field {
    case .integer(let path, let range):
      let value = section[keyPath: path]
      section[keyPath: path] = integer(key, default: value, in: range) ?? value
    case .decimal(let path, let range):
      let value = section[keyPath: path]
      section[keyPath: path] = number(key, default: value, in: range) ?? value
    }
  }

  /// Any scalar as text of at most 1024 characters.
  /// - Returns: the default where the key is absent; `nil` after a diagnostic.
  public func text(_ key: String, default fallback: String? = nil) -> String? {
    read(key, default: fallback) { value in
      guard let text = value.scalar, !text.isEmpty, text.count <= 1024 else {
        return refuse(key, value, "text of 1 to 1024 characters")
      }
      return text
    }
  }

  /// `true` or `false`.
  /// - Returns: the default where the key is absent; `nil` after a diagnostic.
  public func boolean(_ key: String, default fallback: Bool? = nil) -> Bool? {
    read(key, default: fallback) { value in
      switch value.content {
      case .scalar("true", quoted: false): true
      case .scalar("false", quoted: false): false
      default: refuse(key, value, "true or false")
      }
    }
  }

  /// One of the words of an enumeration.
  public func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, default fallback: Choice? = nil) -> Choice?
  where Choice.RawValue == String {
    let words = Choice.allCases.map(\.rawValue)
    return read(key, default: fallback) { value in
      if let choice = value.scalar.flatMap(Choice.init(rawValue:)) { return choice }
      return refuse(key, value, words.joined(separator: ", "), value.scalar.flatMap { nearMiss($0, among: words) })
    }
  }

  /// The reader of a nested mapping; `nil` without a diagnostic where it is absent.
  public func mapping(_ key: String) -> FieldReader? {
    guard let value = entry(key)?.value else { return nil }
    return FieldReader(value, path: path(of: key), collector: collector)
  }

  /// What is made of a nested mapping; `nil` without a diagnostic where it is absent, and only there. Where the value is
  /// no mapping its keys need no diagnostics of their own.
  func section<Section>(_ key: String, _ read: (FieldReader) -> Section?) -> Section? {
    guard let reader = mapping(key), value(key)?.entries != nil else { return nil }
    return collector.explained(read(reader), at: reader.position, path: reader.path)
  }

  /// The elements of a list; `nil` without a diagnostic where it is absent.
  public func list(_ key: String) -> [PositionedValue]? {
    guard let value = entry(key)?.value else { return nil }
    guard let elements = value.elements else { return refuse(key, value, "a list") }
    return elements.filter { !$0.isRemoved }
  }

  /// Says that a required key is missing.
  public func require(_ key: String, accepted: String? = nil) {
    guard !has(key) else { return }
    collector.add(.init(position, path: path, found: "the key \(key) is missing", accepted: accepted))
  }

  /// Adds a diagnostic about a key of this mapping.
  public func report(_ key: String, _ found: String, accepted: String? = nil, suggestion: String? = nil) {
    collector.add(
      .init(position(of: key), path: path(of: key), found: found, accepted: accepted, suggestion: suggestion))
  }

  /// Reports every key that nobody asked for.
  /// - Parameter hint: why a key that exists elsewhere is not accepted here; such a key may be empty.
  public func finish(hint: (String) -> String? = { _ in nil }) {
    for entry in entries where !known.contains(entry.key) && !collector.isFull {
      let elsewhere = hint(entry.key)
      if elsewhere != nil, isAbsent(entry.value) { continue }
      // `{retention:snapkv}` is one key to YAML.
      let first = entry.key.firstIndex(of: ":").map { String(entry.key[..<$0]) }
      let near =
        first.flatMap { known.contains($0) ? "\($0): …, with a space" : nil } ?? nearMiss(entry.key, among: known)
      let found = elsewhere ?? "unknown key"
      collector.add(
        .init(
          entry.keyPosition, path: path(of: entry.key), found: found, accepted: enumerate(known), suggestion: near))
    }
  }

  private func entry(_ key: String) -> PositionedValue.Entry? {
    if !known.contains(key) { known.append(key) }
    return entries.first { $0.key == key && !isAbsent($0.value) }
  }

  private func isAbsent(_ value: PositionedValue) -> Bool { value.isRemoved || emptyRemoves && value.isNull }

  private func read<Value>(
    _ key: String, default fallback: Value?, _ body: (PositionedValue) -> Value?
  ) -> Value? {
    guard let value = entry(key)?.value else {
      if fallback == nil { require(key) }
      return fallback
    }
    return body(value)
  }

  private func refuse<Value>(
    _ key: String, _ value: PositionedValue, _ accepted: String, _ suggestion: String? = nil
  ) -> Value? {
    collector.add(
      .init(
        value.position, path: path(of: key), found: "found \(value.summary)", accepted: accepted,
        suggestion: suggestion))
    return nil
  }
}

/// A whole number; `1_000` is accepted, `1e3`, `0x10`, `010` and `2K` are not.
func integerOf(
  _ value: PositionedValue, path: String, in range: ClosedRange<Int>? = nil, _ collector: DiagnosticCollector
) -> Int? {
  func refuse(_ found: String, _ accepted: String = "an integer") -> Int? {
    collector.add(.init(value.position, path: path, found: "found \(found)", accepted: accepted))
    return nil
  }
  let accepted = range.map(Problem.accepted) ?? "an integer"
  guard case .scalar(let text, quoted: false) = value.content else { return refuse(value.summary, accepted) }
  var digits = text[...]
  if digits.first == "-" || digits.first == "+" { digits = digits.dropFirst() }
  let isWhole =
    digits.first?.isASCIIDigit == true && digits.last?.isASCIIDigit == true && !digits.contains("__")
    && digits.allSatisfy { $0.isASCIIDigit || $0 == "_" } && (digits.first != "0" || digits == "0")
  guard isWhole else { return refuse(value.summary, accepted) }
  guard let number = Int(text.replacing("_", with: "")) else {
    return refuse("\(value.summary), which does not fit in 64 bits", accepted)
  }
  if let range, !range.contains(number) { return refuse("\(number)", accepted) }
  return number
}

/// Digits, point and exponent: `Double(_:)` alone also reads `nan`, `inf` and hexadecimal.
func isDecimal(_ text: some StringProtocol) -> Bool {
  text.contains(where: \.isASCIIDigit) && text.allSatisfy { $0.isASCIIDigit || "+-.eE".contains($0) }
}

extension Character {
  var isASCIIDigit: Bool { isASCII && isNumber }
}
