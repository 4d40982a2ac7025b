import Architectures
import Foundation
import Reference
import Tensors

extension ModelWeights {
  /// Weights to learn from.
  ///
  /// `ModelWeights` draws numbers with which no equivalence test passes by accident; training starts from others, the
  /// usual ones of a Transformer whose norms come first, in the paper's words none:
  ///
  /// - norms are 1 and biases 0;
  /// - a matrix or table has deviation 1/√(its columns), so that products of normalised rows, and the logits, are of
  ///   size 1, tied head or not;
  /// - what writes into a residual stream (`output`, `down`) is smaller by √(2 · layers of its stack), so that the stream
  ///   is of size 1 after the last layer (GPT-2);
  /// - a start latent keeps deviation 1, the size of the normalised latents in whose place it stands.
  public static func untrained(_ model: Model, seed: UInt64) -> ModelWeights {
    let weights = ModelWeights(model, seed: seed, holdsNumbers: true)
    for ((_, tensor), role) in zip(weights.tensors, weights.roles) {
      guard let base = tensor.base else { continue }
      switch role {
      case .norm: base.update(repeating: 1, count: tensor.count)
      case .bias: base.update(repeating: 0, count: tensor.count)
      case .embedding: scale(tensor, by: 1 / Double(tensor.columns).squareRoot())
      case .residual(let layers): scale(tensor, by: 1 / Double(2 * layers).squareRoot())
      // As they were drawn.
      case .start, .matrix: break
      }
    }
    return weights
  }

  private static func scale(_ tensor: Tensor, by factor: Double) {
    guard let base = tensor.base else { return }
    for index in 0..<tensor.count { base[index] = Float(Double(base[index]) * factor) }
  }
}
