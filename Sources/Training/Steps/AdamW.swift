import Foundation
import Reference
import Tensors

/// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101, algorithm 2) on all parameters at once.
///
/// With gradient g at step t: `m ← β₁m + (1 − β₁)g`, `v ← β₂v + (1 − β₂)g²`,
/// `w ← w − η·λ·w − η·(m/(1 − β₁ᵗ)) / (√(v/(1 − β₂ᵗ)) + ε)`. Matrices and tables decay; norms, biases and start latents,
/// which are single rows, do not. The state is float32.
public final class AdamW {
  /// What the update needs besides gradient and learning rate.
  public struct Settings: Hashable, Sendable {
    /// `β₁`, the share of the first moment that stays.
    public var beta1 = 0.9
    /// `β₂`, the share of the second moment that stays.
    public var beta2 = 0.95
    /// `ε`
    public var epsilon = 1e-8
    /// `λ`
    public var weightDecay = 0.1

    /// The usual settings of language models.
    public init(beta1: Double = 0.9, beta2: Double = 0.95, epsilon: Double = 1e-8, weightDecay: Double = 0.1) {
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  /// Fixed for the life of the optimiser.
  public let settings: Settings
  /// `m` and `v`, which with `stepCount` are the whole state.
  public let firstMoments: ParameterLine
  /// `v`, the running mean of squared gradients.
  public let secondMoments: ParameterLine
  /// `t`, steps taken.
  public var stepCount: Int
  private let weights: ModelWeights

  /// - Parameters:
  ///   - weights: updated in place.
  ///   - settings: fixed for the life of the optimiser.
  ///   - stepCount: of a run that is taken up again, whose moments are then copied into the lines.
  public init(_ weights: ModelWeights, settings: Settings = Settings(), stepCount: Int = 0) {
    self.weights = weights
    self.settings = settings
    self.stepCount = stepCount
    firstMoments = ParameterLine(for: weights)
    secondMoments = ParameterLine(for: weights)
  }

  /// - Parameters:
  ///   - gradients: of all parameters, which are not changed.
  ///   - learningRate: `η` of this step.
  ///   - gradientScale: by which gradients are multiplied first: how they are clipped.
  public func step(_ gradients: ParameterLine, learningRate: Double, gradientScale: Double = 1) {
    stepCount += 1
    for (_, tensor) in weights.tensors {
      let update = Update(
        weight: tensor.base!, gradient: gradients.tensor(tensor).base!, first: firstMoments.tensor(tensor).base!,
        second: secondMoments.tensor(tensor).base!, settings, step: stepCount, learningRate: learningRate,
        decays: tensor.rows > 1, gradientScale: gradientScale)
      Cut.run(update, count: tensor.count, grain: 4096) { part, context in
        let (update, range) = Cut<Update>.part(part, of: context)
        update.run(range)
      }
    }
  }
}

/// A few numbers that AdamW updates, with their moments.
struct AdamWNumbers: Codable, Hashable {
  var values: [Float]
  private var first: [Float]
  private var second: [Float]

  init(_ values: [Float]) {
    self.values = values
    first = Array(repeating: 0, count: values.count)
    second = first
  }

  /// - Parameters:
  ///   - gradients: one for each number.
  ///   - step: counted from 1.
  ///   - learningRate: `η` of this step.
  ///   - settings: which decay every number.
  mutating func step(_ gradients: [Float], step: Int, learningRate: Double, settings: AdamW.Settings) {
    var gradients = gradients
    values.withUnsafeMutableBufferPointer { values in
      gradients.withUnsafeMutableBufferPointer { gradients in
        first.withUnsafeMutableBufferPointer { first in
          second.withUnsafeMutableBufferPointer { second in
            Update(
              weight: values.baseAddress!, gradient: gradients.baseAddress!, first: first.baseAddress!,
              second: second.baseAddress!, settings, step: step, learningRate: learningRate, decays: true
            ).run(values.indices)
          }
        }
      }
    }
  }
}

/// One step of one tensor, in one pass over its five lines.
private struct Update {
  let weight: UnsafeMutablePointer<Float>
  let gradient, first, second: UnsafeMutablePointer<Float>
  let gradientScale, beta1, beta2, rest1, rest2, keep, rate, root, epsilon: Float

  init(
    weight: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>, first: UnsafeMutablePointer<Float>,
    second: UnsafeMutablePointer<Float>, _ settings: AdamW.Settings, step: Int, learningRate: Double, decays: Bool,
    gradientScale: Double = 1
  ) {
    (self.weight, self.gradient, self.first, self.second) = (weight, gradient, first, second)
    self.gradientScale = Float(gradientScale)
    (beta1, beta2) = (Float(settings.beta1), Float(settings.beta2))
    (rest1, rest2) = (Float(1 - settings.beta1), Float(1 - settings.beta2))
    keep = Float(1 - learningRate * (decays ? settings.weightDecay : 0))
    rate = Float(learningRate / (1 - pow(settings.beta1, Double(step))))
    root = Float(1 / (1 - pow(settings.beta2, Double(step))).squareRoot())
    epsilon = Float(settings.epsilon)
  }

  func run(_ range: Range<Int>) {
    for index in range {
      let slope = gradient[index] * gradientScale
      first[index] = beta1 * first[index] + rest1 * slope
      second[index] = beta2 * second[index] + rest2 * slope * slope
      weight[index] = keep * weight[index] - rate * first[index] / (second[index].squareRoot() * root + epsilon)
    }
  }
}
