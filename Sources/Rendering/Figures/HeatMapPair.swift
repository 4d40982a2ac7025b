import Foundation

/// Two heat maps over the same cells in the same colours, side by side: what was measured beside what was predicted.
public struct HeatMapPair: Figure {
  /// One of both maps.
  public struct Panel: Sendable {
    /// Above its cells.
    public var name: String
    /// `values[row][column]`; row 0 is drawn at the bottom. A missing or non-finite value is a grey cell.
    public var values: [[Double?]]
    /// What stands in each cell, a line break between lines.
    public var texts: [[String]]
    /// Cells that get a frame: the best one.
    public var highlighted: [(row: Int, column: Int)]

    /// - Parameters:
    ///   - name: above the cells.
    ///   - values: `[row][column]`, row 0 at the bottom; a missing one is a grey cell.
    ///   - texts: one for each value.
    ///   - highlighted: cells that get a frame.
    public init(
      _ name: String, values: [[Double?]], texts: [[String]], highlighted: [(row: Int, column: Int)] = []
    ) {
      (self.name, self.values, self.texts, self.highlighted) = (name, values, texts, highlighted)
    }
  }

  /// What the figure shows, at its top.
  public var title: String
  /// A second line under the title.
  public var subtitle: String
  /// How large the figure is drawn.
  public var size: FigureSize
  /// Under the columns of both.
  public var xLabel: String
  /// Beside the rows.
  public var yLabel: String
  /// Names, from left to right.
  public var columns: [String]
  /// Names, from the bottom up.
  public var rows: [String]
  /// The left map and the right one.
  public var panels: (left: Panel, right: Panel)
  /// What the colours show, with its unit; equal ratios are equal steps of colour.
  public var quantity: String
  /// Of the values beside the colours.
  public var format: NumberFormat

  /// - Precondition: both panels have a value and a text for each row and column.
  public init(
    _ title: String, subtitle: String, x xLabel: String, columns: [String], y yLabel: String, rows: [String],
    left: Panel, right: Panel, quantity: String, format: NumberFormat,
    size: FigureSize = FigureSize(width: 1000, height: 460)
  ) {
    for cells in [
      left.values.map(\.count), right.values.map(\.count), left.texts.map(\.count), right.texts.map(\.count),
    ] {
      precondition(cells == rows.map { _ in columns.count }, "a pair of maps has one value per row and column")
    }
    (self.title, self.subtitle, self.size) = (title, subtitle, size)
    (self.xLabel, self.columns, self.yLabel, self.rows) = (xLabel, columns, yLabel, rows)
    panels = (left, right)
    (self.quantity, self.format) = (quantity, format)
  }

  /// Adds the cells of both and their one scale.
  public func draw(on script: inout GnuplotScript) {
    let both = [panels.left, panels.right]
    let scale = HeatScale(
      both.flatMap { $0.values.joined() }, quantity: quantity, format: format, isLogarithmic: true)
    let names = 50 + (rows.map { textWidth($0, size: 12) }.max() ?? 0).rounded(.up)
    let gap = names - 14
    let width = (Double(size.width) - names - gap - scale.keyWidth.rounded(.up)) / 2
    let grids = [names, names + width + gap].map { left in
      CellGrid(
        box: Box(left: left, top: 92, right: left + width, bottom: Double(size.height) - 62), columns: columns,
        rows: rows)
    }
    script.title(title, subtitle: subtitle)
    let fontSize = grids[0].fontSize(for: both.flatMap { $0.texts.joined() })
    for (index, panel) in both.enumerated() {
      let grid = grids[index]
      grid.drawNames(xLabel, index == 0 ? yLabel : "", on: &script)
      script.label(panel.name, at: (grid.box.left + grid.box.right) / 2, grid.box.top - 14, .center, isBold: true)
      grid.draw(panel.values, panel.texts, size: fontSize, scale, on: &script)
      for place in panel.highlighted { grid.outline(place.row, place.column, on: &script) }
    }
    scale.drawKey(right: grids[1].box, on: &script)
    grids[1].finish(on: &script)
  }
}
