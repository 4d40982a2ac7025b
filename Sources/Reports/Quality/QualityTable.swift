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
  private let keys: [String]
  private let rows: [(key: [String], value: Double)]

  /// Whether the figure is a loss or a perplexity.
  public var isSmallerBetter: Bool { figure == "loss" || figure == "perplexity" }

  /// - Throws: `ScenarioError`
  public init(file: String, axes: [String]) throws(ScenarioError) {
    try self.init(text: YAMLText.text(of: file, limit: largestTableBytes), file: file, axes: axes)
  }

  /// - Throws: `ScenarioError`
  public init(text: String, file: String, axes: [String]) throws(ScenarioError) {
    var header: [String]?
    var rows: [(key: [String], value: Double)] = []
    let collector = DiagnosticCollector()
    for (index, line) in TextLines(text).enumerated() {
      guard !line.allSatisfy(\.isWhitespace), line.first != "#" else { continue }
      guard let cells = tableCells(of: line, number: index + 1, file, collector) else { break }
      let fields = cells.map(\.text)
      guard let names = header else {
        let keys = cells.dropLast()
        let unknown = keys.first { $0.text != "model" && !axes.contains($0.text) }
        guard !keys.isEmpty, unknown == nil, fields.last?.isEmpty == false else {
          throw Self.refuse(
            unknown?.position ?? cells[0].position,
            unknown.map { "a column \"\($0.text.prefix(80))\"" } ?? "columns \"\(line.prefix(80))\"",
            "model or axes of the grid (\(axes.joined(separator: ", "))), then a figure")
        }
        header = fields
        continue
      }
      guard fields.count == names.count, let value = Double(fields.last ?? ""), value.isFinite else {
        throw Self.refuse(
          cells[0].position, "\"\(line.prefix(80))\"", "\(names.count) fields, the last one a number")
      }
      rows.append((Array(fields.dropLast()), value))
    }
    try collector.throwIfAny()
    guard let names = header, let figure = names.last, !rows.isEmpty else {
      throw Self.refuse(Position(file: file, line: 1), "no rows", "a header and at least one row")
    }
    self.figure = figure
    self.rows = rows
    keys = Array(names.dropLast())
  }

  /// The first row that matches; nil where none does.
  func value(of point: ScenarioPoint, in grid: Grid) -> Double? {
    let own = keys.map { key in
      key == "model" ? point.name : grid.axes.firstIndex { $0.path == key }.map { point.axisValues[$0] } ?? ""
    }
    return rows.first { $0.key == own }?.value
  }

  private static func refuse(_ position: Position, _ found: String, _ accepted: String) -> ScenarioError {
    ScenarioError([Diagnostic(position, path: "quality", found: "found \(found)", accepted: accepted)])
  }
}
