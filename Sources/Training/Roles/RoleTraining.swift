import Architectures
import Foundation
import GSL
import Reference
import Tensors

/// What a step of learning roles did; all of it before the step.
public struct RoleStep: Sendable {
  /// PruLong: cross-entropy of the next tokens in nats. DuoAttention: mean squared distance of hidden states.
  public let loss: Double
  /// What is minimised: the loss with λ1·(s − t) + λ2·(s − t)², or with 0.05·mean|α|.
  public let objective: Double
  /// `s`: the share of heads that stream, as the objective takes it; 1 − mean α of DuoAttention.
  public let sparsity: Double
  /// `t` of PruLong.
  public let target: Double?
  /// `λ1` and `λ2` of PruLong.
  public let multipliers: [Double]?
  /// `η` of this step.
  public let learningRate: Double
}

/// Learns which heads of a vanilla model may stream: its weights stay, a gate for each key–value head is trained.
///
/// Batches follow those that the model was trained on. All its state is in `state`: the noise of a step is a function of
/// the seed and its number.
public final class RoleTraining {
  /// The weight of mean|α| in DuoAttention's objective.
  public static let regularisation = 0.05

  /// How the roles are learned.
  public let settings: RoleSettings
  /// Of the model, which stay.
  public let weights: ModelWeights
  /// Gates, moments and multipliers after the last step.
  public private(set) var state: RoleState
  private let data: any TrainingData
  private let firstSequence: Int
  private let mixing: MixedHeads
  private let machine = Machine(backend: .fast)
  private let pool = GradientPool<Float>()
  private let gradients: ParameterLine

  /// - Parameters:
  ///   - weights: of a vanilla model.
  ///   - settings: with no problems for the model.
  ///   - data: what is read.
  ///   - firstSequence: of the training order.
  ///   - state: of training that is taken up again; nil: it begins.
  public init(
    _ weights: ModelWeights, _ settings: RoleSettings, data: any TrainingData, firstSequence: Int,
    state: RoleState? = nil
  ) {
    (self.weights, self.settings, self.data, self.firstSequence) = (weights, settings, data, firstSequence)
    mixing = MixedHeads(weights, sinks: settings.sinks, window: settings.window)
    gradients = ParameterLine(for: weights)
    self.state = state ?? RoleState(settings, count: mixing.gates.count)
  }

  /// Whether every step of the settings has been taken.
  public var isFinished: Bool { state.step >= settings.steps }
  /// What the gates say now.
  public var roles: HeadRoles { HeadRoles(state.gates, heads: mixing.gates.columns, settings) }
  /// The cache with those roles.
  public var cache: StackCache {
    StackCache(
      CachePlan(
        retention: .streaming(Streaming(sinks: settings.sinks, window: settings.window, positions: .text))),
      exempt: roles.exempt)
  }

  /// Takes a step.
  /// - Throws: `NonFiniteTraining`, `DataError`, with the gates as they were.
  public func takeStep() throws -> RoleStep {
    let first = firstSequence + state.step * settings.batch
    let tokens = try data.training(first..<first + settings.batch)
    gradients.clear()
    let before = state
    let step = settings.method == .pruLong ? try pruLongStep(tokens) : try duoAttentionStep(tokens)
    guard step.objective.isFinite, state.gates.allSatisfy(\.isFinite) else {
      state = before
      throw NonFiniteTraining(
        step: state.step + 1, description: "step \(state.step + 1): the objective or a gate behind it is no number")
    }
    return step
  }

  private func pruLongStep(_ tokens: [[Int32]]) throws(NonFiniteTraining) -> RoleStep {
    let (gates, number) = (state.gates, state.step + 1)
    let stream = RandomStream(seed: UInt64(settings.seed), name: "gate noise of step \(number)")
    let margin = HardConcrete.noiseMargin
    let target = settings.target(step: number)
    let objective = PruLongObjective(
      gates, noise: gates.map { _ in margin + (1 - 2 * margin) * stream.uniform() },
      expected: settings.expectedSparsity, target: target, multipliers: state.multipliers)
    let losses = try loss(objective.samples) {
      Objective().differentiate(
        weights, tokens: tokens, firstScored: TrainingRun.firstScored, mixing: mixing, machine: machine,
        into: gradients, pool: pool
      ).total
    }
    defer {
      state.step(settings, gates: objective.slopes(ofLoss: losses.gates), multipliers: objective.multiplierSlopes)
    }
    return RoleStep(
      loss: losses.loss, objective: losses.loss + objective.penalty, sparsity: objective.sparsity, target: target,
      multipliers: state.multipliers, learningRate: settings.learningRate(step: number))
  }

  private func duoAttentionStep(_ tokens: [[Int32]]) throws(NonFiniteTraining) -> RoleStep {
    let (gates, count) = (state.gates, Double(mixing.gates.count))
    let labelled = data.answers.isEmpty ? Array(1..<tokens[0].count) : data.answers
    let losses = try loss(gates) {
      Distillation.differentiate(
        weights, tokens: tokens, positions: labelled, mixing: mixing, machine: machine, into: gradients, pool: pool)
    }
    let mean = gates.reduce(0, +) / count
    // Gates are never below 0; at 0 the slope of |α| is 0.
    let gateGradients = zip(losses.gates, gates).map { $0 + ($1 > 0 ? Self.regularisation / count : 0) }
    defer { state.step(settings, gates: gateGradients) }
    return RoleStep(
      loss: losses.loss, objective: losses.loss + Self.regularisation * mean, sparsity: 1 - mean, target: nil,
      multipliers: nil, learningRate: settings.learningRate(step: state.step + 1))
  }

  /// The loss with gates, and its gradient by each.
  private func loss(
    _ gates: [Double], differentiate: () -> Double
  ) throws(NonFiniteTraining) -> (loss: Double, gates: [Double]) {
    for (index, gate) in gates.enumerated() { mixing.gates.base![index] = Float(gate) }
    let loss = differentiate()
    let slopes = gradients.tensor(mixing.gates).elements.map(Double.init)
    guard loss.isFinite, slopes.allSatisfy(\.isFinite) else {
      throw NonFiniteTraining(
        step: state.step + 1, description: "step \(state.step + 1): the loss or a gradient of a gate is no number")
    }
    return (loss, slopes)
  }
}
