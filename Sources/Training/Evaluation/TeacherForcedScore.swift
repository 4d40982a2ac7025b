import Architectures
import Foundation
import Reference
import Tensors

/// How well a model predicts tokens that it is given, each from all before it in its sequence.
///
/// Tokens are cut into sequences of one context, the last one shorter. The first token of each is read and not scored,
/// because a vanilla model cannot predict it.
public struct TeacherForcedScore: Sendable {
  /// Σ −log p over the scored tokens.
  /// - Unit: nat
  public private(set) var nats = 0.0
  /// Tokens scored.
  public private(set) var tokenCount = 0
  /// Sequences read.
  public private(set) var sequenceCount = 0

  /// - Parameters:
  ///   - weights: of the model.
  ///   - tokens: one stretch of text, cut into sequences.
  ///   - context: T ≥ 2, tokens of a sequence.
  ///   - batch: sequences that run together.
  ///   - machine: that the model runs on.
  ///   - progress: is told how many tokens have been read.
  public init(
    _ weights: ModelWeights, tokens: [Int32], context: Int, batch: Int, machine: Machine,
    progress: (_ tokens: Int) -> Void = { _ in }
  ) {
    precondition(context >= 2 && batch >= 1, "sequences of at least two tokens")
    var start = 0
    while tokens.count - start >= 2 {
      let length = min(context, tokens.count - start)
      let count = length == context ? min(batch, (tokens.count - start) / context) : 1
      let sequences = (0..<count).map { Array(tokens[start + $0 * length..<start + ($0 + 1) * length]) }
      add(weights, sequences, machine)
      start += count * length
      progress(count * length)
    }
  }

  private mutating func add(_ weights: ModelWeights, _ sequences: [[Int32]], _ machine: Machine) {
    let mark = machine.arena.mark
    defer { machine.arena.release(to: mark) }
    let pass = TrainingPass(weights, tokens: sequences, firstScored: 1, machine: machine)
    nats += Objective().losses(pass, machine: machine).token * Double(pass.scoredCount)
    tokenCount += pass.scoredCount
    sequenceCount += sequences.count
  }

  /// - Unit: nat per token
  public var loss: Double { nats / Double(tokenCount) }
  /// Where tokens are bytes, bits per byte.
  /// - Unit: bit per token
  public var bitsPerToken: Double { loss / log(2) }
  /// `e` to the loss in nats per token.
  public var perplexity: Double { exp(loss) }
}
