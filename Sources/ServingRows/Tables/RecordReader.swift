import Foundation
import Quantities
import Scenarios

/// Reads what records say, and complains at the cells that say it wrong.
struct RecordReader {
  let latency: MeasuredTable.Latency
  let collector: DiagnosticCollector
  /// Models whose names said a precision, which is said once.
  private var named: Set<String> = []

  init(latency: MeasuredTable.Latency, collector: DiagnosticCollector) {
    (self.latency, self.collector) = (latency, collector)
  }

  mutating func row(_ record: MeasuredRecord) -> MeasuredRow {
    let (cells, start) = (record.cells, record.position)
    func text(_ column: String) -> String { cells[column]?.text ?? "" }
    // A name that the command line filled in stands in no file.
    let named = cells["model"]?.position
    var row = MeasuredRow(
      position: named?.file == start.file ? named! : start,
      identifier: text("id").isEmpty ? "line \(start.line ?? 0)" : text("id"), model: text("model"),
      hardware: ScenarioFiles.canonical(text("hardware")), engine: text("engine").lowercased(),
      prompt: count(cells["prompt"], "prompt"),
      generated: count(cells["generated"], "generated"),
      concurrency: count(cells["concurrency"], "concurrency") ?? 1, context: count(cells["context"], "context"))
    if row.model.isEmpty {
      report(
        cells["model"]?.position ?? start, "model", "there is no name",
        accepted: "the name of a model; --with model=NAME fills it in")
    }
    row.precision = precision(cells["precision"], of: row)
    for metric in MeasuredMetric.allCases {
      row.times[metric] = time(cells[metric.column], metric)
    }
    for key in record.modelKeys {
      guard let cell = cells[key], !cell.text.isEmpty else { continue }
      row.settings.append(ModelSetting(argument: "\(key)=\(cell.text)", position: cell.position))
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

  /// What the cell says, else what the model's name says, else bf16.
  private mutating func precision(_ cell: TableCell?, of row: MeasuredRow) -> PrecisionName {
    let said = NamedPrecision(model: row.model)
    guard let cell, !cell.text.isEmpty else {
      guard let said else { return .standard }
      guard let precision = said.precision else {
        report(
          row.position, "precision", "there is none, and \"\(row.model)\" does not say it: \(said.reason)",
          accepted: PrecisionName.words)
        return .standard
      }
      if named.insert(row.model).inserted {
        collector.add(
          Diagnostic(
            row.position, severity: .warning, path: "precision",
            found: "\(precision.name) is read from the name \"\(row.model)\""))
      }
      return precision
    }
    guard let precision = PrecisionName(cell.text) else {
      report(cell.position, "precision", cell.found, accepted: PrecisionName.accepted)
      return .standard
    }
    if let said, !said.weights.contains(precision.precision.weights) {
      report(
        cell.position, "precision", "\(cell.found) beside the model \"\(row.model)\"",
        accepted: "weights in \(said.weights.map(\.rawValue).joined(separator: " or ")), or another model")
    }
    return precision
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
        cells["requests"]?.position ?? start, "requests",
        "found \(requests) beside a concurrency of \(row.concurrency)",
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
      report(cell.position, column, cell.found, accepted: "an integer from 1 to \(most)")
      return nil
    }
    return value
  }

  private func number(
    _ cell: TableCell?, _ column: String, in range: ClosedRange<Double>, _ accepted: String
  ) -> Double? {
    guard let cell, !cell.text.isEmpty else { return nil }
    guard let value = Double(cell.text), range.contains(value) else {
      report(cell.position, column, cell.found, accepted: accepted + ", or nothing")
      return nil
    }
    return value
  }

  private func time(_ cell: TableCell?, _ metric: MeasuredMetric) -> Double? {
    guard let cell, !cell.text.isEmpty else { return nil }
    guard let value = Double(cell.text), value.isFinite, value > 0, value < 1e12 else {
      report(
        cell.position, metric.column, cell.found, accepted: "a time above 0 in milliseconds, or nothing")
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
