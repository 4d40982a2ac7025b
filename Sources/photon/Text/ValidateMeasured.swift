import ArgumentParser
import Foundation
import GSL
import Hardware
import Rendering
import Scenarios
import ServingRows

/// A scenario that a command can do without.
struct OptionalScenarioOptions: ParsableArguments {
  @Argument(help: "The scenario, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var file: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Replaces a key, for example workload.batch=8; may be repeated.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    name: .customLong("hardware"),
    help: ArgumentHelp("A profile instead of those in the scenario; may be repeated.", valueName: "name"))
  var hardwareNames: [String] = []

  /// - Throws: `ScenarioError`; `ValidationError` without a scenario.
  func scenario() throws -> Scenario {
    guard let file else { throw ValidationError("Missing expected argument '<file>', or --measured FILE.csv") }
    var group = ScenarioOptionsGroup()
    (group.file, group.overrides, group.hardwareNames) = (file, overrides, hardwareNames)
    return try group.scenario()
  }
}

/// `photon validate --measured FILE`
struct ValidateMeasuredOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Compares predicted times with measured rows (docs/measurements.md) instead: a table, or what a benchmark tool wrote.",
      valueName: "file.csv or file.json"),
    completion: .file(extensions: ["csv", "json", "jsonl"]))
  var measured: String?

  @Option(
    help: ArgumentHelp(
      "Fits the measured rows first, each group predicted from the others: leave-one-out=COLUMN.", valueName: "scheme"))
  var calibrate: String?

  @Option(
    name: .customLong("max-mape"),
    help: ArgumentHelp(
      "Exit code 1 where the mean error of measured times per output token, prefills and decode steps is larger.",
      valueName: "percent"))
  var limit: Double?

  @Option(
    name: .customLong("row"),
    help: ArgumentHelp("Prints only the measured rows of this id; all are fitted.", valueName: "id"))
  var identifier: String?

  @OptionGroup var rows: MeasuredRowsOptions

  func validate() throws {
    _ = try heldOut
    if let limit, !(limit >= 0) { throw ValidationError("--max-mape takes a number of at least 0") }
    if measured == nil, calibrate != nil || limit != nil || identifier != nil {
      throw ValidationError("--calibrate, --max-mape and --row need --measured FILE.csv")
    }
  }

  private var heldOut: MeasuredColumn? {
    get throws {
      guard let calibrate else { return nil }
      guard calibrate.hasPrefix("leave-one-out="),
        let column = MeasuredColumn(rawValue: String(calibrate.dropFirst("leave-one-out=".count)))
      else {
        throw ValidationError("--calibrate takes leave-one-out=COLUMN; \(MeasuredRowsOptions.columnNames)")
      }
      return column
    }
  }

  /// What `--max-mape` is about.
  private static let limited = [MeasuredMetric.timePerOutputToken, .prefill, .decodeStep]

  /// - Throws: `ExitCode.failure` where the mean error is above the limit; `ValidationError` where there is nothing to
  ///   compare.
  func run(file: String, json: Bool) throws {
    let column = try heldOut
    var predictions: [ServingPrediction] = []
    var impossible: [ImpossibleTime] = []
    for machine in try rows.groups(file: file, fits: calibrate != nil) {
      let own = try ImpossibleTime.all(in: machine.points, on: machine.profile)
      predictions += try predict(machine, leavingOut: column, own)
      impossible += own
    }
    if let identifier {
      predictions = predictions.filter { $0.row.identifier == identifier }
      impossible = impossible.filter { $0.row.identifier == identifier }
    }
    if predictions.isEmpty {
      throw ScenarioError([
        Diagnostic(
          Position(file: file, line: 1), path: "", found: "there is nothing to compare in the chosen rows",
          accepted: "rows with measured times that the profile predicts")
      ])
    }
    if limit != nil, !predictions.contains(where: { Self.limited.contains($0.metric) }) {
      throw ValidationError(
        "nothing to hold against --max-mape: the chosen rows have none of "
          + "\(Self.limited.map(\.rawValue).joined(separator: ", "))")
    }
    let report = MeasuredReport(
      predictions: predictions, impossible: impossible, column: column, scheme: calibrate ?? "profile",
      command: command(file))
    printOutput(json ? report.json.text() + "\n" : report.text)
    guard let limit else { return }
    var tooLarge: [String] = []
    for metric in Self.limited {
      let own = predictions.filter { $0.metric == metric }
      guard !own.isEmpty else { continue }
      let mean = ServingAccuracy(own).mean
      if !(mean <= limit) {
        let percent = NumberFormat.percent(decimals: 2)
        tooLarge.append("\(metric.rawValue) \(percent.text(mean)) of \(own.count)")
      }
    }
    guard !tooLarge.isEmpty else { return }
    printError(
      "error: --max-mape \(limit): larger mean errors than that, in percent: \(tooLarge.joined(separator: ", ")) measured times"
    )
    throw ExitCode.failure
  }

  private func predict(
    _ machine: MeasuredMachine, leavingOut column: MeasuredColumn?, _ impossible: [ImpossibleTime]
  ) throws -> [ServingPrediction] {
    guard let column else { return try ServingPrediction.predict(machine.points, on: machine.profile.expected) }
    let path = "leave-one-out=\(column.rawValue)"
    try ImpossibleTime.refuse(impossible, path: path)
    if column != .engineVersion { warnOfVersions(machine) }
    let values = column.values(of: machine.points.map(\.row))
    if values.count < 2 {
      throw ScenarioError([
        Diagnostic(
          machine.points[0].row.position, path: path,
          found: "all rows of \(machine.profile.name) have \(values.first.map { $0.isEmpty ? "none" : $0 } ?? "none")",
          accepted: "at least two values, so that rows are left to fit to")
      ])
    }
    do {
      return try ServingHoldOut(machine.points, base: machine.profile).predictions(leavingOut: column)
    } catch let error as ServingFitError {
      throw error.refusal(of: machine.points, path: path)
    }
  }

  /// Versions of an engine are different programs: that they are fitted together is said.
  private func warnOfVersions(_ machine: MeasuredMachine) {
    let rows = machine.points.map(\.row)
    for engine in MeasuredColumn.engine.values(of: rows) {
      let versions = MeasuredColumn.engineVersion.values(of: rows.filter { $0.engine == engine })
      guard versions.count > 1 else { continue }
      let names = versions.map { $0.isEmpty ? "an unnamed one" : $0 }.joined(separator: ", ")
      printError(
        "warning: rows of \(versions.count) versions of \(engine) (\(names)) are fitted together; "
          + "--only engine_version=VERSION chooses one")
    }
  }

  /// This command, without what only chooses the rows that are printed.
  private func command(_ file: String) -> String {
    var words = ["photon", "validate", "--measured", file]
    if let profile = rows.profile { words += ["--profile", profile] }
    if let calibrate { words += ["--calibrate", calibrate] }
    for model in rows.models { words += ["--model", model] }
    for choice in rows.only { words += ["--only", choice] }
    for filled in rows.filling { words += ["--with", filled] }
    if rows.latency != .exclusive { words += ["--latency", rows.latency.rawValue] }
    return words.map(shellQuoted).joined(separator: " ")
  }
}

