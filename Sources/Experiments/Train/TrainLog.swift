import Architectures
import Foundation
import Rendering
import Training

/// One line of a run's log; docs/checkpoint-format.md says what the keys mean.
package struct TrainRecord: Codable {
  package enum Event: String, Codable { case step, evaluation }

  package var event: Event
  package var step: Int
  package var tokens: Int
  package var loss: Double
  /// Missing where no `Double` is as large.
  package var perplexity: Double?
  package var bitsPerToken: Double
  /// Where tokens are bytes.
  package var bitsPerByte: Double?
  package var objective: Double
  package var reconstruction: [Double?]
  package var context: [Double?]
  package var learningRate: Double?
  package var gradientNorm: Double?
  package var tokensPerSecond: Double?

  package enum CodingKeys: String, CodingKey {
    case event, step, tokens, loss, perplexity, objective, reconstruction, context
    case bitsPerToken = "bits_per_token"
    case bitsPerByte = "bits_per_byte"
    case learningRate = "learning_rate"
    case gradientNorm = "gradient_norm"
    case tokensPerSecond = "tokens_per_s"
  }

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
  private let file: JournalFile
  private let encoder = JSONEncoder()

  /// - Parameter step: where the run stands; what was logged behind it happens again.
  /// - Throws: `FileFailure`
  package init(_ path: String, step: Int) throws {
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    file = try JournalFile(path) { line in
      let record = try? JSONDecoder().decode(TrainRecord.self, from: Data(line.utf8))
      return record.map { $0.step <= step && step > 0 } ?? false
    }
  }

  /// - Throws: `FileFailure`
  package func append(_ record: TrainRecord) throws {
    try file.append(String(decoding: encoder.encode(record), as: UTF8.self))
  }
}
