import Quantities

extension Table {
  /// Columns padded to the widest cell, two spaces apart, a rule under the headings.
  ///
  /// No cell is ever cut: columns that do not fit are left out whole, and a line below names them.
  /// - Parameter width: characters that a line may have; nil for as many as it takes.
  public func terminalText(width: Int? = nil) -> String {
    let cells = formattedRows()
    let headings = columns.map { visible($0.heading) }
    let widths = columnWidths(headings, cells)
    let shown = width.map { fittingColumns(widths, in: $0) } ?? Array(columns.indices)
    var lines: [String] = []
    if let title { lines.append(title.wrapped(to: width)) }
    lines.append(terminalLine(headings, widths, shown))
    lines.append(shown.map { String(repeating: "─", count: widths[$0]) }.joined(separator: "  "))
    lines += cells.map { terminalLine($0, widths, shown) }
    let left = headings.indices.filter { !shown.contains($0) }.map { headings[$0] }
    if !left.isEmpty {
      lines.append("More with --wide or --format json: \(left.joined(separator: ", "))".wrapped(to: width))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The columns that stand side by side in a line: those named first by `essential`, then from the left each one that
  /// still fits; never none.
  private func fittingColumns(_ widths: [Int], in width: Int) -> [Int] {
    let first = essential.compactMap { key in columns.firstIndex { $0.key == key } }
    var shown: [Int] = []
    var used = -2
    for index in first + columns.indices.filter({ !first.contains($0) })
    where shown.isEmpty || used + 2 + widths[index] <= width {
      shown.append(index)
      used += 2 + widths[index]
    }
    return shown.sorted()
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

  private func terminalLine(_ cells: [String], _ widths: [Int], _ shown: [Int]) -> String {
    let padded = padded(cells, widths)
    var line = shown.map { padded[$0] }.joined(separator: "  ")
    while line.last == " " { line.removeLast() }
    return line
  }
}

extension String {
  /// The text with line breaks instead of spaces where a line would get longer; a longer word keeps a line to itself.
  /// - Parameter width: characters that a line may have; nil for as many as it takes.
  public func wrapped(to width: Int?) -> String {
    guard let width else { return self }
    return split(separator: "\n", omittingEmptySubsequences: false).map { paragraph in
      var lines: [String] = []
      for word in paragraph.split(separator: " ", omittingEmptySubsequences: false) {
        if let last = lines.last, last.count + 1 + word.count <= width {
          lines[lines.count - 1] += " " + word
        } else {
          lines.append(String(word))
        }
      }
      return lines.joined(separator: "\n")
    }.joined(separator: "\n")
  }
}

private func pipeLine(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

/// A cell cannot end its own row: pipes are escaped, and a backslash of the text's own before one does not undo that.
func escapedForMarkdown(_ text: String) -> String {
  inert(text).replacing("\\|", with: "\\ |").replacing("|", with: "\\|")
}
