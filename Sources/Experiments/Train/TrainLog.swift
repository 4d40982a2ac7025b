import Architectures
import Foundation
import Rendering
import Scenarios
import Training

/// A line of a log that says after which step it was written.
package protocol StepRecord: Codable {
  /// Steps taken.
  var step: Int { get }
}

extension JournalFile {
  /// The log of a run, which goes on behind a step: what was logged later happens again, and where the run begins anew
  /// everything does.
  /// - Throws: `FileFailure`; `ScenarioError` with the first line that is no record, and then the file stays as it was.
  convenience init<Record: StepRecord>(
    _ path: String, of type: Record.Type, until step: Int, kept: (Record) -> Void = { _ in }
  ) throws {
    try self.init(path) { line, number in
      // Of a run that begins anew nothing is kept.
      guard step > 0 else { return false }
      do {
        let record = try JSONDecoder().decode(type, from: Data(line.utf8))
        guard record.step <= step else { return false }
        kept(record)
        return true
      } catch {
        throw ScenarioError([
          Diagnostic(
            Position(file: path, line: number), path: "", found: "found no record of a step or an evaluation",
            accepted: "what docs/checkpoint-format.md describes; or delete the line")
        ])
      }
    }
  }
}

/// One line of a run's log; docs/checkpoint-format.md says what the keys mean.
package struct TrainRecord: StepRecord {
  /// Whether a line is about a step or about an evaluation.
  package enum Event: String, Codable { case step, evaluation }

  /// What the line is about.
  package var event: Event
  /// Optimiser steps taken.
  package var step: Int
  /// Read so far, repetitions included.
  package var tokens: Int
  /// Cross-entropy of the tokens.
  /// - Unit: nat per token
  package var loss: Double
  /// Missing where no `Double` is as large.
  package var perplexity: Double?
  /// The same loss.
  /// - Unit: bit per token
  package var bitsPerToken: Double
  /// Where tokens are bytes.
  package var bitsPerByte: Double?
  /// `L_token + α·L_rec + β·L_context`, what is minimised.
  package var objective: Double
  /// `L_rec` per level, level 1 first; `nil` where nothing is compared.
  package var reconstruction: [Double?]
  /// `L_context` per level; `nil` where a level has fewer than two units.
  package var context: [Double?]
  /// `η` of a step.
  package var learningRate: Double?
  /// Before clipping, of a step.
  package var gradientNorm: Double?
  /// Of a step, measured.
  package var tokensPerSecond: Double?

  package enum CodingKeys: String, CodingKey {
    case event, step, tokens, loss, perplexity, objective, reconstruction, context
    case bitsPerToken = "bits_per_token"
    case bitsPerByte = "bits_per_byte"
    case learningRate = "learning_rate"
    case gradientNorm = "gradient_norm"
    case tokensPerSecond = "tokens_per_s"
  }

  /// - Parameter run: as it stands after the step, or where it was evaluated.
  package init(_ event: Event, _ losses: Losses<Double>, of run: TrainingRun) {
    self.event = event
    step = run.step
    tokens = run.sequences * run.settings.context
    loss = losses.token
    perplexity = losses.perplexity.isFinite ? losses.perplexity : nil
    bitsPerToken = losses.bitsPerToken
    bitsPerByte = run.settings.data.isText ? losses.bitsPerToken : nil
    objective = losses.total
    reconstruction = losses.reconstruction
    context = losses.context
  }
}

/// The JSON Lines of a run, which a run that is taken up again continues.
package struct TrainLog {
  /// The step behind which the last evaluation was logged; `nil` where none was.
  package private(set) var lastEvaluation: Int?
  private let file: JournalFile
  private let encoder = JSONEncoder()

  /// - Parameter step: where the run stands; what was logged behind it happens again.
  /// - Throws: `FileFailure`; `ScenarioError` with the first line that is no record, and then the file stays as it was.
  package init(_ path: String, step: Int) throws {
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var lastEvaluation: Int?
    file = try JournalFile(path, of: TrainRecord.self, until: step) { record in
      if record.event == .evaluation { lastEvaluation = record.step }
    }
    self.lastEvaluation = lastEvaluation
  }

  /// - Throws: `FileFailure`
  package mutating func append(_ record: TrainRecord) throws {
    if record.event == .evaluation { lastEvaluation = record.step }
    try file.append(String(decoding: encoder.encode(record), as: UTF8.self))
  }
}
