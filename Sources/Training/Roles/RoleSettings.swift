import Architectures
import Foundation

/// How the roles of a model's heads are learned; the defaults are those of the methods' authors.
public struct RoleSettings: Codable, Hashable, Sendable {
  /// Whose gates they are.
  public enum Method: String, Codable, CaseIterable, Sendable {
    /// Masks of 0 or 1 on the loss of the next token, under a target for the share of zeros (arXiv:2506.17121).
    case pruLong = "prulong"
    /// Shares from 0 to 1 on the distance of hidden states, and as small as they can be (arXiv:2410.10819).
    case duoAttention = "duo-attention"
  }

  /// In which order PruLong's heads become full once it has learned.
  public enum Order: String, Codable, CaseIterable, Sendable {
    /// By logα, the paper's; ties go to the head that comes first.
    case gates
    /// By the masks without noise, many of which are 0, ties in a random order: the authors' code.
    case masks
  }

  /// What PruLong's training takes for the share of heads that stream.
  public enum Sparsity: String, Codable, CaseIterable, Sendable {
    /// 1 − the mean of the sampled gates: the authors' code.
    case sampled
    /// 1 − the mean of P(z > 0): the paper.
    case closedForm = "closed-form"
  }

  /// Whose gates they are.
  public var method: Method
  /// The share of heads that stream in the end.
  public var sparsity: Double
  /// `S` of a streaming head.
  public var sinks: Int
  /// `W` of a streaming head.
  public var window: Int
  /// Optimiser steps.
  public var steps: Int
  /// Sequences of a step.
  public var batch: Int
  /// `η` at its largest.
  public var learningRate: Double
  /// Of the first gates, of the noise, and of the order of ties.
  public var seed: Int
  /// Of PruLong.
  public var order: Order
  /// Of PruLong.
  public var expectedSparsity: Sparsity

  enum CodingKeys: String, CodingKey {
    case method, sparsity, sinks, window, steps, batch, seed, order
    case learningRate = "learning_rate"
    case expectedSparsity = "expected_sparsity"
  }

  /// What is not given is as the method's authors have it.
  public init(
    _ method: Method, sparsity: Double = 0.5, sinks: Int = 128, window: Int? = nil, steps: Int? = nil, batch: Int,
    learningRate: Double? = nil, seed: Int = 42, order: Order = .gates, expectedSparsity: Sparsity = .sampled
  ) {
    self.method = method
    self.sparsity = sparsity
    self.sinks = sinks
    self.batch = batch
    self.seed = seed
    self.order = order
    self.expectedSparsity = expectedSparsity
    switch method {
    case .pruLong:
      (self.window, self.steps, self.learningRate) = (window ?? 1024, steps ?? 1000, learningRate ?? 1)
    case .duoAttention:
      (self.window, self.steps, self.learningRate) = (window ?? 256, steps ?? 2000, learningRate ?? 0.02)
    }
  }

  /// Everything that keeps a model from learning such roles.
  /// - Parameters:
  ///   - model: whose heads they are of.
  ///   - context: tokens of a sequence.
  public func problems(for model: Model, context: Int) -> [Problem] {
    guard model.layers > 0 else {
      return [
        Problem(
          "model", "a \(model.family.rawValue) model", accepted: "a vanilla model: roles are of heads over tokens")
      ]
    }
    var problems: [Problem] = []
    func require(_ key: String, _ value: Int, in range: ClosedRange<Int>) {
      if !range.contains(value) { problems.append(Problem(key, "\(value)", accepted: Problem.accepted(range))) }
    }
    if !(0...1).contains(sparsity) { problems.append(Problem("sparsity", "\(sparsity)", accepted: "0 to 1")) }
    require("sinks", sinks, in: 0...Limits.promptLength)
    require("window", window, in: 1...Limits.promptLength)
    require("steps", steps, in: 1...1_000_000_000)
    require("batch", batch, in: 1...1_000_000)
    if !(learningRate > 0 && learningRate.isFinite) {
      problems.append(Problem("learning-rate", "\(learningRate)", accepted: "a number above 0"))
    }
    if problems.isEmpty, sinks + window >= context - 1 {
      problems.append(
        Problem(
          "window", "\(sinks) sinks and a window of \(window) where sequences have \(context) tokens",
          accepted:
            "together less than \(context - 1): otherwise a streaming head sees everything and nothing is learned"))
    }
    return problems
  }

  /// `η` of a step, counted from 1: a warm-up of a tenth and half a cosine down to a hundredth, or a fifth up and a fifth
  /// down, never below a tenth.
  public func learningRate(step: Int) -> Double {
    switch method {
    case .pruLong:
      return TrainingSettings.cosine(
        step: step, of: steps, warmup: (steps + 9) / 10, from: learningRate, to: learningRate / 100)
    case .duoAttention:
      let ramp = Double(max(steps / 5, 1))
      return learningRate
        * min(1, max(Double(step) / ramp, 0.1), max(Double(steps - step + 1) / ramp, 0.1))
    }
  }

  /// PruLong's target for the share of heads that stream: from 0 up over four fifths of the steps.
  /// - Parameter step: counted from 1.
  public func target(step: Int) -> Double {
    sparsity * min(1, Double(step - 1) / Double((4 * steps + 4) / 5))
  }
}
