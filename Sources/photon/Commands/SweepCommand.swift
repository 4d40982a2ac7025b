import ArgumentParser
import Experiments
import Foundation
import Hardware
import Rendering
import Scenarios

/// `photon sweep`
struct SweepCommand: AsyncParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case csv, json

    var encoding: RowEncoding { self == .csv ? .csv : .jsonLines }
  }

  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Prices every point of a scenario's grid on every hardware profile.",
    discussion: """
      One row per point and profile, in the order of the grid whatever the number of threads; \
      docs/sweep-columns.md names the columns. An interrupt leaves a valid file with the rows so far and ends with 1.

        photon sweep scenarios/chunk-condition-sweep.yaml -o sweep.csv
        photon sweep scenarios/quickstart.yaml --estimates --format json
        photon sweep scenarios/quickstart.yaml --columns point,cache_at_end_bytes
      """)

  @OptionGroup var options: ScenarioOptionsGroup

  @Option(name: [.customShort("o"), .long], help: "The file to write; standard output by default.")
  var output: String?

  @Option(help: "csv, or json for JSON Lines.")
  var format = Format.csv

  @Flag(
    help: """
      Also the times summed over dispatched operations, with efficiencies and overheads, their ranges and bottlenecks: \
      what to sort by on a calibrated profile.
      """)
  var estimates = false

  @Option(
    help: ArgumentHelp(
      "The columns of a row, in order, with commas between, those of --estimates too; an unknown name gets the list.",
      valueName: "names"))
  var columns: String?

  @Option(help: "Threads that price; all processors by default.")
  var threads = ProcessInfo.processInfo.activeProcessorCount

  func validate() throws {
    try checkOutput(output)
    try checkThreads(threads)
  }

  func run() async throws {
    let scenario = try options.scenario()
    let sweep = try Sweep(
      scenario.grid, hardware: options.hardware(of: scenario), estimates: estimates,
      columns: columns?.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
    let interrupt = InterruptFlag()
    let writer = try RowWriter(sweep.schema, format.encoding, to: output.map(RowDestination.file) ?? .standardOutput)
    let progress = ProgressBar("points", total: scenario.grid.count)
    let chunks = try sweep.run(format.encoding, threads: threads, to: writer, progress, interrupt)
    let rows = try writer.finish()
    progress.finish()
    let place = output.map { " to \($0)" } ?? ""
    if chunks < sweep.chunkCount {
      let priced = chunks * Sweep.chunkLength
      printError("interrupted after \(priced) of \(scenario.grid.count) points; wrote \(rows) rows\(place)")
      throw ExitCode.failure
    }
    if output != nil { printError("wrote \(rows) rows\(place)") }
  }
}