/// How far predictions are from measured rows, by metric and group.
private struct MeasuredReport {
  var predictions: [ServingPrediction]
  var impossible: [ImpossibleTime]
  var column: MeasuredColumn?
  var scheme: String
  var command: String

  private var metrics: [MeasuredMetric] {
    MeasuredMetric.allCases.filter { metric in predictions.contains { $0.metric == metric } }
  }

  private func worst(_ metric: MeasuredMetric) -> [ServingPrediction] {
    let own = predictions.filter { $0.metric == metric }
    return Array(own.sorted { abs($0.errorPercent) > abs($1.errorPercent) }.prefix(5))
  }

  private func reproduction(_ prediction: ServingPrediction) -> String {
    command + " --row " + shellQuoted(prediction.row.identifier)
  }

  /// All predictions of a metric, then by the values of the columns that differ.
  private func groups(_ metric: MeasuredMetric) -> [(name: String, predictions: [ServingPrediction])] {
    let own = predictions.filter { $0.metric == metric }
    var groups = [(name: "all", predictions: own)]
    let always = [MeasuredColumn.model, .hardware, .engine, .precision]
    let columns = always + (always.contains { $0 == column } ? [] : [column].compactMap { $0 })
    for column in columns {
      let values = column.values(of: own.map(\.row))
      guard values.count > 1 else { continue }
      groups += values.map { value in
        ("\(column.rawValue) \(value)", own.filter { column.value(of: $0.row) == value })
      }
    }
    return groups
  }

