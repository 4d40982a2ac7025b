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
    for (name, tensor) in weights.tensors {
      guard let base = tensor.base else { continue }
      if name.hasSuffix("norm") {
        base.update(repeating: 1, count: tensor.count)
      } else if name.hasSuffix("bias") {
        base.update(repeating: 0, count: tensor.count)
      } else if name.hasSuffix("embedding") {
        scale(tensor, by: 1 / Double(tensor.columns).squareRoot())
      } else if let layers = weights.layersBehind(name) {
        scale(tensor, by: 1 / Double(2 * layers).squareRoot())
      }
    }
    return weights
  }

  /// Layers of the stack whose residual stream a tensor writes into; `nil` where it writes into none.
  private func layersBehind(_ name: String) -> Int? {
    guard name.hasSuffix(" output") || name.hasSuffix(" down") else { return nil }
    let words = name.split(separator: " ")
    guard words[0] == "level", let level = Int(words[1]) else { return model.layers }
    return words[2] == "encoder" ? model.levels[level].encoderLayers : model.levels[level].decoderLayers
  }

  private static func scale(_ tensor: Tensor, by factor: Double) {
    guard let base = tensor.base else { return }
    for index in 0..<tensor.count { base[index] = Float(Double(base[index]) * factor) }
  }
}
