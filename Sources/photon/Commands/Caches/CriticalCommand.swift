import Architectures
import ArgumentParser
import Experiments
import Rendering
import Reports
import Scenarios

/// `photon critical`
struct CriticalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "critical",
    abstract: "Trains small models on tasks and measures how little of their caches still answers.",
    discussion: """
      Trains the scenario's quality sweep, lets every model answer with every method and budget of the section \
      cache_quality, and writes a report of score against KV footprint with the critical footprints \
      (docs/footprint.md). Answers stand in FOLDER/critical.jsonl as soon as they are known, so that the same command \
      goes on where it was stopped; models stay in runs/NAME.

        photon critical scenarios/critical-quick.yaml
      """)

  @OptionGroup var options: ScenarioOptionsGroup

  @Option(name: .shortAndLong, help: "Where to write; by default reports/ and the scenario's name.")
  var output: String?

  @Flag(name: .customLong("no-measure"), help: "Trains and answers nothing: reports what the journal has.")
  var skipsMeasuring = false

  func validate() throws { try checkOutput(output) }

  func run() async throws {
    let scenario = try options.scenario()
    let folder = output ?? "reports/\(scenario.name)"
    let claim = try await claimedReport(folder)
    defer { withExtendedLifetime(claim) {} }
    let plan = try CriticalPlan(scenario)
    let subject = [options.file] + options.overrides.flatMap { ["--set", $0] }
    let runner = CriticalRunner(plan: plan, subject: subject, folder: folder)
    let failures = skipsMeasuring ? [] : try await runner.answerMissing()
    let results = try runner.results()
    guard !results.isEmpty else {
      let reason = skipsMeasuring ? "; leave --no-measure out to train" : ""
      printError("error: \(folder)/critical.jsonl: no answers to report about\(reason)")
      throw ExitCode.failure
    }
    let report = try await criticalReport(
      CriticalSubject(plan, results, command: command, journal: "critical.jsonl"))
    try report.write(to: folder)
    printOutput("\(folder)/report.md\n")
    if !failures.isEmpty {
      printError("error: \(failures.count) runs failed; the same command tries them again")
      throw ExitCode.failure
    }
  }

  /// What a reader types to get the same report.
  private var command: String {
    "photon critical \(shellQuoted(shownPath(options.file)))"
      + options.overrides.map { " --set \(shellQuoted($0))" }.joined()
  }
}
