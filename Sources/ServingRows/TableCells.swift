import Foundation
import Scenarios

/// A cell of a CSV table and where it begins.
struct TableCell {
  var text: String
  var position: Position
}

/// The lines of a table, empty ones included so that their numbers are those of the file.
func tableLines(_ text: String) -> [Substring] {
  // Spreadsheets begin a file with a byte order mark.
  let text = text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
  return text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)
}

/// Fields between commas; one in quotes may hold commas and doubled quotes.
/// - Returns: nil after a complaint about a quotation mark that is not closed.
func tableCells(
  of line: Substring, number: Int, _ file: String, _ collector: DiagnosticCollector
) -> [TableCell]? {
  var cells: [TableCell] = []
  var text = ""
  var start = 1
  var quoted = false
  var previous: Unicode.Scalar?
  func cell() -> TableCell {
    TableCell(
      text: text.trimmingCharacters(in: .whitespaces), position: Position(file: file, line: number, column: start))
  }
  for (index, scalar) in line.unicodeScalars.enumerated() {
    if scalar == "\"" {
      if previous == "\"", !quoted { text.unicodeScalars.append(scalar) }
      quoted.toggle()
      previous = scalar
      continue
    }
    previous = scalar
    if scalar == ",", !quoted {
      cells.append(cell())
      text = ""
      start = index + 2
    } else {
      text.unicodeScalars.append(scalar)
    }
  }
  if quoted {
    collector.add(
      Diagnostic(
        Position(file: file, line: number, column: start), path: "", found: "a quotation mark is not closed"))
    return nil
  }
  return cells + [cell()]
}
