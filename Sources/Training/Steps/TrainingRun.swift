import Architectures
import Foundation
import Reference
import Tensors

/// A loss or a gradient that is no number; the weights are still those of the last step.
public struct NonFiniteTraining: Error, Hashable, CustomStringConvertible {
  /// The step that was not taken, or behind which an evaluation failed.
  public let step: Int
  public let description: String
}

/// What a step did.
public struct TrainingStep: Sendable {
  /// Of the batch, before the step.
  public let losses: Losses<Double>
  /// `η` of this step.
  public let learningRate: Double
  /// Before clipping.
  public let gradientNorm: Double
}

/// A run of AdamW over batches in a seeded order: all its state is in weights, optimiser and two counts.
///
/// Gradients of micro-batches are accumulated, then clipped to a norm. The first token of a sequence is read and not
/// scored in any family, because a vanilla model cannot predict it.
public final class TrainingRun {
  /// Tokens before this position of a sequence are not scored.
  public static let firstScored = 1

  /// How the model is trained.
  public let settings: TrainingSettings
  /// Those after the last step.
  public let weights: ModelWeights
  /// The state that the weights do not hold.
  public let optimiser: AdamW
  /// What is learnt.
  public let data: any TrainingData
  /// Sequences read.
  public private(set) var sequences: Int
  private let objective: Objective
  private let machine = Machine(backend: .fast)
  private let pool = GradientPool<Float>()
  private let gradients: ParameterLine

  /// Steps taken.
  public var step: Int { optimiser.stepCount }
  /// Whether every step of the settings has been taken.
  public var isFinished: Bool { step >= settings.steps }

  /// A run from its beginning.
  public convenience init(_ model: Model, _ settings: TrainingSettings, data: any TrainingData) {
    let weights = ModelWeights.untrained(model, seed: UInt64(settings.seed))
    let optimiser = AdamW(
      weights, settings: .init(beta1: settings.beta1, beta2: settings.beta2, weightDecay: settings.weightDecay))
    self.init(weights, optimiser, settings, data: data, sequences: 0)
  }

  /// A run taken up again.
  /// - Throws: `CheckpointError` where the optimiser's state cannot be read.
  public convenience init(
    resuming checkpoint: Checkpoint, _ settings: TrainingSettings, data: any TrainingData
  ) throws(CheckpointError) {
    self.init(
      checkpoint.weights, try checkpoint.optimiser(), settings, data: data, sequences: checkpoint.metadata.sequences)
  }

  private init(
    _ weights: ModelWeights, _ optimiser: AdamW, _ settings: TrainingSettings, data: any TrainingData, sequences: Int
  ) {
    self.settings = settings
    self.weights = weights
    self.optimiser = optimiser
    self.data = data
    self.sequences = sequences
    objective = Objective(settings)
    gradients = ParameterLine(for: weights)
  }

  /// Takes a step.
  /// - Parameter check: is asked before each micro-batch; where it throws, no step is taken.
  /// - Throws: `NonFiniteTraining`, `DataError`, and what `check` throws, with the weights as they were.
  public func takeStep(check: () throws -> Void = {}) throws -> TrainingStep {
    let number = step + 1
    gradients.clear()
    var mean = LossMean()
    for tokens in try microBatches() {
      try check()
      let losses = differentiate(tokens)
      guard losses.total.isFinite else { throw nonFinite(number, "the loss is \(losses.total)", tokens) }
      mean.add(losses, weight: tokens.count)
    }
    let norm = gradients.norm
    guard norm.isFinite else { throw try nonFiniteGradient(number) }
    let rate = settings.learningRate(step: number)
    optimiser.step(gradients, learningRate: rate, gradientScale: norm > settings.clip ? settings.clip / norm : 1)
    sequences += settings.batch
    return TrainingStep(losses: mean.value, learningRate: rate, gradientNorm: norm)
  }

  /// The parts of the next batch.
  private func microBatches() throws -> [[[Int32]]] {
    let size = settings.batch / settings.microBatches
    return try (0..<settings.microBatches).map {
      try data.training(sequences + $0 * size..<sequences + ($0 + 1) * size)
    }
  }

