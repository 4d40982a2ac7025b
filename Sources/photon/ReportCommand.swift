import ArgumentParser
import Hardware
import Reporting
import Reports
import Scenarios

struct ReportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Writes a Markdown report with figures about a scenario.",
    discussion: """
      photon report scenarios/quickstart.yaml

      writes reports/quickstart/report.md and its SVG figures. Two runs write the same bytes in the computed part.
      """)

  @OptionGroup var options: ScenarioOptionsGroup

  @Option(name: .shortAndLong, help: "Where to write; by default reports/ and the scenario's name.")
  var output: String?

  @Flag(name: .customLong("no-measure"), help: "Leaves out everything that runs models on this machine.")
  var skipsMeasuring = false

  @OptionGroup var measuring: MeasuringOptions

  func run() async throws {
    let scenario = try options.scenario()
    let subject = try ReportSubject(scenario, on: options.hardware(of: scenario), command: command)
    var report = try await computedReport(subject)
    var measured = MeasuredPart()
    if !skipsMeasuring {
      measured.exact = try ExactReport(scenario, exhaustive: false, scenarioOnly: true)
      measured.measured = try MeasuredScenario(scenario, measuring)
    }
    try await measured.write(to: &report)
    let folder = output ?? "reports/\(scenario.name)"
    try report.write(to: folder)
    printOutput("\(folder)/report.md\n")
  }

  /// What a reader types to get the same report; where it is written and what it measures do not change it.
  private var command: String {
    func quoted(_ text: String) -> String {
      let isPlain = text.allSatisfy { $0.isLetter || $0.isNumber || "._-/=,:".contains($0) }
      return isPlain ? text : "'\(text)'"
    }
    let changes =
      options.overrides.map { " --set \(quoted($0))" }
      + options.hardwareNames.map { " --hardware \(quoted(shownPath($0)))" }
    return "photon report \(quoted(shownPath(options.file)))" + changes.joined()
  }
}
