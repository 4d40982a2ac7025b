import Foundation

/// Which resource binds at each context and batch, with the margin in each cell and the line where it flips.
public struct RegimeMap: Figure {
  /// What binds in some cells.
  public struct Regime: Sendable {
    /// Its text in the legend.
    public var name: String
    /// Of its cells.
    public var colour: Colour
    /// Whether its cells are holes in the map, which no line sets apart from their neighbours.
    public var isGap: Bool

    /// The colour is that of its cells.
    public init(_ name: String, _ colour: Colour, isGap: Bool = false) {
      self.name = name
      self.colour = colour
      self.isGap = isGap
    }

    /// Arithmetic takes longer than traffic.
    public static let compute = Regime("compute-bound", Colour.series[1].tint(0.45))
    /// Traffic takes longer than arithmetic.
    public static let memory = Regime("memory-bound", Colour.series[0].tint(0.4))
    /// Weights, caches and activations exceed the memory.
    public static let tooLarge = Regime("does not fit", Colour(0xD9D9D9))
  }

  /// One combination of x and y.
  public struct Cell: Sendable {
    /// The index in `regimes`.
    public var regime: Int
    /// A short text, such as the margin.
    public var text: String
    /// Whether it gets a frame, so that it is seen at once.
    public var isFramed: Bool

    /// The regime is the index in `regimes`; a cell has neither text nor frame unless told otherwise.
    public init(_ regime: Int, _ text: String = "", isFramed: Bool = false) {
      self.regime = regime
      self.text = text
      self.isFramed = isFramed
    }
  }

  /// What the figure shows, at its top.
  public var title: String
  /// A second line under the title; none if nil.
  public var subtitle: String?
  /// How large the figure is drawn.
  public var size: FigureSize
  /// Under the columns.
  public var xLabel: String
  /// Beside the rows.
  public var yLabel: String
  /// Ascending and positive: contexts.
  public var xValues: [Double]
  /// Ascending and positive: batches.
  public var yValues: [Double]
  /// Of the columns' values.
  public var xFormat: Axis.TickFormat
  /// Of the rows' values.
  public var yFormat: Axis.TickFormat
  /// What cells refer to, in the order of the legend.
  public var regimes: [Regime]
  /// `cells[y][x]`.
  public var cells: [[Cell]]
  /// Where two regimes meet exactly, as found between the cells; drawn between their centres.
  public var boundary: [(x: Double, y: Double)]
  /// Lines below the legend: what texts and frames of cells mean.
  public var notes: [String]

  /// - Precondition: `cells` has one row per y value, each with one cell per x value.
  public init(
    _ title: String, subtitle: String? = nil, x xLabel: String, xValues: [Double],
    xFormat: Axis.TickFormat = .binary(unit: ""), y yLabel: String, yValues: [Double],
    yFormat: Axis.TickFormat = .plain, regimes: [Regime] = [.compute, .memory, .tooLarge], cells: [[Cell]],
    boundary: [(x: Double, y: Double)] = [], notes: [String] = [],
    size: FigureSize = FigureSize(height: 480)
  ) {
    precondition(
      cells.count == yValues.count && cells.allSatisfy { $0.count == xValues.count },
      "a regime map has one cell per context and batch")
    self.title = title
    self.subtitle = subtitle
    self.xLabel = xLabel
    self.xValues = xValues
    self.xFormat = xFormat
    self.yLabel = yLabel
    self.yValues = yValues
    self.yFormat = yFormat
    self.regimes = regimes
    self.cells = cells
    self.boundary = boundary
    self.notes = notes
    self.size = size
  }

  /// Adds the cells and the line between regimes.
  public func draw(on script: inout GnuplotScript) {
    let used = regimes.indices.filter { index in cells.joined().contains { $0.regime == index } }
    var legend = Legend(entries: used.map { (regimes[$0].name, regimes[$0].colour, .area) })
    if boundary.count > 1 { legend.entries.append(("exact boundary", .boundary, .line(dash: 2, point: nil))) }
    legend.entries += notes.map { ($0, .faint, .none) }
    let grid = CellGrid(
      size, columns: xValues.map { Axis("", format: xFormat).tickText($0) },
      rows: yValues.map { Axis("", format: yFormat).tickText($0) }, right: legend.width + 24,
      hasSubtitle: subtitle != nil)
    script.title(title, subtitle: subtitle)
    grid.drawNames(xLabel, yLabel, on: &script)
    let fontSize = grid.fontSize(for: Array(cells.joined().map(\.text)))
    for (row, line) in cells.enumerated() {
      for (column, cell) in line.enumerated() {
        grid.draw(row, column, fill: regimes[cell.regime].colour, text: cell.text, size: fontSize, on: &script)
      }
    }
    drawEdges(grid, on: &script)
    for (row, line) in cells.enumerated() {
      for (column, cell) in line.enumerated() where cell.isFramed { grid.outline(row, column, on: &script) }
    }
    let frame = PlotFrame(box: grid.box, x: Axis(""), y: Axis(""), xRange: 0...1, yRange: 0...1)
    legend.draw(right: frame, on: &script)
    grid.finish(curve: boundaryPixels(grid), on: &script)
  }

  /// A dark step line between neighbours of different regimes, so that the map reads without its colours.
  private func drawEdges(_ grid: CellGrid, on script: inout GnuplotScript) {
    for row in yValues.indices {
      for column in xValues.indices {
        let (cell, regime) = (grid.cell(row, column), cells[row][column].regime)
        func differs(_ other: Cell) -> Bool {
          other.regime != regime && !regimes[other.regime].isGap && !regimes[regime].isGap
        }
        if column + 1 < xValues.count, differs(cells[row][column + 1]) {
          script.line(
            from: Point(x: cell.right, y: cell.top), to: Point(x: cell.right, y: cell.bottom), colour: .text, width: 2)
        }
        if row + 1 < yValues.count, differs(cells[row + 1][column]) {
          script.line(
            from: Point(x: cell.left, y: cell.top), to: Point(x: cell.right, y: cell.top), colour: .text, width: 2)
        }
      }
    }
  }

  private func boundaryPixels(_ grid: CellGrid) -> [Point] {
    boundary.compactMap { point in
      guard let x = place(point.x, xValues), let y = place(point.y, yValues) else { return nil }
      return Point(
        x: grid.box.left + (x + 0.5) / Double(xValues.count) * grid.box.width,
        y: grid.box.bottom - (y + 0.5) / Double(yValues.count) * grid.box.height)
    }
  }

  /// The position of a value among ascending ones in units of cells, between their centres by logarithm.
  private func place(_ value: Double, _ values: [Double]) -> Double? {
    guard let next = values.firstIndex(where: { $0 >= value }), value > 0 else { return nil }
    if values[next] == value { return Double(next) }
    guard next > 0 else { return nil }
    return Double(next - 1) + log(value / values[next - 1]) / log(values[next] / values[next - 1])
  }
}
