/// How rows of exact values are written to a file.
public enum RowEncoding: Hashable, Sendable {
  /// RFC 4180 with line feeds; fields are quoted only where they must be. Text that a spreadsheet would take for a formula has
  /// an apostrophe in front, which says that it is text.
  case csv
  /// One JSON object per line.
  case jsonLines
}

/// The names of the fields of every row, in order, with the bytes that stand before each field worked out once.
public struct RowSchema: Hashable, Sendable {
  /// Column names in order.
  public let keys: [String]
  private let csvLead: [[UInt8]]
  private let jsonLead: [[UInt8]]

  /// - Parameter keys: column names; a unit is the last part of its name.
  /// - Precondition: at least one key and no key twice.
  public init(_ keys: [String]) {
    precondition(!keys.isEmpty && Set(keys).count == keys.count, "the columns of a row have names, each of its own")
    self.keys = keys
    csvLead = keys.indices.map { $0 == 0 ? [] : Array(",".utf8) }
    jsonLead = keys.enumerated().map { index, key in
      var lead = Array((index == 0 ? "{" : ",").utf8)
      appendJSONString(key, to: &lead)
      return lead + Array(":".utf8)
    }
  }

  func lead(_ encoding: RowEncoding) -> [[UInt8]] { encoding == .csv ? csvLead : jsonLead }

  /// What stands before the first row: the names in CSV, nothing in JSON Lines.
  public func header(_ encoding: RowEncoding) -> [UInt8] {
    guard encoding == .csv else { return [] }
    var bytes: [UInt8] = []
    for (index, key) in keys.enumerated() {
      if index > 0 { bytes.append(comma) }
      appendCSVField(key, to: &bytes)
    }
    return bytes + [lineFeed]
  }
}

/// Whole rows as bytes, ready to be written.
public struct RowChunk: Sendable {
  /// Encoded rows, without a header.
  public internal(set) var bytes: [UInt8]
  /// Rows in the bytes.
  public let rowCount: Int
}

/// Writes rows into a byte buffer, field by field, without a String or an allocation per field.
///
/// Each worker thread owns one builder, fills it with the rows of one chunk and hands the chunk to a `RowWriter`.
public struct RowBuilder: Sendable {
  /// The columns of each row.
  public let schema: RowSchema
  /// In which rows are written.
  public let encoding: RowEncoding
  /// What stands before every field, one after the other, and where each begins.
  private let lead: [UInt8]
  private let leadStarts: [Int]
  private var bytes: [UInt8]
  private var used = 0
  private var fieldIndex = 0
  private var rowCount = 0

  /// - Parameters:
  ///   - schema: the columns, in order.
  ///   - encoding: what a row becomes: a line of text or a record.
  ///   - capacity: bytes to reserve; the buffer grows when they do not suffice.
  public init(_ schema: RowSchema, _ encoding: RowEncoding, capacity: Int = 1 << 16) {
    self.schema = schema
    self.encoding = encoding
    let leads = schema.lead(encoding)
    lead = leads.flatMap(\.self)
    leadStarts = leads.reduce(into: [0]) { $0.append($0.last! + $1.count) }
    bytes = [UInt8](repeating: 0, count: max(capacity, 256))
  }

  /// Adds an integer.
  public mutating func append(_ value: Int) { append(Int64(value)) }

  /// Adds an integer.
  public mutating func append(_ value: Int64) {
    startField(reserving: 20)
    if value < 0 { appendByte(minus) }
    appendDigits(value.magnitude)
  }

  /// The fast path for values that fit 64 bits, which nearly all do, is one comparison away.
  public mutating func append(_ value: Int128) {
    if let small = Int64(exactly: value) { return append(small) }
    startField(reserving: 40)
    if value < 0 { appendByte(minus) }
    let (high, low) = value.magnitude.quotientAndRemainder(dividingBy: UInt128(billionSquared))
    let (top, middle) = high.quotientAndRemainder(dividingBy: UInt128(billionSquared))
    if top > 0 {
      appendDigits(UInt64(top))
      appendDigits(UInt64(middle), width: 18)
      appendDigits(UInt64(low), width: 18)
    } else if middle > 0 {
      appendDigits(UInt64(middle))
      appendDigits(UInt64(low), width: 18)
    } else {
      appendDigits(UInt64(low))
    }
  }

  /// The shortest digits that read back as the same number. What is not finite is `nan`, `inf` or `-inf` in CSV, as
  /// NumPy and pandas read it, and `null` in JSON, which has no such number.
  public mutating func append(_ value: Double) {
    startField(reserving: 32)
    if value.isFinite || encoding == .csv {
      appendASCII(value.description)
    } else {
      appendASCII("null")
    }
  }

  /// Adds `true` or `false`.
  public mutating func append(_ value: Bool) {
    startField(reserving: 8)
    appendASCII(value ? "true" : "false")
  }

  /// Adds text, quoted or escaped as the encoding asks.
  public mutating func append(_ text: String) {
    let length = text.utf8.count
    startField(reserving: length)
    // Nearly every text is a plain word, which is its own field.
    if encoding == .csv, !text.utf8.contains(where: \.needsQuotes), !isFormula(text), text.utf8.first != hash {
      appendASCII(text)
      return
    }
    var field: [UInt8] = []
    switch encoding {
    case .csv: appendCSVField(text, to: &field)
    case .jsonLines: appendJSONString(text, to: &field)
    }
    appendBytes(field)
  }

  /// The digits of a number, or `true` or `false`, as they are: in JSON they stand without quotes.
  /// - Precondition: `literal` is one of these.
  public mutating func append(literal: String) {
    startField(reserving: literal.utf8.count)
    appendASCII(literal)
  }