  private func differentiate(_ tokens: [[Int32]], watch: ((String) -> Void)? = nil) -> Losses<Double> {
    objective.differentiate(
      weights, tokens: tokens, firstScored: Self.firstScored, machine: machine, into: gradients, pool: pool,
      scale: 1 / Double(settings.microBatches), watch: watch)
  }

  /// The losses of the evaluation split.
  /// - Parameter check: is asked before each part.
  /// - Throws: `NonFiniteTraining`, `DataError`, and what `check` throws.
  public func evaluate(check: () throws -> Void = {}) throws -> Losses<Double> {
    let count = data.evaluationCount(settings.evaluationSequences)
    let size = settings.batch / settings.microBatches
    var mean = LossMean()
    for start in stride(from: 0, to: count, by: size) {
      try check()
      let part = try data.evaluation(settings.evaluationSequences, start..<min(start + size, count))
      let losses = losses(part)
      guard losses.total.isFinite else {
        throw nonFinite(step, "the loss of the evaluation is \(losses.total)", part)
      }
      mean.add(losses, weight: part.count)
    }
    return mean.value
  }

  private func losses(_ tokens: [[Int32]]) -> Losses<Double> {
    let mark = machine.arena.mark
    defer { machine.arena.release(to: mark) }
    let pass = TrainingPass(weights, tokens: tokens, firstScored: Self.firstScored, machine: machine)
    return objective.losses(pass, machine: machine)
  }

  /// Files that hold all of the run's state.
  public func checkpointFiles() throws -> [(name: String, content: Data)] {
    let metadata = CheckpointMetadata(
      model: weights.model, training: settings, step: step, sequences: sequences, dataFingerprint: data.fingerprint)
    return try Checkpoint.files(weights, optimiser: optimiser, metadata: metadata)
  }

  /// Brings the gradients back once more, and looks at each.
  private func nonFiniteGradient(_ step: Int) throws -> NonFiniteTraining {
    var culprit: String?
    gradients.clear()
    for tokens in try microBatches() where culprit == nil { _ = differentiate(tokens) { culprit = culprit ?? $0 } }
    return NonFiniteTraining(
      step: step,
      description: "step \(step): the norm of the gradients is not finite; the first result that is not: "
        + (culprit ?? "the sum of their squares"))
  }

  /// Runs a batch once more, with a tape that is read forward.
  private func nonFinite(_ step: Int, _ what: String, _ tokens: [[Int32]]) -> NonFiniteTraining {
    let mark = machine.arena.mark
    defer {
      machine.tape = nil
      machine.arena.release(to: mark)
    }
    machine.tape = Tape()
    _ = TrainingPass(weights, tokens: tokens, firstScored: Self.firstScored, machine: machine)
    let culprit =
      weights.tensors.first { !$0.tensor.isFinite }.map { "the weights \"\($0.name)\"" }
      ?? machine.firstNonFinite() ?? "the objective"
    return NonFiniteTraining(
      step: step, description: "step \(step): \(what); the first result that is not finite: \(culprit)")
  }
}

/// The mean of losses over batches.
struct LossMean {
  private var sum: Losses<Double>?
  private var weight = 0.0

  mutating func add(_ losses: Losses<Double>, weight count: Int) {
    let (old, share) = (weight, Double(count))
    func mean(_ a: Double, _ b: Double) -> Double { (a * old + b * share) / (old + share) }
    func mean(_ a: Double?, _ b: Double?) -> Double? { a.flatMap { a in b.map { mean(a, $0) } } }
    weight += share
    guard let sum else { return self.sum = losses }
    self.sum = Losses(
      token: mean(sum.token, losses.token), tokenCount: sum.tokenCount + losses.tokenCount,
      reconstruction: zip(sum.reconstruction, losses.reconstruction).map { mean($0, $1) },
      context: zip(sum.context, losses.context).map { mean($0, $1) }, total: mean(sum.total, losses.total))
  }

  /// - Precondition: something was added.
  var value: Losses<Double> { sum! }
}
