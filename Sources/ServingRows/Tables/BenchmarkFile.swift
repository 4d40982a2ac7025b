import Scenarios

/// What the tools that measure engines write, as records of a table.
///
/// One request is sent at s, has its first token at f, its last at l, and n tokens. vLLM's and SGLang's `tpot` is
/// (end − f)/(n − 1), which leaves the first token out as our column does. GuideLLM calls that `inter_token_latency_ms`; its
/// `time_per_output_token_ms` is (l − s)/n, with the first token in it, and is not read.
/// - Source: vLLM vllm/benchmarks/serve.py (009e6d4a), SGLang python/sglang/bench_serving.py (0033168f) and
///   python/sglang/benchmark/metrics.py (1291c7fc), GuideLLM schemas/request_stats.py (06cef291)
enum BenchmarkFile {
  /// Lists with an entry for every request, and summaries that are not read.
  private static let details: Set<String> = [
    "input_lens", "output_lens", "ttfts", "itls", "generated_texts", "errors", "start_times", "requests", "pdf",
    "percentiles", "scheduler", "run_stats",
  ]
  private static let accepted =
    "the JSON that vllm bench serve, sglang.bench_serving or guidellm writes, or a table in CSV"

  /// Whether a text is JSON.
  static func isOne(_ text: String) -> Bool {
    let first = text.unicodeScalars.first { !$0.properties.isWhitespace && $0 != "\u{FEFF}" }
    return first == "{" || first == "["
  }

  /// Whether a table has the columns of a tool's results.
  static func isOne(_ table: DelimitedText) -> Bool {
    table.header.contains { FlatResult.marks.contains($0.name) }
  }

  /// The results in a text.
  /// - Throws: `ScenarioError` where it is no JSON; other complaints go to the collector.
  static func records(
    _ text: String, file: String, _ collector: DiagnosticCollector
  ) throws(ScenarioError) -> [MeasuredRecord] {
    var records: [MeasuredRecord] = []
    for value in try JSONText.parseAll(text, file: file, ignoring: details) {
      for result in value.elements ?? [value] { records += self.records(result, collector) }
    }
    if records.isEmpty, !collector.hasErrors {
      collector.add(Diagnostic(Position(file: file, line: 1), path: "", found: "there are no results"))
    }
    return numbered(records)
  }

  /// The results in a table whose columns are a tool's keys.
  static func records(_ table: DelimitedText, _ collector: DiagnosticCollector) -> [MeasuredRecord] {
    numbered(
      table.rows.compactMap { row in
        let fields = Dictionary(zip(table.header.map(\.name), row), uniquingKeysWith: { $1 })
        return FlatResult(fields.filter { !$0.value.text.isEmpty }, at: row[0].position, collector).record
      })
  }

  private static func records(_ result: PositionedValue, _ collector: DiagnosticCollector) -> [MeasuredRecord] {
    if let runs = result["benchmarks"]?.elements {
      return runs.compactMap { GuideResult($0, of: result, collector).record }
    }
    var fields: [String: TableCell] = [:]
    for entry in result.entries ?? [] { fields[entry.key] = TableCell(entry.value) }
    if FlatResult.marks.contains(where: { fields[$0] != nil }) {
      return FlatResult(fields, at: result.position, collector).record.map { [$0] } ?? []
    }
    let isOffline = result["avg_latency"] != nil || result["elapsed_time"] != nil
    collector.add(
      Diagnostic(
        result.position, path: "",
        found: isOffline ? "an offline run says nothing about the times of requests" : "found no result of a benchmark",
        accepted: accepted))
    return []
  }

  /// Named by their place, because no tool names its results.
  private static func numbered(_ records: [MeasuredRecord]) -> [MeasuredRecord] {
    records.enumerated().map { index, record in
      record.filled(with: ["id": "result \(index + 1)"])
    }
  }
}

extension TableCell {
  /// A text or a number of JSON; nil for anything else.
  fileprivate init?(_ value: PositionedValue?) {
    guard let value, let text = value.scalar else { return nil }
    self.init(text: text, position: value.position)
  }

  fileprivate var number: Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }
}

extension MeasuredRecord {
  /// A mean of counts, as the nearest count.
  fileprivate mutating func set(_ column: String, mean: Double, at position: Position) {
    cells[column] = TableCell(text: "\(Int(max(1, min(mean, 1e9)).rounded()))", position: position)
  }

