import Foundation
import Testing

@testable import Scenarios

private func read(_ text: String) -> (table: DelimitedText, complaints: [String]) {
  let collector = DiagnosticCollector()
  let table = DelimitedText(text, file: "t.csv", collector)
  return (table, collector.ordered.map(\.description))
}

struct DelimitedTextTests {
  /// One table as editors and spreadsheets of several countries save it, and what is said about each.
  @Test(arguments: [
    ("a,b\n1,x y\n2,\n", ""), ("\u{FEFF}a,b\r\n1,x y\r\n2,\r\n", ""), ("# c\nA,B\n1,x y\n\n2,", ""),
    ("a,b,,\n1,x y,,\n2,,,\n,,,\n", ""), ("a;b\n1;x y\n2;\n;\n", "1:1: warning: cells are separated by semicolons"),
    ("a\tb\r\n1\tx y\r\n2\t\r\n", "1:1: warning: cells are separated by tabs"),
    ("sep=;\r\na;B;;\r\n1;x y;;\r\n2;;;\r\n", "2:1: warning: cells are separated by semicolons"),
    ("sep=,\na,b\n1,x y\n2,\n", ""), ("\"# c, d\",,\na,b,\n1,x y,\n2,,\n", ""),
  ])
  func `a table is the same whatever saved it`(text: String, remark: String) {
    let (table, complaints) = read(text)
    #expect(table.header.map(\.name) == ["a", "b"])
    #expect(table.rows.map { $0.map(\.text) } == [["1", "x y"], ["2", ""]])
    #expect(complaints == (remark.isEmpty ? [] : ["t.csv:" + remark]))
  }

  @Test(arguments: [
    ("a,b\n1\n", "2:1: error: found 1 cell; accepted: 2, as the header has"),
    ("a,b\n1,2,3\n", "2:1: error: found 3 cells; accepted: 2, as the header has"),
    ("a,b\n\"1,2\n", "2:1: error: a quotation mark is not closed"),
    ("sep=|\na,b\n", "1:5: error: found \"|\"; accepted: a comma, a semicolon or a tab between cells"),
    ("a,b\r1,2\r", "1:4: error: the lines end in CR alone; accepted: LF or CRLF"),
  ])
  func `what is no table is said at its place`(text: String, complaint: String) {
    #expect(read(text).complaints == ["t.csv:" + complaint])
  }

  @Test func `comments above the header are kept, in the quotes of a spreadsheet too`() {
    #expect(
      read("# one\n\"# \"\"two\"\", and\",,\n#three,,\na,b\n# four\n").table.comments == [
        "one", "\"two\", and", "three",
      ])
  }

  @Test func `a row that stands there twice is named with the first one`() {
    let collector = DiagnosticCollector()
    let table = DelimitedText("a,b\n1,2\n1,3\n\n1,2\n", file: "t.csv", collector)
    table.reportRepeats("twice", collector)
    table.reportRepeats(in: ["a"], "one of them", collector)
    #expect(
      collector.ordered.map(\.description) == [
        "t.csv:3:1: warning: the row repeats that of line 2: one of them",
        "t.csv:5:1: warning: the row repeats that of line 2: twice",
        "t.csv:5:1: warning: the row repeats that of line 2: one of them",
      ])
  }

  @Test func `a decimal comma is called one`() {
    let cell = TableCell(text: "12,5", position: Position(file: "t.csv"))
    #expect(cell.found == "found \"12,5\", with a comma where a number has its point")
    #expect(TableCell(text: "x,5", position: cell.position).found == "found \"x,5\"")
  }
}

struct EncodingTests {
  private func complaint(_ data: Data) throws -> String {
    let fixture = try Fixture()
    try fixture.write("t.csv", data)
    do {
      return try YAMLText.text(of: fixture.path + "/t.csv")
    } catch {
      return error.description.replacing(fixture.path + "/", with: "")
    }
  }

  @Test func `other encodings are named`() throws {
    let text = "model,note\nllama-2-7b,gemessen für später\n"
    #expect(
      try complaint(try #require(text.data(using: .isoLatin1)))
        == "t.csv:2:22: error: found a byte that is not UTF-8, \"ü\" in Latin-1 (Windows-1252); accepted: text in UTF-8"
    )
    for encoding in [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian] {
      #expect(
        try complaint(try #require(text.data(using: encoding)))
          == "t.csv:1:1: error: found UTF-16 text; accepted: text in UTF-8")
    }
  }

