import Foundation

/// Reads JSON into positioned values, as `YAMLText` does with YAML.
///
/// YAML would read most of it. It knows no surrogate pairs, though (`"\ud83d\ude00"`), with which JSON writes what lies beyond
/// 16 bits, and a file of results may be larger than any scenario. The words `NaN`, `Infinity` and `-Infinity`, which Python
/// writes, are plain scalars.
public enum JSONText {
  /// The one value of a text.
  /// - Parameters:
  ///   - text: of the whole file.
  ///   - file: the name that complaints show.
  /// - Throws: `ScenarioError`
  public static func parse(_ text: String, file: String) throws(ScenarioError) -> PositionedValue {
    let values = try parseAll(text, file: file)
    guard let first = values.first else {
      throw ScenarioError([Diagnostic(Position(file: file, line: 1), path: "", found: "the file is empty")])
    }
    guard values.count == 1 else {
      throw ScenarioError([
        Diagnostic(values[1].position, path: "", found: "found a second value", accepted: "the end of the file")
      ])
    }
    return first
  }

  /// The values of a text one after another: one, or one a line (JSON Lines).
  /// - Parameters:
  ///   - text: of the whole file.
  ///   - file: the name that complaints show.
  ///   - ignored: keys whose values are read and not kept, such as lists with an entry for every request.
  /// - Throws: `ScenarioError` at the first mistake.
  public static func parseAll(
    _ text: String, file: String, ignoring ignored: Set<String> = []
  ) throws(ScenarioError) -> [PositionedValue] {
    let text = try TextEncoding.text(of: Data(text.utf8), file: file)
    var reader = JSONReader(bytes: Array(text.utf8), file: file, ignored: ignored)
    var values: [PositionedValue] = []
    while try reader.hasMore() { values.append(try reader.value(depth: 0, isKept: true)) }
    return values
  }
}

private struct JSONReader {
  let bytes: [UInt8]
  let file: String
  let ignored: Set<String>
  private var index = 0
  private var line = 1
  private var column = 1
  private var count = 0

  init(bytes: [UInt8], file: String, ignored: Set<String>) {
    (self.bytes, self.file, self.ignored) = (bytes, file, ignored)
  }

  private var position: Position { Position(file: file, line: line, column: column) }
  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private func refusal(_ found: String, _ accepted: String?, at place: Position? = nil) -> ScenarioError {
    ScenarioError([Diagnostic(place ?? position, path: "", found: found, accepted: accepted)])
  }

  /// That something else stands here.
  private func expected(_ accepted: String) -> ScenarioError {
    guard index < bytes.count else { return refusal("the text ends", accepted) }
    let rest = String(decoding: bytes[index..<min(index + 4, bytes.count)], as: UTF8.self)
    return refusal("found \"\(rest.prefix(1))\"", accepted)
  }

  private mutating func advance() {
    let byte = bytes[index]
    index += 1
    if byte == UInt8(ascii: "\n") {
      (line, column) = (line + 1, 1)
    } else if next.map({ $0 & 0xC0 != 0x80 }) ?? true {
      column += 1
    }
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { advance() }
  }

  /// Whether something stands behind the next space.
  mutating func hasMore() throws(ScenarioError) -> Bool {
    skipSpace()
    return index < bytes.count
  }