  fileprivate var hasTimes: Bool { MeasuredMetric.allCases.contains { cells[$0.column] != nil } }

  /// Tools write 0 for the mean of nothing.
  fileprivate mutating func set(_ metric: MeasuredMetric, _ cell: TableCell?) {
    if cell?.number != 0 { cells[metric.column] = cell }
  }
}

/// One object of vLLM's or SGLang's `bench_serving`: all keys on one level.
private struct FlatResult {
  /// What tells such an object.
  static let marks = ["mean_ttft_ms", "mean_tpot_ms"]
  /// Our columns that a person can have added, for example with vLLM's `--metadata`.
  private static let metadata = [
    "hardware", "precision", "devices", "engine", "engine_version", "token_budget", "max_running", "source", "note",
  ]

  let fields: [String: TableCell]
  let position: Position
  let collector: DiagnosticCollector

  init(_ fields: [String: TableCell], at position: Position, _ collector: DiagnosticCollector) {
    (self.fields, self.position, self.collector) = (fields, position, collector)
  }

  private func number(_ keys: String...) -> Double? { keys.lazy.compactMap { fields[$0]?.number }.first }

  private func place(_ key: String) -> Position { fields[key]?.position ?? position }

  private func report(_ key: String, _ found: String, _ accepted: String? = nil, _ severity: Diagnostic.Severity) {
    collector.add(Diagnostic(place(key), severity: severity, path: key, found: found, accepted: accepted))
  }

  /// Nil after a complaint.
  var record: MeasuredRecord? {
    if let key = ["accept_length", "spec_decode_acceptance_rate"].first(where: { fields[$0] != nil }) {
      report(
        key, "\(fields[key]!.found): a draft model ran beside it", "results without speculative decoding", .error)
      return nil
    }
    guard let completed = number("completed"), completed >= 1 else {
      report("completed", fields["completed"]?.found ?? "there is none", "how many requests were answered", .error)
      return nil
    }
    guard let inputs = number("total_input_tokens", "total_input"),
      let outputs = number("total_output_tokens", "total_output")
    else {
      report(
        "total_input_tokens", "the totals of tokens are missing", "total_input_tokens, total_output_tokens", .error)
      return nil
    }
    var record = MeasuredRecord(cells: fields.filter { Self.metadata.contains($0.key) }, position: position)
    record.cells["model"] = fields["model_id"] ?? fields["model"]
    record.set("prompt", mean: inputs / completed, at: place("total_input_tokens"))
    record.set("generated", mean: outputs / completed, at: place("total_output_tokens"))
    record.set("requests", mean: completed, at: place("completed"))
    record.set(.timeToFirstToken, fields["mean_ttft_ms"])
    record.set(.timePerOutputToken, outputs / completed > 1 ? fields["mean_tpot_ms"] : nil)
    guard record.hasTimes else {
      report("mean_tpot_ms", "there is no time", "mean_ttft_ms or mean_tpot_ms above 0", .error)
      return nil
    }
    setEngine(&record)
    setConcurrency(&record, completed: completed, generated: outputs / completed)
    if let asked = number("num_prompts"), completed < asked {
      report("completed", "\(Int(completed)) of \(Int(min(asked, 1e9))) requests were answered", nil, .warning)
    }
    return record
  }

  /// The backend is the protocol: several engines speak OpenAI's.
  private func setEngine(_ record: inout MeasuredRecord) {
    guard record.cells["engine"] == nil, let cell = fields["backend"] ?? fields["endpoint_type"] else { return }
    let name = cell.text.lowercased()
    guard !name.hasPrefix("openai") else {
      report("backend", "\(cell.found), which several engines speak", "--with engine=NAME", .warning)
      return
    }
    let engine = name.replacing(/-(oai|chat|native|pooling|embedding).*/, with: "")
    record.cells["engine"] = TableCell(text: engine, position: cell.position)
  }

