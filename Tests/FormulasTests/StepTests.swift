import Architectures
import Quantities
import TestModels
import Testing

@testable import Formulas

/// The passes of one step of a batch, held against the sums over a whole decode.
@Suite struct StepTests {
  private static var models: [Model] {
    let hierarchies = [[1], [3], [2, 3], [3, 1, 2]].flatMap { chunks in
      variants(levels: chunks.count).map { small(chunks: chunks, conditions: chunks.map { 1 + $0 % 2 }, $0, $1) }
    }
    return hierarchies + [llama]
  }

  private struct Place: Hashable {
    var level: Int
    var side: Side
  }

  private func sums(_ groups: [PassGroup<Int128>]) -> [Place: StackActivity<Int128>] {
    groups.reduce(into: [:]) { sums, group in
      sums[Place(level: group.level, side: group.side), default: StackActivity()] += group.activity
    }
  }

  /// Rows, keys and calls of decode do not depend on whether chunks run side by side; passes do.
  @Test func `the steps of one sequence add up to its decode`() throws {
    for model in Self.models {
      for prompt in model.family.leastPromptLength...(model.metaContextLength + 1) {
        let generated = 2 * model.metaContextLength + 1
        let question = Question(model, Workload(promptLength: prompt, generatedLength: generated))
        let steps = try (prompt..<prompt + generated).flatMap {
          try stepPasses(model, [BatchMember(promptLength: prompt, length: $0)])
        }
        let whole = try passes(question, in: .decode)
        let isSideBySide =
          whole.heads.contains { $0.rows > 1 } || model.structure == .hierarchy && parallel(question) > 0
        var (found, expected) = (sums(steps), sums(whole.stacks))
        if isSideBySide {
          for place in found.keys { found[place] = found[place]?.withoutDispatches }
          for place in expected.keys { expected[place] = expected[place]?.withoutDispatches }
        }
        #expect(found == expected, "\(model.decoderInput) \(model.generation) P = \(prompt)")
      }
    }
  }

  private func parallel(_ question: Question) -> Int {
    HierarchyWalk(
      question.model, prompt: question.workload.promptLength, generated: question.workload.generatedLength
    ).parallel
  }

  @Test func `members share dispatches, and rows and keys are those of each`() throws {
    for model in Self.models {
      let meta = model.metaContextLength
      let members = (1...meta + 3).map { BatchMember(promptLength: meta, length: meta + $0, count: 1 + $0 % 3) }
      let together = sums(try stepPasses(model, members))
      var alone: [Place: StackActivity<Int128>] = [:]
      for member in members {
        for (place, term) in sums(try stepPasses(model, [member])) {
          alone[place, default: StackActivity()].rows += term.rows
          alone[place, default: StackActivity()].pairs += term.pairs
          alone[place, default: StackActivity()].calls += term.calls
          alone[place, default: StackActivity()].passes = max(alone[place]?.passes ?? 0, term.passes)
        }
      }
      #expect(Set(together.keys) == Set(alone.keys))
      for (place, sum) in together {
        #expect(sum.rows == alone[place]?.rows && sum.pairs == alone[place]?.pairs && sum.calls == alone[place]?.calls)
        // A stack runs its conditions and its inputs once each, however many members need them.
        #expect(sum.passes <= (place.side == .decoder && place.level > 0 ? 2 : 1))
      }
    }
  }

  @Test func `a step of equal members is that of one, so many times`() throws {
    for model in Self.models {
      let member = BatchMember(promptLength: 5, length: 3 * model.metaContextLength - 1)
      let one = try stepPasses(model, [member])
      let many = try stepPasses(model, [BatchMember(promptLength: 5, length: member.length, count: 7)])
      #expect(one.map(\.rows).map { 7 * $0 } == many.map(\.rows))
      #expect(one.map(\.pairs).map { 7 * $0 } == many.map(\.pairs))
      #expect(one.map(\.passes) == many.map(\.passes))
    }
  }

  @Test func `positions that leave the integers are refused`() {
    #expect(throws: CountOverflow.self) {
      try stepPasses(llama, [BatchMember(promptLength: 1, length: 1 << 61, count: 1)])
    }
  }
}

extension StackActivity<Int128> {
  /// What does not depend on how passes are put together.
  fileprivate var withoutDispatches: Self {
    var rest = self
    (rest.passes, rest.callDispatches, rest.normDispatches) = (0, 0, 0)
    return rest
  }
}
