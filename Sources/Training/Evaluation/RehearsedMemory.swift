import Architectures
import Quantities
import Reference
import Tensors

/// Memory of passes that keep no tape, by running them on shapes: exact for the machine's arena, at no cost.
///
/// Keys and values stand outside of it; the closed forms have them.
public enum RehearsedMemory {
  /// Elements of all parameters.
  public static func parameters(_ model: Model) -> Int128 { shapes(model).parameterCount }

  /// Elements of the teacher-forced pass over sequences of one length.
  public static func pass(_ model: Model, sequences: Int, tokens: Int) -> Int128 {
    let machine = Machine(backend: .shapes)
    let batch = Array(repeating: [Int32](repeating: 0, count: tokens), count: sequences)
    _ = TrainingPass(shapes(model), tokens: batch, machine: machine)
    return Int128(machine.arena.peakElements + machine.stateElements)
  }

  /// Elements of the prefill of one prompt, and of what its session holds for all tokens.
  public static func prefill(_ model: Model, _ workload: Workload) -> Int128 {
    let machine = Machine(backend: .shapes)
    let session = makeSession(shapes(model), workload: workload, machine: machine)
    session.prefill([[Int32](repeating: 0, count: workload.promptLength)])
    return Int128(machine.arena.peakElements + machine.stateElements)
  }

  private static func shapes(_ model: Model) -> ModelWeights { ModelWeights(model, seed: 0, holdsNumbers: false) }
}
