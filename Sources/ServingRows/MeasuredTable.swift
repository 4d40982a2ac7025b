import Foundation
import Quantities
import Scenarios

/// A table of measurements as CSV: docs/measurements.md.
public struct MeasuredTable: Sendable {
  /// The path that it was read from.
  public var file: String
  /// In the order of the text.
  public var rows: [MeasuredRow]
  /// Lines above the header that begin with `#`, without it: what measured, and where.
  public var comments: [String]

  /// Whether measured times per output token count the first token; they are converted to those that do not.
  public enum Latency: String, CaseIterable, Sendable {
    /// (end-to-end time − time to first token) / (G − 1)
    case exclusive
    /// end-to-end time / G
    case inclusive
  }

  /// - Throws: `ScenarioError` with everything that is wrong in the file.
  public init(file: String, latency: Latency = .exclusive) throws(ScenarioError) {
    try self.init(text: YAMLText.text(of: file), file: file, latency: latency)
  }

  /// - Throws: `ScenarioError` with everything that is wrong in the text.
  public init(text: String, file: String, latency: Latency = .exclusive) throws(ScenarioError) {
    let collector = DiagnosticCollector()
    var reader = TableReader(file: file, latency: latency, collector: collector)
    for (index, line) in TextLines(text).enumerated() { reader.read(line, number: index + 1) }
    reader.finish()
    try collector.throwIfAny()
    self.file = file
    rows = reader.rows
    comments = reader.comments
  }
}

private struct TableReader {
  static let words = ["id", "model", "hardware", "engine", "engine_version", "precision", "source", "note"]
  static let counts = [
    "devices", "prompt", "generated", "concurrency", "requests", "context", "token_budget", "max_running",
  ]
  static let columns =
    words + counts + MeasuredMetric.allCases.map(\.column) + ["length_ratio", "spread_percent"]

  /// Whether a column changes the model that the row names, as `--set` does.
  static func isModelKey(_ column: String) -> Bool { column.hasPrefix("model.") }

  let file: String
  let latency: MeasuredTable.Latency
  let collector: DiagnosticCollector
  var header: [TableCell]?
  var rows: [MeasuredRow] = []
  var comments: [String] = []

  mutating func read(_ line: Substring, number: Int) {
    if line.first == "#", header == nil { comments.append(line.dropFirst().trimmingCharacters(in: .whitespaces)) }
    if line.first == "#" || line.allSatisfy(\.isWhitespace) { return }
    guard let cells = tableCells(of: line, number: number, file, collector) else { return }
    guard let header else {
      check(header: cells)
      self.header = cells
      return
    }
    guard cells.count == header.count else {
      report(
        cells[0].position, "", "found \(cells.count) cells", accepted: "\(header.count), as the header has")
      return
    }
    var values: [String: TableCell] = [:]
    for (column, cell) in zip(header, cells) { values[column.text] = cell }
    rows.append(row(values, at: cells[0].position))
  }

  func finish() {
    guard header != nil else {
      report(Position(file: file, line: 1), "", "there is no header", accepted: Self.columns.joined(separator: ","))
      return
    }
    if rows.isEmpty { report(Position(file: file, line: 1), "", "there is no row below the header") }
  }

  private func check(header: [TableCell]) {
    for (index, column) in header.enumerated() {
      if !Self.columns.contains(column.text), !Self.isModelKey(column.text) {
        report(
          column.position, column.text, "there is no column of this name",
          accepted: Self.columns.joined(separator: ", ") + ", or a key of the model such as model.levels[1].chunk")
      } else if header[..<index].contains(where: { $0.text == column.text }) {
        report(column.position, column.text, "the column stands here a second time")
      }
    }
    let names = header.map(\.text)
    if !names.contains("model") { report(header[0].position, "model", "the column is missing") }
    if !names.contains(where: { name in MeasuredMetric.allCases.contains { $0.column == name } }) {
      report(
        header[0].position, "", "no column holds a time",
        accepted: MeasuredMetric.allCases.map(\.column).joined(separator: ", "))
    }
  }

  // MARK: Values

