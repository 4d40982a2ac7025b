import Architectures
import Foundation
import Quantities
import Scenarios

/// One component of one level of a row, timed by itself.
public struct MeasuredNode: Hashable, Sendable {
  /// Where it stands.
  public var position: Position
  /// The `id` of the row that it is a part of.
  public var row: String
  /// Level, side and component.
  public var node: Node
  /// As they were dispatched.
  /// - Unit: FLOP
  public var matmulFlops: Int128
  /// - Unit: byte
  public var trafficBytes: Int128
  /// Of all its dispatches in the phase.
  /// - Unit: s
  public var seconds: Double
}

/// The times of parts beside a table of measurements, as CSV: docs/measurements.md.
public struct MeasuredNodes: Sendable {
  /// In the order of the text.
  public let nodes: [MeasuredNode]
  /// What is allowed and worth a word.
  public let remarks: [Diagnostic]

  static let columns = [
    "id", "level", "side", "component", "dispatches", "matmul_flops", "traffic_bytes", "time_ms", "spread_percent",
  ]

  /// - Throws: `ScenarioError` with everything that is wrong in the file.
  public init(file: String) throws(ScenarioError) {
    try self.init(text: YAMLText.text(of: file), file: file)
  }

  /// - Throws: `ScenarioError` with everything that is wrong in the text.
  public init(text: String, file: String) throws(ScenarioError) {
    let collector = DiagnosticCollector()
    let table = DelimitedText(text, file: file, collector)
    table.reportRepeats("its times count twice", collector)
    var nodes: [MeasuredNode] = []
    if table.header.isEmpty || table.header.map(\.name) == Self.columns {
      nodes = table.rows.compactMap { Self.node($0, collector) }
    } else {
      collector.add(
        Diagnostic(
          table.header[0].position, path: "",
          found: "the columns are \(table.header.map(\.text).joined(separator: ","))",
          accepted: Self.columns.joined(separator: ",")))
    }
    try collector.throwIfAny()
    if nodes.isEmpty {
      collector.add(
        Diagnostic(
          Position(file: file, line: 1), path: "", found: "there are no rows",
          accepted: "the header \(Self.columns.joined(separator: ",")), and a row for each component"))
    }
    try collector.throwIfAny()
    self.nodes = nodes
    remarks = collector.ordered
  }

  /// Nil after a complaint.
  private static func node(_ cells: [TableCell], _ collector: DiagnosticCollector) -> MeasuredNode? {
    func read<Value>(_ column: String, _ accepted: String, _ value: (String) -> Value?) -> Value? {
      let cell = cells[columns.firstIndex(of: column)!]
      if let value = value(cell.text) { return value }
      collector.add(
        Diagnostic(cell.position, path: column, found: cell.found, accepted: accepted))
      return nil
    }
    func count(_ column: String) -> Int128? {
      read(column, "an integer of at least 0") { Int128($0).flatMap { $0 >= 0 ? $0 : nil } }
    }
    func words<Choice: RawRepresentable & CaseIterable>(_ column: String) -> Choice? where Choice.RawValue == String {
      read(column, Choice.allCases.map(\.rawValue).joined(separator: ", "), Choice.init(rawValue:))
    }
    let level = read("level", "an integer from 0 to \(Limits.levels)") {
      Int($0).flatMap { (0...Limits.levels).contains($0) ? $0 : nil }
    }
    let (side, component): (Side?, Component?) = (words("side"), words("component"))
    let (flops, bytes) = (count("matmul_flops"), count("traffic_bytes"))
    let milliseconds = read("time_ms", "a time above 0 in milliseconds") {
      Double($0).flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
    }
    guard let level, let side, let component, let flops, let bytes, let milliseconds else { return nil }
    return MeasuredNode(
      position: cells[0].position, row: cells[0].text, node: Node(level, side, component), matmulFlops: flops,
      trafficBytes: bytes, seconds: milliseconds / 1000)
  }
}
