import Foundation
import Rendering
import Testing

/// An independent reader of RFC 4180, one character at a time.
private func parsedCSV(_ text: String) -> [[String]] {
  var rows: [[String]] = []
  var row: [String] = []
  var field = ""
  var isQuoted = false
  var characters = Array(text.unicodeScalars)[...]
  while let scalar = characters.popFirst() {
    if isQuoted {
      if scalar == "\"" {
        if characters.first == "\"" {
          field.unicodeScalars.append(characters.removeFirst())
        } else {
          isQuoted = false
        }
      } else {
        field.unicodeScalars.append(scalar)
      }
    } else if scalar == "\"" {
      isQuoted = true
    } else if scalar == "," {
      row.append(field)
      field = ""
    } else if scalar == "\n" {
      rows.append(row + [field])
      row = []
      field = ""
    } else {
      field.unicodeScalars.append(scalar)
    }
  }
  return rows
}

private func text(_ encoding: RowEncoding, _ keys: [String], _ fill: (inout RowBuilder) -> Void) -> String {
  let schema = RowSchema(keys)
  var builder = RowBuilder(schema, encoding)
  fill(&builder)
  return String(decoding: schema.header(encoding) + builder.takeChunk().bytes, as: UTF8.self)
}

@Test func `any text comes back from CSV`() {
  let texts = [
    "plain", "", "a,b", "say \"x\"", "\"", "line\nbreak", "carriage\rreturn", "\r\n", " space ", ",", "ü→数", "'quote'",
  ]
  let written = text(.csv, ["te,xt", "next"]) { builder in
    for text in texts {
      builder.append(text)
      builder.append(1)
      builder.endRow()
    }
  }
  #expect(parsedCSV(written) == [["te,xt", "next"]] + texts.map { [$0, "1"] })
}

@Test func `any text comes back from JSON Lines`() throws {
  let texts = ["plain", "", "say \"x\"", "back\\slash", "line\nbreak\ttab\r", "\u{0}\u{1F}\u{7F}", "ü→数"]
  let written = text(.jsonLines, ["te\"xt"]) { builder in
    for text in texts {
      builder.append(text)
      builder.endRow()
    }
  }
  let rows = try written.split(separator: "\n").map { line in
    try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
  }
  #expect(rows == texts.map { ["te\"xt": $0] })
}

@Test func `integers have the digits of their description at every length and both ends`() {
  var values: [Int128] = [0, .max, .min]
  var power: Int128 = 1
  for _ in 0..<38 {
    values += [power, power - 1, power + 1, -power, 1 - power, power * 9 / 10 + 5]
    power &*= 10
  }
  for bit in 0..<127 { values += [Int128(1) << bit, -(Int128(1) << bit)] }
  let written = text(.csv, ["value"]) { builder in
    for value in values {
      builder.append(value)
      builder.endRow()
    }
  }
  #expect(written.split(separator: "\n").dropFirst().map(String.init) == values.map(\.description))
}

@Test func `64-bit integers have the digits of their description`() {
  let values: [Int64] = [0, 1, -1, 9, 10, 99, 100, .max, .min]
  let written = text(.csv, ["value"]) { builder in
    for value in values {
      builder.append(value)
      builder.endRow()
    }
  }
  #expect(written.split(separator: "\n").dropFirst().map(String.init) == values.map(\.description))
}

@Test func `doubles read back bit for bit`() throws {
  let values = [
    0.0, -0.0, 1, -1, 0.1, 1.0 / 3, 1e-300, -1e-300, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .pi, 1e15, 1e16,
    123_456_789.125,
  ]
  let written = text(.jsonLines, ["value"]) { builder in
    for value in values {
      builder.append(value)
      builder.endRow()
    }
  }
  let parsed = written.split(separator: "\n").map { Double($0.dropFirst(9).dropLast())! }
  #expect(parsed.map(\.bitPattern) == values.map(\.bitPattern))
}

@Test func `what is not finite or missing has a form in each encoding`() {
  func fill(_ builder: inout RowBuilder) {
    builder.append(Double.nan)
    builder.append(-Double.infinity)
    builder.append(nil as Double?)
    builder.append(true)
    builder.endRow()
  }
  #expect(text(.csv, ["a", "b", "c", "d"], fill) == "a,b,c,d\nnan,-inf,,true\n")
  #expect(text(.jsonLines, ["a", "b", "c", "d"], fill) == "{\"a\":null,\"b\":null,\"c\":null,\"d\":true}\n")
}

@Test func `a builder that starts too small writes the same bytes`() {
  let schema = RowSchema(["text", "number"])
  func rows(capacity: Int) -> [UInt8] {
    var builder = RowBuilder(schema, .jsonLines, capacity: capacity)
    for index in 0..<300 {
      builder.append(String(repeating: "x", count: index * 7))
      builder.append(Int128.min + Int128(index))
      builder.endRow()
    }
    return builder.takeChunk().bytes
  }
  #expect(rows(capacity: 1) == rows(capacity: 1 << 22))
}

@Test func `a literal stands as it is in both encodings`() {
  func fill(_ rows: inout RowBuilder) {
    rows.append(literal: "1024")
    rows.append(literal: "false")
    rows.endRow()
  }
  #expect(text(.csv, ["a", "b"], fill) == "a,b\n1024,false\n")
  #expect(text(.jsonLines, ["a", "b"], fill) == "{\"a\":1024,\"b\":false}\n")
}

@Test(arguments: [RowEncoding.csv, .jsonLines]) func `the fields of a row are found again whatever is in them`(
  encoding: RowEncoding
) {
  let texts = ["plain", "a,b", "say \"x\", or not", "back\\slash\\", "\",\"", "\\\",", "ü→数"]
  let keys = texts.indices.map { "k,\"\($0)" }
  func fields(_ count: Int) -> [Substring] {
    var builder = RowBuilder(RowSchema(Array(keys[..<count])), encoding)
    for text in texts[..<count] { builder.append(text) }
    builder.endRow()
    return rowFields(String(decoding: builder.takeChunk().bytes.dropLast(), as: UTF8.self), encoding)
  }
  let whole = fields(texts.count)
  #expect(whole.count == texts.count)
  for count in 2..<texts.count { #expect(fields(count)[..<(count - 1)] == whole[..<(count - 1)]) }
}
