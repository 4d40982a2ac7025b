import ArgumentParser
import Experiments
import Foundation
import Hardware
import Measurement
import Rendering
import Scenarios
import Validation

/// `photon measure`
struct MeasureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "measure",
    abstract: "Runs a scenario's models on this machine and times them beside the prediction.",
    discussion: """
      Calibrates the machine, runs every point of the grid (warm-up, repetitions, median, spread, a fixed number of \
      threads: the scenario's `measure` section), and once more at twice the batch and at twice the prompt: how time \
      grows there tells what it was spent on. Everything runs in float32. Points are taken in an order of which every \
      beginning covers the grid evenly, so a run that --time-limit or an interrupt ends has seen all values of every \
      axis. A run that other programs disturbed does not count and is done again. With -o rows are written as soon as points are finished, and the same command goes on where it was stopped; \
      docs/measurement.md names the columns.

      Exit code 75 means that fewer than four fifths of the phases were undisturbed: the rows are written, but nothing is \
      decided about the predictions.

        photon measure scenarios/quickstart.yaml
        photon measure scenarios/chunk-condition-sweep.yaml --set model.preset=photon-tiny --time-limit 60 -o measured.csv
      """)

  @OptionGroup var options: ScenarioOptionsGroup
  @OptionGroup var measuring: MeasuringOptions

  @Flag(help: "Measured and predicted time of every level, side and component instead of whole phases.")
  var nodes = false

  @Option(parsing: .unconditional, help: "Only this point of the grid, counted from 0.")
  var point: Int?

  @Option(
    name: .customLong("time-limit"),
    help: ArgumentHelp(
      "Ends after so long, calibration not counted; no point is begun that would end later.", valueName: "seconds"))
  var timeLimit = 600.0

  @Option(
    name: [.customShort("o"), .long], help: "The file to write or to go on with: CSV, or JSON Lines if .json or .jsonl."
  )
  var output: String?

  @Option(help: "table, csv, or json for JSON Lines; by default a table, or what the file is named as.")
  var format: OutputFormat?

  @OptionGroup var lines: WidthOption

  func validate() throws {
    try checkOutput(output)
    if !(timeLimit > 0) { throw ValidationError("--time-limit takes a number above 0") }
    if output != nil, format == .table { throw ValidationError("-o takes --format csv or json, not a table") }
  }

  func run() throws {
    let load = SystemDescription.load
    let scenario = try options.scenario()
    try checkStandardOutput()
    let claim = try output.map { try WriteClaim(file: $0) }
    defer { withExtendedLifetime(claim) {} }
    let chosen = try point.map { try scenario.grid.chosenPoint($0, file: scenario.file) }
    let subjects = chosen.map { [scenario.measuredSubject(at: $0.index)] } ?? scenario.measuredSubjects
    let (profile, isNew) = try predictor(scenario)
    let destination = RowsDestination(
      path: output, format: format, title: "Measured on \(profile.description)", newProfile: isNew ? profile : nil)
    var settings = scenario.measure
    if nodes { settings.takesSigns = true }
    let sweep = try MeasuredSweep(settings, on: profile, pointLimit: measuring.pointLimit, InterruptFlag())
    let columns = MeasuredColumns(scenario, on: profile)
    if nodes {
      try measure(subjects, sweep, into: MeasuredOutput(columns.nodes, destination)) {
        try $0.nodes($1, timeLimit: timeLimit, finished: $2)
      }
    } else {
      let output = try MeasuredOutput(columns.points, destination)
      let end = try measure(subjects, sweep, into: output) { try $0.points($1, timeLimit: timeLimit, finished: $2) }
      guard !output.rows.isEmpty else { return }
      let measured = MeasuredScenario(end, output.rows, load: load)
      printOutput(measured.agreementText(width: lines.width))
      if measured.verdict == .notDecided { throw ExitCode.notDecided }
    }
  }

  /// What predicts: the profile that was named, that of the file's rows, or a new calibration.
  private func predictor(_ scenario: Scenario) throws -> (profile: HardwareProfile, isNew: Bool) {
    if let saved = try measuring.savedProfile(near: scenario.file) { return (saved, false) }
    if let output, hasRows(output) {
      let file = RowsDestination.profilePath(output)
      if FileManager.default.fileExists(atPath: file) { return (remarked(try HardwareFile.read(file: file)), false) }
      throw ValidationError(
        "\(output) has rows, and \(file), which would have predicted them, does not exist; name their profile with "
          + "--calibration, or another file with -o")
    }
    if let output { try AtomicFile.probe(RowsDestination.profilePath(output)) }
    var measured = try calibrateWithProgress(threads: scenario.measure.threads).profile
    guard let output else { return (measured, false) }
    // A profile is found by its file's name.
    measured.name = URL(filePath: RowsDestination.profilePath(output)).deletingPathExtension().lastPathComponent
    // As it will be read again: a run that goes on predicts with the same digits.
    return (try HardwareFile.parse(HardwareFile.text(measured), file: output, name: measured.name), true)
  }

  private func hasRows(_ path: String) -> Bool {
    // A file that cannot be read is complained about where it is opened.
    let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
    return size ?? 0 > 0
  }

  /// Measures what the output does not have, and says what became of the rest.
  @discardableResult
  private func measure<Row>(
    _ subjects: [MeasuredSubject], _ sweep: MeasuredSweep, into output: MeasuredOutput<Row>,
    _ run: (inout MeasuredSweep, [MeasuredSubject], (Int, [Row]) throws -> Void) throws -> MeasuredSweep.End
  ) throws -> MeasuredSweep {
    var sweep = sweep
    let missing = subjects.filter { !output.has($0) }
    let before = subjects.count - missing.count
    var count = 0
    let end = try run(&sweep, missing) { points, rows in
      try output.write(rows)
      count += points
    }
    for line in sweep.leftOut { printError(line) }
    if before + count == 0, end != .interrupted { throw nothing }
    output.finish(width: lines.width)
    let place = self.output.map { " in \($0)" } ?? ""
    let goOn = self.output == nil ? "; with -o FILE the same command goes on" : "; the same command goes on"
    let summary = "\(before + count) of \(subjects.count) points measured\(place), \(count) of them now"
    switch end {
    case .finished: if self.output != nil { printError(summary) }
    case .timeLimit:
      printError(summary + "; \(NumberFormat.si(unit: "s").text(timeLimit)) are over (--time-limit)" + goOn)
    case .interrupted:
      printError("interrupted: " + summary + goOn)
      throw ExitCode.failure
    }
    return sweep
  }

  private var nothing: ValidationError {
    ValidationError(
      "nothing was measured: no point of \(options.file) fits this machine, the limits and the constraints; make one "
        + "smaller, for example with --set workload.batch=1, or raise --time-limit or --point-limit")
  }
}
