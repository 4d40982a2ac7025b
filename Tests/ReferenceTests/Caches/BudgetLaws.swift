import Architectures
import Quantities
import Reference
import Tensors
import TestModels
import Testing

/// A method with room for everything is none.
struct BudgetLaws {
  static let models = [CacheModels.vanilla, CacheModels.single, CacheModels.block] + CacheModels.photons
  static let prompts = [GenerationLaws.prompt(7), GenerationLaws.prompt(7, seed: 2)]
  static let generated = 10

  static func logits(_ model: Model, continuations: Int = 2) -> [[[UInt32]]] {
    let weights = ModelWeights(model, seed: 5, holdsNumbers: true)
    return GenerationLaws.run(weights, prompts: prompts, generate: generated, continuations: continuations).logits
      .map(GenerationLaws.bits)
  }

  @Test(arguments: Retention.Method.allCases)
  func `a budget of all positions changes no bit, however the prompt is read`(method: Retention.Method) {
    for model in Self.models {
      let whole = Self.logits(model)
      for retention in roomy(method, for: Self.prompts[0].count + Self.generated) {
        for chunk in [nil, 3] {
          let own = model.with(StackCache(CachePlan(retention: retention), prefillChunk: chunk))
          #expect(own.problems.filter { !$0.key.hasSuffix("prefill_chunk") }.isEmpty)
          #expect(Self.logits(own) == whole, "\(retention) of \(model.family), prompts by \(chunk ?? 0)")
        }
      }
    }
  }

  /// What shows that the law above says something.
  @Test(arguments: CacheSubject.atOnce)
  func `a smaller budget changes logits`(subject: CacheSubject) {
    let model = CacheModels.vanilla.with(subject.cache)
    #expect(model.problems.isEmpty)
    #expect((Self.logits(model) == Self.logits(CacheModels.vanilla)) == (subject.retention == .everything))
  }

  @Test(arguments: CacheSubject.all)
  func `the shortest prompts and no generation are handled`(subject: CacheSubject) {
    for model in [CacheModels.vanilla, CacheModels.photon(.cascade, .hierarchical)] {
      for prompt in model.family.leastPromptLength...2 {
        for generated in [0, 1] {
          let weights = ModelWeights(model.with(subject.cache), seed: 5, holdsNumbers: true)
          let run = GenerationLaws.run(weights, prompts: [GenerationLaws.prompt(prompt)], generate: generated)
          #expect(run.tokens[0].count == generated)
        }
      }
    }
  }
}
