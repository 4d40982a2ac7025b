import Architectures
import ArgumentParser
import Formulas
import Hardware
import Quantities
import Rendering
import Reports
import Scenarios

extension Engine {
  /// The engines that a command line can name.
  static let named: [Engine] = [.ideal, .eager]
}

/// `photon compare`
struct CompareCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Splits the ratio of two scenarios into factors that multiply back to it.",
    discussion: """
      Time is compared at the scenarios' own batches; throughput and TPM at the largest batch that fits, first both at \
      A's batch, then B's batch changes to its own. A preset is a scenario too:

        photon compare scenarios/models/{vanilla,photon}-1.2b.yaml

      Factors: arithmetic, weights, cache, intermediates (activations, stored scores) and overhead are what time is \
      spent on; batch is what more memory per prompt forbids; in TPM memory counts again. A side whose own batch does \
      not fit is told, and JSON and CSV have fits and largest_batch beside the values of both.
      """)

  @Argument(help: "Scenario A, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var first: String

  @Argument(help: "Scenario B.", completion: .file(extensions: ["yaml", "yml"]))
  var second: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Replaces a key of both, for example workload.batch=8; may be repeated.", valueName: "key=value")
  )
  var overrides: [String] = []

  @Option(
    name: .customLong("set-a"), help: ArgumentHelp("Replaces a key of A; may be repeated.", valueName: "key=value"))
  var firstOverrides: [String] = []

  @Option(
    name: .customLong("set-b"), help: ArgumentHelp("Replaces a key of B; may be repeated.", valueName: "key=value"))
  var secondOverrides: [String] = []

  @Option(name: .customLong("point-a"), parsing: .unconditional, help: "Which point of A's grid, counted from 0.")
  var firstPoint = 0

  @Option(name: .customLong("point-b"), parsing: .unconditional, help: "Which point of B's grid, counted from 0.")
  var secondPoint = 0

  @Option(name: .customLong("hardware"), help: "A profile instead of the first one of each scenario.")
  var hardwareName: String?

  @Option(help: "How operations run: ideal (fused, in place) or eager (launches, copies, stored scores).")
  var engine = Engine.ideal.name

  @Option(help: "table, json or csv.")
  var format = OutputFormat.table

  func validate() throws {
    let names = Engine.named.map(\.name)
    guard names.contains(engine) else {
      throw ValidationError("--engine takes \(names.joined(separator: " or ")), not \(engine)")
    }
  }

  func run() async throws {
    let (a, first, firstMisfit) = try side(first, firstOverrides, firstPoint)
    let (b, second, secondMisfit) = try side(second, secondOverrides, secondPoint)
    let comparison = PointComparison(a, b)
    switch format {
    case .table:
      let misfits = [("A", firstMisfit), ("B", secondMisfit)].compactMap { name, misfit in
        misfit.map { "\(name): \($0)" }
      }
      printOutput(comparison.text(first, second, misfits: misfits))
    case .json, .csv: printData(comparison.table.text(as: format.tableFormat))
    }
  }

  /// A point ready to be compared, what it is in words, and what is to be said where its batch does not fit.
  private func side(_ file: String, _ own: [String], _ index: Int) throws -> (ComparedPoint, String, misfit: String?) {
    var options = ScenarioOptionsGroup()
    (options.file, options.overrides) = (file, overrides + own)
    options.hardwareNames = hardwareName.map { [$0] } ?? []
    let scenario = try options.scenario()
    let chosen = try scenario.grid.chosenPoint(index, file: file)
    let profile = try options.hardware(of: scenario)[0]
    let engine = Engine.named.first { $0.name == self.engine }!
    let point = try ComparedPoint(chosen.question, on: profile, engine: engine)
    let workload = chosen.workload
    let text =
      "\(visible(chosen.name)) on \(visible(profile.name)), P = \(workload.promptLength), G = \(workload.generatedLength), K = "
      + "\(workload.continuations), batch \(workload.batchSize), "
      + (point.fits ? "largest \(point.batch)" : "which does not fit: no throughput")
    let misfit =
      point.use.fits
      ? nil
      : point.use.misfit(
        batch: workload.batchSize, on: visible(profile.name),
        devicesNeeded: try devicesNeeded(chosen.question, on: profile))
    return (point, text, misfit)
  }
}
