import Architectures
import Reference
import Tensors

/// DuoAttention's loss: how far mixed heads move the last hidden states of a model from where they are.
public enum Distillation {
  /// The mean over rows and features of the squared difference, with its gradient by the mixed states.
  /// - Parameters:
  ///   - mixed: rows of hidden states, with their gradient where one is asked for.
  ///   - full: the rows that are compared alone, one behind another.
  ///   - rows: which rows of `mixed` those are.
  ///   - width: features of a row.
  ///   - scale: by which gradients are multiplied.
  ///   - gradient: of `mixed`, added to.
  public static func loss<Scalar: KernelScalar>(
    _ mixed: UnsafePointer<Scalar>, full: [Scalar], rows: [Int], width: Int, scale: Double = 1,
    gradient: UnsafeMutablePointer<Scalar>?
  ) -> Scalar {
    let sum = full.withUnsafeBufferPointer { full in
      rows.enumerated().reduce(Scalar(0)) { sum, row in
        sum
          + LossKernels.dissimilarity(
            .meanSquare, width: width, mixed + row.element * width, target: full.baseAddress! + row.offset * width,
            scale: Scalar(scale / Double(rows.count)), gradient: gradient.map { $0 + row.element * width },
            targetGradient: nil)
      }
    }
    return sum / Scalar(Double(rows.count))
  }

  /// Runs a batch once with full heads, and forward and backward with mixed ones; gates alone have gradients.
  /// - Parameters:
  ///   - weights: of a vanilla model.
  ///   - tokens: sequences of one length.
  ///   - positions: of a sequence whose tokens are labelled: the rows before them, which predict them, are compared.
  ///   - mixing: whose gates get gradients.
  ///   - machine: with the fast or the plain backend.
  ///   - gradients: of the whole line of parameters; those of the gates are added.
  ///   - pool: where the gradients of results come from and return to.
  /// - Returns: the loss.
  static func differentiate(
    _ weights: ModelWeights, tokens: [[Int32]], positions: [Int], mixing: MixedHeads, machine: Machine,
    into gradients: ParameterLine, pool: GradientPool<Float>
  ) -> Double {
    let (length, width, mark) = (tokens[0].count, weights.model.layer.width, machine.arena.mark)
    defer { machine.arena.release(to: mark) }
    let rows = tokens.indices.flatMap { sequence in positions.map { sequence * length + $0 - 1 } }
    let whole = VanillaSession.hiddenStates(weights, tokens: tokens, machine: machine)
    let full = rows.flatMap { whole.rows($0..<$0 + 1).elements }
    machine.arena.release(to: mark)
    machine.tape = Tape()
    let mixed = VanillaSession.hiddenStates(weights, tokens: tokens, mixing: mixing, machine: machine)
    var result: Float = 0
    machine.runBackward(into: gradients.base, pool: pool, isFrozen: true) { seed in
      result = loss(mixed.base!, full: full, rows: rows, width: width, gradient: seed(mixed))
    }
    return Double(result)
  }
}
