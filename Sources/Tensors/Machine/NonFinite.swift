import Architectures

extension Machine {
  /// The first operation on the machine's tape whose result has a number that is not finite, where it stands and what
  /// it is; `nil` where all are finite.
  /// - Precondition: a tape, whose rows the arena still holds.
  public func firstNonFinite() -> String? {
    guard let tape else { preconditionFailure("what made a number is read off a tape") }
    for case .step(let step) in tape.entries {
      let isFinite = step.output.isFinite && (step.hidden?.isFinite ?? true) && Self.isFinite(step, of: tape)
      if !isFinite { return "\(step.place): \(step.operation)" }
    }
    return nil
  }

  /// Whether keys and values that a projection appended are finite.
  private static func isFinite(_ step: Tape.Step, of tape: Tape) -> Bool {
    guard case .queryKeyValue = step.operation, let window = step.window else { return true }
    return tape.caches[window.cache].entries(step.layer)?.areFinite(window.entries) ?? true
  }
}

extension Tape.Step {
  var place: String { "\(node), layer \(layer)" }

  /// What its gradient adds to, keys and values apart.
  var operands: [Tensor] { [input, residual, norm, matrix, bias].compactMap(\.self) }
}

extension Tensor {
  /// Whether every number is finite; a shape has none.
  public var isFinite: Bool { base.map { base in (0..<count).allSatisfy { base[$0].isFinite } } ?? true }
}
