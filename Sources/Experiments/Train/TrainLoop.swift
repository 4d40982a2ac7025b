import Architectures
import Foundation
import Rendering
import Training

/// Steps, evaluations and checkpoints of a run, until it is finished or interrupted.
package struct TrainLoop {
  /// Checkpoints that stay: the last, and one before it.
  package static let checkpointsKept = 2
  /// The file of its steps and evaluations.
  package static let logName = "log.jsonl"

  private let run: TrainingRun
  private let output: String
  private var log: TrainLog
  private let progress: ProgressBar
  private let start = ContinuousClock.now
  private let firstStep: Int

  /// - Throws: `FileFailure`, or `ScenarioError` for a log that cannot be continued.
  package init(_ run: TrainingRun, output: String) throws {
    self.run = run
    self.output = output
    firstStep = run.step
    log = try TrainLog(output + "/" + Self.logName, step: run.step)
    progress = ProgressBar("tokens", total: (run.settings.steps - run.step) * run.settings.tokensPerStep)
  }

  /// - Throws: `FileFailure`, or `AlreadyReported` after a word about a loss that is no number, or an interrupt.
  package mutating func finish() throws {
    let interrupt = InterruptFlag()
    do {
      try goOn(interrupt)
    } catch is Interrupted {
      try stop()
    } catch let error as DataError {
      try save()
      progress.finish()
      printError("error: \(error); the same command goes on after step \(run.step)")
      throw AlreadyReported()
    } catch let error as NonFiniteTraining {
      progress.finish()
      let kept = try Checkpoint.latest(in: output).map { "; the last good checkpoint is \($0)" } ?? ""
      printError("error: \(sentence(error))\(kept)")
      throw AlreadyReported()
    }
    progress.finish()
    printOutput("finished after step \(run.step): \(output)/\(Checkpoint.name(step: run.step))\n")
  }

  /// Between two micro-batches an interrupt ends it: the step or the evaluation that was begun is dropped, and is done
  /// again by the run that goes on.
  private mutating func goOn(_ interrupt: InterruptFlag) throws {
    let settings = run.settings
    while true {
      let (step, isFinished) = (run.step, run.isFinished)
      if log.lastEvaluation != step, step % settings.evaluateEvery == 0 || isFinished { try evaluate(interrupt) }
      if step > 0, step % settings.checkpointEvery == 0 || isFinished { try save() }
      if isFinished { return }
      try self.step(interrupt)
      progress.advance(by: settings.tokensPerStep)
    }
  }

  private mutating func step(_ interrupt: InterruptFlag) throws {
    let started = ContinuousClock.now
    let step = try run.takeStep(check: interrupt.check)
    var record = TrainRecord(.step, step.losses, of: run)
    record.learningRate = step.learningRate
    record.gradientNorm = step.gradientNorm
    record.tokensPerSecond = Double(run.settings.tokensPerStep) / ((ContinuousClock.now - started) / .seconds(1))
    try log.append(record)
  }

  private mutating func evaluate(_ interrupt: InterruptFlag) throws {
    let record = TrainRecord(.evaluation, try run.evaluate(check: interrupt.check), of: run)
    try log.append(record)
    progress.finish()
    let number = NumberFormat.significant(4)
    let perplexity = number.text(record.perplexity ?? .infinity)
    var line = "step \(run.step): loss \(number.text(record.loss)), perplexity \(perplexity), "
    line += number.text(record.bitsPerToken) + (record.bitsPerByte == nil ? " bits per token" : " bits per byte")
    let parts = [
      ("L_rec", run.settings.reconstructionWeight, record.reconstruction),
      ("L_context", run.settings.contextWeight, record.context),
    ]
    // The log has them in any case.
    for (name, weight, losses) in parts where weight > 0 {
      line += ", \(name) " + losses.map { $0.map(NumberFormat.significant(3).text) ?? "–" }.joined(separator: " ")
    }
    let (steps, seconds) = (Double(run.step - firstStep), (ContinuousClock.now - start) / .seconds(1))
    if steps > 0, !run.isFinished {
      let rate = steps * Double(run.settings.tokensPerStep) / seconds
      line += ", \(NumberFormat.exact.text(Int128(rate))) tokens/s, "
      line += remainingText(Double(run.settings.steps - run.step) * seconds / steps)
    }
    printOutput(line + "\n")
  }

  private func save() throws {
    let path = output + "/" + Checkpoint.name(step: run.step)
    guard !FileManager.default.fileExists(atPath: path) else { return }
    try AtomicFolder.write(run.checkpointFiles(), to: path)
    for old in try Checkpoint.all(in: output).dropLast(Self.checkpointsKept) { AtomicFolder.remove(old) }
  }

  /// Whether a run writes files or folders of that name.
  package static func isOwn(_ name: String) -> Bool { Checkpoint.isName(name) || name == logName }

  private func stop() throws -> Never {
    try save()
    progress.finish()
    printError("interrupted after step \(run.step) of \(run.settings.steps); the same command goes on from there")
    throw AlreadyReported()
  }
}
