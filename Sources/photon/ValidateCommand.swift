import ArgumentParser
import Reports
import Scenarios
import Validation

/// Checks the formulas against the executed model.
struct ValidateCommand: ParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument { case table, json }

  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Compares every formula with the executed model, as integers.",
    discussion: """
      Runs the scenario's models on shapes, adds up the operations that were dispatched, and compares every level, \
      side, component, phase and quantity, and the bytes that caches hold, with the closed forms. Then does the same on \
      a grid of small hierarchies and a seeded sample of larger ones. A mismatch is printed with the command that shows \
      it again. docs/validate-json.md describes the JSON object.

        photon validate scenarios/quickstart.yaml

      Exit code 0 means that every integer agreed, 1 that one did not.
      """)

  @OptionGroup var options: ScenarioOptionsGroup

  @Flag(help: "The whole grid of small hierarchies and a longer sample.")
  var exhaustive = false

  @Flag(help: "Only the scenario's own points.")
  var scenarioOnly = false

  @Option(help: "table or json.")
  var format = Format.table

  func run() throws {
    let scenario = try options.scenario()
    let exact = try ExactReport(scenario, exhaustive: exhaustive, scenarioOnly: scenarioOnly)
    switch format {
    case .json: printOutput(JSON.object([("exact", exact.json), ("timed", .array([]))]).text() + "\n")
    case .table: printOutput(exact.text)
    }
    if exact.result.mismatchCount > 0 { throw ExitCode.failure }
  }
}
