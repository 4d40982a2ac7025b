import Rendering

/// A column of a table, and how a row's cell in it is read: both in one place, so that no cell can stand under another
/// column's heading.
public struct TableColumn<Row> {
  let column: Column
  /// The cell of a row.
  public let cell: (Row) -> Cell

  public init(_ column: Column, _ cell: @escaping (Row) -> Cell) {
    (self.column, self.cell) = (column, cell)
  }

  /// The same column of something that has such a row.
  public func of<Other>(_ row: @escaping (Other) -> Row) -> TableColumn<Other> {
    let own = cell
    return TableColumn<Other>(column) { own(row($0)) }
  }

  /// The same column with some of its cells written otherwise.
  public func replacing(_ cell: @escaping (Row, Cell) -> Cell) -> Self {
    let own = self.cell
    return Self(column) { cell($0, own($0)) }
  }
}

extension TableColumn {
  /// A cell as the column writes it for a person.
  public func shown(_ cell: Cell) -> String {
    switch cell {
    case .text(let text): text
    case .integer(let value): column.format.text(value)
    case .number(let value): column.format.text(value)
    case .flag(let value): value ? "yes" : "no"
    case .missing: "–"
    }
  }
}

extension Table {
  /// One row for each element, one cell for each column.
  public init<Row>(title: String? = nil, _ columns: [TableColumn<Row>], of rows: some Sequence<Row>) {
    self.init(title: title, columns.map(\.column))
    for row in rows { append(columns.map { $0.cell(row) }) }
  }
}

extension PointFigure {
  /// The name in data without what stands around it: `time_s`.
  private var key: String {
    let name = names.json ?? names.column ?? names.objective ?? names.compared ?? names.label
    return name.split(separator: ".").last.map(String.init) ?? name
  }

  /// A column of a report.
  /// - Parameters:
  ///   - heading: where the table says more or less than others around the column.
  ///   - format: where its numbers stand beside words that say the unit, or not.
  func reported<Row: FigureBearing>(_ heading: String? = nil, as format: NumberFormat? = nil) -> TableColumn<Row> {
    let report = names.report
    let isText = names.unit == .words
    return TableColumn(
      Column(key, heading ?? report.text, isText ? .left : .right, as: format ?? report.format)
    ) { $0.value(of: self).shown }
  }

  /// A column of `photon explain`.
  /// - Parameters:
  ///   - heading: above the column, where it is not the figure's own.
  ///   - value: how a row's value is read; nil where the row does not have the figure.
  public func explained<Row>(
    _ heading: String? = nil, _ value: @escaping (Row) -> FigureValue?
  ) -> TableColumn<Row> {
    let terminal = names.terminal
    let isText = names.unit == .words
    let isShare = names.unit == .share
    return TableColumn(
      Column(key, heading ?? terminal.text, isText ? .left : .right, as: terminal.format)
    ) { row in
      let cell = value(row)?.shown ?? .missing
      // Data have a share of 1, a person reads per cent.
      return isShare ? Cell(cell.number.map { 100 * $0 }) : cell
    }
  }
}