  var text: String {
    var table = Table(title: "Predicted against measured times (\(scheme))", accuracyColumns)
    for metric in metrics {
      for group in groups(metric) {
        table.append(
          [.text(group.name), .text(metric.rawValue)] + accuracyCells(ServingAccuracy(group.predictions)))
      }
    }
    var text = impossibleText(impossible) + table.text(as: .markdown)
    for metric in metrics {
      var worst = Table(title: "Worst rows: \(metric.rawValue)", predictionColumns)
      for prediction in self.worst(metric) { worst.append(predictionCells(prediction)) }
      text += "\n" + worst.text(as: .markdown) + "\n```sh\n"
      text += self.worst(metric).map { reproduction($0) + "\n" }.joined() + "```\n"
    }
    return predictions.contains { !$0.extrapolated.isEmpty } ? text + "\n" + extrapolationNote : text
  }

  var json: JSON {
    .object([
      ("timed", .array(metrics.map(json))),
      (
        "impossible",
        .array(
          impossible.map { time in
            .object([
              ("id", .string(time.row.identifier)), ("line", JSON(time.row.position.line ?? 0)),
              ("metric", .string(time.metric.rawValue)), ("measured_s", .number(time.measured)),
              ("floor_s", .number(time.floor)),
            ])
          })
      ),
    ])
  }

  private func json(_ metric: MeasuredMetric) -> JSON {
    let groups = groups(metric)
    return .object(
      [("metric", .string(metric.rawValue)), ("scheme", .string(scheme))]
        + figures(ServingAccuracy(groups[0].predictions))
        + [
          (
            "groups",
            .array(
              groups.dropFirst().map { group in
                .object([("group", .string(group.name))] + figures(ServingAccuracy(group.predictions)))
              })
          ),
          ("rows", .array(groups[0].predictions.map { .object(row($0)) })),
          (
            "worst_rows",
            .array(worst(metric).map { .object(row($0) + [("reproduce", .string(reproduction($0)))]) })
          ),
        ])
  }

  private func figures(_ accuracy: ServingAccuracy) -> [(key: String, value: JSON)] {
    [
      ("points", JSON(accuracy.count)), ("n", JSON(accuracy.count)), ("mape_percent", .number(accuracy.mean)),
      ("median_percent", .number(accuracy.median)), ("p90_percent", .number(accuracy.ninetieth)),
      ("worst_percent", .number(accuracy.worst)), ("bias_percent", .number(accuracy.bias)),
      ("r2", JSON(accuracy.determination)), ("extrapolated", JSON(accuracy.extrapolated)),
    ]
  }

  private func row(_ prediction: ServingPrediction) -> [(key: String, value: JSON)] {
    [
      ("id", .string(prediction.row.identifier)), ("line", JSON(prediction.row.position.line ?? 0)),
      ("measured_s", .number(prediction.measured)), ("predicted_s", .number(prediction.predicted)),
      ("floor_s", .number(prediction.floor)),
      ("error_percent", .number(prediction.errorPercent)), ("concurrency", JSON(prediction.row.concurrency)),
      ("active", JSON(prediction.active)), ("extrapolated", .array(prediction.extrapolated.map { .string($0) })),
      ("fitted_to", .string(prediction.fittedTo)),
    ]
  }
}