  @Test func `a byte-order mark is no part of a text, and no column`() throws {
    #expect(try complaint(Data("\u{FEFF}a: 1\n".utf8)) == "a: 1\n")
    let fixture = try Fixture([("s.yaml", "\u{FEFF}model: 3\n"), ("c.json", "\u{FEFF}{\"model_type\": 3}")])
    #expect(fixture.complaints("\u{FEFF}model: 3\n").hasPrefix("s.yaml:1:8: error: model: found 3"))
    do {
      _ = try importHuggingFace(file: fixture.path + "/c.json")
    } catch {
      #expect(error.description.contains("c.json:1:16: error: model_type: found \"3\""), "\(error)")
    }
  }

  @Test(arguments: ["model:\n\twidth: 4\n", "model:\n  width: 4\n\tlayers: 2\n", "a: 1\n \tb: 2\n", "\ta: 1\n"])
  func `a tab in YAML is called a tab`(yaml: String) throws {
    let complaint = try Fixture().complaints(yaml)
    #expect(
      complaint.hasSuffix("error: found a tab; accepted: spaces, with which alone YAML is indented"), "\(complaint)")
  }
}

struct JSONTextTests {
  private func complaint(_ text: String) -> String {
    do {
      return try JSONText.parse(text, file: "r.json").flow
    } catch {
      return error.description
    }
  }

  @Test func `values keep what they say and where they stand`() throws {
    let value = try JSONText.parse("{\"é\": 1,\n \"list\": [true, null, -2.5e-3, \"a\\n\\\"\"]}", file: "r.json")
    #expect(value["é"]?.content == .scalar("1", quoted: false))
    #expect(value["é"]?.position == Position(file: "r.json", line: 1, column: 7))
    let list = try #require(value["list"]?.elements)
    #expect(
      list.map(\.content) == [
        .scalar("true", quoted: false), .null, .scalar("-2.5e-3", quoted: false), .scalar("a\n\"", quoted: true),
      ])
    #expect(list.map(\.position.column) == [11, 17, 23, 32])
  }

  // RFC 8259, section 7: U+1D11E is written \uD834\uDD1E.
  @Test func `two halves of a surrogate pair are one character, and half of one is an error`() throws {
    #expect(try JSONText.parse(#""\uD834\uDD1E\u00e9""#, file: "r.json").scalar == "\u{1D11E}é")
    for half in [#""\uD834""#, #""\uD834x""#, #""\uD834\n""#, #""\uDD1E""#, #""\uD834\uD834""#] {
      #expect(complaint("[" + half + "]").hasPrefix("r.json:1:3: error: found half of a surrogate pair"), "\(half)")
    }
  }

  @Test func `the words of Python are scalars, and JSON Lines are several values`() throws {
    let values = try JSONText.parseAll(
      "{\"rate\": Infinity}\n\n{\"rate\": NaN, \"all\": [1, 2]}\n", file: "r.jsonl", ignoring: ["all"])
    #expect(values.map { $0["rate"]?.scalar } == ["Infinity", "NaN"])
    #expect(values[1].entries?.count == 1 && values[1].position.line == 3)
  }

  @Test(arguments: [
    ("", "1:1: error: the file is empty"), ("{\"a\": 1", "1:8: error: the text ends; accepted: a comma or }"),
    ("{\"a\" 1}", "1:6: error: found \"1\"; accepted: a colon behind the key"),
    ("{a: 1}", "1:2: error: found \"a\"; accepted: a key in quotes"),
    ("[1, ]", "1:5: error: found \"]\"; accepted: a value"),
    ("[1] 2", "1:5: error: found a second value; accepted: the end of the file"),
    ("{\"a\": 1, \"a\": 2}", "1:10: error: a: the key is given more than once"),
    ("[1x]", "1:2: error: found 1x; accepted: a number, a text in quotes, true, false or null"),
    ("\"ab", "1:1: error: a quotation mark is not closed"),
    (String(repeating: "[", count: 100), "1:34: error: nested too deeply; accepted: at most 32 levels"),
  ])
  func `what is no JSON is said at its place`(text: String, found: String) {
    #expect(complaint(text) == "r.json:" + found)
  }
}
