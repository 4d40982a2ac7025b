import Architectures
import ArgumentParser
import Experiments
import Formulas
import Foundation
import Reference
import Rendering
import Scenarios
import Tensors
import Training

/// `photon train`
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a scenario's model on text, tokens or a synthetic task.",
    discussion: """
      The scenario's `train` section says how (docs/scenario-format.md). The output folder gets a log (JSON Lines) and \
      checkpoints (docs/checkpoint-format.md), each written whole or not at all. The same command goes on from the last \
      checkpoint, however the run before ended, and on the same machine with the same threads ends in the same bits as \
      one that was never interrupted.

        photon train scenarios/train-quickstart.yaml
      """)

  @OptionGroup var options: ScenarioOptionsGroup

  @Option(name: [.customShort("o"), .long], help: "The output folder; runs/NAME by default.")
  var output: String?

  @Flag(help: "Ends with an error where the output folder has no checkpoint to go on from.")
  var resume = false

  func validate() throws { try checkOutput(output) }

  func run() throws {
    let scenario = try options.scenario()
    let (model, settings) = try subject(of: scenario)
    let memory = try TrainingMemory(model, settings)
    func checkMemory(data: Int) throws {
      if let problem = memory.problem(data: data) { throw ScenarioError([scenario.diagnostic("", problem)]) }
    }
    // Before the data are read, and with what they take.
    try checkMemory(data: 0)
    let output = output ?? "runs/" + scenario.name
    let claim = try WriteClaim(folder: output)
    defer { withExtendedLifetime(claim) {} }
    let data = try load(scenario, settings, model)
    try checkMemory(data: data.bytes)
    let checkpoint = try checkpoint(in: output, scenario, model, settings, data)
    AtomicFolder.removeLeftovers(in: output, of: TrainLoop.isOwn)
    setKernelThreads(settings.threads)
    let run =
      try checkpoint.map { try TrainingRun(resuming: $0, settings, data: data) }
      ?? TrainingRun(model, settings, data: data)
    var loop = try TrainLoop(run, output: output)
    printOutput(introduction(run, memory, checkpoint))
    try loop.finish()
  }

  /// The one model of the scenario and how it learns.
  private func subject(of scenario: Scenario) throws -> (Model, TrainingSettings) {
    guard let settings = scenario.train else {
      throw ScenarioError([
        Diagnostic(
          Position(file: scenario.file, line: 1), path: "", found: "the key train is missing",
          accepted: "a section that says how to train, for example train: {data: {text: [book.txt]}}")
      ])
    }
    let models = Set(scenario.grid.models.compactMap { $0?.model })
    guard let model = models.first, models.count == 1 else {
      throw ScenarioError([
        scenario.diagnostic("", Problem("model", "\(models.count) different models", accepted: "one model to train"))
      ])
    }
    let problems = Training.Objective(settings).problems(for: model)
    guard problems.isEmpty else { throw ScenarioError(problems.map { scenario.diagnostic("train", $0) }) }
    return (model, settings)
  }

  private func load(
    _ scenario: Scenario, _ settings: TrainingSettings, _ model: Model
  ) throws -> any TrainingData {
    do {
      return try settings.loadData(vocabulary: model.vocabulary, directory: ScenarioFiles.directory(of: scenario.file))
    } catch {
      throw ScenarioError([scenario.diagnostic("train", error.problem)])
    }
  }

  /// Where the run goes on; `nil` where it begins.
  private func checkpoint(
    in output: String, _ scenario: Scenario, _ model: Model, _ settings: TrainingSettings, _ data: any TrainingData
  ) throws -> Checkpoint? {
    guard let folder = try Checkpoint.latest(in: output) else {
      guard !resume else { throw CheckpointError("\(output): no checkpoint to go on from") }
      return nil
    }
    let problems = try Checkpoint.readMetadata(folder).0.differences(
      model: model, settings: settings, dataFingerprint: data.fingerprint, folder: folder)
    guard problems.isEmpty else { throw ScenarioError(problems.map { scenario.diagnostic("", $0) }) }
    return try Checkpoint.load(folder)
  }

  private func introduction(_ run: TrainingRun, _ memory: TrainingMemory, _ checkpoint: Checkpoint?) -> String {
    let (settings, data) = (run.settings, run.data)
    func bits(_ nats: Double) -> String {
      NumberFormat.significant(4).text(nats / log(2)) + (settings.data.isText ? " bits per byte" : " bits per token")
    }
    var lines = ["model: \(NumberFormat.exact.text(run.weights.parameterCount)) parameters", "data: " + data.summary]
    lines.append("unigram entropy: " + bits(data.unigramEntropy))
    if let exact = data.exactLoss { lines.append("best possible: " + bits(exact)) }
    let tokens = NumberFormat.exact.text(Int128(settings.steps * settings.tokensPerStep))
    lines.append("run: \(settings.steps) steps of \(settings.tokensPerStep) tokens, \(tokens) in all")
    let demand = memory.demand(data: data.bytes)
    lines.append("memory: \(NumberFormat.binaryBytes.text(demand.bytes)) predicted (\(demand.text))")
    if let checkpoint { lines.append("goes on after step \(run.step) from \(checkpoint.folder)") }
    return lines.joined(separator: "\n") + "\n"
  }
}
