import Architectures
import ArgumentParser
import Foundation
import Reference
import Scenarios
import Tensors
import Training

/// The parameters that a command runs: a checkpoint's, or seeded random ones of a scenario's model.
struct SubjectOptions: ParsableArguments {
  @Argument(
    help: "A checkpoint's folder, or that of a training run, whose last checkpoint is taken.",
    completion: .directory)
  var checkpoint: String?

  @Option(
    name: .shortAndLong, help: "Instead of a checkpoint: a scenario, whose model runs with random weights.",
    completion: .file(extensions: ["yaml", "yml"]))
  var scenario: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Replaces a key of the scenario; may be repeated.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    help: ArgumentHelp(
      "How caches are kept, instead of as the checkpoint or the scenario has it.", valueName: "{retention: …}"))
  var cache: String?

  @Option(parsing: .unconditional, help: "Which point of the scenario's grid, counted from 0.")
  var point = 0

  @Option(help: "Threads of the kernels.")
  var threads = 2

  func validate() throws {
    if (checkpoint == nil) == (scenario == nil) {
      throw ValidationError("give either a checkpoint's folder or --scenario FILE")
    }
    if scenario == nil, !overrides.isEmpty {
      throw ValidationError("--set changes a scenario, not a checkpoint; --cache changes the caches of both")
    }
    try checkThreads(threads)
  }

  /// What runs, without numbers, so that what it takes can be asked first; starts the threads.
  func subject() throws -> Subject {
    setKernelThreads(threads)
    var subject = try storedOrRandom()
    if let cache { subject.weights = subject.weights.of(try subject.model.keeping(cache: cache, from: "--cache")) }
    return subject
  }

  private func storedOrRandom() throws -> Subject {
    if let checkpoint {
      let folder = try Checkpoint.place(checkpoint)
      let (metadata, model) = try Checkpoint.readMetadata(folder)
      return Subject(
        name: folder, step: metadata.step, model, training: metadata.training,
        dataFingerprint: metadata.dataFingerprint
      ) { try Checkpoint.load(folder).weights }
    }
    let read = try Scenario(
      file: scenario!,
      options: ScenarioOptions(overrides: overrides, searchPaths: searchPaths, checksHardware: false))
    let chosen = try read.grid.chosenPoint(point, file: read.file)
    return Subject(name: chosen.name, step: nil, chosen.model, training: read.train, dataFingerprint: nil) {
      ModelWeights.untrained(chosen.model, seed: 1)
    }
  }
}

struct Subject {
  let name: String
  /// Steps trained; `nil` for random weights.
  let step: Int?
  /// Only shapes until `load`.
  var weights: ModelWeights
  /// How it was trained; of random weights how the scenario would train it, if it says.
  let training: TrainingSettings?
  /// Of the tokens that it was trained on; `nil` for random weights.
  let dataFingerprint: String?
  private let numbers: () throws -> ModelWeights

  init(
    name: String, step: Int?, _ model: Model, training: TrainingSettings?, dataFingerprint: String?,
    numbers: @escaping () throws -> ModelWeights
  ) {
    (self.name, self.step, self.training, self.dataFingerprint) = (name, step, training, dataFingerprint)
    weights = ModelWeights(model, seed: 0, holdsNumbers: false)
    self.numbers = numbers
  }

  /// Reads or draws the parameters.
  mutating func load() throws { weights = try numbers().of(model) }

  var model: Model { weights.model }
  /// Whether it can generate recursively.
  var isRecursive: Bool { model.generations.contains(.recursive) }

  /// Takes a way of generating.
  /// - Throws: `ValidationError` where the model has no such way.
  mutating func generate(_ generation: Generation?) throws {
    guard let generation, generation != model.generation else { return }
    if let problem = model.problem(generating: generation) { throw ValidationError(problem.description) }
    weights = weights.generating(generation)
  }
}

/// How tokens are drawn.
struct SamplingOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Divides the logits; 0 takes the likeliest token.")
  var temperature = 1.0

  @Option(help: "Only the k likeliest tokens can be drawn.")
  var topK: Int?

  @Option(help: "Only the smallest set of likeliest tokens with this share of the probability can be drawn.")
  var topP = 1.0

  @Option(help: "Of the random numbers.")
  var seed: UInt64 = 1

  func validate() throws {
    if !(temperature >= 0 && temperature.isFinite) {
      throw ValidationError("--temperature takes a number of at least 0, not \(temperature)")
    }
    if let topK, topK < 1 { throw ValidationError("--top-k takes an integer of at least 1, not \(topK)") }
    if !(topP > 0 && topP <= 1) { throw ValidationError("--top-p takes a number above 0 and at most 1, not \(topP)") }
  }

  var settings: SamplingSettings { SamplingSettings(temperature: temperature, topK: topK, topP: topP, seed: seed) }
}

extension Generation: ExpressibleByArgument {}
extension FollowedTokens: ExpressibleByArgument {}

/// Whether a person named a file.
/// - Throws: `ValidationError` with the name and what is wrong with it.
func checkFile(_ file: String) throws {
  guard !file.isEmpty else { throw ValidationError("found no name; accepted: the name of a file") }
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: file, isDirectory: &isFolder) else {
    throw ValidationError("\(file): no such file")
  }
  if isFolder.boolValue { throw ValidationError("\(file): cannot be read as a file") }
}

/// The bytes of a file or a pipe that a person named.
/// - Parameter limit: the most that it may have.
/// - Throws: `ValidationError` with the file and what is wrong with it.
func contents(of file: String, limit: Int) throws -> Data {
  try checkFile(file)
  let content: Data
  do {
    // At the end there is nothing to read, which is no error.
    content = try FileHandle(forReadingFrom: URL(filePath: file)).read(upToCount: limit + 1) ?? Data()
  } catch {
    throw ValidationError("\(file): cannot be read as a file")
  }
  if content.count > limit { throw ValidationError("\(file): more than \(limit) bytes; accepted: a shorter file") }
  return content
}
