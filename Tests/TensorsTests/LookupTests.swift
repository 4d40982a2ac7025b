import Architectures
import Foundation
import Quantities
import TestModels
import Testing

@testable import Tensors

/// What rows read is what the papers' words say, shown by an implementation of the words beside the executed one, in
/// double precision and over lists.
struct LookupTests {
  static let steps = [(11, true), (1, false), (1, false), (3, false), (1, false), (1, false), (2, false), (1, false)]

  /// One key–value head: the keys of all positions, and the queries of a block by row and member.
  struct Head {
    let keys: [[Double]]
    let queries: [[[Double]]]

    func product(_ entry: Int, _ query: [Double]) -> Double { zip(keys[entry], query).reduce(0) { $0 + $1.0 * $1.1 } }
    /// The largest product of a key with the queries of some rows.
    func largest(_ entry: Int, rows: [Int]) -> Double {
      rows.flatMap { row in queries[row].map { product(entry, $0) } }.max()!
    }
    /// The same with means of so many rows.
    func largest(_ entry: Int, meansOf stride: Int) -> Double {
      Swift.stride(from: 0, to: queries.count, by: stride).flatMap { first -> [Double] in
        let rows = queries[first..<min(first + stride, queries.count)]
        return queries[0].indices.map { member in
          rows.reduce(0) { $0 + product(entry, $1[member]) } / Double(rows.count)
        }
      }.max()!
    }
  }

  /// The places of the largest, one by one, the lowest of several that are equal.
  static func best(_ count: Int, _ scores: [Double]) -> [Int] {
    var left = Array(scores.indices)
    var chosen: [Int] = []
    while chosen.count < min(count, scores.count) {
      let winner = left.max { scores[$0] < scores[$1] || scores[$0] == scores[$1] && $0 > $1 }!
      chosen.append(winner)
      left.removeAll { $0 == winner }
    }
    return chosen.sorted()
  }

  /// Pairs (i, i + d/2) turned by the position times 10000^(−2i/d).
  static func turned(_ x: [Double], by position: Int) -> [Double] {
    let half = x.count / 2
    var result = x
    for index in 0..<half {
      let angle = Double(position) * pow(10_000, -2 * Double(index) / Double(x.count))
      result[index] = x[index] * cos(angle) - x[index + half] * sin(angle)
      result[index + half] = x[index + half] * cos(angle) + x[index] * sin(angle)
    }
    return result
  }

  /// "No per-token distance, query at n_local", merged in one softmax with the local window.
  ///
  /// The bound: in float32 a score has some 2^5 roundings of 2^-24 of its products' sizes, for keys are rotated three times;
  /// a weight is off by twice as much of itself.
  static func near(
    _ plan: InfLLM, _ query: [Double], _ keys: [[Double]], _ values: [[Double]], _ positions: [Int], at position: Int
  ) -> (result: [Double], weights: [Double], bound: Double) {
    let scores = positions.map { entry -> Double in
      let isFar = entry <= position - plan.recent
      let own = isFar ? turned(query, by: plan.recent - position) : query
      let key = isFar ? turned(keys[entry], by: -entry) : keys[entry]
      return zip(own, key).reduce(0) { $0 + $1.0 * $1.1 } / Double(query.count).squareRoot()
    }
    let powers = scores.map { exp($0 - scores.max()!) }
    let sum = powers.reduce(0, +)
    let weights = powers.map { $0 / sum }
    let result = query.indices.map { feature in
      zip(weights, values).reduce(0) { $0 + $1.0 * $1.1[feature] }
    }
    let sizes = positions.map { zip(query, keys[$0]).reduce(0) { $0 + abs($1.0 * $1.1) } }
    let largest = values.joined().map(abs).max()!
    return (result, weights, 0x1p-18 * (1 + sizes.max()!) * largest)
  }

  /// "n ≤ k: every block; else m groups; while gs > 1: split each, keep the m best halves."
  static func hip(_ plan: HiP, _ position: Int, _ head: Head) -> [Int] {
    let count = (position - plan.recent) / plan.keyBlock
    let m = plan.budget / plan.keyBlock
    let rows = head.queries.count == 1 ? [0] : head.queries.indices.filter { $0 % 2 == 1 }
    var groups = (0..<m).map { i in (start: i * count / m, size: (i + 1) * count / m - i * count / m) }
    var size = Double(count) / Double(m)
    while size > 1 {
      let halves = groups.flatMap { group in
        [
          (start: group.start, size: group.size / 2),
          (start: group.start + group.size / 2, size: group.size - group.size / 2),
        ]
      }
      let scores = halves.map { half in
        half.size == 0
          ? -32000
          : (0..<plan.keyBlock).map { head.largest(half.start * plan.keyBlock + $0, rows: rows) }.max()!
      }
      groups = best(m, scores).map { halves[$0] }
      size /= 2
    }
    return groups.flatMap { group in (0..<plan.keyBlock).map { group.start * plan.keyBlock + $0 } }
  }

