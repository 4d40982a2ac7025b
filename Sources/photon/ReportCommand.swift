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

  func run() async throws {
    let scenario = try options.scenario(figures: reportFigureNames)
    let subject = try ReportSubject(scenario, on: options.hardware(of: scenario), command: command)
    var report = try await computedReport(subject)
    var measured = MeasuredPart()
    if !skipsMeasuring {
      measured.exact = try ExactReport(scenario, exhaustive: false, scenarioOnly: true)
      if let reason = Self.tooLarge(subject) { measured.timing = reason }
    }
    try await measured.write(to: &report)
    let folder = output ?? "reports/\(scenario.name)"
    try report.write(to: folder)
    printOutput("\(folder)/report.md\n")
  }

  /// Why no model of a scenario is timed; nil where a small machine runs the smallest in seconds.
  private static func tooLarge(_ subject: ReportSubject) -> String? {
    let smallest = subject.summaries.map(\.parameterCount).min() ?? 0
    guard smallest > 100_000_000 else { return nil }
    return
      "No model was timed: the smallest of the scenario has \(NumberFormat.si(unit: "").text(smallest)) parameters "
      + "(\(NumberFormat.binaryBytes.text(4 * smallest)) in the float32 of the executed model), and a report times models "
      + "of at most 100 M. Every time in this report is computed."
  }

  /// What a reader types to get the same report; where it is written and what it measures do not change it.
  private var command: String {
    func quoted(_ text: String) -> String {
      let isPlain = text.allSatisfy { $0.isLetter || $0.isNumber || "._-/=,:".contains($0) }
      return isPlain ? text : "'\(text)'"
    }
    let changes =
      options.overrides.map { " --set \(quoted($0))" } + options.hardwareNames.map { " --hardware \(quoted($0))" }
    return "photon report \(quoted(options.file))" + changes.joined()
  }
}
