import Architectures
import Foundation
import Rendering
import Reports
import Scenarios
import Training

/// One finished run in the journal of a quality sweep, a line of runs.jsonl: docs/quality-runs.md.
package struct QualityRecord: JournalRecord {
  package static let subject = "a run"

  /// One evaluation during training.
  package struct CurvePoint: Codable {
    /// Read so far, repetitions included.
    package var tokens: Int
    /// Teacher-forced and held out.
    package var bitsPerToken: Double

    package enum CodingKeys: String, CodingKey {
      case tokens
      case bitsPerToken = "bits_per_token"
    }
  }

  /// The name of the dataset.
  package var data: String
  /// The name of the variant.
  package var variant: String
  /// Of weights and of the data's order.
  package var seed: Int
  /// The configuration of the last checkpoint, with checksums of its numbers.
  package var checkpoint: CheckpointMetadata
  /// - Unit: bit per token
  package var unigramEntropy: Double
  /// What no model can be better than, where that is known.
  /// - Unit: bit per token
  package var exactLoss: Double?
  /// What `photon evaluate` printed.
  package var evaluation: EvaluationRecord
  /// Evaluations during training.
  package var curve: [CurvePoint]
  /// Of all steps together; measured.
  package var trainingSeconds: Double
  /// The processor that trained.
  package var machine: String

  package enum CodingKeys: String, CodingKey {
    case data, variant, seed, checkpoint, evaluation, curve, machine
    case unigramEntropy = "unigram_bits"
    case exactLoss = "exact_bits"
    case trainingSeconds = "training_s"
  }

  /// Whether this is the record of a run as the sweep has it now.
  /// - Parameter dataFingerprint: of the run's data; `nil` where nobody has them.
  package func isAbout(_ run: QualityRun, dataFingerprint: String?) -> Bool {
    (data, variant, seed) == (run.dataset, run.variant.name, run.seed) && checkpoint.step == run.training.steps
      && checkpoint.differences(
        model: run.model, settings: run.training, dataFingerprint: dataFingerprint ?? checkpoint.dataFingerprint,
        folder: ""
      ).isEmpty
  }

  /// Whether the figures can be what a run printed.
  package var isSound: Bool {
    let stretches = evaluation.recursive?.stretches ?? []
    let bits =
      [unigramEntropy, exactLoss ?? 0, evaluation.teacherForced.bitsPerToken] + curve.map(\.bitsPerToken)
      + stretches.flatMap { [$0.hierarchicalBits, $0.recursiveBits] }
    return bits.allSatisfy((0...1e9).contains) && stretches.allSatisfy { 0 <= $0.first && $0.first <= $0.last }
      && (0...1e9).contains(trainingSeconds)
  }

  /// - Parameters:
  ///   - unigramEntropy: and `exactLoss` in nats.
  ///   - log: the training run's `log.jsonl`.
  package init(
    _ run: QualityRun, checkpoint: CheckpointMetadata, unigramEntropy: Double, exactLoss: Double?,
    evaluation: EvaluationRecord, log: [TrainRecord], machine: String
  ) {
    (self.data, variant, seed) = (run.dataset, run.variant.name, run.seed)
    (self.checkpoint, self.evaluation, self.machine) = (checkpoint, evaluation, machine)
    self.unigramEntropy = unigramEntropy / natsPerBit
    self.exactLoss = exactLoss.map { $0 / natsPerBit }
    curve = log.filter { $0.event == .evaluation }.map { CurvePoint(tokens: $0.tokens, bitsPerToken: $0.bitsPerToken) }
    trainingSeconds = log.compactMap(\.tokensPerSecond).reduce(0) { $0 + Double(run.training.tokensPerStep) / $1 }
  }

  /// One line for a person who waits.
  package var text: String {
    let bits = NumberFormat.significant(4).text(evaluation.teacherForced.bitsPerToken)
    let seconds = NumberFormat.significant(3).text(trainingSeconds)
    return "\(data), \(variant), seed \(seed): \(bits) bits per token after \(seconds) s"
  }

  /// What a report reads of it.
  package func result(of run: QualityRun) -> QualityResult {
    QualityResult(
      run, bits: evaluation.teacherForced.bitsPerToken, unigramBits: unigramEntropy, exactBits: exactLoss,
      curve: curve.map { ($0.tokens, $0.bitsPerToken) },
      stretches: (evaluation.recursive?.stretches ?? []).map(\.stretch),
      accuracy: evaluation.answers?.hierarchical, recursiveAccuracy: evaluation.answers?.recursive,
      trainingSeconds: trainingSeconds, machine: machine)
  }
}

