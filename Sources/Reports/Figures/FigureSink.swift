import Rendering

/// Where a value goes. A figure writes its value once; a sweep has it written straight into its row, because a cell in
/// between costs as much as a short field, and everybody else gets a cell.
protocol FigureSink {
  mutating func append(_ value: Int)
  mutating func append(_ value: Int128)
  /// Nil where the figure does not apply.
  mutating func append(_ value: Double?)
  mutating func append(_ text: String)
  mutating func appendMissing()
}

extension RowBuilder: FigureSink {}

/// Keeps the value that is written last.
struct CellSink: FigureSink {
  private(set) var cell = Cell.missing

  mutating func append(_ value: Int) { cell = Cell(value) }
  mutating func append(_ value: Int128) { cell = .integer(value) }
  mutating func append(_ value: Double?) { cell = Cell(value) }
  mutating func append(_ text: String) { cell = .text(text) }
  mutating func appendMissing() { cell = .missing }
}
