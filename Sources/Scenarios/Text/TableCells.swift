import Foundation

/// A cell of a table of text and where it begins.
public struct TableCell: Hashable, Sendable {
  /// Without quotes, spaces around it, and what keeps a spreadsheet from computing it.
  public var text: String
  /// Where the cell begins.
  public var position: Position

  /// The position is where the cell begins.
  public init(text: String, position: Position) {
    (self.text, self.position) = (text, position)
  }

  /// The name of a column, which means the same in capitals.
  public var name: String { text.lowercased() }

  /// What a complaint found here; a decimal comma, with which spreadsheets of many countries write numbers, is called one.
  public var found: String {
    let isDecimalComma = text.wholeMatch(of: /[-+]?[0-9]+,[0-9]+/) != nil
    return "found \"\(text)\"" + (isDecimalComma ? ", with a comma where a number has its point" : "")
  }
}

/// What stands between the cells of a line.
enum CellSeparator: Unicode.Scalar, CaseIterable {
  case comma = ","
  case semicolon = ";"
  case tab = "\t"

  /// In words, of all of them.
  var name: String {
    switch self {
    case .comma: "commas"
    case .semicolon: "semicolons"
    case .tab: "tabs"
    }
  }
}

/// Fields between separators; one in quotes may hold separators and doubled quotes. An apostrophe before `=`, `+`, `-` or `@`,
/// which spreadsheets and our own tables write to say that a cell is text, is no part of it.
/// - Parameters:
///   - line: without its end.
///   - number: of the line, from 1.
///   - file: the name that complaints show.
///   - separator: what stands between fields.
///   - collector: where complaints go.
/// - Returns: nil after a complaint about a quotation mark that is not closed.
func tableCells(
  of line: Substring, number: Int, _ file: String, separator: CellSeparator, _ collector: DiagnosticCollector
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
    if scalar == separator.rawValue, !quoted {
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
