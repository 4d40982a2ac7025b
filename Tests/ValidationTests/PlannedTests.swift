import Architectures
import Quantities
import Testing

@testable import Formulas
@testable import Validation

/// What is derived from the counts of caches with plans: their formulas, and the dispatches that take time.
struct PlannedTests {
  /// Some points of every family, retention and form.
  static var points: [Question] {
    ExactGrid.cachePlans.enumerated().filter { $0.offset % 13 == 0 }.map(\.element)
  }

  @Test func `points have every form with every retention`() {
    let pairs = Set(
      Self.points.flatMap { $0.model.caches.map { "\($0.plan.retention.method) \($0.plan.entry.method)" } })
    #expect(pairs.count >= Retention.Method.allCases.count * EntryForm.Method.allCases.count)
  }

  @Test func `formulas evaluate to the counts`() throws {
    for question in Self.points {
      let cost = try price(question)
      for phase in Phase.allCases {
        for node in question.model.nodes {
          let explained = try explain(node, in: phase, question)
          for (name, value) in cost.work(at: node, in: phase).figures where name != "traffic_bytes" {
            let formula = explained.first { $0.quantity == name }
            #expect((formula?.value ?? 0) == value, "\(node) \(phase) \(name) \(question)")
          }
          let link = explained.first { $0.quantity == "link_bytes" }
          #expect((link?.value ?? 0) == bytes(cost.work(at: node, in: phase).hostBits), "\(node) \(phase) \(question)")
        }
      }
    }
  }

  /// A dispatch of upkeep or of a projection is the mean over the passes of a group: quotients and sums of some thirty
  /// terms, each rounded once.
  @Test func `dispatches add up to the counts`() throws {
    for question in Self.points {
      let cost = try price(question)
      let dispatched = DispatchedWorkload(question)
      for (phase, groups) in [(Phase.prefill, dispatched.prefill.groups), (.decode, dispatched.decode.groups)] {
        for stack in question.model.stacks where stack.persists {
          for component in [Component.projections, .attention, .upkeep] {
            let (node, own) = (stack.node(component), groups.filter { $0.node == stack.node(component) })
            let work = cost.work(at: node, in: phase)
            func check(_ name: String, _ part: (DispatchWork) -> Affine, _ exact: Int128) {
              let sum = own.reduce(0) { $0 + $1.dispatchesPerIndex * part($1.work).sum(from: 0, to: $1.indices) }
              #expect(
                abs(sum - Double(exact)) <= 64 * Double.ulpOfOne * Double(exact), "\(phase) \(node) \(name) \(question)"
              )
            }
            check("matmul", \.matmulFlops, work.matmulFlops)
            check("elementwise", \.elementwiseFlops, work.elementwiseFlops)
            check("entries", { 8 * $0.entryBytes }, work.cacheReadBits + work.cacheWriteBits)
            let transfers = phase == .prefill ? dispatched.prefill.transfers : dispatched.decode.transfers
            let crossing = transfers.filter { $0.node == node }.reduce(0) { $0 + 8 * $1.bytes }
            #expect(abs(crossing - Double(work.hostBits)) <= 64 * Double.ulpOfOne * Double(work.hostBits), "\(node)")
          }
        }
      }
    }
  }
}
