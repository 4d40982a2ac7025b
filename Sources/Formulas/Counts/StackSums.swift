import Architectures
import Quantities

/// The passes of all stacks in a point.
struct PointPasses: Sendable {
  let prefill, decode: [PassGroup<Int128>]

  init(_ question: Question) {
    prefill = question.passes(in: .prefill, as: Int128.self).stacks
    decode = question.passes(in: .decode, as: Int128.self).stacks
  }
}

/// The passes of one stack in a phase.
struct StackPasses: Sendable {
  /// Rows of all of them, and those of them that only look ahead.
  private(set) var rows = 0
  private(set) var lookahead = 0
  /// Those over a persistent cache.
  private(set) var ranges: [PassRange] = []
  /// (Query, key) pairs of those through windows, in one layer of one sequence.
  private(set) var windowPairs: Int128 = 0

  /// - Parameter groups: passes of any stacks.
  init(_ groups: [PassGroup<Int128>], of stack: Stack) {
    for index in groups.indices where groups[index].isOf(stack) {
      rows += Int(groups[index].rows &* groups[index].passes)
      lookahead += Int(groups[index].lookahead &* groups[index].passes)
      if let range = groups[index].range { ranges.append(range) } else { windowPairs &+= groups[index].allPairs }
    }
  }
}

/// A stack in a point: how it reads the prompt, its passes, and the units behind which its cache is looked at.
struct StackPoint: Sendable {
  let prompt: PromptPasses
  let prefill, decode: StackPasses
  /// Where recursive generation drops it, and where it ends.
  let drop, end: Int

  /// - Parameter units: units of the stack in the prompt, at the drop, and at the end.
  init(_ stack: Stack, _ units: (prompt: Int, drop: Int, end: Int), _ passes: PointPasses) {
    prompt = PromptPasses(units: units.prompt, chunk: stack.prefillChunk, lookahead: stack.lookahead)
    (prefill, decode) = (StackPasses(passes.prefill, of: stack), StackPasses(passes.decode, of: stack))
    (drop, end) = (units.drop, units.end)
  }

  subscript(phase: Phase) -> StackPasses { phase == .prefill ? prefill : decode }
}

/// What the heads of a stack do in a point, run by run.
struct StackSums: RetentionVisitor, Sendable {
  let point: StackPoint
  private var prefill: [PassSums] = []
  private var decode: [PassSums] = []
  /// Of persistent caches alone.
  private(set) var rooms: [HeadRooms] = []
  /// Those of the heads that are visited.
  private var rules = HeadRules(.full)

  subscript(phase: Phase) -> [PassSums] { phase == .prefill ? prefill : decode }

  init<Integer>(_ priced: PricedStack<Integer>, _ point: StackPoint) {
    self.point = point
    let count = priced.heads.count
    guard priced.stack.persists else {
      prefill = Array(repeating: PassSums(windowPairs: point.prefill.windowPairs), count: count)
      decode = Array(repeating: PassSums(windowPairs: point.decode.windowPairs), count: count)
      return
    }
    prefill = Array(repeating: PassSums(), count: count)
    decode = prefill
    rooms.reserveCapacity(count)
    for index in priced.heads.indices {
      rules = priced.heads[index].rules
      priced.heads[index].cache.retention.show(point.prompt, to: &self)
    }
  }

  mutating func visit(_ counts: some RetentionCounts) {
    let index = rooms.count
    counts.add(point.prefill.ranges, point.prompt, rules, to: &prefill[index])
    counts.add(point.decode.ranges, point.prompt, rules, to: &decode[index])
    rooms.append(HeadRooms(counts, point, rules))
  }
}
