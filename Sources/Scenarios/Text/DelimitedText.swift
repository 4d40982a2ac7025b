import Foundation
import Quantities

/// A table of text as people have it: a line that names the columns, and a line for each row.
///
/// Cells stand between commas, semicolons or tabs: what the header has most of, or what a line `sep=;` above it says, as
/// Excel writes it. Lines that begin with `#` are comments. Spreadsheets leave empty cells behind the last column and rows
/// of empty cells behind the last row; neither is part of the table.
public struct DelimitedText {
  /// Lines above the header that begin with `#`, without it.
  public private(set) var comments: [String] = []
  /// The names of the columns; empty where there is no header.
  public private(set) var header: [TableCell] = []
  /// In the order of the text, as many cells in each as the header has.
  public private(set) var rows: [[TableCell]] = []
  private var separator: CellSeparator?

  /// - Parameters:
  ///   - text: of the whole file.
  ///   - file: the name that complaints show.
  ///   - collector: where complaints go, and a remark about a separator that is no comma.
  public init(_ text: String, file: String, _ collector: DiagnosticCollector) {
    let lines = TextLines(text)
    if let place = Self.oldLineEnd(lines) {
      collector.add(
        Diagnostic(
          Position(file: file, line: 1, column: place), path: "", found: "the lines end in CR alone",
          accepted: "LF or CRLF"))
      return
    }
    for (index, line) in lines.enumerated() {
      // Below the header a first cell in quotes may begin so too.
      if line.first == "#" || header.isEmpty && line.hasPrefix("\"#") {
        if header.isEmpty { comments.append(Self.comment(line)) }
      } else if !line.allSatisfy(\.isWhitespace) {
        read(line, number: index + 1, file, collector)
      }
    }
  }

  private mutating func read(_ line: Substring, number: Int, _ file: String, _ collector: DiagnosticCollector) {
    if header.isEmpty, separator == nil, let stated = line.wholeMatch(of: /"?[sS][eE][pP]=(.)"?[,;\t]*/)?.output.1 {
      let known = stated.unicodeScalars.first.flatMap(CellSeparator.init(rawValue:))
      separator = known ?? .comma
      if known == nil {
        collector.add(
          Diagnostic(
            Position(file: file, line: number, column: 5), path: "", found: "found \"\(stated)\"",
            accepted: "a comma, a semicolon or a tab between cells"))
      }
      return
    }
    let separator = separator ?? Self.separator(of: line)
    guard var cells = tableCells(of: line, number: number, file, separator: separator, collector),
      !cells.allSatisfy(\.text.isEmpty)
    else { return }
    let width = max(header.count, 1)
    while cells.count > width, cells.last?.text.isEmpty == true { cells.removeLast() }
    if header.isEmpty {
      (header, self.separator) = (cells, separator)
      guard separator != .comma else { return }
      let found = "cells are separated by \(separator.name)"
      collector.add(Diagnostic(cells[0].position, severity: .warning, path: "", found: found))
    } else if cells.count == width {
      rows.append(cells)
    } else {
      let found = "found \(cells.count) \(cells.count == 1 ? "cell" : "cells")"
      collector.add(Diagnostic(cells[0].position, path: "", found: found, accepted: "\(width), as the header has"))
    }
  }

  /// Says which rows repeat an earlier one.
  /// - Parameters:
  ///   - columns: what tells rows apart; all where nil.
  ///   - consequence: what that means for who reads the table.
  ///   - collector: where the remarks go.
  public func reportRepeats(in columns: [String]? = nil, _ consequence: String, _ collector: DiagnosticCollector) {
    let places = header.indices.filter { columns?.contains(header[$0].name) ?? true }
    var seen: [[String]: TableCell] = [:]
    for row in rows {
      let own = places.map { row[$0].text }
      if let first = seen[own] {
        collector.add(repeatedRow(row[0].position, of: first.position, consequence))
      } else {
        seen[own] = row[0]
      }
    }
  }

  /// The separator that a header has most of outside quotes; a comma where it has none.
  private static func separator(of line: Substring) -> CellSeparator {
    var isQuoted = false
    var counts: [CellSeparator: Int] = [:]
    for scalar in line.unicodeScalars {
      if scalar == "\"" { isQuoted.toggle() }
      if !isQuoted, let separator = CellSeparator(rawValue: scalar) { counts[separator, default: 0] += 1 }
    }
    return CellSeparator.allCases.max { counts[$0, default: 0] < counts[$1, default: 0] } ?? .comma
  }

  /// What a comment says: spreadsheets put it into quotes and leave empty cells behind it.
  private static func comment(_ line: Substring) -> String {
    var text = String(line)
    if text.first == "\"", let end = text.lastIndex(of: "\"") {
      text = String(text[..<end].dropFirst()).replacing("\"\"", with: "\"")
    }
    while let last = text.last, ",;\t ".contains(last) { text.removeLast() }
    return text.dropFirst().trimmingCharacters(in: .whitespaces)
  }

  /// The column of the first CR of a text whose lines have no other end.
  private static func oldLineEnd(_ lines: TextLines) -> Int? {
    guard lines.count == 1, let line = lines.first else { return nil }
    return line.unicodeScalars.enumerated().first { $0.element == "\r" }.map { $0.offset + 1 }
  }
}

/// The remark that a row stands in a table twice.
/// - Parameters:
///   - position: of the later row.
///   - first: of the row that it repeats.
///   - consequence: what that means for who reads the table.
public func repeatedRow(_ position: Position, of first: Position, _ consequence: String) -> Diagnostic {
  Diagnostic(
    position, severity: .warning, path: "", found: "the row repeats that of line \(first.line ?? 0): \(consequence)")
}
