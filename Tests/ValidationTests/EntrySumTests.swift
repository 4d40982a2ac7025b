import Architectures
import Quantities
import TestModels
import Testing

@testable import Formulas
@testable import Reference
@testable import Tensors

/// Entries that executed caches hold, pass by pass, against the closed forms of the same model and workload.
struct EntrySumTests {
  static let layer = LayerShape(width: 8, heads: 4, keyValueHeads: 2, feedForward: 4)

  static func model(_ retention: Retention, chunk: Int, _ exempt: ExemptHeads) -> Model {
    var model = Model.vanilla(vocabulary: 3, layer: layer, layers: 3)
    model.setCaches { _ in StackCache(CachePlan(retention: retention), exempt: exempt, prefillChunk: chunk) }
    return model
  }

  /// Σ found + rows of a pass, the triangle inside it, over passes, layers and heads; by phase.
  static func executed(_ weights: ModelWeights, prompt: Int, generated: Int, chunk: Int) -> [Int] {
    let stack = weights.model.tokenStack
    let cache = KeyValueCache(
      stack, groups: 1, capacity: prompt + max(generated, stack.lookahead), holdsNumbers: false)
    let machine = Machine(backend: .shapes)
    func pass(_ own: Int, prompt: Int?) -> Int {
      let ahead = prompt.map { cache.nextPosition + own < $0 ? min(stack.lookahead, $0) : 0 } ?? 0
      let queries = own + ahead
      machine.makeRoom(in: cache, for: queries, at: stack.node(.upkeep))
      cache.lookAhead(by: ahead)
      let sum = cache.runs.indices.reduce(0) { sum, index in
        let heads = cache.runs[index].heads.count
        let found = cache.places[index].first?.positions.count ?? cache.ownHeld(run: index)
        return sum + heads * (queries * found + queries * (queries + 1) / 2)
      }
      cache.advance(by: queries)
      machine.settle(cache, queries: own, prompt: prompt, at: stack.node(.upkeep))
      return sum
    }
    let read = stride(from: 0, to: prompt, by: chunk).reduce(0) { $0 + pass(min(chunk, prompt - $1), prompt: prompt) }
    return [read, (0..<generated).reduce(0) { sum, _ in sum + pass(1, prompt: nil) }]
  }

  @Test(arguments: Retention.Method.allCases)
  func `the entries that passes find and bring are those of the closed forms`(method: Retention.Method) throws {
    for retention in retentions(method) where !retention.isMasked {
      for exempt in [ExemptHeads.none, .heads(1), .everyLayer(2)] {
        for prompt in [1, 2, 5, 6, 7, 12] {
          for chunk in 1...min(prompt, retention.mostRows) {
            let model = Self.model(retention, chunk: chunk, exempt)
            let weights = ModelWeights(model, seed: 1, holdsNumbers: false)
            for generated in [0, 1, 2, 9] {
              let question = Question(model, Workload(promptLength: prompt, generatedLength: generated))
              let formulas = try Phase.allCases.map { phase in
                let groups = try passes(question, in: phase).stacks
                return model.tokenStack.runs.reduce(Int128(0)) { sum, run in
                  run.heads.reduce(sum) { sum, heads in
                    let planned = PlannedHeads(heads.cache, model.tokenStack.promptPasses(model, prompt: prompt))
                    let pairs = groups.flatMap { Array(planned.passes($0)) }.reduce(Int128(0)) { $0 + $1.allPairs }
                    return sum + Int128(run.layers * heads.count) * pairs
                  }
                }
              }
              let executed = Self.executed(weights, prompt: prompt, generated: generated, chunk: chunk)
              #expect(
                executed.map { Int128($0) } == formulas, "\(retention), \(exempt), \(prompt) by \(chunk) + \(generated)"
              )
            }
          }
        }
      }
    }
  }
}
