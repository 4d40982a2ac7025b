import Rendering
import Scenarios
import Testing

struct CellTests {
  /// Spaces around a cell are no part of it, and a table of rows has no line breaks inside cells.
  static let texts = [
    "=1+1", "+1", "-1", "@SUM(1)", "'=1", "''=1", "'", "'quoted'", "it's", "a,b", "say \"x\"", "=\"x\",y", "#", "−1",
    "1", "é",
    "\u{1B}[31m", "<b>", "|", "$(x)",
  ]

  @Test(arguments: texts)
  func `a cell of our tables is read as what was written, and no spreadsheet computes it`(text: String) throws {
    var table = Table([.text("a"), .text("b")])
    table.append([.text(text), .text("x")])
    let written = table.text(as: .csv)
    let line = written.split(separator: "\n")[1]
    let collector = DiagnosticCollector()
    let read = DelimitedText(written, file: "t.csv", collector)
    #expect(read.rows.map { $0.map(\.text) } == [[text, "x"]] && collector.diagnostics.isEmpty)
    // What a spreadsheet sees behind the quotes.
    let seen = line.drop { $0 == "\"" }
    #expect(!"=+-@".contains(seen.first!), "\(line)")
  }

  @Test func `numbers are no texts`() {
    var table = Table([Column("a"), Column("b")])
    table.append([-1, -2.5])
    #expect(table.text(as: .csv) == "a,b\n-1,-2.5\n")
  }
}
