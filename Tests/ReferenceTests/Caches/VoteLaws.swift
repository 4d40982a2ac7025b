import Architectures
import Quantities
import TestModels
import Testing

@testable import Reference
@testable import Tensors

/// What stays is what the papers say, shown by an implementation of their words beside the executed one.
struct VoteLaws {
  static let generated = [1, 1, 2, 1, 1, 3, 1]

  @Test(arguments: CacheSubject.all)
  func `entries and logits are those of the papers' words`(subject: CacheSubject) {
    for (plain, groups) in [(CacheModels.vanilla, 2), (CacheModels.single, 1)] {
      let model = plain.with(subject.cache)
      #expect(model.problems.isEmpty)
      let trace = Trace(levelCount: 0, precision: .float32, listsOperations: true)
      let walk = CacheWalk(model, groups: groups, prompt: 11, trace: trace)
      let oracles = (0..<groups).map { CacheOracle(walk.weights, prompt: CacheWalk.tokens(0..<11, group: $0)) }
      for (queries, isPrompt) in CacheWalk.passes(model, prompt: 11, generated: Self.generated) {
        let start = walk.cache.nextPosition
        let logits = walk.pass(queries, isPrompt: isPrompt)
        for (group, oracle) in oracles.enumerated() {
          let expected = oracle.pass(
            CacheWalk.tokens(start..<start + queries, group: group), isPrompt: isPrompt)
          for (layer, heads) in oracle.positions.enumerated() {
            #expect(
              walk.positions[layer][group] == heads, "\(plain.layer.keyValueHeads) heads, layer \(layer), \(start)")
          }
          // Numbers of order one that come out of some 2^10 roundings one behind another: 2^10 · 2^-24.
          for (left, right) in zip(logits[group], expected) {
            #expect(abs(Double(left) - right) <= 0x1p-14 * max(abs(right), 1))
          }
        }
      }
      for oracle in oracles {
        #expect(oracle.closest > 0x1p-16, "votes so close that rounding decides")
        for layer in 0..<model.layers {
          #expect(Self.pairs(trace, layer: layer) == oracle.pairs[layer].reduce(0, +))
        }
      }
    }
  }

  /// (Query, key) pairs of a key–value head that attention was asked for, over all heads of a layer.
  static func pairs(_ trace: Trace, layer: Int) -> Int {
    trace.operations.reduce(0) { sum, operation in
      guard operation.entry.layer == layer, case .attention(let shape) = operation.entry.operation else { return sum }
      return sum + Int(shape.pairsPerGroup) * shape.layer.keyValueHeads * operation.count
    }
  }

  @Test func `heads and sequences that are asked keep entries of their own`() {
    for method in [Retention.Method.heavyHitters, .snapKV, .pyramidKV, .chunked] {
      let walk = CacheWalk(
        CacheModels.vanilla.with(CacheSubject(retentions(method)[0]).cache), groups: 2, prompt: 11)
      walk.pass(11, isPrompt: true)
      let sets = walk.positions[0].flatMap { $0 }
      // Two groups of two key–value heads, each of which two query heads share.
      #expect(sets.count == 4 && Set(sets).count > 1, "\(method): heads that keep the same prove little")
    }
  }

  // MARK: Equal votes

  /// A model whose queries and keys are zero attends evenly.
  static func evenly(_ retention: Retention, prompt: Int, chunk: Int? = nil) -> CacheWalk {
    CacheWalk(CacheModels.vanilla.with(CacheSubject(retention, chunk: chunk).cache), prompt: prompt) { weights in
      for layer in weights.stack.layers {
        let map = layer.queryKeyValue.weight
        let shape = CacheModels.layer
        map.base!.update(repeating: 0, count: (shape.queryWidth + shape.keyValueWidth) * map.columns)
      }
    }
  }

  static func expect(_ walk: CacheWalk, holds positions: [Int]) {
    for layer in walk.positions.indices {
      for head in 0..<2 { #expect(walk.held(layer: layer, head: head) == positions) }
    }
  }

  @Test func `H2O keeps the earliest where attention is even`() {
    // Position j gathers Σ 1/(i + 1) over the queries i ≥ j: the earlier, the more.
    let walk = Self.evenly(.heavyHitters(HeavyHitters(heavy: 3, recent: 2)), prompt: 9)
    walk.pass(9, isPrompt: true)
    Self.expect(walk, holds: [0, 1, 2, 7, 8])
    walk.pass(1, isPrompt: false)
    Self.expect(walk, holds: [0, 1, 2, 8, 9])
  }

  @Test func `equal votes go to the lower position, and averages are lower at both ends`() {
    let (average, maximum) = (Pooling.average, Pooling.maximum)
    // Of the candidates 0 … 8 the first and the last have a kernel that reaches beyond them, over zeros.
    for (kernel, pooling, kept) in [
      (3, average, [1, 2, 3]), (5, average, [2, 3, 4]), (1, average, [0, 1, 2]), (5, maximum, [0, 1, 2]),
    ] {
      let votes = SnapKV(budget: 5, window: 2, kernel: kernel, pooling: pooling)
      let walk = Self.evenly(.snapKV(votes), prompt: 11)
      walk.pass(11, isPrompt: true)
      Self.expect(walk, holds: kept + [9, 10])
      let single = Self.evenly(.pyramidKV(PyramidKV(votes: votes, beta: 1)), prompt: 11)
      single.pass(11, isPrompt: true)
      // β = 1: the last layer has the mean budget, and so have all.
      Self.expect(single, holds: kept + [9, 10])
    }
    let chunked = Self.evenly(
      .chunked(ChunkedEviction(sparsity: 0.5, window: 1, kernel: 3)), prompt: 13, chunk: 6)
    for queries in [6, 6, 1] { chunked.pass(queries, isPrompt: true) }
    Self.expect(chunked, holds: [1, 2, 5, 7, 8, 11, 12])
    #expect(largest(3, of: [1, 2, 2, 0, 2, 2], 6) == [1..<3, 4..<5])
  }

  // MARK: Budgets

  /// (L, N, C, W, β) of the specification's worked examples: capacities without the window.
  @Test func `PyramidKV's budgets fall as in its worked examples`() {
    for (layers, prompt, budget, beta, first, last, sum) in [
      (32, 32768, 2048, 20, [3869, 3748, 3627], 118, 63792), (4, 1000, 164, 20, [195, 132, 69], 6, 402),
      (1, 1000, 164, 20, [100], 100, 100),
    ] {
      let plan = PyramidKV(votes: SnapKV(budget: budget, window: 64), beta: beta)
      let model = Model.vanilla(
        vocabulary: 3, layer: LayerShape(width: 4, heads: 1, feedForward: 4), layers: layers
      ).with(StackCache(CachePlan(retention: .pyramidKV(plan))))
      let stack = model.tokenStack
      let cache = KeyValueCache(stack, groups: 1, capacity: prompt, holdsNumbers: false)
      let machine = Machine(backend: .shapes)
      cache.advance(by: prompt)
      machine.settle(cache, queries: prompt, prompt: prompt, at: stack.node(.upkeep))
      let budgets = cache.positions.map { $0[0][0].count - 64 }
      #expect(Array(budgets.prefix(3)) == first)
      #expect(budgets.last == last && budgets.reduce(0, +) == sum)
      #expect(
        budgets
          == CacheOracle.pyramid(layers: layers, prompt: prompt, budget: budget, window: 64, beta: beta).map { $0 - 64 }
      )
    }
  }
}