  /// An empty field in CSV, `null` in JSON.
  public mutating func appendMissing() {
    startField(reserving: 8)
    if encoding == .jsonLines { appendASCII("null") }
  }

  /// Adds a number, or what stands for a missing value.
  public mutating func append(_ value: Double?) {
    if let value { append(value) } else { appendMissing() }
  }

  /// Adds the exact value of a cell.
  public mutating func append(_ cell: Cell) {
    switch cell {
    case .text(let text): append(text)
    case .integer(let value): append(value)
    case .number(let value): append(value)
    case .flag(let value): append(value)
    case .missing: appendMissing()
    }
  }

  /// - Precondition: the row has a value for every column.
  public mutating func endRow() {
    precondition(fieldIndex == schema.keys.count, "a row has \(schema.keys.count) fields, not \(fieldIndex)")
    reserve(2)
    if encoding == .jsonLines { appendByte(closingBrace) }
    appendByte(lineFeed)
    fieldIndex = 0
    rowCount += 1
  }

  /// The rows so far; the builder is empty afterwards and keeps its buffer's size.
  /// - Precondition: no row is half written.
  public mutating func takeChunk() -> RowChunk {
    precondition(fieldIndex == 0, "a chunk ends with a whole row")
    let chunk = RowChunk(bytes: Array(bytes[..<used]), rowCount: rowCount)
    used = 0
    rowCount = 0
    return chunk
  }
}

// MARK: - Bytes

extension RowBuilder {
  private mutating func startField(reserving length: Int) {
    precondition(fieldIndex + 1 < leadStarts.count, "a row has no more than \(leadStarts.count - 1) fields")
    let (start, end) = (leadStarts[fieldIndex], leadStarts[fieldIndex + 1])
    reserve(end - start + length)
    for index in start..<end {
      bytes[used] = lead[index]
      used += 1
    }
    fieldIndex += 1
  }

  private mutating func reserve(_ length: Int) {
    if used + length > bytes.count {
      bytes.append(contentsOf: repeatElement(0, count: max(bytes.count, length)))
    }
  }

  private mutating func appendByte(_ byte: UInt8) {
    bytes[used] = byte
    used += 1
  }

  private mutating func appendBytes(_ source: [UInt8]) {
    reserve(source.count)
    bytes.replaceSubrange(used..<used + source.count, with: source)
    used += source.count
  }

  private mutating func appendASCII(_ text: String) {
    var text = text
    text.withUTF8 { source in
      bytes.withUnsafeMutableBytes { target in
        UnsafeMutableRawBufferPointer(rebasing: target[used...]).copyMemory(from: UnsafeRawBufferPointer(source))
      }
      used += source.count
    }
  }

  /// Two digits per division, from the last to the first, zeros in front up to `width`.
  private mutating func appendDigits(_ value: UInt64, width: Int = 1) {
    let length = max(width, digitCount(value))
    var position = used + length
    var rest = value
    while position - used >= 2 {
      let pair = Int(rest % 100) * 2
      rest /= 100
      position -= 2
      bytes[position] = digitPairs[pair]
      bytes[position + 1] = digitPairs[pair + 1]
    }
    if position > used { bytes[used] = zero + UInt8(rest) }
    used += length
  }
}

/// Decimal digits of `value`; 1 for zero. Bits × log₁₀2 is right or one too few.
private func digitCount(_ value: UInt64) -> Int {
  let estimate = ((UInt64.bitWidth - value.leadingZeroBitCount) * 1233) >> 12
  return estimate + (value >= powersOfTen[estimate] ? 1 : 0) + (value == 0 ? 1 : 0)
}

private let powersOfTen: [UInt64] = (0..<20).map { exponent in (0..<exponent).reduce(1) { power, _ in power * 10 } }
private let digitPairs: [UInt8] = (0..<100).flatMap { [zero + UInt8($0 / 10), zero + UInt8($0 % 10)] }
private let billionSquared: UInt64 = 1_000_000_000_000_000_000
private let zero = UInt8(ascii: "0")
private let minus = UInt8(ascii: "-")
private let comma = UInt8(ascii: ",")
private let quote = UInt8(ascii: "\"")
private let hash = UInt8(ascii: "#")
private let lineFeed = UInt8(ascii: "\n")
private let closingBrace = UInt8(ascii: "}")

extension UInt8 {
  /// Whether a field that holds the byte may have to stand in quotes; a space only at an end.
  fileprivate var needsQuotes: Bool { self == comma || self == quote || self == 0x0A || self == 0x0D || self == 0x20 }
}

/// Whether a spreadsheet would compute a text, or, behind apostrophes, would without them.
private func isFormula(_ text: String) -> Bool {
  guard let first = text.utf8.first(where: { $0 != UInt8(ascii: "'") }) else { return false }
  return "=+-@".utf8.contains(first)
}

/// A field in quotes where it holds a comma, a quote or a line break, begins or ends with a space, begins like a comment, or is like a
/// formula.
private func appendCSVField(_ text: String, to bytes: inout [UInt8]) {
  let field = text.utf8
  let isFormula = isFormula(text)
  let mustQuote =
    field.first == hash || field.first == 0x20 || field.last == 0x20 || field.contains { $0 != 0x20 && $0.needsQuotes }
  guard mustQuote || isFormula else {
    bytes += field
    return
  }
  bytes.append(quote)
  if isFormula { bytes.append(UInt8(ascii: "'")) }
  for byte in field {
    if byte == quote { bytes.append(quote) }
    bytes.append(byte)
  }
  bytes.append(quote)
}