  private func row(_ cells: [String: TableCell], at start: Position) -> MeasuredRow {
    func text(_ column: String) -> String { cells[column]?.text ?? "" }
    var row = MeasuredRow(
      position: cells["model"]?.position ?? start,
      identifier: text("id").isEmpty ? "line \(start.line ?? 0)" : text("id"), model: text("model"),
      hardware: ScenarioFiles.canonical(text("hardware")), engine: text("engine").lowercased(),
      prompt: count(cells["prompt"], "prompt"),
      generated: count(cells["generated"], "generated"),
      concurrency: count(cells["concurrency"], "concurrency") ?? 1, context: count(cells["context"], "context"))
    if row.model.isEmpty {
      report(cells["model"]?.position ?? start, "model", "the cell is empty", accepted: "the name of a model")
    }
    if let precision = PrecisionName(text("precision")) {
      row.precision = precision
    } else if let cell = cells["precision"] {
      report(cell.position, "precision", "found \"\(cell.text)\"", accepted: PrecisionName.accepted)
    }
    for metric in MeasuredMetric.allCases {
      row.times[metric] = time(cells[metric.column], metric)
    }
    for column in header ?? [] where Self.isModelKey(column.text) {
      guard let cell = cells[column.text], !cell.text.isEmpty else { continue }
      row.settings.append(ModelSetting(argument: "\(column.text)=\(cell.text)", position: cell.position))
    }
    row.engineVersion = text("engine_version")
    (row.source, row.note) = (text("source"), text("note"))
    row.devices = count(cells["devices"], "devices", most: 1024) ?? 1
    row.requests = count(cells["requests"], "requests")
    row.tokenBudget = count(cells["token_budget"], "token_budget")
    row.maxRunning = count(cells["max_running"], "max_running")
    row.lengthRatio = number(cells["length_ratio"], "length_ratio", in: 0...1, "a number from 0 to 1")
    row.spreadPercent = number(
      cells["spread_percent"], "spread_percent", in: 0...(.greatestFiniteMagnitude), "a number of at least 0")
    check(row, cells, start)
    return latency == .inclusive ? excludingFirstToken(row, start) : row
  }

  /// What a time needs besides itself.
  private func check(_ row: MeasuredRow, _ cells: [String: TableCell], _ start: Position) {
    func require(_ column: String, _ value: Int?, for metric: MeasuredMetric) {
      let needs = row.times[metric] != nil && value == nil && (cells[column]?.text ?? "").isEmpty
      if needs {
        report(cells[column]?.position ?? start, column, "there is none, and \(metric.column) needs it")
      }
    }
    for metric in [MeasuredMetric.timePerOutputToken, .timeToFirstToken, .prefill, .whole] {
      require("prompt", row.prompt, for: metric)
    }
    for metric in [MeasuredMetric.timePerOutputToken, .whole] { require("generated", row.generated, for: metric) }
    require("context", row.context, for: .decodeStep)
    if let requests = row.requests, requests < row.concurrency {
      report(
        cells["requests"]?.position ?? start, "requests", "found \(requests) beside a concurrency of \(row.concurrency)",
        accepted: "all requests of the run, at least \(row.concurrency)")
    }
    if row.generated == 1, row.times[.timePerOutputToken] != nil {
      report(
        cells["generated"]?.position ?? start, "generated", "found 1 beside a time per output token",
        accepted: "at least 2: the first token is not among those that the time is divided by")
    }
  }

  private func count(_ cell: TableCell?, _ column: String, most: Int = 16_777_216) -> Int? {
    guard let cell, !cell.text.isEmpty else { return nil }
    guard let value = Int(cell.text), (1...most).contains(value) else {
      report(cell.position, column, "found \"\(cell.text)\"", accepted: "an integer from 1 to \(most)")
      return nil
    }
    return value
  }

  private func number(
    _ cell: TableCell?, _ column: String, in range: ClosedRange<Double>, _ accepted: String
  ) -> Double? {
    guard let cell, !cell.text.isEmpty else { return nil }
    guard let value = Double(cell.text), range.contains(value) else {
      report(cell.position, column, "found \"\(cell.text)\"", accepted: accepted + ", or nothing")
      return nil
    }
    return value
  }

  private func time(_ cell: TableCell?, _ metric: MeasuredMetric) -> Double? {
    guard let cell, !cell.text.isEmpty else { return nil }
    guard let value = Double(cell.text), value.isFinite, value > 0, value < 1e12 else {
      report(
        cell.position, metric.column, "found \"\(cell.text)\"", accepted: "a time above 0 in milliseconds, or nothing")
      return nil
    }
    return value / 1000
  }

  /// The time per output token without the first token: (G · inclusive − first) / (G − 1).
  private func excludingFirstToken(_ row: MeasuredRow, _ start: Position) -> MeasuredRow {
    guard let inclusive = row.times[.timePerOutputToken], let generated = row.generated else { return row }
    guard let first = row.times[.timeToFirstToken], generated > 1,
      Double(generated) * inclusive > first
    else {
      report(
        start, MeasuredMetric.timePerOutputToken.column, "a time that counts the first token cannot be converted",
        accepted: "at least two tokens, and a time to first token below their whole time")
      return row
    }
    var row = row
    row.times[.timePerOutputToken] = (Double(generated) * inclusive - first) / Double(generated - 1)
    return row
  }

  private func report(_ position: Position, _ path: String, _ found: String, accepted: String? = nil) {
    collector.add(Diagnostic(position, path: path, found: found, accepted: accepted))
  }
}
