import Architectures
import Quantities
import Testing

@testable import Reference
@testable import Tensors

/// Whole models over quantised caches.
struct QuantisedTests {
  static let models = [CacheMethodTests.vanilla, CacheMethodTests.photon]

  static func run(
    _ model: Model, _ form: EntryForm, _ retention: Retention = .everything, chunk: Int? = nil, continuations: Int = 1,
    prompts: [[Int32]] = CacheMethodTests.prompts, backend: Backend = .plain
  ) -> CacheMethodTests.Run {
    var model = model
    model.setCaches { _ in StackCache(CachePlan(retention: retention, entry: form), prefillChunk: chunk) }
    return CacheMethodTests.run(
      model, prompts: prompts, continuations: continuations, backend: backend, methods: CacheMethods.ofPlan)
  }

  static func quantised(_ format: Quantisation.Format, residual: Int = 0) -> EntryForm {
    .quantised(Quantisation(format: format, group: 2, residual: residual))
  }

  @Test(arguments: models, Quantisation.Format.allCases)
  func `a residual as long as the text is full attention in every bit`(model: Model, format: Quantisation.Format) {
    for backend in [Backend.plain, .fast] {
      for chunk in [nil, 2] {
        let whole = Self.run(model, .keyAndValue, chunk: chunk, continuations: 2, backend: backend)
        let residual = Self.run(
          model, Self.quantised(format, residual: 23), chunk: chunk, continuations: 2, backend: backend)
        #expect(residual.logits == whole.logits)
        let rounded = Self.run(model, Self.quantised(format), chunk: chunk, continuations: 2, backend: backend)
        #expect(rounded.logits != whole.logits, "attention that does not see the error proves little")
      }
    }
  }

  @Test(arguments: models)
  func `chunks of the prompt and continuations change no bit where every entry is rounded at once`(model: Model) {
    let whole = Self.run(model, Self.quantised(.int8))
    for chunk in [1, 2, 5] {
      #expect(Self.run(model, Self.quantised(.int8), chunk: chunk).logits == whole.logits)
    }
    let shared = Self.run(model, Self.quantised(.int8), continuations: 3)
    for sequence in 0..<6 { #expect(shared.logits[sequence] == whole.logits[sequence / 3]) }
  }

  @Test(arguments: models, [0, 1, 3])
  func `continuations of entries that change later are sequences of their own`(model: Model, residual: Int) {
    for retention in [Retention.everything, .heavyHitters(HeavyHitters(heavy: 2, recent: 3))] {
      let form = Self.quantised(.int4, residual: residual)
      let shared = Self.run(model, form, retention, continuations: 3)
      for sequence in 0..<6 {
        let alone = Self.run(model, form, retention, prompts: [CacheMethodTests.prompts[sequence / 3]])
        #expect(shared.logits[sequence] == alone.logits[0])
      }
    }
  }
}
