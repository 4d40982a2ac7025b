import Architectures
import Quantities
import TestModels
import Testing

@testable import Reference
@testable import Tensors

/// Heads that keep everything beside others that do not.
struct RoleLaws {
  /// Exemptions of three layers of two heads, and who is exempt.
  static let roles: [(ExemptHeads, [[Bool]])] = [
    (.none, [[false, false], [false, false], [false, false]]),
    (.heads(1), [[true, false], [true, false], [true, false]]),
    (.firstLayers(2), [[true, true], [true, true], [false, false]]),
    (.everyLayer(2), [[false, false], [true, true], [false, false]]),
    (.everyLayer(3), [[false, false], [false, false], [true, true]]),
    (.roles(["01", "10", "00"]), [[false, true], [true, false], [false, false]]),
  ]
  static let everybody: [ExemptHeads] = [
    .heads(2), .firstLayers(3), .everyLayer(1), .roles(["11", "11", "11"]),
  ]

  @Test(arguments: CacheSubject.atOnce)
  func `heads that are exempt keep everything, and others keep what they would`(subject: CacheSubject) {
    let whole = CacheWalk(CacheModels.vanilla, prompt: 11)
    for (exempt, expected) in Self.roles {
      var cache = subject.cache
      cache.exempt = exempt
      let model = CacheModels.vanilla.with(cache)
      #expect(model.problems.isEmpty)
      let walk = CacheWalk(model, prompt: 11)
      let others = CacheOracle(walk.weights, prompt: CacheWalk.tokens(0..<11, group: 0))
      for (queries, isPrompt) in CacheWalk.passes(model, prompt: 11, generated: [1, 2, 1, 1]) {
        let start = walk.cache.nextPosition
        walk.pass(queries, isPrompt: isPrompt)
        _ = others.pass(CacheWalk.tokens(start..<start + queries, group: 0), isPrompt: isPrompt)
        let end = start + queries
        while whole.cache.nextPosition < end { whole.pass(1, isPrompt: false) }
        for layer in 0..<3 {
          for head in 0..<2 {
            if expected[layer][head] { #expect(walk.held(layer: layer, head: head) == Array(0..<end)) }
            #expect(walk.held(layer: layer, head: head) == others.positions[layer][head])
            // What the first layer is given does not depend on what heads keep.
            guard expected[layer][head], layer == 0 else { continue }
            for position in 0..<end {
              #expect(
                walk.cache.key(position, layer: layer, head: head)
                  == whole.cache.key(position, layer: layer, head: head))
            }
          }
        }
      }
    }
  }

  @Test(arguments: CacheSubject.atOnce)
  func `where all heads are exempt no bit changes`(subject: CacheSubject) {
    let whole = BudgetLaws.logits(CacheModels.vanilla)
    for exempt in Self.everybody {
      var cache = subject.cache
      cache.exempt = exempt
      #expect(BudgetLaws.logits(CacheModels.vanilla.with(cache)) == whole, "\(exempt)")
    }
  }

  /// Nothing goes before the end of a prompt that is read at once, so that all layers are given what they always are.
  @Test func `after a prompt at once exempt heads of all layers have the keys of the full cache`() {
    let whole = CacheWalk(CacheModels.vanilla, prompt: 11)
    whole.pass(11, isPrompt: true)
    for method in Retention.Method.allCases {
      for retention in retentions(method) where retention.mostRows == .max && !retention.isMasked {
        let cache = CacheSubject(retention, exempt: .heads(1)).cache
        let walk = CacheWalk(CacheModels.vanilla.with(cache), prompt: 11)
        walk.pass(11, isPrompt: true)
        for layer in 0..<3 {
          for position in 0..<11 {
            #expect(walk.cache.key(position, layer: layer) == whole.cache.key(position, layer: layer))
          }
        }
      }
    }
  }

  @Test func `which of two heads is exempt does not matter once the heads are exchanged`() {
    // The rows of a head in the joint product, and its columns in the output product.
    func exchange(_ weights: ModelWeights) {
      let shape = CacheModels.layer
      for layer in weights.stack.layers {
        let (joint, output) = (layer.queryKeyValue.weight, layer.output.weight)
        func swap(_ first: Int, _ second: Int, _ count: Int, in tensor: Tensor) {
          for index in 0..<count { Swift.swap(&tensor.base![first + index], &tensor.base![second + index]) }
        }
        // Two query heads of each key–value head, then keys, then values: each half of the first head's.
        let (query, key) = (shape.queryWidth / 2, shape.keyValueWidth / 2)
        for (start, half) in [(0, query), (2 * query, key), (2 * query + 2 * key, key)] {
          swap(start * joint.columns, (start + half) * joint.columns, half * joint.columns, in: joint)
        }
        for row in 0..<output.rows { swap(row * output.columns, row * output.columns + query, query, in: output) }
      }
    }
    for method in Retention.Method.allCases {
      for retention in retentions(method) {
        let walks = [("10", false), ("01", true)].map { role, isExchanged in
          let cache = CacheSubject(retention, exempt: .roles(Array(repeating: role, count: 3))).cache
          return CacheWalk(CacheModels.vanilla.with(cache), prompt: 11) { if isExchanged { exchange($0) } }
        }
        for (queries, isPrompt) in CacheWalk.passes(walks[0].model, prompt: 11, generated: [1, 1, 2]) {
          let logits = walks.map { $0.pass(queries, isPrompt: isPrompt)[0] }
          // The output products add their inputs in another order: as many roundings as for the papers' words.
          for (left, right) in zip(logits[0], logits[1]) { #expect(abs(left - right) <= 0x1p-14 * max(abs(left), 1)) }
          for layer in 0..<3 {
            for head in 0..<2 {
              #expect(walks[0].held(layer: layer, head: head) == walks[1].held(layer: layer, head: 1 - head))
            }
          }
        }
      }
    }
  }
}
