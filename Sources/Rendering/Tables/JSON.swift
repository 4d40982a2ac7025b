import Quantities

/// A JSON value whose objects keep the order in which they were written and whose integers are exact to 128 bits,
/// which `JSONEncoder` promises for neither.
public indirect enum JSON: Sendable {
  /// No value, also where a number is not finite.
  case null
  /// `true` or `false`.
  case flag(Bool)
  /// Exact, in digits.
  case integer(Int128)
  /// The shortest digits that read back as the same number.
  case number(Double)
  /// Escaped where it must be.
  case string(String)
  /// In order.
  case array([JSON])
  /// In the order of the list; keys are not checked for being unique.
  case object([(key: String, value: JSON)])

  /// The exact value of a cell; a missing one is `null`.
  public init(_ cell: Cell) {
    switch cell {
    case .text(let text): self = .string(text)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .number(value)
    case .flag(let value): self = .flag(value)
    case .missing: self = .null
    }
  }

  /// An integer that fits 128 bits.
  public init(_ value: some BinaryInteger) { self = .integer(Int128(value)) }
  /// Text, or `null`.
  public init(_ value: String?) { self = value.map(JSON.string) ?? .null }
  /// A number, or `null`.
  public init(_ value: Double?) { self = value.map(JSON.number) ?? .null }

  /// The text without a final line break, two spaces per depth; an array of plain values stays on one line.
  ///
  /// A number that is not finite has no JSON form and becomes `null`.
  public func text() -> String {
    var bytes: [UInt8] = []
    write(to: &bytes, depth: 0)
    return String(decoding: bytes, as: UTF8.self)
  }

  private func write(to bytes: inout [UInt8], depth: Int) {
    switch self {
    case .null: bytes += "null".utf8
    case .flag(let value): bytes += value ? "true".utf8 : "false".utf8
    case .integer(let value): bytes += value.description.utf8
    case .number(let value): bytes += value.isFinite ? value.description.utf8 : "null".utf8
    case .string(let value): appendJSONString(value, to: &bytes)
    case .array(let values):
      let inline = values.allSatisfy(\.isPlain)
      writeMembers(values, "[", "]", to: &bytes, depth: depth, inline: inline) { value, bytes in
        value.write(to: &bytes, depth: depth + 1)
      }
    case .object(let members):
      writeMembers(members, "{", "}", to: &bytes, depth: depth, inline: false) { member, bytes in
        appendJSONString(member.key, to: &bytes)
        bytes += ": ".utf8
        member.value.write(to: &bytes, depth: depth + 1)
      }
    }
  }

  private func writeMembers<Member>(
    _ members: [Member], _ open: String, _ close: String, to bytes: inout [UInt8], depth: Int, inline: Bool,
    write: (Member, inout [UInt8]) -> Void
  ) {
    bytes += open.utf8
    for (index, member) in members.enumerated() {
      if index > 0 { bytes += inline ? ", ".utf8 : ",".utf8 }
      if !inline { newLine(&bytes, depth + 1) }
      write(member, &bytes)
    }
    if !inline, !members.isEmpty { newLine(&bytes, depth) }
    bytes += close.utf8
  }

  private var isPlain: Bool {
    switch self {
    case .array, .object: false
    case .null, .flag, .integer, .number, .string: true
    }
  }
}

private func newLine(_ bytes: inout [UInt8], _ depth: Int) {
  bytes.append(UInt8(ascii: "\n"))
  for _ in 0..<depth { bytes += "  ".utf8 }
}

/// `text` in quotes; quote, backslash and what is not seen escaped, everything else as UTF-8.
func appendJSONString(_ text: String, to bytes: inout [UInt8]) {
  bytes.append(UInt8(ascii: "\""))
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": bytes += "\\\"".utf8
    case "\\": bytes += "\\\\".utf8
    case "\n": bytes += "\\n".utf8
    case "\r": bytes += "\\r".utf8
    case "\t": bytes += "\\t".utf8
    case _ where scalar.isHidden:
      for unit in String(scalar).utf16 {
        bytes += "\\u".utf8
        for shift in [12, 8, 4, 0] { bytes.append(hexDigits[Int(unit >> shift & 15)]) }
      }
    case _ where scalar.isASCII: bytes.append(UInt8(scalar.value))
    default: bytes += String(scalar).utf8
    }
  }
  bytes.append(UInt8(ascii: "\""))
}

private let hexDigits = Array("0123456789abcdef".utf8)
