import Foundation
import Quantities
import Scenarios
import ServingRows

/// Quality figures of the grid's models, from the CSV file that a scenario names under `quality`.
///
/// The first line that is no comment (`#`) names the columns: `model`, any axes of the grid, and last the figure. A
/// figure called `loss` or `perplexity` is better when it is smaller, any other when it is larger.
public struct QualityTable: Sendable {
  /// The name of the last column.
  public let figure: String
  /// What is allowed and worth a word.
  public let remarks: [Diagnostic]
  private let keys: [String]
  private let rows: [(key: [String], value: Double)]

  /// Whether the figure is a loss or a perplexity.
  public var isSmallerBetter: Bool { ["loss", "perplexity"].contains(figure.lowercased()) }

  /// - Throws: `ScenarioError`
  public init(file: String, axes: [String]) throws(ScenarioError) {
    try self.init(text: YAMLText.text(of: file, limit: largestTableBytes), file: file, axes: axes)
  }

  /// - Throws: `ScenarioError`
  public init(text: String, file: String, axes: [String]) throws(ScenarioError) {
    let collector = DiagnosticCollector()
    let table = DelimitedText(text, file: file, collector)
    if let complaint = Self.complaint(of: table.header, axes) { collector.add(complaint) }
    try collector.throwIfAny()
    guard let last = table.header.last, !table.rows.isEmpty else {
      throw ScenarioError([
        Self.complaint(Position(file: file, line: 1), "found no rows", "a header and at least one row")
      ])
    }
    keys = table.header.dropLast().map { $0.name == "model" ? $0.name : $0.text }
    figure = last.text
    var rows: [(key: [String], value: Double)] = []
    for row in table.rows {
      let cell = row[row.count - 1]
      guard let value = Double(cell.text), value.isFinite else {
        throw ScenarioError([Self.complaint(cell.position, cell.found, "a number")])
      }
      rows.append((row.dropLast().map(\.text), value))
    }
    self.rows = rows
    table.reportRepeats(in: table.header.dropLast().map(\.name), "its figure is not used", collector)
    remarks = collector.ordered
  }

  /// The first row that matches; nil where none does.
  func value(of point: ScenarioPoint, in grid: Grid) -> Double? {
    let own = keys.map { key in
      key == "model" ? point.name : grid.axes.firstIndex { $0.path == key }.map { point.axisValues[$0] } ?? ""
    }
    return rows.first { $0.key == own }?.value
  }

  /// Nil for a header that is right, and for none.
  private static func complaint(of header: [TableCell], _ axes: [String]) -> Diagnostic? {
    let accepted = "model or axes of the grid (\(axes.joined(separator: ", "))), then a figure"
    if let unknown = header.dropLast().first(where: { $0.name != "model" && !axes.contains($0.text) }) {
      return complaint(unknown.position, "found a column \"\(unknown.text.prefix(80))\"", accepted)
    }
    guard header.count == 1 else { return nil }
    return complaint(header[0].position, "found columns \"\(header[0].text.prefix(80))\"", accepted)
  }

  private static func complaint(_ position: Position, _ found: String, _ accepted: String) -> Diagnostic {
    Diagnostic(position, path: "quality", found: found, accepted: accepted)
  }
}
