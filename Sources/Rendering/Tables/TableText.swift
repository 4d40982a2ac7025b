extension Table {
  /// Columns padded to the widest cell, two spaces apart, a rule under the headings.
  func terminalText() -> String {
    let cells = formattedRows()
    let headings = columns.map(\.heading)
    let widths = columnWidths(headings, cells)
    var lines: [String] = []
    if let title { lines.append(title) }
    lines.append(terminalLine(headings, widths))
    lines.append(widths.map { String(repeating: "─", count: $0) }.joined(separator: "  "))
    lines += cells.map { terminalLine($0, widths) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A pipe table, padded so that its source can be read too.
  func markdown() -> String {
    let cells = formattedRows().map { $0.map(escapedForMarkdown) }
    let headings = columns.map { escapedForMarkdown($0.heading) }
    let widths = columnWidths(headings, cells).map { max($0, 3) }
    let rule = zip(columns, widths).map { column, width in
      switch column.alignment {
      case .left: String(repeating: "-", count: width)
      case .right: String(repeating: "-", count: width - 1) + ":"
      case .centre: ":" + String(repeating: "-", count: width - 2) + ":"
      }
    }
    var lines = [pipeLine(padded(headings, widths)), pipeLine(rule)]
    lines += cells.map { pipeLine(padded($0, widths)) }
    if let title { lines.insert(contentsOf: ["**\(escapedForMarkdown(title))**", ""], at: 0) }
    return lines.joined(separator: "\n") + "\n"
  }

  private func formattedRows() -> [[String]] {
    rows.map { row in zip(columns, row).map { column, cell in column.text(cell) } }
  }

  private func columnWidths(_ headings: [String], _ rows: [[String]]) -> [Int] {
    headings.indices.map { index in
      rows.reduce(headings[index].count) { max($0, $1[index].count) }
    }
  }

  private func padded(_ cells: [String], _ widths: [Int]) -> [String] {
    columns.indices.map { index in
      let missing = widths[index] - cells[index].count
      let before =
        switch columns[index].alignment {
        case .left: 0
        case .centre: missing / 2
        case .right: missing
        }
      return String(repeating: " ", count: before) + cells[index] + String(repeating: " ", count: missing - before)
    }
  }

  private func terminalLine(_ cells: [String], _ widths: [Int]) -> String {
    var line = padded(cells, widths).joined(separator: "  ")
    while line.last == " " { line.removeLast() }
    return line
  }
}

private func pipeLine(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

/// A cell cannot end its own row: pipes are escaped and line breaks become spaces.
func escapedForMarkdown(_ text: String) -> String {
  var escaped = ""
  for character in text {
    switch character {
    case "|": escaped += "\\|"
    case let other where other.isNewline: escaped += " "
    default: escaped.append(character)
    }
  }
  return escaped
}
