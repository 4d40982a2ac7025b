import Architectures
import Tensors

/// Heads that are partly full and partly streaming, z·full + (1 − z)·streaming: how DuoAttention (arXiv:2410.10819 §2.3)
/// and PruLong (arXiv:2506.17121 §4) find out which heads may stream.
///
/// A streaming head sees what a cache of sinks and a window holds where units come one by one: of the entries before its
/// own the first S and the last W.
public struct MixedHeads: Sendable {
  /// `z`, one for each key–value head of each layer and the query heads that share it.
  /// - Shape: layers × H_kv
  public let gates: Tensor
  /// `S`, the first entries.
  public let sinks: Int
  /// `W`, the latest entries before a query's own.
  public let window: Int

  /// Gates behind the parameters of a model on their line, where gradients find them; all 1.
  public init(_ weights: ModelWeights, sinks: Int, window: Int) {
    precondition(weights.model.layers > 0, "heads of a stack over the tokens")
    gates = weights.makeGates()
    gates.base?.update(repeating: 1, count: gates.count)
    (self.sinks, self.window) = (sinks, window)
  }
}
