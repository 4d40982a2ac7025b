import ArgumentParser
import Experiments
import Rendering
import Scenarios
import Validation

/// Checks the formulas against the executed model.
struct ValidateCommand: ParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument { case table, json }

  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Compares every formula with the executed model: counts as integers, times with their errors.",
    discussion: """
      Runs the scenario's models on shapes, adds up the operations that were dispatched, and compares every level, \
      side, component, phase and quantity, and the bytes that caches hold, with the closed forms. Then does the same on \
      a grid of small hierarchies and a seeded sample of larger ones. A mismatch is printed with the command that shows \
      it again. docs/validate-json.md describes the JSON object.

      Then calibrates this machine, runs the scenario's models on it and says how far predicted times are from measured \
      ones, and how much the measured ones differ from run to run.

        photon validate scenarios/quickstart.yaml

      Exit code 0 means that every integer agreed, 1 that one did not, 64 that there was none to compare. Times change it \
      only where other programs disturbed more than a fifth of them: 75, nothing is decided about them.
      """)

  @OptionGroup var options: OptionalScenarioOptions

  @OptionGroup var measuredRows: ValidateMeasuredOptions

  @Flag(help: "The whole grid of small hierarchies and a longer sample.")
  var exhaustive = false

  @Flag(help: "Only the scenario's own points.")
  var scenarioOnly = false

  @Flag(name: .customLong("no-measure"), help: "Only the integers; nothing is timed.")
  var skipsMeasuring = false

  @OptionGroup var measuring: MeasuringOptions

  @Option(help: "table or json.")
  var format = Format.table

  func run() throws {
    if let file = measuredRows.measured {
      if let scenario = options.file {
        throw ValidationError(
          "--measured takes no scenario, and \(scenario) is one; --model NAME=FILE names a row's model")
      }
      return try measuredRows.run(file: file, json: format == .json)
    }
    let scenario = try options.scenario()
    let exact = try ExactReport(scenario, exhaustive: exhaustive, scenarioOnly: scenarioOnly)
    if let nothing = exact.nothing { throw ValidationError(nothing) }
    if format == .table { printOutput(exact.text) }
    if !skipsMeasuring { try checkStandardOutput() }
    let measured = skipsMeasuring ? nil : try measuring.measured(scenario)
    for line in measured?.leftOut ?? [] { printError(line) }
    switch format {
    case .json:
      let timed = measured?.agreementTable.json ?? .array([])
      let fitted = measured?.fittedTable.json ?? .array([])
      printData(JSON.object([("exact", exact.json), ("timed", timed), ("fitted", fitted)]).text() + "\n")
    case .table:
      if let measured, !measured.results.isEmpty { printOutput(measured.agreementText()) }
    }
    if exact.result.mismatchCount > 0 { throw ExitCode.failure }
    if measured?.verdict == .notDecided { throw ExitCode.notDecided }
  }
}