/// What a record keeps of the JSON of `photon evaluate`, under the same keys: docs/evaluate-json.md.
package struct EvaluationRecord: Codable {
  /// The loss on held-out tokens that the model is given.
  package struct TeacherForced: Codable {
    /// - Unit: bit per token
    package var bitsPerToken: Double
    /// Tokens that the mean is over.
    package var tokensScored: Int

    package enum CodingKeys: String, CodingKey {
      case bitsPerToken = "bits_per_token"
      case tokensScored = "tokens_scored"
    }
  }

  /// Recursive beside hierarchical generation.
  package struct Recursive: Codable {
    /// Tokens of each prompt.
    package var prompt: Int
    /// Sequences compared.
    package var sequences: Int
    /// Means over ranges of positions behind the prompt.
    package var stretches: [Stretch]
  }

  /// Means over a range of positions behind the prompt.
  package struct Stretch: Codable {
    /// Positions, from 0, both of them in the range.
    package var first, last: Int
    /// Share of equal first choices, KL divergence in nats, and both losses in bits per token.
    package var agreement, divergence, hierarchicalBits, recursiveBits: Double
    /// From level 2 on.
    package var levels: [Level]

    package enum CodingKeys: String, CodingKey {
      case first, last, agreement, levels
      case divergence = "kl_nats"
      case hierarchicalBits = "hierarchical_bits_per_token"
      case recursiveBits = "recursive_bits_per_token"
    }

    /// The cosine is that of the top level.
    package var stretch: QualityResult.Stretch {
      QualityResult.Stretch(
        positions: first...last, agreement: agreement, divergence: divergence, hierarchicalBits: hierarchicalBits,
        recursiveBits: recursiveBits, chunkCosine: levels.last?.chunkCosine,
        unrelatedCosine: levels.last?.unrelatedCosine)
    }
  }

  /// How alike restored and encoded vectors of a level are.
  package struct Level: Codable {
    /// `l`, from 2.
    package var level: Int
    /// Mean cosines of units, of chunks, and of chunks of different texts.
    package var unitCosine, chunkCosine, unrelatedCosine: Double?

    package enum CodingKeys: String, CodingKey {
      case level
      case unitCosine = "unit_cosine"
      case chunkCosine = "chunk_cosine"
      case unrelatedCosine = "unrelated_cosine"
    }
  }

  /// A task's answers, each asked in its place.
  package struct Answers: Codable {
    /// Answers of all sequences.
    package var asked: Int
    /// Share that hierarchical generation finds.
    package var hierarchical: Double
    /// Share that recursive generation finds; `nil` where it was not asked.
    package var recursive: Double?

    package enum CodingKeys: String, CodingKey {
      case asked
      case hierarchical = "hierarchical_accuracy"
      case recursive = "recursive_accuracy"
    }
  }

  /// Of the evaluation split.
  package var teacherForced: TeacherForced
  /// `nil` where nothing was compared.
  package var recursive: Recursive?
  /// `nil` where nothing was asked.
  package var answers: Answers?

  package enum CodingKeys: String, CodingKey {
    case recursive, answers
    case teacherForced = "teacher_forced"
  }
}

/// Nats of a bit.
private let natsPerBit = log(2.0)
