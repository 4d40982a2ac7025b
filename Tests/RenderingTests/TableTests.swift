import Foundation
import Rendering
import Testing

private var example: Table {
  var table = Table(
    title: "Cost",
    [
      .text("component"), Column("matmul_flops", "work", as: .si(unit: "FLOP")), Column("bytes_at_end", "bytes"),
      Column("bound", "bound", .centre),
    ])
  table.append(["head", 1_234_000, 65_536, "memory"])
  table.append(["a|b, \"c\"", .missing, .integer(Int128.max), .flag(true)])
  return table
}

@Test func `a terminal table is padded to its widest cells`() {
  var table = Table(title: "Cost", [.text("component"), Column("flops", "work"), Column("bound", "bound", .centre)])
  table.append(["head", 1234, "memory"])
  table.append(["projections", .missing, .flag(true)])
  #expect(
    table.text(as: .table) == """
      Cost
      component    work  bound
      ───────────  ────  ──────
      head         1234  memory
      projections     –   yes

      """)
}

@Test func `a Markdown table states its alignment and escapes pipes`() {
  let lines = example.text(as: .markdown).split(separator: "\n", omittingEmptySubsequences: false)
  #expect(lines[0] == "**Cost**")
  #expect(lines[3].hasPrefix("| --------- | ---------: | "))
  #expect(lines[3].hasSuffix(": | :----: |"))
  #expect(lines[5].hasPrefix("| a\\|b, \"c\" |          – | "))
  #expect(Set(lines[2...5].map { $0.replacing("\\|", with: "_").split(separator: "|").count }) == [4])
}

@Test func `CSV carries exact values under the keys`() {
  #expect(
    example.text(as: .csv) == """
      component,matmul_flops,bytes_at_end,bound
      head,1234000,65536,memory
      "a|b, ""c""\",,170141183460469231731687303715884105727,true

      """)
}

@Test func `JSON rows carry exact values under the keys`() {
  #expect(
    example.text(as: .json) == """
      [
        {
          "component": "head",
          "matmul_flops": 1234000,
          "bytes_at_end": 65536,
          "bound": "memory"
        },
        {
          "component": "a|b, \\"c\\"",
          "matmul_flops": null,
          "bytes_at_end": 170141183460469231731687303715884105727,
          "bound": true
        }
      ]

      """)
}

@Test func `a JSON document is one that Foundation reads back`() throws {
  let strings = ["plain", "\"\\/\u{8}\u{C}\n\r\t\u{1F}", "größer ≥ 数", ""]
  let document = JSON.object([
    (key: "strings", value: .array(strings.map(JSON.string))),
    (key: "numbers", value: .array([.number(1e-300), .number(-0.0), .number(0.1), .integer(-7)])),
    (key: "none", value: .number(.nan)), (key: "empty", value: .array([])), (key: "nothing", value: .object([])),
  ])
  let parsed = try #require(
    JSONSerialization.jsonObject(with: Data(document.text().utf8)) as? [String: Any])
  #expect(parsed["strings"] as? [String] == strings)
  #expect(parsed["numbers"] as? [Double] == [1e-300, 0, 0.1, -7])
  #expect(parsed["none"] is NSNull)
  #expect((parsed["empty"] as? [Any])?.isEmpty == true)
  #expect((parsed["nothing"] as? [String: Any])?.isEmpty == true)
}

@Test func `a document separates its blocks by one empty line`() {
  var document = MarkdownDocument()
  document.heading("Title", level: 1)
  document.paragraph("Words.")
  document.list(["one", "two"])
  document.list(["one", "two"], isNumbered: true)
  document.figure("a.svg", caption: "Cache bytes")
  document.code("x = ```1```\n", language: "text")
  #expect(
    document.text == """
      # Title

      Words.

      - one
      - two

      1. one
      2. two

      ![Cache bytes](a.svg)

      *Cache bytes*

      ````text
      x = ```1```
      ````

      """)
}

/// Four columns of 9, 4, 11 and 6 characters.
private var wide: Table {
  var table = Table(
    title: "A title that is longer than the lines of the table",
    [.text("component"), Column("work"), Column("explanation", "explanation"), Column("share")])
  table.append(["head", 1234, "a long text", "100 %"])
  return table
}

@Test(arguments: 1...60)
func `a narrow terminal shows whole columns and is told the others`(width: Int) throws {
  var lines = wide.terminalText(width: width).split(separator: "\n").map(String.init)
  let rule = try #require(lines.firstIndex { $0.hasPrefix("─") })
  let shown = lines[rule - 1].split(separator: " ").map(String.init)
  lines.removeFirst(rule + 2)
  let named = lines.joined(separator: " ").split(separator: ": ").last?.split(separator: ", ").map(String.init) ?? []
  #expect(Set(shown + named) == ["component", "work", "explanation", "share"] && shown.count + named.count == 4)
  // The first column stands even where it alone is too wide.
  #expect(shown == ["component"] || wide.terminalText(width: width).split(separator: "\n")[rule].count <= width)
  #expect((width < 35) == !named.isEmpty)
}

@Test func `what is essential is shown first, in the order of the columns`() {
  var table = wide
  #expect(table.terminalText(width: 23).contains("component  work  share\n"))
  table.essential = ["explanation"]
  #expect(table.terminalText(width: 23).contains("component  explanation\n"))
}

@Test func `text is wrapped between words, and a long word stays whole`() {
  #expect("a bc def ghijkl m".wrapped(to: 4) == "a bc\ndef\nghijkl\nm")
  #expect("one\n\ntwo three".wrapped(to: 5) == "one\n\ntwo\nthree")
  #expect("as it is".wrapped(to: nil) == "as it is")
}
