import ArgumentParser
import Experiments
import Foundation
import GSL
import Hardware
import Quantities
import Rendering
import Scenarios
import ServingRows

/// `photon calibrate --from FILE`
struct CalibrateFromOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Fits measured rows (docs/measurements.md) instead of measuring: a table, or what a benchmark tool of vLLM, SGLang or "
        + "GuideLLM wrote.", valueName: "file.csv or file.json"),
    completion: .file(extensions: ["csv", "json", "jsonl"]))
  var from: String?

  @Option(
    help: ArgumentHelp(
      "A fitted profile towards which the fit pulls, for few rows of another model on its card.",
      valueName: "name or file"))
  var prior: String?

  @OptionGroup var rows: MeasuredRowsOptions

  /// Fits a profile for each engine, version and precision of each machine, prints how well it explains the rows, and writes it.
  /// - Parameter output: a profile's file, or a folder; nil prints the profiles.
  func run(file: String, output: String?) throws {
    let pull = try prior.map { prior in
      ServingPull(towards: try typedProfile(prior, option: "--prior", near: file))
    }
    let machines = try rows.groups(file: file, fits: true)
    let sets = rows.pool ? machines.map(FittedSet.init(pooled:)) : machines.flatMap(FittedSet.split)
    if let output, output.hasSuffix(".yaml"), sets.count > 1 {
      throw ValidationError(
        "the rows make \(sets.count) profiles (\(sets.map(\.name).joined(separator: ", "))); name a folder with -o, "
          + "or choose one with --only engine=NAME, --only engine_version=VERSION or --only precision=NAME")
    }
    let fits = try sets.map { try $0.fit(source: file, pull: pull ?? .typical) }
    for fit in fits { printOutput(fit.text) }
    for fit in fits {
      guard let output else {
        printOutput("\n" + HardwareFile.text(fit.profile))
        continue
      }
      let isFile = output.hasSuffix(".yaml")
      var profile = fit.profile
      if isFile { profile.name = URL(filePath: output).deletingPathExtension().lastPathComponent }
      let path = isFile ? output : "\(output)/\(profile.name).yaml"
      try HardwareFile.write(profile, to: path)
      printOutput("\nfitted \(profile.name); written to \(path)\n")
    }
  }
}

/// Rows of one engine, version and precision on one machine.
private struct FittedSet {
  var name: String
  var base: HardwareProfile
  var points: [ServingPoint]

  /// All rows, whatever their engine and precision.
  init(pooled machine: MeasuredMachine) {
    self.init(name: machine.profile.name + "-pooled", base: machine.profile, points: machine.points)
  }

  private init(name: String, base: HardwareProfile, points: [ServingPoint]) {
    (self.name, self.base, self.points) = (name, base, points)
  }

  static func split(_ machine: MeasuredMachine) -> [FittedSet] {
    func label(_ point: ServingPoint) -> String {
      [MeasuredColumn.engine, .engineVersion, .precision].map { $0.value(of: point.row) }.filter { !$0.isEmpty }.joined(
        separator: "-")
    }
    return Set(machine.points.map(label)).sorted().map { own in
      let safe = own.lowercased().map { $0.isLetter || $0.isNumber || $0 == "." ? $0 : "-" }
      return FittedSet(
        name: machine.profile.name + "-" + String(safe), base: machine.profile,
        points: machine.points.filter { label($0) == own })
    }
  }

  func fit(source: String, pull: ServingPull) throws -> FittedProfile {
    let impossible = try ImpossibleTime.all(in: points, on: base)
    try ImpossibleTime.refuse(impossible, path: name)
    do {
      var fit = try chosenFit(points, base: base, pull: pull)
      fit.profile.name = name
      fit.profile.source = "fitted to \(URL(filePath: source).lastPathComponent), on top of \(base.name)"
      if !impossible.isEmpty {
        fit.profile.source += "; \(impossible.count) of its times are shorter than the machine's peaks allow"
      }
      let held = try ServingHoldOut(points, base: base, pull: pull).columns()
      if !held.residuals.isEmpty { fit.profile.calibration?.residuals = held.residuals }
      return FittedProfile(source: source, fit: fit, held: held, impossible: impossible)
    } catch let error as ServingFitError {
      throw error.refusal(of: points, path: name)
    }
  }
}

/// A fit with its errors, as a person reads it.
private struct FittedProfile {
  var source: String
  var fit: ServingFit
  var held: HeldOutColumns
  var impossible: [ImpossibleTime]

  var profile: HardwareProfile { fit.profile }

  var text: String {
    let fitted = fit.predictions.count { $0.metric != .timeToFirstToken }
    return "\n" + impossibleText(impossible) + """
      # \(profile.name): \(fitted) measured times, \(fit.form.coefficients.count) coefficients (form \(fit.form.name))

      \(coefficients.text(as: .markdown))
      \(holdOuts.text(as: .markdown))\(droppedNote)
      \(residuals.text(as: .markdown))
      """
      + (fit.predictions.contains { !$0.extrapolated.isEmpty } ? "\n" + extrapolationNote : "")
  }

