import Architectures
import Quantities
import TestModels
import Testing

@testable import Reference
@testable import Tensors

/// Models whose rows choose what they read.
struct LookupLaws {
  static let all = Lookup.Method.allCases.flatMap(lookups)
  static let prompts = (0..<2).map { GenerationLaws.prompt(19, seed: $0) }

  static func cache(_ lookup: Lookup, blocks: Int? = nil) -> StackCache {
    StackCache(CachePlan(lookup: lookup), prefillChunk: blocks.map { $0 * lookup.queryBlock })
  }

  static func logits(_ model: Model, continuations: Int = 1, backend: Backend = .plain) -> [[[UInt32]]] {
    SamenessLaws.logits(ModelWeights(model, seed: 5, holdsNumbers: true), prompts, backend, continuations)
  }

  @Test(arguments: Lookup.Method.allCases)
  func `room for all positions changes no bit, however the prompt is read`(method: Lookup.Method) {
    for model in BudgetLaws.models {
      for backend in [Backend.plain, .fast] {
        let whole = Self.logits(model, continuations: 2, backend: backend)
        for lookup in roomyLookups(method, for: 30) {
          for blocks in [nil, 2] {
            let own = model.with(Self.cache(lookup, blocks: blocks))
            #expect(own.problems.isEmpty)
            if backend == .plain || blocks == nil {
              #expect(Self.logits(own, continuations: 2, backend: backend) == whole, "\(lookup) of \(model.family)")
            }
          }
        }
      }
    }
  }

  /// What shows that the law above says something.
  @Test(arguments: all)
  func `a smaller budget changes logits`(lookup: Lookup) {
    let own = CacheModels.vanilla.with(Self.cache(lookup))
    #expect(own.problems.isEmpty)
    #expect(Self.logits(own) != Self.logits(CacheModels.vanilla))
  }

  @Test(arguments: all)
  func `a prompt in passes of whole blocks is the prompt at once`(lookup: Lookup) {
    for model in [CacheModels.vanilla, CacheModels.photon(.cascade, .hierarchical)] {
      let whole = Self.logits(model.with(Self.cache(lookup)))
      for blocks in [1, 2, 3] { #expect(Self.logits(model.with(Self.cache(lookup, blocks: blocks))) == whole) }
    }
  }

  @Test(arguments: all, [Backend.plain, .fast])
  func `a sequence in a batch, or a continuation of one, is the same alone`(lookup: Lookup, backend: Backend) {
    for model in SamenessLaws.models {
      let weights = ModelWeights(model.with(Self.cache(lookup)), seed: 5, holdsNumbers: true)
      let together = SamenessLaws.logits(weights, Self.prompts, backend, 2)
      for (sequence, prompt) in Self.prompts.enumerated() {
        let alone = SamenessLaws.logits(weights, [prompt], backend)[0]
        for copy in 0..<2 { #expect(together[2 * sequence + copy] == alone, "\(model.family)") }
      }
    }
  }

  @Test(arguments: all)
  func `the number of threads changes no bit`(lookup: Lookup) {
    let weights = ModelWeights(CacheModels.vanilla.with(Self.cache(lookup)), seed: 5, holdsNumbers: true)
    let runs = [1, 3].map { threads in
      setKernelThreads(threads)
      return SamenessLaws.logits(weights, Self.prompts, .fast)
    }
    setKernelThreads(1)
    #expect(runs[0] == runs[1])
  }

  @Test(arguments: all)
  func `the shortest prompts and no generation are handled`(lookup: Lookup) {
    for model in [CacheModels.vanilla, CacheModels.photon(.cascade, .hierarchical)] {
      for prompt in model.family.leastPromptLength...2 {
        for generated in [0, 1, 12] {
          let weights = ModelWeights(model.with(Self.cache(lookup)), seed: 5, holdsNumbers: true)
          let run = GenerationLaws.run(weights, prompts: [GenerationLaws.prompt(prompt)], generate: generated)
          #expect(run.tokens[0].count == generated)
        }
      }
    }
  }
}