  /// Takes a character if it stands behind the next space.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    advance()
    return true
  }

  mutating func value(depth: Int, isKept: Bool) throws(ScenarioError) -> PositionedValue {
    skipSpace()
    let place = position
    if isKept { count += 1 }
    guard depth <= YAMLText.depthLimit else {
      throw refusal("nested too deeply", "at most \(YAMLText.depthLimit) levels")
    }
    guard count <= YAMLText.valueLimit else { throw refusal("too many values", "at most \(YAMLText.valueLimit)") }
    switch next {
    case UInt8(ascii: "{"): return PositionedValue(try mapping(depth, isKept), at: place)
    case UInt8(ascii: "["): return PositionedValue(try list(depth, isKept), at: place)
    case UInt8(ascii: "\""): return PositionedValue(.scalar(try string(), quoted: true), at: place)
    default: return PositionedValue(try word(), at: place)
    }
  }

  private mutating func mapping(_ depth: Int, _ isKept: Bool) throws(ScenarioError) -> PositionedValue.Content {
    advance()
    var entries: [PositionedValue.Entry] = []
    var seen: Set<String> = []
    if take("}") { return .mapping([]) }
    while true {
      skipSpace()
      let place = position
      guard next == UInt8(ascii: "\"") else { throw expected("a key in quotes") }
      let key = try string()
      if isKept, !seen.insert(key).inserted {
        throw ScenarioError([Diagnostic(place, path: key, found: "the key is given more than once")])
      }
      guard take(":") else { throw expected("a colon behind the key") }
      let isWanted = isKept && !ignored.contains(key)
      let own = try value(depth: depth + 1, isKept: isWanted)
      if isWanted { entries.append(.init(key: key, keyPosition: place, value: own)) }
      if take("}") { return .mapping(entries) }
      guard take(",") else { throw expected("a comma or }") }
    }
  }

  private mutating func list(_ depth: Int, _ isKept: Bool) throws(ScenarioError) -> PositionedValue.Content {
    advance()
    var elements: [PositionedValue] = []
    if take("]") { return .list([]) }
    while true {
      let own = try value(depth: depth + 1, isKept: isKept)
      if isKept { elements.append(own) }
      if take("]") { return .list(elements) }
      guard take(",") else { throw expected("a comma or ]") }
    }
  }

  /// A number, or one of the words that JSON and Python have.
  private mutating func word() throws(ScenarioError) -> PositionedValue.Content {
    let place = position
    let start = index
    while let byte = next, isWordByte(byte) { advance() }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    switch text {
    case "null": return .null
    case "true", "false", "NaN", "Infinity", "-Infinity": return .scalar(text, quoted: false)
    case "": throw expected("a value")
    default:
      let isNumber = text.utf8.allSatisfy { Self.numberBytes.contains($0) } && Double(text) != nil
      guard isNumber else {
        throw refusal("found \(text.prefix(40))", "a number, a text in quotes, true, false or null", at: place)
      }
      return .scalar(text, quoted: false)
    }
  }

  private static let numberBytes = Array("0123456789+-.eE".utf8)

  private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }

  // MARK: Strings

  private mutating func string() throws(ScenarioError) -> String {
    let start = position
    advance()
    var text: [UInt8] = []
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        advance()
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text += Array(String(Character(try escape())).utf8)
      case 0..<0x20: throw refusal("found a control character in a text", "its number, such as \\n")
      default:
        text.append(byte)
        advance()
      }
    }
    throw refusal("a quotation mark is not closed", nil, at: start)
  }

  private mutating func escape() throws(ScenarioError) -> Unicode.Scalar {
    let place = position
    advance()
    guard let byte = next else { throw expected("a character behind \\") }
    advance()
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try hexadecimal(place)
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // What lies beyond 16 bits is written as two halves.
      let half = refusal("found half of a surrogate pair", "\\uD800 to \\uDBFF, then \\uDC00 to \\uDFFF", at: place)
      guard unit < 0xDC00, next == UInt8(ascii: "\\") else { throw half }
      advance()
      guard next == UInt8(ascii: "u") else { throw half }
      advance()
      let low = try hexadecimal(place)
      guard (0xDC00...0xDFFF).contains(low) else { throw half }
      return Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))!
    default:
      throw refusal(
        "found \\\(Unicode.Scalar(byte))", "\\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u with a number", at: place)
    }
  }

  private mutating func hexadecimal(_ place: Position) throws(ScenarioError) -> UInt32 {
    let digits = String(decoding: bytes[index..<min(index + 4, bytes.count)], as: UTF8.self)
    guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit), let unit = UInt32(digits, radix: 16) else {
      throw refusal("found \\u\(digits)", "four hexadecimal digits behind \\u", at: place)
    }
    for _ in 0..<4 { advance() }
    return unit
  }
}
