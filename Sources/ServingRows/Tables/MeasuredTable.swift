import Quantities
import Scenarios

/// Measurements as people and the benchmark tools of engines write them: docs/measurements.md.
public struct MeasuredTable: Sendable {
  /// The path that it was read from.
  public let file: String
  /// In the order of the text.
  public let rows: [MeasuredRow]
  /// Lines above the header that begin with `#`, without it: what measured, and where.
  public let comments: [String]
  /// What is allowed and worth a word: what was read out of a name, a row that stands there twice.
  public let remarks: [Diagnostic]

  /// Whether measured times per output token count the first token; they are converted to those that do not.
  public enum Latency: String, CaseIterable, Sendable {
    /// (end-to-end time − time to first token) / (G − 1)
    case exclusive
    /// end-to-end time / G
    case inclusive
  }

  /// Results of a benchmark tool may hold every request.
  /// - Unit: byte
  private static let sizeLimit = 64 << 20

  /// - Parameters:
  ///   - file: CSV, or what a benchmark tool wrote.
  ///   - latency: what times per output token in CSV count.
  ///   - filling: texts for cells that are empty or missing, by their column.
  /// - Throws: `ScenarioError` with everything that is wrong in the file.
  public init(
    file: String, latency: Latency = .exclusive, filling: [String: String] = [:]
  ) throws(ScenarioError) {
    let text = try YAMLText.text(of: file, limit: Self.sizeLimit)
    try self.init(text: text, file: file, latency: latency, filling: filling)
  }

  /// - Parameters:
  ///   - text: CSV, or what a benchmark tool wrote.
  ///   - file: the name that complaints show.
  ///   - latency: what times per output token in CSV count.
  ///   - filling: texts for cells that are empty or missing, by their column.
  /// - Throws: `ScenarioError` with everything that is wrong in the text.
  public init(
    text: String, file: String, latency: Latency = .exclusive, filling: [String: String] = [:]
  ) throws(ScenarioError) {
    let collector = DiagnosticCollector()
    var records: [MeasuredRecord] = []
    var comments: [String] = []
    var isBenchmark = BenchmarkFile.isOne(text)
    if isBenchmark {
      records = try BenchmarkFile.records(text, file: file, collector)
    } else {
      let table = DelimitedText(text, file: file, collector)
      comments = table.comments
      isBenchmark = BenchmarkFile.isOne(table)
      if isBenchmark {
        records = BenchmarkFile.records(table, collector)
      } else {
        Self.check(table, file, filling, collector)
        records = table.rows.map { MeasuredRecord(table.header, $0) }
      }
    }
    if isBenchmark, latency == .inclusive {
      collector.add(
        Diagnostic(
          Position(file: file, line: 1), path: "--latency", found: "found inclusive beside results of a benchmark tool",
          accepted: "nothing: the format says what its times count"))
    }
    var reader = RecordReader(latency: latency, collector: collector)
    let rows = records.map { reader.row($0.filled(with: filling)) }
    Self.reportRepeats(rows, collector)
    try collector.throwIfAny()
    self.file = file
    self.rows = rows
    self.comments = comments
    remarks = collector.ordered
  }

  // MARK: Columns

  /// Columns that hold text.
  static let words = ["id", "model", "hardware", "engine", "engine_version", "precision", "source", "note"]
  /// Columns that hold integers.
  static let counts = [
    "devices", "prompt", "generated", "concurrency", "requests", "context", "token_budget", "max_running",
  ]
  /// Every column but the keys of models.
  public static let columns =
    words + counts + MeasuredMetric.allCases.map(\.column) + ["length_ratio", "spread_percent"]

  private static func check(
    _ table: DelimitedText, _ file: String, _ filling: [String: String], _ collector: DiagnosticCollector
  ) {
    func report(_ position: Position, _ path: String, _ found: String, accepted: String? = nil) {
      collector.add(Diagnostic(position, path: path, found: found, accepted: accepted))
    }
    let header = table.header
    guard let first = header.first else {
      // A file that is nothing but the wrong ends of lines has been complained of.
      if collector.hasErrors { return }
      return report(Position(file: file, line: 1), "", "there is no header", accepted: columns.joined(separator: ","))
    }
    if header.contains(where: { $0.name == "inter token latency" }) {
      return report(
        first.position, "", "found GuideLLM's table, with three lines of names", accepted: "its benchmarks.json")
    }
    if table.rows.isEmpty { report(Position(file: file, line: 1), "", "there is no row below the header") }
    for (index, column) in header.enumerated() {
      if !columns.contains(column.name), !MeasuredRecord.isModelKey(column.name) {
        report(
          column.position, column.text, "there is no column of this name",
          accepted: columns.joined(separator: ", ") + ", or a key of the model such as model.levels[1].chunk")
      } else if header[..<index].contains(where: { $0.name == column.name }) {
        report(column.position, column.text, "the column stands here a second time")
      }
    }
    let names = header.map(\.name) + filling.keys
    if !names.contains("model") { report(first.position, "model", "the column is missing") }
    if !names.contains(where: { name in MeasuredMetric.allCases.contains { $0.column == name } }) {
      report(
        first.position, "", "no column holds a time",
        accepted: MeasuredMetric.allCases.map(\.column).joined(separator: ", "))
    }
  }

  /// Rows that say the same, whatever they are called.
  private static func reportRepeats(_ rows: [MeasuredRow], _ collector: DiagnosticCollector) {
    var seen: [MeasuredRow: Position] = [:]
    for row in rows {
      var own = row
      (own.identifier, own.note, own.position) = ("", "", Position(file: ""))
      for index in own.settings.indices { own.settings[index].position = own.position }
      if let first = seen[own] {
        collector.add(repeatedRow(row.position, of: first, "it counts twice"))
      } else {
        seen[own] = row.position
      }
    }
  }
}

/// What a file says about one measurement, before it is understood.
struct MeasuredRecord {
  /// By the names of columns.
  var cells: [String: TableCell]
  /// In the order of the file, the columns that change the model.
  var modelKeys: [String] = []
  /// Where it begins.
  var position: Position

  /// Whether a column changes the model that the row names, as `--set` does.
  static func isModelKey(_ column: String) -> Bool { column.hasPrefix("model.") }

  init(cells: [String: TableCell], position: Position) {
    (self.cells, self.position) = (cells, position)
  }

  init(_ header: [TableCell], _ row: [TableCell]) {
    cells = Dictionary(zip(header.map(\.name), row), uniquingKeysWith: { $1 })
    modelKeys = header.map(\.name).filter(Self.isModelKey)
    position = row[0].position
  }

  /// With texts for the cells that are empty or missing.
  func filled(with texts: [String: String]) -> MeasuredRecord {
    var filled = self
    for (column, text) in texts where cells[column]?.text ?? "" == "" {
      filled.cells[column] = TableCell(text: text, position: Position(file: "--with \(column)"))
    }
    return filled
  }
}
