import Architectures
import Foundation
import Rendering
import Scenarios
import Training

/// One line of the log of a run that learns roles; docs/checkpoint-format.md says what the keys mean.
package struct RoleRecord: StepRecord {
  package let step: Int
  let loss: Double
  let objective: Double
  let sparsity: Double
  let target: Double?
  let multipliers: [Double]?
  let learningRate: Double
  /// After the step, layer by layer.
  let gates: [Double]

  enum CodingKeys: String, CodingKey {
    case step, loss, objective, sparsity, target, multipliers, gates
    case learningRate = "learning_rate"
  }
}

/// What a run that learns roles goes on from: `state.json` in its folder.
private struct RoleSnapshot: Codable {
  static let name = "state.json"

  let settings: RoleSettings
  /// Of the model's parameters and of the data's tokens.
  let weights: String
  let data: String
  let state: RoleState
}

/// Steps, log and state of a run that learns roles, until its checkpoint is written or it is interrupted.
package struct RoleLoop {
  private static let scenarioName = "scenario.yaml"

  private let checkpoint: Checkpoint
  private let training: RoleTraining
  private let data: any TrainingData
  private let output: String
  private let log: JournalFile
  private let progress: ProgressBar

  /// - Throws: `FileFailure`; `CheckpointError` where the folder has a run that asks for something else.
  package init(_ checkpoint: Checkpoint, _ settings: RoleSettings, data: any TrainingData, output: String) throws {
    (self.checkpoint, self.data, self.output) = (checkpoint, data, output)
    let path = output + "/" + RoleSnapshot.name
    var state: RoleState?
    if FileManager.default.fileExists(atPath: path) {
      guard let content = FileManager.default.contents(atPath: path) else {
        throw CheckpointError("\(path): it cannot be read")
      }
      // Whatever keeps it from being read, it is no state to go on from.
      let snapshot = try? JSONDecoder().decode(RoleSnapshot.self, from: content)
      guard let snapshot, snapshot.settings == settings, snapshot.weights == checkpoint.weightsChecksum,
        snapshot.data == data.fingerprint
      else {
        throw CheckpointError("\(path): another run, or no run that learns roles; accepted: another output folder")
      }
      state = snapshot.state
    }
    training = RoleTraining(
      checkpoint.weights, settings, data: data, firstSequence: checkpoint.metadata.sequences, state: state)
    let step = training.state.step
    log = try JournalFile(output + "/" + TrainLoop.logName, of: RoleRecord.self, until: step)
    progress = ProgressBar("steps", total: settings.steps - step)
  }

  /// - Throws: `FileFailure`, or `AlreadyReported` after a word about a loss that is no number, or an interrupt.
  /// - Returns: the checkpoint with its roles.
  package func finish() throws -> Checkpoint {
    let (settings, interrupt) = (training.settings, InterruptFlag())
    let every = max(settings.steps / 10, 1)
    while !training.isFinished {
      if interrupt.isRaised {
        try save()
        progress.finish()
        printError(
          "interrupted after step \(training.state.step) of \(settings.steps); the same command goes on from there")
        throw AlreadyReported()
      }
      let record = try step()
      progress.advance()
      if record.step % every == 0 || training.isFinished {
        progress.finish()
        printOutput(line(record) + "\n")
        try save()
      }
    }
    progress.finish()
    return try write()
  }

  /// Whether a run writes files or folders of that name.
  package static func isOwn(_ name: String) -> Bool {
    TrainLoop.isOwn(name) || name == RoleSnapshot.name || name == scenarioName
  }

  private func step() throws -> RoleRecord {
    do {
      let step = try training.takeStep()
      let record = RoleRecord(
        step: training.state.step, loss: step.loss, objective: step.objective, sparsity: step.sparsity,
        target: step.target, multipliers: step.multipliers, learningRate: step.learningRate,
        gates: training.state.gates)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      try log.append(String(decoding: encoder.encode(record), as: UTF8.self))
      return record
    } catch let error as DataError {
      try save()
      progress.finish()
      printError("error: \(error); the same command goes on after step \(training.state.step)")
      throw AlreadyReported()
    } catch let error as NonFiniteTraining {
      progress.finish()
      printError("error: \(sentence(error))")
      throw AlreadyReported()
    }
  }

  private func line(_ record: RoleRecord) -> String {
    let number = NumberFormat.significant(4)
    let target = record.target.map { " of \(number.text($0))" } ?? ""
    return "step \(record.step): loss \(number.text(record.loss)), streaming \(number.text(record.sparsity))\(target)"
  }

  private func save() throws {
    let snapshot = RoleSnapshot(
      settings: training.settings, weights: checkpoint.weightsChecksum, data: data.fingerprint, state: training.state)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(
      String(decoding: encoder.encode(snapshot), as: UTF8.self) + "\n", to: output + "/" + RoleSnapshot.name)
  }

  /// The checkpoint, unless a run before has written it, and a scenario of its model.
  private func write() throws -> Checkpoint {
    let path = output + "/" + Checkpoint.name(step: checkpoint.metadata.step)
    if !FileManager.default.fileExists(atPath: path) {
      let roles = LearnedRoles(
        training.settings, gates: training.state.gates, heads: checkpoint.model.layer.keyValueHeads)
      try AtomicFolder.write(checkpoint.files(with: roles, cache: training.cache), to: path)
    }
    let result = try Checkpoint.load(path)
    let prompt = max(checkpoint.metadata.training.context / 2, 1)
    let text =
      ModelText.render(
        result.model, name: "roles", comments: ["The model of \(path), its cache with its learned roles."])
      + "workload: {prompt: \(prompt), generate: \(prompt)}\nprecision: {weights: fp32, activations: fp32, cache: fp32}\n"
    try AtomicFile.write(text, to: output + "/" + Self.scenarioName)
    return result
  }
}
