import Foundation

/// How far a vector is from the one it should be.
public enum Dissimilarity: String, CaseIterable, Codable, Sendable {
  /// The squared difference, averaged over the features.
  case meanSquare = "mse"
  /// 1 − cos of the angle between them: v2's choice.
  case cosine
}

/// What decoder 1's vectors X̂^(0) are held against in L_rec.
///
/// The paper sums L_rec over all levels, but at level 1 its encoder side X^(0) is D/C wide and its decoder side D
/// (v2 Table 10), and it does not say how they are compared.
public enum TokenTarget: String, CaseIterable, Codable, Sendable {
  /// Nothing: L_rec begins at level 2, because the token loss already judges what decoder 1 restores.
  case none
  /// The encoder's embedding rows, the paper's X^(0): only where they have the decoder's width.
  case encoderEmbedding = "encoder-embedding"
  /// The decoder's own embedding rows of the same tokens, which have its width in every model.
  case decoderEmbedding = "decoder-embedding"
}

/// Associative recall: pairs of a key and a value, then keys again, each to be answered with its value.
public struct RecallTask: Hashable, Codable, Sendable {
  /// Different keys, tokens 0 ..< keys.
  public var keys = 32
  /// Different values, the tokens behind the keys.
  public var values = 32
  /// Pairs of a sequence; the rest of it asks.
  public var pairs = 8

  public init(keys: Int = 32, values: Int = 32, pairs: Int = 8) {
    (self.keys, self.values, self.pairs) = (keys, values, pairs)
  }
}

/// Passkey retrieval: digits behind a marker, filler, a second marker, and the same digits.
public struct PasskeyTask: Hashable, Codable, Sendable {
  /// Digits of the key, each one token.
  public var digits = 4
  /// Tokens between the key's last digit and the marker that asks for it.
  public var distance = 32
  /// Different filler tokens.
  public var filler = 8

  public init(digits: Int = 4, distance: Int = 32, filler: Int = 8) {
    (self.digits, self.distance, self.filler) = (digits, distance, filler)
  }
}

/// A Markov chain whose next token is the r-th of its state's successors with probability ∝ 1/r^exponent.
public struct ZipfMarkovTask: Hashable, Codable, Sendable {
  /// Different tokens, which are the states.
  public var symbols = 64
  /// Successors of each state, drawn once from the seed.
  public var successors = 16
  /// How fast the probability falls with the rank; 0 draws all successors alike.
  public var exponent = 1.0

  public init(symbols: Int = 64, successors: Int = 16, exponent: Double = 1) {
    (self.symbols, self.successors, self.exponent) = (symbols, successors, exponent)
  }
}

/// What a model learns from: exactly one source is set.
public struct TrainingSource: Hashable, Codable, Sendable {
  /// Files whose bytes are tokens 0 … 255; token 256 ends each.
  public var text: [String]?
  /// Files of 16-bit little-endian tokens.
  public var tokens: [String]?
  /// Pairs to be recalled, made as they are needed.
  public var recall: RecallTask?
  /// Passkeys to be found, made as they are needed.
  public var passkey: PasskeyTask?
  /// A Markov chain, drawn as it is needed.
  public var zipfMarkov: ZipfMarkovTask?
  /// Of a file's tokens, those at its end that are not trained on.
  public var evaluationShare = 0.05
  /// How to get the files, for those who have not got them.
  public var obtain: String?

  public init() {}

  enum CodingKeys: String, CodingKey {
    case text, tokens, recall, passkey, obtain
    case zipfMarkov = "zipf_markov"
    case evaluationShare = "evaluation_share"
  }

  /// Whether a token is a byte, so that a loss per token is one per byte.
  public var isText: Bool { text != nil }
}

/// The hyper-parameters of a training run; a checkpoint stores them under the keys of a scenario's `train` section.
public struct TrainingSettings: Hashable, Codable, Sendable {
  /// What the model learns from.
  public var data = TrainingSource()
  /// `T`, tokens of a sequence.
  public var context = 256
  /// Sequences of a step.
  public var batch = 8
  /// Parts of a batch whose gradients are accumulated.
  public var microBatches = 1
  /// Updates of the weights.
  public var steps = 1000
  /// `η` after the warm-up.
  public var learningRate = 1e-3
  /// `η` of the last step.
  public var minimumLearningRate = 1e-4
  /// Steps in which `η` rises from 0.
  public var warmup = 100
  /// `λ`, by which `η` times the weights are made smaller at each step; matrices and tables alone.
  public var weightDecay = 0.1
  /// `β₁` of AdamW, the share of the first moment that stays. 0 … 0.999999.
  public var beta1 = 0.9
  /// `β₂` of AdamW, the share of the second moment that stays. 0 … 0.999999.
  public var beta2 = 0.95
  /// The largest norm of a step's gradients.
  public var clip = 1.0
  /// `α`
  public var reconstructionWeight = 0.0
  /// `β`
  public var contextWeight = 0.0
  /// Of vectors in both auxiliary losses.
  public var dissimilarity = Dissimilarity.cosine
  /// What the reconstruction loss compares at level 1.
  public var tokenTarget = TokenTarget.none
  /// Whether the targets of both auxiliary losses are constants to them.
  public var stopGradient = true
  /// Of initial weights, the order of the data, and tasks; 0 … 2^31 − 1.
  public var seed = 1
  /// Of the kernels, 1 … 1024.
  public var threads = 2
  /// Steps between two evaluations.
  public var evaluateEvery = 100
  /// Sequences of an evaluation.
  public var evaluationSequences = 32
  /// Steps between two checkpoints.
  public var checkpointEvery = 100

  public init() {}

  /// The keys of the `train` section.
  public enum CodingKeys: String, CodingKey, CaseIterable {
    case data, context, batch, steps, warmup, beta1, beta2, clip, dissimilarity, seed, threads
    case microBatches = "micro_batches"
    case learningRate = "learning_rate"
    case minimumLearningRate = "minimum_learning_rate"
    case weightDecay = "weight_decay"
    case reconstructionWeight = "reconstruction_weight"
    case contextWeight = "context_weight"
    case tokenTarget = "token_target"
    case stopGradient = "stop_gradient"
    case evaluateEvery = "evaluate_every"
    case evaluationSequences = "evaluation_sequences"
    case checkpointEvery = "checkpoint_every"
  }

  /// What decides about a run's pace and reports alone: a run that is taken up again may have others.
  public static let incidental: [CodingKeys] = [.threads, .evaluateEvery, .evaluationSequences, .checkpointEvery]

  /// Tokens that a step reads.
  public var tokensPerStep: Int { batch * context }
}

extension TrainingSettings {
  /// `η` of a step, counted from 1: linear to its largest value over the warm-up, then half a cosine down to the
  /// smallest, which the last step has.
  public func learningRate(step: Int) -> Double {
    Self.cosine(step: step, of: steps, warmup: warmup, from: learningRate, to: minimumLearningRate)
  }

  /// Linear to the largest value over a warm-up, then half a cosine down to the smallest.
  /// - Parameters:
  ///   - step: counted from 1.
  ///   - steps: the last of them has the smallest value.
  ///   - warmup: steps, the last of which has the largest value.
  ///   - largest: behind the warm-up.
  ///   - smallest: at the end.
  public static func cosine(step: Int, of steps: Int, warmup: Int, from largest: Double, to smallest: Double) -> Double
  {
    if step <= warmup { return largest * Double(step) / Double(warmup) }
    let progress = Double(step - warmup) / Double(steps - warmup)
    return smallest + (largest - smallest) * (1 + cos(Double.pi * progress)) / 2
  }
}
