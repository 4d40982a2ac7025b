import Architectures
import ArgumentParser
import Foundation
import Quantities
import Reports
import Scenarios
import Validation

/// Checks the formulas against the executed model.
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Compares every formula with the executed model, as integers.",
    discussion: """
      Runs the scenario's models on shapes, adds up the operations that were dispatched, and compares every level, side,
      component, phase and quantity, and the bytes that caches hold, with the closed forms. Then does the same on a grid
      of small hierarchies; --exhaustive takes the whole of it.

        photon validate scenarios/quickstart.yaml

      Exit code 0 means that every integer agreed, 1 that one did not.
      """)

  @OptionGroup var options: ScenarioOptionsGroup

  @Flag(help: "The whole grid of small hierarchies, not a sample of it.")
  var exhaustive = false

  @Option(help: "table or json.")
  var format: OutputFormat = .table

  func run() throws {
    let scenario = try options.scenario()
    let points = Array(scenario.grid.points)
    var result = ExactResult()
    for point in points {
      for model in [point.model] + scenario.compare.map(\.model) {
        result += try validateExactly([GridPoint(model: model, workload: point.workload)], point.precision)
      }
    }
    let grid = ExactGrid.baselines + ExactGrid().allPoints(every: exhaustive ? 1 : 7)
    // Element types that differ from one another, so that no figure agrees in the wrong unit.
    result += try validateExactly(grid, Precision(weights: .int8, activations: .bf16, cache: .int4))
    print(result)
    if result.mismatchCount > 0 { throw ExitCode.failure }
  }

  private func print(_ result: ExactResult) {
    switch format {
    case .json:
      printOutput(
        """
        {"exact": {"points": \(result.points), "checked": \(result.checked), "mismatches": \(result.mismatchCount)}, \
        "timed": []}

        """)
    case .table, .csv:
      for mismatch in result.mismatches { printOutput("mismatch: \(mismatch)\n") }
      printOutput("\(result.points) points, \(result.checked) integers compared, \(result.mismatchCount) mismatches\n")
    }
  }
}