  /// Algorithms 1–3: chunks, `SelectRep`, the largest over heads, the best chunks, and again.
  static func staged(
    _ plan: InfiniteHiP, stage index: Int, of candidates: [Int], _ heads: [Head]
  ) -> [Int] {
    let stage = plan.stages[index]
    let isLast = index + 1 == plan.stages.count
    let chunks = stride(from: 0, to: candidates.count, by: stage.chunk).map { Array(candidates[$0..<$0 + stage.chunk]) }
    let scores = chunks.map { chunk in
      heads.map { head in
        var (own, best, last) = (chunk, -Double.infinity, head.largest(chunk[0], meansOf: stage.stride))
        var width = stage.chunk
        while plan.representatives == .middle ? width >= 1 : width > 1 {
          let (one, other) = (Array(own.prefix(own.count / 2)), Array(own.suffix(own.count - own.count / 2)))
          func score(_ half: [Int], _ wasEmpty: [Int]) -> Double {
            let members = half.isEmpty ? wasEmpty : half
            // The middle of l ..< r is ⌊(l + r)/2⌋.
            let middle = (2 * members[0] + members.count) / 2
            return head.largest(plan.representatives == .middle ? middle : members[0], meansOf: stage.stride)
          }
          let (first, second) = (score(one, other), score(other, other))
          best = max(best, first, second)
          last = max(first, second)
          own = first > second ? one : other
          width = plan.representatives == .middle ? width / 2 : (width + 1) / 2
        }
        return plan.representatives == .middle ? best : last
      }.max()!
    }
    let count = (isLast ? plan.budget : plan.stages[index + 1].input) / stage.chunk
    return best(count, scores).flatMap { chunks[$0] }
  }

  /// What one method reads over a walk: by step and row, the entries of each of two heads before the row's block.
  final class Oracle {
    let lookup: Lookup
    private var first: Int?
    private var inputs: [[Int]] = [[], [], [], []]
    private var found: [[Int]] = []
    /// By head, what the local window of later rows has given each position.
    private var mass: [[Double]] = [[], []]

    init(_ lookup: Lookup) { self.lookup = lookup }

    /// Adds the weights of a row's local window.
    func tally(_ head: Int, _ positions: [Int], _ weights: [Double], at position: Int) {
      guard case .infLLM(let plan) = lookup else { return }
      mass[head] += Array(repeating: 0, count: max(position + 1 - mass[head].count, 0))
      for (entry, weight) in zip(positions, weights) where entry > position - plan.recent {
        mass[head][entry] += weight
      }
    }

    /// "The mean of the repr_topk keys with the largest accumulated local score", un-rotated; "the mean over the step of
    /// queries rotated at n_local", heads one behind the other.
    private func infLLM(_ plan: InfLLM, _ position: Int, _ count: Int, _ heads: [Head]) -> [Int] {
      let scores = (0..<count).map { block -> Double in
        let first = plan.sinks + block * plan.keyBlock
        return heads.indices.reduce(0) { sum, head in
          let chosen = LookupTests.best(plan.representativeKeys, Array(mass[head][first..<first + plan.keyBlock]))
          let keys = chosen.map { LookupTests.turned(heads[head].keys[first + $0], by: -(first + $0)) }
          let queries = heads[head].queries.enumerated().flatMap { row, members in
            members.map { LookupTests.turned($0, by: plan.recent - position - row) }
          }
          let products = queries.flatMap { query in keys.map { zip(query, $0).reduce(0) { $0 + $1.0 * $1.1 } } }
          return sum + products.reduce(0, +) / Double(keys.count * heads[head].queries.count)
        }
      }
      return LookupTests.best(plan.blocks, scores).flatMap { block in
        (0..<plan.keyBlock).map { plan.sinks + block * plan.keyBlock + $0 }
      }
    }

