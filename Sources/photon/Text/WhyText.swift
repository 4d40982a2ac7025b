import Architectures
import Formulas
import Quantities
import Rendering
import Tensors
import Validation

/// One node in one phase, on one screen: 50 lines of 120 columns.
struct WhyText {
  static let width = 120
  static let operationLimit = 4

  let node: Node
  let phase: Phase
  let explanations: [Explanation]
  let published: [PublishedForm]
  /// Nil where the run would take too long.
  let trace: Trace?

  var text: String {
    (formulas + operations + forms).map { $0 + "\n" }.joined()
  }

  private var formulas: [String] {
    let working = explanations.filter { $0.value != 0 }
    if working.isEmpty { return ["  does nothing in this phase"] }
    return working.flatMap { explanation in
      ["  \(explanation.quantity) = \(NumberFormat.exact.text(explanation.value))"]
        + wrapped("= " + explanation.symbolic, indent: 4) + wrapped("= " + explanation.numbers, indent: 4)
    }
  }

  private var operations: [String] {
    guard let trace else { return ["Not traced: executing this workload would take too long."] }
    let kinds = TracedKind.kinds(of: trace, at: node, in: phase)
    if kinds.isEmpty { return ["The executed model dispatches nothing here."] }
    let dispatches = kinds.reduce(0) { $0 + $1.count }
    let flops = NumberFormat.exact.text(trace.work(phase, at: node).matmulFlops)
    var lines = ["The executed model dispatches \(dispatches) operations, together matmul_flops = \(flops)"]
    lines += kinds.prefix(Self.operationLimit).map { "  \($0.count) × \($0.text)" }
    if kinds.count > Self.operationLimit { lines.append("  and \(kinds.count - Self.operationLimit) more kinds") }
    return lines
  }

  private var forms: [String] {
    if published.isEmpty { return ["No published form covers this component."] }
    return ["Published forms, one sequence and one layer"]
      + published.flatMap { form in
        let ratio = form.ratio.map { NumberFormat.ratio.text($0) } ?? "no ratio"
        let (printed, exact) = (NumberFormat.exact.text(form.published), NumberFormat.exact.text(form.exact))
        return wrapped(
          "\(form.id.rawValue): \(form.quantity) = \(printed) \(form.unit), exactly \(exact): \(ratio)", indent: 2)
          + wrapped(form.note, indent: 4)
      }
  }

  /// Lines of at most `width` characters, broken at spaces, or after a product sign where there is none.
  private func wrapped(_ text: String, indent: Int) -> [String] {
    var lines: [String] = []
    var rest = text[...]
    var margin = indent
    while rest.count > Self.width - margin {
      let head = rest.prefix(Self.width - margin)
      let end =
        head.lastIndex(of: " ") ?? head.lastIndex(of: "·").map { head.index(after: $0) } ?? head.endIndex
      lines.append(String(repeating: " ", count: margin) + head[..<end])
      rest = rest[end...].drop { $0 == " " }
      margin = indent + 2
    }
    return lines + [String(repeating: " ", count: margin) + rest]
  }
}

/// Dispatches that differ at most in the layer and in how many keys stand before the queries.
private struct TracedKind {
  var operation: Tensors.Operation
  var keysBefore: ClosedRange<Int>
  var count: Int

  static func kinds(of trace: Trace, at node: Node, in phase: Phase) -> [TracedKind] {
    var kinds: [TracedKind] = []
    var positions: [Tensors.Operation: Int] = [:]
    for (entry, count) in trace.operations where entry.node == node && entry.phase == phase {
      var (operation, keys) = (entry.operation, 0)
      if case .attention(var shape) = operation {
        keys = shape.keysBefore
        (shape.keysBefore, shape.reads) = (0, nil)
        operation = .attention(shape)
      }
      if let position = positions[operation] {
        let known = kinds[position].keysBefore
        kinds[position].keysBefore = min(known.lowerBound, keys)...max(known.upperBound, keys)
        kinds[position].count += count
      } else {
        positions[operation] = kinds.count
        kinds.append(TracedKind(operation: operation, keysBefore: keys...keys, count: count))
      }
    }
    return kinds
  }

  var text: String {
    guard case .attention(let shape) = operation else { return operation.description }
    let keys =
      keysBefore.count == 1 ? "\(keysBefore.lowerBound)" : "\(keysBefore.lowerBound) to \(keysBefore.upperBound)"
    return "attention, \(shape.groups) × \(shape.queries) queries after \(keys) keys, \(shape.layer.heads) heads of "
      + "\(shape.layer.headWidth) (\(shape.store))"
  }
}
