import Architectures
import ArgumentParser
import Experiments
import Hardware
import Quantities
import Rendering
import Reports
import Scenarios

struct ReportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Writes a Markdown report with figures about a scenario.",
    discussion: """
        photon report scenarios/quickstart.yaml

      writes reports/quickstart/report.md and its SVG figures. Two runs write the same bytes in the computed part.

        photon report scenarios/quality-quick.yaml

      trains small models first, because the scenario has a quality sweep (docs/scenario-format.md). Runs that \
      reports/NAME/runs.jsonl has are not trained again; a sweep that is stopped goes on.

        photon report scenarios/measured-sweep.yaml

      measures the points that the scenario's `measure.slices` and `measure.sample` choose, in less than 40 minutes, and \
      compares them with predictions. Points that reports/NAME/measured.jsonl has are not measured again. Exit code 75 \
      means that other programs disturbed more than a fifth of them, so that nothing is decided.
      """)

  @OptionGroup var options: ScenarioOptionsGroup

  @Option(name: .shortAndLong, help: "Where to write; by default reports/ and the scenario's name.")
  var output: String?

  @Flag(name: .customLong("no-measure"), help: "Leaves out everything that runs models on this machine.")
  var skipsMeasuring = false

  @Option(
    name: .customLong("time-limit"),
    help: ArgumentHelp(
      "Of a measured sweep: ends measuring after so long, calibration not counted; the same command goes on.",
      valueName: "seconds"))
  var timeLimit = 2400.0

  @OptionGroup var measuring: MeasuringOptions

  func validate() throws {
    try checkOutput(output)
    if !(timeLimit > 0) { throw ValidationError("--time-limit takes a number above 0") }
  }

  func run() async throws {
    let scenario = try options.scenario()
    let folder = output ?? "reports/\(scenario.name)"
    let claim = try await claimedReport(folder)
    defer { withExtendedLifetime(claim) {} }
    if !scenario.published.isEmpty {
      try await reportPublished(scenario, in: folder)
    } else if scenario.qualitySweep != nil {
      try await reportQuality(scenario, in: folder)
    } else if let replayed = scenario.replayed {
      try await reportReplayed(scenario, replayed, in: folder)
    } else if scenario.measure.slices != nil {
      try await reportSweep(scenario, in: folder)
    } else {
      try await reportComputed(scenario, in: folder)
    }
  }

  /// Every number from the formulas, and a part that was executed.
  private func reportComputed(_ scenario: Scenario, in folder: String) async throws {
    let subject = try ReportSubject(
      scenario, on: options.hardware(of: scenario), command: command, answers: criticalAnswers(scenario),
      times: timedMethods(scenario))
    printRemarks(subject.remarks)
    var report = try await computedReport(subject)
    var measured = MeasuredPart()
    if !skipsMeasuring {
      measured.exact = try ExactReport(scenario, exhaustive: false, scenarioOnly: true)
      measured.measured = try measuring.measured(scenario)
    }
    try await measured.write(to: &report)
    try report.write(to: folder)
    printOutput("\(folder)/report.md\n")
  }

  /// What small models answered, where the scenario names a journal of `photon critical`.
  private func criticalAnswers(_ scenario: Scenario) throws -> CriticalSubject? {
    guard let source = scenario.critical else { return nil }
    let plan = try CriticalPlan(quoted(source.scenario))
    let names = plan.quality.sweep.datasets.map(\.name)
    if let unknown = source.data?.first(where: { !names.contains($0) }) {
      throw ScenarioError([
        scenario.diagnostic(
          "critical",
          Problem(
            "data", "\(shownPath(source.scenario)) has no dataset \"\(unknown)\"",
            accepted: names.joined(separator: ", ")))
      ])
    }
    return try CriticalSubject(
      plan, CriticalJournal(path: source.journal).results(of: plan),
      command: "photon critical \(shellQuoted(shownPath(source.scenario)))", journal: source.journal)
  }

  /// What small models took, where the scenario names rows of `photon measure`.
  private func timedMethods(_ scenario: Scenario) throws -> TimedMethods? {
    try scenario.timed.map { try TimedMethods($0, of: quoted($0.scenario)) }
  }

  /// A scenario whose results another one quotes.
  private func quoted(_ file: String) throws -> Scenario {
    try Scenario(file: file, options: ScenarioOptions(searchPaths: searchPaths, figures: reportFigureNames))
  }

  /// Published tables beside predictions; nothing is executed for them.
  private func reportPublished(_ scenario: Scenario, in folder: String) async throws {
    let library = hardwareLibrary(near: options.file)
    let subject = try PublishedSubject(scenario, command: command) { name, position in
      try remarked(library.profile(name, at: position, path: "hardware"))
    }
    printRemarks(subject.remarks)
    try await publishedReport(subject).write(to: folder)
    printOutput("\(folder)/report.md\n")
  }

  /// Times that another machine measured; nothing is executed for them.
  private func reportReplayed(_ scenario: Scenario, _ source: ReplayedRows, in folder: String) async throws {
    let subject = try TimedSubject(
      scenario, source, on: onlyProfile(scenario, for: []), searchPaths: searchPaths, command: command)
    printRemarks(subject.remarks)
    try await measuredReport(subject).write(to: folder)
    printOutput("\(folder)/report.md\n")
  }

  /// - Throws: `ScenarioError` where the scenario names several.
  private func onlyProfile(_ scenario: Scenario, for precisions: [Precision]? = nil) throws -> HardwareProfile {
    let profiles = try options.hardware(of: scenario, for: precisions)
    guard profiles.count == 1 else {
      let problem = Problem("hardware", "\(profiles.count) profiles", accepted: "the one that models are priced on")
      throw ScenarioError([scenario.diagnostic("", problem)])
    }
    return profiles[0]
  }

  /// Measured points beside predictions: measures what is missing, unless nothing is to be measured.
  private func reportSweep(_ scenario: Scenario, in folder: String) async throws {
    let sweep = try SweepReport(
      scenario, in: folder, command: command, measures: !skipsMeasuring, timeLimit: timeLimit,
      pointLimit: measuring.pointLimit)
    for remark in sweep.remarks { printError(remark) }
    try await measuredReport(sweep.subject).write(to: folder)
    printOutput("\(folder)/report.md\n")
    if !sweep.isDecided { throw ExitCode.notDecided }
  }

  /// Quality beside cost: trains what is missing, unless nothing is to be measured.
  private func reportQuality(_ scenario: Scenario, in folder: String) async throws {
    let profile = try onlyProfile(scenario)
    let plan = try QualityPlan(scenario)
    let journal = QualityJournal(path: folder + "/runs.jsonl")
    let subject = [options.file] + options.overrides.flatMap { ["--set", $0] }
    let runner = try QualityRunner(plan: plan, subject: subject, journal: journal)
    let failures = skipsMeasuring ? [] : try await runner.trainMissing()
    var data = SweepData()
    let results = try journal.results(of: plan, &data)
    guard results.contains(where: { $0.run.dataset == plan.sweep.datasets[0].name }) else {
      let found = "\(journal.path): no finished run on \(plan.sweep.datasets[0].name) to report about"
      // Where training was asked for it has failed; else there was nothing to report from the beginning.
      guard !skipsMeasuring else { throw ValidationError(found + "; leave --no-measure out to train") }
      printError("error: " + found)
      throw ExitCode.failure
    }
    for run in plan.runs where run.seed == plan.runs[0].seed && run.variant.name == plan.runs[0].variant.name {
      do {
        _ = try data.data(of: run)
      } catch {
        printError("the data of \(run.dataset) cannot be read, so its runs are taken as recorded: \(sentence(error))")
      }
    }
    let quality = try QualitySubject(plan, results, on: profile, command: command, journal: "runs.jsonl")
    try await qualityReport(quality).write(to: folder)
    printOutput("\(folder)/report.md\n")
    if !failures.isEmpty {
      printError("error: \(failures.count) runs failed; the same command tries them again")
      throw ExitCode.failure
    }
  }

  /// What a reader types to get the same report; where it is written and what it measures do not change it.
  private var command: String {
    let changes =
      options.overrides.map { " --set \(shellQuoted($0))" }
      + options.hardwareNames.map { " --hardware \(shellQuoted(shownPath($0)))" }
    return "photon report \(shellQuoted(shownPath(options.file)))" + changes.joined()
  }
}
