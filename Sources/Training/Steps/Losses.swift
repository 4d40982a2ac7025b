import Foundation
import Tensors

/// The parts of an objective on one batch.
public struct Losses<Number: KernelScalar> {
  /// Mean of −log p over the scored tokens.
  /// - Unit: nat per token
  public var token: Number
  /// Tokens scored.
  public var tokenCount: Int
  /// Per level, level 1 first: its part of L_rec; `nil` where nothing is compared.
  public var reconstruction: [Number?]
  /// Per level: its part of L_context; `nil` where a level has fewer than two units.
  public var context: [Number?]
  /// L_token + α·L_rec + β·L_context.
  public var total: Number
}

extension Losses: Sendable where Number: Sendable {}

extension Losses<Double> {
  /// Of the token loss, which where a token is a byte is per byte.
  /// - Unit: bit per token
  public var bitsPerToken: Double { token / log(2) }
  /// `e` to the token loss in nats.
  public var perplexity: Double { exp(token) }
}
