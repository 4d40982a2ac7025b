import Architectures
import Formulas
import Hardware
import Quantities
import TestModels
import Testing

@testable import Serving

/// Passes of a model, held against the closed forms of Formulas.
@Suite struct ModelPriceTests {
  private static let machine = HardwareProfile(
    name: "round", peaks: PeakRates([(.bf16, Rate(1e15)), (.fp32, Rate(1e14))]), elementwise: Rate(1e13),
    memoryBandwidth: Rate(1e12), memoryBytes: 1 << 37)
  private static let precision = Precision(weights: .bf16, activations: .bf16, cache: .bf16)

  private static func sum(_ works: [StagePrice.Work]) -> [Int128] {
    works.reduce(into: [0, 0, 0]) { sum, work in
      sum[0] += work.flop
      sum[1] += work.elementwiseFlop
      sum[2] += work.bytes
    }
  }

  private static func sum(_ work: Work<Int128>) -> [Int128] {
    [work.matmulFlops, work.elementwiseFlops, bytes(work.trafficBits)]
  }

  /// §3 of docs/simulation.md's rule: prefill(P), decode of G − 1 tokens, and the head that emits the last one.
  @Test(arguments: [(1, 1, 1), (7, 5, 1), (12, 1, 3), (9, 4, 3)])
  func `an undisturbed request does the work of the closed form`(prompt: Int, output: Int, continuations: Int) throws {
    let model = llama
    let price = try ModelPrice(model, Self.precision, on: Self.machine)
    var run = try Simulation(
      ServingQuestion(
        .init(.continuous(budget: 64)), try StateShape(model, Self.precision),
        .requests([Request(arrival: 0, prompt: prompt, output: output, continuations: continuations)])),
      price: price, recording: .passes)
    try run.run()
    let found = Self.sum(run.passes.flatMap { ModelPrice.work(ModelPrice.sums($0.rows), price) })
    func cost(_ output: Int) throws -> ExactCost {
      try Formulas.price(
        Question(
          model, Workload(promptLength: prompt, generatedLength: output, continuations: continuations), Self.precision))
    }
    let (whole, one) = (try cost(output - 1).totals, try cost(1))
    let head = one.decode.filter { $0.node.component == .head }.reduce(into: Work<Int128>.zero) { $0 += $1.work }
    let works = [whole.prefill, whole.decode, head].map(Self.sum)
    #expect(found == (0..<3).map { kind in works.reduce(0) { $0 + $1[kind] } })
    #expect(run.now == run.passes.reduce(0) { $0 + $1.end - $1.start })
  }

  @Test func `pairs do not depend on where a fill is cut, and a refill's continuations do not see each other`() {
    func row(_ from: Int, _ tokens: Int) -> PassRow {
      PassRow(
        id: 0, kind: .fill(from: from, tokens: tokens, target: 5 + 3 * 4), prompt: 5, continuations: 3, emitted: 4,
        length: 0, boundary: 0)
    }
    // Each position attends the prompt up to it, or all of the prompt and its own continuation.
    let pairs = (1...5).reduce(0, +) + 3 * (6...9).reduce(0, +)
    for cut in 1..<17 {
      let parts = [row(0, cut), row(cut, 17 - cut)].map { ModelPrice.sums([$0]) }
      #expect(parts[0].fillPairs + parts[1].fillPairs == Int128(pairs), "cut at \(cut)")
      #expect(parts[0].headRows == 0 && parts[1].headRows == 3)
    }
    // The prompt's five entries once, and for each continuation the prompt's and its own.
    #expect(ModelPrice.sums([row(0, 17)]).fillEntries == 5 + 3 * 9)
    #expect(ModelPrice.sums([row(7, 4)]).fillEntries == 9 + 7)
  }

  @Test func `members of a pass share its weights`() throws {
    let price = try ModelPrice(llama, Self.precision, on: Self.machine)
    func decode(_ lengths: [Int]) -> [Int128] {
      let rows = lengths.map { length in
        PassRow(
          id: 0, kind: .decode, prompt: 1, continuations: 1, emitted: 1, length: length, boundary: 0)
      }
      return Self.sum(ModelPrice.work(ModelPrice.sums(rows), price))
    }
    let (both, first, second) = (decode([5, 9]), decode([5]), decode([9]))
    #expect(both[0] == first[0] + second[0] && both[1] == first[1] + second[1])
    let weights = bytes(price.linear.onceBits) + bytes(price.head.onceBits)
    #expect(both[2] == first[2] + second[2] - weights && weights > 0)
  }

  @Test func `models without a price are refused`() throws {
    let hierarchy = small(chunks: [2, 2], conditions: [1, 1])
    #expect(throws: ServingError.self) { try ModelPrice(hierarchy, Self.precision, on: Self.machine) }
    #expect(throws: ServingError.self) { try StateShape(hierarchy, Self.precision) }
  }

  @Test func `state is that of a token`() throws {
    let shape = try StateShape(llama, Self.precision)
    let cache = try Formulas.price(
      Question(llama, Workload(promptLength: 100, generatedLength: 0), Self.precision)
    ).cache
    #expect(Int128(100 * shape.levels[0].bytes) == cache.bytesAfterPrefill)
  }
}