  private var coefficients: Table {
    var table = Table(
      title: "Coefficients",
      [
        .text("coefficient"), Column("value", "value", as: .significant(4)),
        Column("standard_error", "standard error", as: .significant(2)), .text("determined", "from"),
      ])
    for value in fit.values {
      table.append([
        .text(value.coefficient.rawValue), Cell(value.value), Cell(value.standardError),
        .text(value.isDetermined ? "the rows" : "typical machines: the rows do not determine it"),
      ])
    }
    if let serving = profile.serving {
      let (name, count) =
        switch serving.passBudget {
        case .prompts(let count): ("prompts_per_pass", count)
        case .tokens(let count): ("token_budget", count)
        }
      table.append([.text("serving: \(name)"), Cell(count), .missing, "first tokens, of a few habits"])
      table.append(["serving: length_ratio", Cell(serving.lengthRatio), .missing, "first tokens, of a few habits"])
      table.append(["serving: idle_slots", Cell(serving.idleSlots), .missing, "first tokens, of a few habits"])
      table.append([
        "serving: first_token_overhead_s", Cell(serving.firstTokenOverhead.value), .missing, "first tokens",
      ])
    }
    return table
  }

  private var holdOuts: Table {
    var table = Table(title: "Errors of rows that the fit did not see, one group left out at a time", accuracyColumns)
    for (column, accuracy) in held.errors {
      for metric in MeasuredMetric.allCases {
        guard let figures = accuracy[metric] else { continue }
        table.append([.text(column.rawValue), .text(metric.rawValue)] + accuracyCells(figures))
      }
    }
    return table
  }

  /// A column that is missing from the table of errors would otherwise look like one with a single value.
  private var droppedNote: String {
    held.dropped.map { "\n\($0.column.rawValue) is not left out: without one of its values, \($0.reason)\n" }.joined()
  }

  private var residuals: Table {
    var table = Table(title: "Residuals of the rows that were fitted", predictionColumns)
    for prediction in fit.predictions { table.append(predictionCells(prediction)) }
    return table
  }
}

/// Names each time that the machine cannot have taken, with a warning above; nothing where there is none.
func impossibleText(_ times: [ImpossibleTime]) -> String {
  guard !times.isEmpty else { return "" }
  var table = Table(
    title: "Times shorter than the work takes at the machine's peaks",
    [
      .text("id"), .text("metric"), Column("line", "line", as: .exact),
      Column("measured_s", "measured", as: .si(unit: "s")), Column("floor_s", "at the peaks", as: .si(unit: "s")),
    ])
  for time in times {
    table.append([
      .text(time.row.identifier), .text(time.metric.rawValue), Cell(time.row.position.line ?? 0), Cell(time.measured),
      Cell(time.floor),
    ])
  }
  return """
    WARNING: \(times.count) measured \(times.count == 1 ? "time is" : "times are") shorter than the machine's peaks \
    allow: another precision than the row says, prompts that a cache held, or a latency of another definition. What is \
    fitted to them, and how far they are from predictions, says nothing about the machine.

    \(table.text(as: .markdown))

    """
}

let accuracyColumns =
  [Column.text("group"), .text("metric"), Column("n", "n", as: .exact)]
  + [
    ("mean_percent", "mean"), ("median_percent", "median"), ("p90_percent", "90th percentile"),
    ("worst_percent", "worst"), ("bias_percent", "bias"),
  ].map { Column($0.0, $0.1, as: .percent(decimals: 2)) }
  + [Column("r2", "R²", as: .fixed(decimals: 4)), Column("extrapolated", "extrapolated", as: .exact)]

func accuracyCells(_ accuracy: ServingAccuracy) -> [Cell] {
  [
    Cell(accuracy.count), Cell(accuracy.mean), Cell(accuracy.median), Cell(accuracy.ninetieth), Cell(accuracy.worst),
    Cell(accuracy.bias), Cell(accuracy.determination), Cell(accuracy.extrapolated),
  ]
}

let predictionColumns: [Column] = [
  .text("id"), .text("metric"), Column("concurrency", "concurrency", as: .exact),
  Column("active", "running", as: .exact), Column("measured_s", "measured", as: .si(unit: "s")),
  Column("predicted_s", "predicted", as: .si(unit: "s")), Column("floor_s", "at the peaks", as: .si(unit: "s")),
  Column("error_percent", "error", as: .percent(decimals: 2)),
  .text("extrapolated", "outside the fitted range"),
]

func predictionCells(_ prediction: ServingPrediction) -> [Cell] {
  [
    .text(prediction.row.identifier), .text(prediction.metric.rawValue), Cell(prediction.row.concurrency),
    Cell(prediction.active), Cell(prediction.measured), Cell(prediction.predicted), Cell(prediction.floor),
    Cell(prediction.errorPercent),
    .text(prediction.extrapolated.map { $0 + " *" }.joined(separator: ", ")),
  ]
}

let extrapolationNote = "* outside the range of the rows that were fitted: an extrapolation\n"
