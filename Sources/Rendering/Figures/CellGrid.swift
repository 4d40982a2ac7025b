import Foundation

/// The geometry that heat maps and regime maps share: named columns and rows of equal cells, drawn as rectangles.
struct CellGrid {
  let columns: [String]
  let rows: [String]
  let box: Box

  /// - Parameter right: the width that stays free right of the cells.
  init(_ size: FigureSize, columns: [String], rows: [String], right: Double, hasSubtitle: Bool) {
    self.columns = columns
    self.rows = rows
    let rowWidth = rows.map { textWidth($0, size: 12) }.max() ?? 0
    box = Box(
      left: (50 + rowWidth).rounded(.up), top: hasSubtitle ? 66 : 48,
      right: Double(size.width) - right.rounded(.up), bottom: Double(size.height) - 62)
  }

  /// Cells in a given place.
  init(box: Box, columns: [String], rows: [String]) { (self.box, self.columns, self.rows) = (box, columns, rows) }

  private var cellWidth: Double { box.width / Double(max(columns.count, 1)) }
  private var cellHeight: Double { box.height / Double(max(rows.count, 1)) }

  /// Row 0 is at the bottom, as on an axis.
  func cell(_ row: Int, _ column: Int) -> Box {
    Box(
      left: box.left + Double(column) * cellWidth, top: box.bottom - Double(row + 1) * cellHeight,
      right: box.left + Double(column + 1) * cellWidth, bottom: box.bottom - Double(row) * cellHeight)
  }

  /// The largest of the usual sizes in which texts, of one line or more, fit a cell; nil if none does.
  func fontSize(for texts: some Collection<String>) -> Int? {
    let lines = texts.map { $0.split(separator: "\n").map(String.init) }
    let most = Double(lines.map(\.count).max() ?? 1)
    return [13, 12, 11, 10, 9].first { size in
      cellHeight > most * (Double(size) + 3) && lines.joined().allSatisfy { textWidth($0, size: size) + 4 < cellWidth }
    }
  }

  func drawNames(_ xLabel: String, _ yLabel: String, on script: inout GnuplotScript) {
    // Names stand under every column, or every second, third … where they are too wide.
    let widest = columns.map { textWidth($0, size: 12) }.max() ?? 0
    let stride = Int((widest + 8) / cellWidth) + 1
    for (index, name) in columns.enumerated() where index % stride == 0 {
      let cell = cell(0, index)
      script.label(name, at: (cell.left + cell.right) / 2, box.bottom + 14, .center, size: 12, colour: .faint)
    }
    let rowStride = Int(18 / cellHeight) + 1
    for (index, name) in rows.enumerated() where index % rowStride == 0 {
      let cell = cell(index, 0)
      script.label(name, at: box.left - 8, (cell.top + cell.bottom) / 2, .right, size: 12, colour: .faint)
    }
    script.label(xLabel, at: (box.left + box.right) / 2, Double(script.size.height) - 20, .center)
    guard !yLabel.isEmpty else { return }
    script.label(yLabel, at: 16, (box.top + box.bottom) / 2, .center, rotation: 90)
  }

  func draw(_ row: Int, _ column: Int, fill: Colour, text: String, size: Int?, on script: inout GnuplotScript) {
    let cell = cell(row, column)
    script.rectangle(cell, fill: fill, border: .white, isInFront: false)
    guard let size, !text.isEmpty else { return }
    let lines = text.split(separator: "\n").map(String.init)
    for (index, line) in lines.enumerated() {
      let shift = (Double(index) - Double(lines.count - 1) / 2) * (Double(size) + 3)
      script.label(
        line, at: (cell.left + cell.right) / 2, (cell.top + cell.bottom) / 2 + shift, .center, size: size,
        colour: fill.readableText)
    }
  }

  func outline(_ row: Int, _ column: Int, on script: inout GnuplotScript) {
    let cell = cell(row, column)
    let corners = [
      Point(x: cell.left + 1.5, y: cell.top + 1.5), Point(x: cell.right - 1.5, y: cell.top + 1.5),
      Point(x: cell.right - 1.5, y: cell.bottom - 1.5), Point(x: cell.left + 1.5, y: cell.bottom - 1.5),
    ]
    for index in 0..<4 {
      script.line(from: corners[index], to: corners[(index + 1) % 4], colour: Colour(0xD55E00), width: 3)
    }
  }

  /// gnuplot draws labels and rectangles only with a plot; without a curve this one shows nothing else.
  /// - Parameter curve: in pixels, drawn dashed between the cells and their texts.
  func finish(curve: [Point] = [], on script: inout GnuplotScript) {
    let frame = PlotFrame(box: box, x: Axis(""), y: Axis(""), xRange: 0...1, yRange: 0...1)
    frame.drawMargins(on: &script)
    script.add("unset border")
    script.add("unset tics")
    script.add("set xrange [0:1]")
    script.add("set yrange [0:1]")
    guard curve.count > 1 else { return script.plot(["NaN"]) }
    let block = script.block(
      curve.map { "\(decimal(($0.x - box.left) / box.width)) \(decimal((box.bottom - $0.y) / box.height))" })
    script.plot(["\(block) with lines linewidth 2.5 linecolor rgb \"\(Colour.boundary.hex)\" dashtype 2"])
  }
}
