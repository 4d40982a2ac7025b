/// A cell of a line, and the column of its first byte.
struct TraceCell {
  var text: String
  var column: Int
}

/// What stands between the commas of a line.
func traceCells(_ line: Substring) -> [TraceCell] {
  var column = 1
  return line.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { bytes in
    defer { column += bytes.count + 1 }
    return TraceCell(text: String(Substring(bytes)), column: column)
  }
}

private func digits(_ text: some StringProtocol) -> Bool {
  !text.isEmpty && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
}

/// Digits, perhaps behind a minus.
func wholeNumber(_ text: some StringProtocol) -> TraceField {
  guard digits(text) else {
    return .bad(text.first == "-" && digits(text.dropFirst()) ? .negative : .notANumber)
  }
  return Int(text).map(TraceField.number) ?? .bad(.overflow)
}

/// Seconds with at most nine decimals.
func decimalNanoseconds(_ text: some StringProtocol) -> TraceField {
  let text = String(text)
  let isNegative = text.first == "-"
  let parts = text.dropFirst(isNegative ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
  guard parts.count <= 2, digits(parts[0]), parts.count == 1 || digits(parts[1]) && parts[1].count <= 9 else {
    return .bad(.notANumber)
  }
  if isNegative { return .bad(.negative) }
  let fraction = parts.count == 1 ? "" : String(parts[1])
  // Nine decimals behind the digits make nanoseconds.
  return wholeNumber(String(parts[0]) + fraction + String(repeating: "0", count: 9 - fraction.count))
}

/// `YYYY-MM-DD hh:mm:ss[.f…]` from the year 0 on.
func dateNanoseconds(_ text: some StringProtocol) -> TraceField {
  let pattern = /(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?/.asciiOnlyDigits()
  guard let match = String(text).wholeMatch(of: pattern)?.output,
    let year = Int(match.1), let month = Int(match.2), let day = Int(match.3),
    let hour = Int(match.4), let minute = Int(match.5), let second = Int(match.6),
    1...12 ~= month, 1...daysOf(month, year) ~= day, hour < 24, minute < 60, second < 60
  else { return .bad(.notANumber) }
  let fraction = match.7.map(String.init) ?? ""
  let nanoseconds = Int(fraction + String(repeating: "0", count: 9 - fraction.count)) ?? 0
  let seconds = ((days(before: year, month) + day - 1) * 24 + hour) * 3600 + minute * 60 + second
  // Only differences matter, and from 1900 on they have 64 bits for 292 years.
  let (time, overflow) = (seconds - days(before: 1900, 1) * 86400).multipliedReportingOverflow(by: 1_000_000_000)
  let (sum, more) = time.addingReportingOverflow(nanoseconds)
  return overflow || more ? .bad(.overflow) : .number(sum)
}

private func isLeap(_ year: Int) -> Bool { year % 4 == 0 && year % 100 != 0 || year % 400 == 0 }

private func daysOf(_ month: Int, _ year: Int) -> Int {
  month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
}

/// Days from the beginning of the year 0 to that of a month.
private func days(before year: Int, _ month: Int) -> Int {
  let leaps = year == 0 ? 0 : (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1
  return (1..<month).reduce(year * 365 + leaps) { $0 + daysOf($1, year) }
}

/// Reads one object of a line, as far as a trace needs it: integers and lists of them; other values are passed over.
struct JSONLineScanner {
  private let bytes: [UInt8]
  private var index = 0

  init(_ line: Substring) { bytes = Array(line.utf8) }

  /// Of the next byte, from 1.
  var column: Int { index + 1 }

  private mutating func skipSpace() {
    while index < bytes.count, [0x20, 0x09].contains(bytes[index]) { index += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  /// The whole line; nil at the first byte that does not belong there. Of equal keys the first counts.
  mutating func object() -> [String: PlacedField]? {
    guard take("{") else { return nil }
    var fields: [String: PlacedField] = [:]
    if !take("}") {
      repeat {
        skipSpace()
        guard let key = string(), take(":") else { return nil }
        skipSpace()
        let column = column
        guard let value = value(depth: 0) else { return nil }
        if fields[key] == nil { fields[key] = PlacedField(field: value, column: column) }
      } while take(",")
      guard take("}") else { return nil }
    }
    skipSpace()
    return index == bytes.count ? fields : nil
  }

  /// Text as it is written, without the quotes.
  private mutating func string() -> String? {
    guard take("\"") else { return nil }
    let start = index
    while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
      index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    guard index < bytes.count else { return nil }
    index += 1
    return String(decoding: bytes[start..<index - 1], as: UTF8.self)
  }

  private mutating func value(depth: Int) -> TraceField? {
    skipSpace()
    guard index < bytes.count, depth < 64 else { return nil }
    switch bytes[index] {
    case UInt8(ascii: "\""): return string().map { _ in .bad(.notANumber) }
    case UInt8(ascii: "["): return list(depth: depth)
    case UInt8(ascii: "{"):
      index += 1
      if take("}") { return .bad(.notANumber) }
      repeat {
        skipSpace()
        guard string() != nil, take(":"), value(depth: depth + 1) != nil else { return nil }
      } while take(",")
      return take("}") ? .bad(.notANumber) : nil
    default:
      let start = index
      while index < bytes.count, !",]} \t".utf8.contains(bytes[index]) { index += 1 }
      return start == index ? nil : wholeNumber(String(decoding: bytes[start..<index], as: UTF8.self))
    }
  }

  private mutating func list(depth: Int) -> TraceField? {
    guard take("[") else { return nil }
    var numbers: [Int] = []
    var bad: BadRow?
    if take("]") { return .list([]) }
    repeat {
      guard let value = value(depth: depth + 1) else { return nil }
      switch value {
      case .number(let number): numbers.append(number)
      case .bad(let reason): bad = bad ?? reason
      case .list: bad = bad ?? .notANumber
      }
    } while take(",")
    guard take("]") else { return nil }
    return bad.map(TraceField.bad) ?? .list(numbers)
  }
}
