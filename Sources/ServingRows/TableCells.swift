import Foundation
import Scenarios

/// A cell of a CSV table and where it begins.
public struct TableCell: Hashable, Sendable {
  /// Without quotes, spaces around it, and what keeps a spreadsheet from computing it.
  public var text: String
  /// Where the cell begins.
  public var position: Position
}

/// Fields between commas; one in quotes may hold commas and doubled quotes. An apostrophe before `=`, `+`, `-` or `@`, which
/// spreadsheets and our own tables write to say that a cell is text, is no part of it.
/// - Parameters:
///   - line: without its end.
///   - number: of the line, from 1.
///   - file: the name that complaints show.
///   - collector: where complaints go.
/// - Returns: nil after a complaint about a quotation mark that is not closed.
public func tableCells(
  of line: Substring, number: Int, _ file: String, _ collector: DiagnosticCollector
) -> [TableCell]? {
  var cells: [TableCell] = []
  var text = ""
  var start = 1
  var quoted = false
  var previous: Unicode.Scalar?
  func cell() -> TableCell {
    TableCell(
      text: plainText(text.trimmingCharacters(in: .whitespaces)),
      position: Position(file: file, line: number, column: start))
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

/// What a cell says where apostrophes before a formula say that it is text: one of them is taken away.
private func plainText(_ text: String) -> String {
  let rest = text.drop { $0 == "'" }
  return text.first == "'" && rest.first.map { "=+-@".contains($0) } == true ? String(text.dropFirst()) : text
}