    func reads(_ position: Int, isPrompt: Bool, _ heads: [Head]) -> [[Int]] {
      func isNew(_ interval: Int) -> Bool {
        if isPrompt { return true }
        first = first ?? position
        return (position - first!) % interval == 0
      }
      switch lookup {
      case .everything: return heads.map { _ in Array(0..<position) }
      case .topK(let plan):
        guard position > plan.k else { return heads.map { _ in Array(0..<position) } }
        return heads.map { head in LookupTests.best(plan.k, (0..<position).map { head.largest($0, rows: [0]) }) }
      case .hip(let plan):
        let count = (position - plan.recent) / plan.keyBlock
        guard position >= plan.recent, count > plan.budget / plan.keyBlock else {
          return heads.map { _ in Array(0..<position) }
        }
        var own = found
        if isNew(plan.refresh) { own = heads.map { LookupTests.hip(plan, position, $0) } }
        if !isPrompt { found = own }
        return own.map { $0 + Array(count * plan.keyBlock..<position) }
      case .infLLM(let plan):
        let count = max(position - plan.sinks - plan.recent, 0) / plan.keyBlock
        guard count > plan.blocks else { return heads.map { _ in Array(0..<position) } }
        let own = Array(0..<plan.sinks) + infLLM(plan, position, count, heads)
        return heads.map { _ in own + Array(plan.sinks + count * plan.keyBlock..<position) }
      case .infiniteHiP(let plan):
        let chunk = plan.stages[0].chunk
        let chunks = (position - plan.sinks - plan.recent) / chunk
        guard position >= plan.sinks + plan.recent, chunks * chunk > plan.budget else {
          return heads.map { _ in Array(0..<position) }
        }
        let end = plan.sinks + chunks * chunk
        var own = inputs
        for (index, stage) in plan.stages.enumerated() where isNew(stage.refresh) {
          if index == 0 { own[0] = Array(plan.sinks..<end) }
          own[index + 1] = LookupTests.staged(plan, stage: index, of: own[index], heads)
        }
        if !isPrompt { inputs = own }
        return heads.map { _ in Array(0..<plan.sinks) + own[3] + Array(end..<position) }
      }
    }
  }

  @Test(arguments: Lookup.Method.allCases.flatMap { lookups($0) + $0.smallSettings.filter { $0 != .everything } })
  func `rows read what the papers' words say, in every bit of their attention`(lookup: Lookup) {
    let passes = Passes(.plain, methods: [CacheMethods(CachePlan(lookup: lookup))])
    let oracles = (0..<2).map { _ in Oracle(lookup) }
    let (width, block) = (Passes.layer.headWidth, lookup.queryBlock)
    var end = 0
    var chose = false
    for (queries, isPrompt) in Self.steps {
      let (query, result) = passes.pass(queries, isPrompt: isPrompt)
      func vector(_ group: Int, _ row: Int, _ head: Int) -> Range<Int> {
        let at = ((group * queries + row) * 4 + head) * width
        return at..<at + width
      }
      for group in 0..<2 {
        for first in stride(from: 0, to: queries, by: isPrompt ? block : 1) {
          let rows = first..<(isPrompt ? min(first + block, queries) : first + 1)
          let heads = (0..<2).map { shared in
            Head(
              keys: (0..<end + queries).map { entry in
                let key = passes.whole.entries(0)!.keys(group: group, head: shared, entry: entry)
                return (0..<width).map { Double(key[$0]) }
              },
              queries: rows.map { row in [0, 1].map { query[vector(group, row, 2 * shared + $0)].map(Double.init) } })
          }
          let read = oracles[group].reads(end + first, isPrompt: isPrompt, heads)
          for row in rows {
            for head in 0..<4 {
              let positions = read[head / 2] + Array(end + first...end + row)
              chose = chose || positions.count < end + row + 1
              if case .infLLM(let plan) = lookup, plan.positions == .window, end + row >= plan.recent {
                let values = positions.map { entry in
                  let value = passes.whole.entries(0)!.values(group: group, head: head / 2, entry: entry)
                  return (0..<width).map { Double(value[$0]) }
                }
                let near = Self.near(
                  plan, query[vector(group, row, head)].map(Double.init), heads[head / 2].keys, values, positions,
                  at: end + row)
                oracles[group].tally(head / 2, positions, near.weights, at: end + row)
                for (left, right) in zip(result[vector(group, row, head)], near.result) {
                  #expect(abs(Double(left) - right) <= near.bound, "\(lookup) at \(end + row)")
                }
                continue
              }
              let expected = passes.attend(
                query[vector(group, row, head)], group: group, head: head, positions: positions)
              oracles[group].tally(head / 2, positions, expected.weights.map(Double.init), at: end + row)
              #expect(Array(result[vector(group, row, head)]) == expected.result, "\(lookup) at \(end + row)")
            }
          }
        }
      }
      end += queries
    }
    #expect(chose, "rows that read everything prove little")
  }

  @Test func `of equal products the earlier entries are read`() {
    #expect(Tensors.best(3, of: [1, 2, 2, 0, 2, 2]) == [1, 2, 4])
    #expect(Tensors.best(2, of: [0, 0, 0]) == [0, 1] && Tensors.best(4, of: [5, 7]) == [0, 1])
    #expect(joined([0, 2, 6, 8], length: 2) == [0..<4, 6..<10] && joined([], length: 3) == [])
  }