  /// Requests that the tool keeps in flight; where they arrived at a rate of their own, the mean that came of it.
  private func setConcurrency(_ record: inout MeasuredRecord, completed: Double, generated: Double) {
    let rate = fields["request_rate"]
    let isClosed = rate.map { Double($0.text) == .infinity } ?? true
    if isClosed {
      let limit = number("max_concurrency") ?? completed
      return record.set("concurrency", mean: min(limit, completed), at: place("max_concurrency"))
    }
    let tokens = number("mean_ttft_ms").flatMap { first in
      number("mean_tpot_ms").map { first + max(0, generated - 1) * $0 }
    }
    // Little's law: arrivals per second times the seconds that each request stays.
    let little = number("request_throughput").flatMap { throughput in
      (number("mean_e2el_ms", "mean_e2e_latency_ms") ?? tokens).map { throughput * $0 / 1000 }
    }
    guard let mean = number("concurrency") ?? little else {
      return report("request_rate", "\(rate!.found), and nothing says how many requests were in flight", nil, .error)
    }
    record.set("concurrency", mean: mean, at: rate!.position)
    report(
      "request_rate",
      "\(rate!.found): requests came at a rate of their own, and \(record.cells["concurrency"]!.text) "
        + "is the mean of those in flight", nil, .warning)
  }
}

/// One entry of GuideLLM's `benchmarks`.
private struct GuideResult {
  let run: PositionedValue
  let file: PositionedValue
  let collector: DiagnosticCollector

  init(_ run: PositionedValue, of file: PositionedValue, _ collector: DiagnosticCollector) {
    (self.run, self.file, self.collector) = (run, file, collector)
  }

  /// Of the requests that were answered.
  private func mean(_ metric: String) -> TableCell? { TableCell(run["metrics"]?[metric]?["successful"]?["mean"]) }

  private func report(_ place: Position?, _ path: String, _ found: String, _ severity: Diagnostic.Severity) {
    collector.add(Diagnostic(place ?? run.position, severity: severity, path: path, found: found))
  }

  /// Nil after a complaint.
  var record: MeasuredRecord? {
    var record = MeasuredRecord(cells: [:], position: run.position)
    let names = [
      file["args"]?["model"], run["config"]?["backend"]?["model"], run["args"]?["backend"]?["model"],
      run["worker"]?["backend_model"],
    ]
    record.cells["model"] = names.lazy.compactMap { TableCell($0) }.first
    for (column, metric) in [("prompt", "prompt_token_count"), ("generated", "output_token_count")] {
      guard let cell = mean(metric), let count = cell.number, count > 0 else {
        report(run["metrics"]?.position, metric, "there is no mean of the requests that were answered", .error)
        return nil
      }
      record.set(column, mean: count, at: cell.position)
    }
    record.set(.timeToFirstToken, mean("time_to_first_token_ms"))
    record.set(.timePerOutputToken, mean("inter_token_latency_ms"))
    guard record.hasTimes else {
      report(run["metrics"]?.position, "inter_token_latency_ms", "there is none", .error)
      return nil
    }
    let totals = run["metrics"]?["request_totals"] ?? run["request_totals"]
    if let cell = TableCell(totals?["successful"]), let count = cell.number, count >= 1 {
      record.set("requests", mean: count, at: cell.position)
    }
    for state in ["errored", "incomplete"] {
      guard let cell = TableCell(totals?[state]), let count = cell.number, count > 0 else { continue }
      report(cell.position, "request_totals", "\(cell.text) requests are \(state)", .warning)
    }
    setConcurrency(&record, answered: TableCell(totals?["successful"])?.number ?? .infinity)
    report(nil, "engine", "the file does not name the engine; --with engine=NAME does", .warning)
    return record
  }

  private func setConcurrency(_ record: inout MeasuredRecord, answered: Double) {
    let strategy = run["config"]?["strategy"] ?? run["args"]?["strategy"]
    let limit = TableCell(strategy?["streams"]) ?? TableCell(strategy?["max_concurrency"])
    let kind = strategy?["type_"]?.scalar
    if kind == "synchronous" {
      record.set("concurrency", mean: 1, at: strategy!.position)
    } else if ["concurrent", "throughput"].contains(kind), let limit, let streams = limit.number {
      record.set("concurrency", mean: min(streams, answered), at: limit.position)
    } else if let cell = mean("request_concurrency"), let count = cell.number {
      record.set("concurrency", mean: count, at: cell.position)
      guard kind != "throughput" else { return }
      report(
        strategy?.position, "strategy",
        "requests came at a rate of their own, and \(record.cells["concurrency"]!.text) is "
          + "the mean of those in flight", .warning)
    } else {
      report(strategy?.position, "strategy", "nothing says how many requests were in flight", .error)
    }
  }
}
