import Architectures
import Quantities
import TestModels
import Testing

@testable import Reference
@testable import Tensors

/// What outputs do not depend on: the batch, the threads and, for some methods, how the prompt is read.
struct SamenessLaws {
  static let models = [
    CacheModels.vanilla, CacheModels.single, CacheModels.block, CacheModels.photon(.cascade, .hierarchical),
    CacheModels.photon(.reconstruction, .recursive),
  ]
  static let prompts = (0..<3).map { GenerationLaws.prompt(19, seed: $0) }

  static func logits(_ weights: ModelWeights, _ prompts: [[Int32]], _ backend: Backend, _ continuations: Int = 1)
    -> [[[UInt32]]]
  {
    GenerationLaws.run(weights, prompts: prompts, generate: 9, continuations: continuations, backend: backend).logits
      .map(GenerationLaws.bits)
  }

  @Test(arguments: CacheSubject.atOnce, [Backend.plain, .fast])
  func `a sequence in a batch, or a continuation of one, is the same alone`(subject: CacheSubject, backend: Backend) {
    for model in Self.models {
      let weights = ModelWeights(model.with(subject.cache), seed: 5, holdsNumbers: true)
      let together = Self.logits(weights, Self.prompts, backend, 2)
      for (sequence, prompt) in Self.prompts.enumerated() {
        let alone = Self.logits(weights, [prompt], backend)[0]
        for copy in 0..<2 { #expect(together[2 * sequence + copy] == alone, "\(model.family)") }
      }
    }
  }

  @Test(arguments: CacheSubject.atOnce)
  func `the number of threads changes no bit`(subject: CacheSubject) {
    for model in Self.models {
      let weights = ModelWeights(model.with(subject.cache), seed: 5, holdsNumbers: true)
      let runs = [1, 3].map { threads in
        setKernelThreads(threads)
        return Self.logits(weights, Self.prompts, .fast)
      }
      setKernelThreads(1)
      #expect(runs[0] == runs[1], "\(model.family)")
    }
  }

  // MARK: Chunked prefill

  /// Until when a prompt in passes is the prompt at once.
  enum Passes {
    /// Whatever its length: nothing goes before the end, or what goes would not be seen.
    case always
    /// As long as it fits into so many entries.
    case upTo(Int)
    case never
  }

  static func passes(_ retention: Retention) -> Passes {
    switch retention {
    case .everything, .slidingWindow, .snapKV, .pyramidKV: .always
    case .streaming(let plan): .upTo(plan.evicts == .behind ? plan.budget : plan.window)
    case .heavyHitters(let plan): .upTo(plan.budget)
    case .chunked: .never
    // Heads are reduced stride by stride, so scores depend on where the prompt is cut.
    case .cascading(let plan): plan.scores ? .never : .upTo(plan.budget)
    }
  }

  /// Logits of the prompt's last token and of tokens behind it, and what is held.
  static func walk(_ retention: Retention, prompt: Int, chunk: Int) -> ([[UInt32]], [[[[Int]]]]) {
    let cache = StackCache(CachePlan(retention: retention), prefillChunk: chunk)
    let walk = CacheWalk(CacheModels.vanilla.with(cache), groups: 2, prompt: prompt)
    let logits = CacheWalk.passes(walk.model, prompt: prompt, generated: [1, 1, 1, 1, 1]).map { pass in
      (walk.pass(pass.queries, isPrompt: pass.isPrompt), walk.cache.nextPosition)
    }
    return (logits.filter { $0.1 >= prompt }.flatMap { GenerationLaws.bits($0.0) }, walk.positions)
  }

  @Test(arguments: Retention.Method.allCases)
  func `a prompt in passes is the prompt at once exactly where nothing goes that is seen`(method: Retention.Method) {
    for retention in retentions(method) {
      func agree(_ prompt: Int) -> Bool {
        let whole = Self.walk(retention, prompt: prompt, chunk: min(prompt, retention.mostRows))
        return [1, 2, 3, 5].filter { $0 <= retention.mostRows }
          .allSatisfy { Self.walk(retention, prompt: prompt, chunk: $0) == whole }
      }
      switch Self.passes(retention) {
      case .always: #expect(agree(11) && agree(4), "\(retention)")
      case .upTo(let fits): #expect(agree(fits) && !agree(11), "\(retention)")
      case .never: #expect(!agree(11), "\(retention)")
      }
    }
  }

  /// The walks of these laws are what sessions do.
  @Test(arguments: CacheSubject.all)
  func `a session is its walk`(subject: CacheSubject) {
    let model = CacheModels.vanilla.with(subject.cache)
    let walk = CacheWalk(model, prompt: 11)
    var expected: [[Float]] = []
    for (queries, isPrompt) in CacheWalk.passes(model, prompt: 11, generated: [1, 1, 1, 1]) {
      let logits = walk.pass(queries, isPrompt: isPrompt)[0]
      if walk.cache.nextPosition >= 11 { expected.append(logits) }
    }
    let forced = CacheWalk.tokens(0..<16, group: 0)
    let run = GenerationLaws.run(
      walk.weights, prompts: [Array(forced.prefix(11))], generate: 5,
      forced: Dictionary(uniqueKeysWithValues: (11..<16).map { ($0, forced[$0]) }))
    #expect(GenerationLaws.bits(run.logits[0]) == GenerationLaws.bits(expected))
  }
}
