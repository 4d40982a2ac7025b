import ArgumentParser
import Experiments
import Rendering
import Scenarios
import Validation

/// `photon measure`
struct MeasureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "measure",
    abstract: "Runs a scenario's models on this machine and times them beside the prediction.",
    discussion: """
      Calibrates the machine, runs every workload (warm-up, repetitions, median, spread, a fixed number of threads: the
      scenario's `measure` section), and once more at twice the batch and at twice the prompt: how time grows there tells
      what it was spent on. Everything runs in float32.

        photon measure scenarios/quickstart.yaml
      """)

  @OptionGroup var options: ScenarioOptionsGroup
  @OptionGroup var measuring: MeasuringOptions

  @Flag(help: "Measured and predicted time of every level, side and component instead of whole phases.")
  var nodes = false

  @Option(help: "table, json or csv.")
  var format: OutputFormat = .table

  func run() throws {
    let scenario = try options.scenario()
    if nodes {
      let saved = try measuring.savedProfile(near: scenario.file)
      let table = try measuredNodes(scenario, saved: saved)
      guard !table.rows.isEmpty else { throw nothing }
      return printOutput(table.text(as: format.tableFormat))
    }
    let measured = try measuring.measured(scenario)
    for line in measured.leftOut { printError(line) }
    guard !measured.results.isEmpty else { throw nothing }
    printOutput(measured.pointTable.text(as: format.tableFormat))
    if format == .table { printOutput(measured.agreementText) }
  }

  private var nothing: ValidationError {
    ValidationError(
      "nothing was measured: no point of \(options.file) fits this machine, the time limit and the constraints; make one "
        + "smaller, for example with --set workload.batch=1, or raise --time-limit")
  }
}
