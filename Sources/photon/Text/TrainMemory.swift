import Architectures
import Formulas
import Rendering

extension TrainingMemory {
  /// What a step holds, part by part, as text.
  var parts: String {
    let parts: [(String, Int128)] = [
      ("parameters", parameters), ("gradients", parameters), ("moments", 2 * parameters),
      ("activations", activations + keysAndValues), ("gradients between operations", pooledGradients),
    ]
    return parts.map { "\($0) \(NumberFormat.binaryBytes.text(4 * $1))" }.joined(separator: ", ")
  }

  /// Why a machine cannot take a step; a tenth of its memory is left to the data, the program and the system.
  /// - Parameter limit: memory that a process can have.
  /// - Unit: byte
  func problem(within limit: Int) -> Problem? {
    let usable = Int128(limit) / 10 * 9
    guard bytes > usable else { return nil }
    let bytesText = NumberFormat.binaryBytes
    let found = "a step needs \(bytesText.text(bytes)) (\(parts)), and nine tenths of this machine's "
    let limitText = "\(bytesText.text(Int128(limit))) may be used"
    return 16 * parameters > usable
      ? Problem("model", found + limitText, accepted: "a smaller model")
      : Problem("train.batch", found + limitText, accepted: "a smaller batch or context, or more micro_batches")
  }
}
