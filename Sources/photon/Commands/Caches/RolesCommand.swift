import Architectures
import ArgumentParser
import Experiments
import Formulas
import Foundation
import Rendering
import Tensors
import Training

/// `photon roles`
struct RolesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "roles",
    abstract: "Learns which heads of a checkpoint keep everything and which stream.",
    discussion: """
      The weights stay; a gate for each key–value head is trained as PruLong or DuoAttention train them \
      (docs/caches/prulong.md, docs/caches/duo-attention.md). The output folder gets a log (JSON Lines), the state that \
      the same command goes on from, the checkpoint with its roles, with which generate and evaluate keep their caches, \
      and scenario.yaml, which explain, sweep and measure read.

        photon roles runs/recall --sparsity 0.5 --sinks 1 --window 8
        photon roles runs/recall-prulong --show
      """)

  @Argument(
    help: "A checkpoint's folder, or that of a training run, whose last checkpoint is taken.", completion: .directory)
  var checkpoint: String

  @Flag(help: "Prints the roles that the checkpoint has.")
  var show = false

  @Option(help: "prulong or duo-attention.")
  var method = RoleSettings.Method.pruLong

  @Option(help: "The share of heads that stream in the end.")
  var sparsity = 0.5

  @Option(help: "First entries that a streaming head keeps.")
  var sinks = 128

  @Option(help: "Latest entries that it keeps; by default 1024 with prulong, 256 with duo-attention.")
  var window: Int?

  @Option(help: "Optimiser steps; by default 1000 and 2000.")
  var steps: Int?

  @Option(help: "Sequences of a step; by default those that the model was trained with.")
  var batch: Int?

  @Option(help: "At its largest; by default 1 and 0.02.")
  var learningRate: Double?

  @Option(help: "Of the first gates, of the noise, and of the order of ties.")
  var seed = 42

  @Option(help: "prulong: heads become full by their gates, or by masks, most of which are alike: gates or masks.")
  var order = RoleSettings.Order.gates

  @Option(help: "prulong: the streaming share that is held to its target: sampled or closed-form.")
  var expectedSparsity = RoleSettings.Sparsity.sampled

  @Option(
    name: .shortAndLong,
    help: "A text file to learn from; may be repeated. By default the task that the model was trained on.",
    completion: .file())
  var data: [String] = []

  @Option(help: "Threads of the kernels.")
  var threads = 2

  @Option(name: [.customShort("o"), .long], help: "The output folder; the checkpoint's name and -roles by default.")
  var output: String?

  func validate() throws {
    try checkOutput(output)
    try checkThreads(threads)
    if !(0...Int(UInt32.max)).contains(seed) {
      throw ValidationError("--seed takes 0 to \(UInt32.max), not \(seed)")
    }
  }

  func run() throws {
    let model = try Checkpoint.readMetadata(Checkpoint.place(checkpoint)).1
    try photon.checkMemory([("parameters", model.parameterBytes)], of: checkpoint, accepted: "a smaller model")
    let loaded = try Checkpoint.load(checkpoint)
    if show { return try print(loaded) }
    var training = loaded.metadata.training
    let settings = RoleSettings(
      method, sparsity: sparsity, sinks: sinks, window: window, steps: steps, batch: batch ?? training.batch,
      learningRate: learningRate, seed: seed, order: order, expectedSparsity: expectedSparsity)
    if let problem = settings.problems(for: loaded.model, context: training.context).first {
      let isOption = problem.key != "model"
      throw ValidationError((isOption ? "--" : "") + problem.description)
    }
    if !data.isEmpty {
      training.data = TrainingSource()
      training.data.text = data
    }
    let output = output ?? defaultOutput
    let claim = try WriteClaim(folder: output)
    defer { withExtendedLifetime(claim) {} }
    let read = try readData(training, vocabulary: loaded.model.vocabulary)
    try checkMemory(loaded, settings, data: read.bytes)
    AtomicFolder.removeLeftovers(in: output, of: RoleLoop.isOwn)
    setKernelThreads(threads)
    printOutput(
      "\(loaded.folder): \(loaded.model.layers) layers of \(loaded.model.layer.keyValueHeads) key–value heads\n"
        + "data: \(read.summary)\n"
        + "run: \(settings.steps) steps of \(settings.batch) sequences, \(settings.method.rawValue)\n")
    let finished = try RoleLoop(loaded, settings, data: read, output: output).finish()
    try print(finished)
    printOutput("\(finished.folder)\n")
  }

  /// Parameters, their gradients, and what a batch of full and streaming heads makes.
  private func checkMemory(_ loaded: Checkpoint, _ settings: RoleSettings, data: Int) throws {
    var training = loaded.metadata.training
    (training.batch, training.microBatches) = (settings.batch, 1)
    let memory = try TrainingMemory(loaded.model, training)
    try photon.checkMemory(
      [
        ("parameters", 4 * memory.parameters), ("gradients", 4 * memory.parameters),
        // Every head attends twice, fully and as a stream.
        ("activations", 8 * (memory.activations + memory.keysAndValues)),
        ("gradients between operations", 8 * memory.pooledGradients), ("data", Int128(data)),
      ], of: "learning roles", accepted: "a smaller --batch")
  }

  /// Beside the run that is learned from.
  private var defaultOutput: String {
    let trimmed = checkpoint.hasSuffix("/") ? String(checkpoint.dropLast()) : checkpoint
    return "\(trimmed)-\(method.rawValue)"
  }

  private func print(_ checkpoint: Checkpoint) throws {
    guard let roles = checkpoint.metadata.roles else {
      throw CheckpointError("\(checkpoint.folder): no roles; accepted: a checkpoint that photon roles has written")
    }
    printOutput(RolesText(checkpoint: checkpoint, roles: roles).text)
  }

  private func readData(_ training: TrainingSettings, vocabulary: Int) throws -> any TrainingData {
    guard !data.isEmpty || (training.data.text == nil && training.data.tokens == nil) else {
      throw ValidationError("--data FILE is needed: the model was not trained on a synthetic task")
    }
    do {
      return try training.loadData(vocabulary: vocabulary, directory: ".")
    } catch {
      throw ValidationError(error.problem.description)
    }
  }
}

extension RoleSettings.Method: ExpressibleByArgument {}
extension RoleSettings.Order: ExpressibleByArgument {}
extension RoleSettings.Sparsity: ExpressibleByArgument {}