  /// Keys of the three stages for T = 64, 256, 1024 and 3072 Ki with ⌈log₂ l⌉ turns: 2·8 of every 256 entries between
  /// sinks and stream, then 1024 chunks of 32 with 2·5 and 1024 of 8 with 2·3 (arXiv:2502.08910 §3, Table 3's settings).
  @Test func `InfiniteHiP scans what its stages say, and reads 3328 entries`() {
    for (length, first) in [(64, 4016), (256, 16_304), (1024, 65_456), (3072, 196_528)] {
      for (representatives, turns) in [(InfiniteHiP.Representatives.first, [8, 5, 3]), (.middle, [9, 6, 4])] {
        let method = StagedChunks(plan: InfiniteHiP(representatives: representatives))
        let position = length * 1024
        let scan = method.scan(ReadBlock(position: position, rows: 1, step: 0))
        #expect(scan.keys == first / 8 * turns[0] + 1024 * 2 * turns[1] + 1024 * 2 * turns[2])
        #expect(scan.pairs == scan.keys && scan.queries == 3 && scan.averaged == 0)
        #expect(method.count(before: position) == 3328)
        // Of 64 queries 16 means in the first two stages, and all of them in the last one.
        let block = method.scan(ReadBlock(position: position, rows: 64, step: nil))
        #expect(block.keys == scan.keys && block.averaged == 2 * (64 + 16))
        #expect(block.pairs == 16 * (first / 8 * turns[0] + 2048 * turns[1]) + 64 * 2048 * turns[2])
      }
    }
    let method = StagedChunks(plan: InfiniteHiP(representatives: .first))
    func keys(_ step: Int) -> Int { method.scan(ReadBlock(position: 65_536 + step, rows: 1, step: step)).keys }
    #expect((1...16).map(keys) == [0, 0, 0, 6144, 0, 0, 0, 16_384, 0, 0, 0, 6144, 0, 0, 0, 20_400])
  }

  @Test func `HiP halves once more for every doubling of what it searches`() {
    let method = HalvedGroups(plan: HiP())
    // ⌈log₂(n/k)⌉ halvings of 2k keys each, with n entries before the window.
    for (searched, halvings) in [(514, 1), (1024, 1), (1026, 2), (2048, 2), (2050, 3), (4096, 3), (131_072, 8)] {
      let scan = method.scan(ReadBlock(position: searched + 128, rows: 64, step: nil))
      #expect(scan.keys == halvings * 1024 && scan.queries == 32 && scan.pairs == 32 * scan.keys)
      #expect(method.count(before: searched + 128) == 640)
    }
    #expect(method.dense == 128 + 513)
    #expect(method.scan(ReadBlock(position: 9000, rows: 1, step: 7)) == Scan())
  }

  /// n_init + topk·block + n_local entries, and a representative of every 128 (arXiv:2402.04617, Llama 3's configuration).
  @Test func `InfLLM reads its first entries, its blocks and its window`() {
    let method = RepresentedBlocks(plan: InfLLM())
    for position in [131_072, 1 << 20] {
      let represented = (position - 128 - 4096) / 128
      #expect(method.count(before: position) == 128 + 16 * 128 + 4096)
      let block = method.scan(ReadBlock(position: position, rows: 512, step: nil))
      #expect((block.pairs, block.representatives, block.keys) == (represented, represented, 0))
      #expect((block.queries, block.turned, block.averaged) == (512, 0, 513))
    }
    #expect(method.dense == 128 + 4096 + 17 * 128 - 1)
    let pass = method.scan([], of: 4096..<4096 + 128 + 256)
    #expect(pass.made == 2 && pass.keysOfEach == 4 && pass.queries == 0)
    // Keys are stored before their rotation: those of the window are rotated in every pass, and every query twice.
    #expect((pass.turned, pass.rotatedKeys) == (384, 4095))
  }

  @Test func `a pass is dispatched as one choice and one attention`() {
    let trace = Trace(levelCount: 0, precision: .float32, listsOperations: true)
    let passes = Passes(.shapes, trace: trace, methods: [CacheMethods(CachePlan(lookup: .topK(TopK(k: 2))))])
    _ = passes.pass(5, isPrompt: true)
    _ = passes.pass(1)
    let operations = trace.operations.map { "\($0.entry.node.component) \($0.entry.operation) × \($0.count)" }
    #expect(
      operations.filter { !$0.contains("queryKeyValue") } == [
        // Rows 0 … 2 read 1 + 2 + 3 entries; rows 3 and 4 score 3 and 4, and read two and their own.
        "upkeep scanKeys 2 × 4 keys, 7 pairs with 2 queries, 4 heads × 1",
        "attention attention 2 × 5 queries after 0 keys, 4 heads of 3 (persistent), 12 pairs chosen × 1",
        "upkeep scanKeys 2 × 5 keys, 5 pairs with 1 queries, 4 heads × 1",
        "attention attention 2 × 1 queries after 5 keys, 4 heads of 3 (persistent), 3 pairs chosen × 1",
      ])
  }
}
