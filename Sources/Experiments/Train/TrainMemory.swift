import Architectures
import Formulas
import Measurement
import Rendering

/// What a command holds in memory, part by part, before it takes any.
package struct MemoryDemandList {
  /// Names and bytes.
  package private(set) var parts: [(name: String, bytes: Int128)] = []

  /// - Parameter parts: what is held and its bytes; parts of none are left out.
  package init(_ parts: [(name: String, bytes: Int128)]) { self.parts = parts.filter { $0.bytes > 0 } }

  /// All parts together.
  /// - Unit: byte
  package var bytes: Int128 { parts.reduce(0) { $0 + $1.bytes } }

  /// Every part with its bytes.
  package var text: String {
    parts.map { "\($0.name) \(NumberFormat.binaryBytes.text($0.bytes))" }.joined(separator: ", ")
  }

  /// Of the memory that a process can have, a tenth is left to the program and the system.
  package static var usableBytes: Int128 { Int128(SystemDescription.memoryLimit) / 10 * 9 }

  /// Why it cannot be held; nil where it can.
  /// - Parameter subject: what needs it, as in `a step`.
  /// - Returns: the beginning of a refusal.
  package func excess(_ subject: String) -> String? {
    let limit = Int128(SystemDescription.memoryLimit)
    guard bytes > Self.usableBytes else { return nil }
    let format = NumberFormat.binaryBytes
    return "\(subject) needs \(format.text(bytes)) (\(text)), and nine tenths of this machine's "
      + "\(format.text(limit)) may be used"
  }
}

extension TrainingMemory {
  /// What a run holds: a step, the data, and a checkpoint as it is written.
  /// - Parameter data: bytes of memory that the data take.
  package func demand(data: Int) -> MemoryDemandList {
    MemoryDemandList([
      ("parameters", 4 * parameters), ("gradients", 4 * parameters), ("moments", 8 * parameters),
      ("activations", 4 * (activations + keysAndValues)), ("gradients between operations", 4 * pooledGradients),
      ("a checkpoint as it is written", 12 * parameters), ("data", Int128(data)),
    ])
  }

  /// Why a machine cannot train.
  /// - Parameter data: bytes of memory that the data take.
  package func problem(data: Int) -> Problem? {
    let demand = demand(data: data)
    guard let found = demand.excess("training") else { return nil }
    if Int128(data) > demand.bytes / 2 {
      return Problem("train.data", found, accepted: "shorter files, or a longer context, which makes fewer sequences")
    }
    return 28 * parameters > MemoryDemandList.usableBytes
      ? Problem("model", found, accepted: "a smaller model")
      : Problem("train.batch", found, accepted: "a smaller batch or context, or more micro_batches")
  }
}
