import Architectures
import Reference
import Tensors
import Testing

/// `retain_conditions`: the first version of the paper keeps every condition sequence.
struct RetentionTests {
  static func model(_ reading: DecoderInput, _ generation: Generation = .hierarchical, retains: Bool) -> Model {
    var model = GenerationLaws.model([(2, 2), (3, 1)], reading, generation)
    model.retainConditions = retains
    return model
  }

  @Test(arguments: DecoderInput.allCases)
  func `keeping conditions changes no output bit`(reading: DecoderInput) {
    for generation in Generation.allCases {
      for promptLength in [0, 5, 6] {
        let prompts = [GenerationLaws.prompt(promptLength), GenerationLaws.prompt(promptLength, seed: 1)]
        let runs = [false, true].map { retains in
          GenerationLaws.run(
            ModelWeights(Self.model(reading, generation, retains: retains), seed: 3, holdsNumbers: true),
            prompts: prompts, generate: 14, continuations: 2)
        }
        #expect(runs[0].logits.map(GenerationLaws.bits) == runs[1].logits.map(GenerationLaws.bits))
      }
    }
  }

  @Test(arguments: DecoderInput.allCases)
  func `the teacher-forced pass holds R vectors for every chunk that has begun`(reading: DecoderInput) {
    let weights = ModelWeights(Self.model(reading, retains: true), seed: 3, holdsNumbers: true)
    for length in 1...13 {
      let tokens = [GenerationLaws.prompt(length), GenerationLaws.prompt(length, seed: 1)]
      let forward = HierarchySession.forward(weights, tokens: tokens, machine: Machine(backend: .plain))
      // Two sequences, C = 2 and 3, R = 2 and 1.
      #expect(forward.retainedVectors == [2 * 2 * ((length + 1) / 2), 2 * ((length + 5) / 6)])
      #expect(forward.cachedUnits == [length / 2, length / 6])
      #expect(forward.retained[0].count == forward.retainedVectors[0] * 12)
      #expect(forward.retained[0].contains { $0 != 0 })
    }
  }

  @Test func `generation from nothing keeps the vectors of the teacher-forced pass, number by number`() {
    let weights = ModelWeights(Self.model(.cascade, retains: true), seed: 3, holdsNumbers: true)
    let session = HierarchySession(
      weights, workload: Workload(promptLength: 0, generatedLength: 12), machine: Machine(backend: .plain))
    session.prefill([[]])
    let tokens = session.generate()
    let forward = HierarchySession.forward(weights, tokens: tokens, machine: Machine(backend: .plain))
    for level in 1...2 {
      #expect(
        session.retained!.elements(level: level).map(\.bitPattern)
          == forward.retained[level - 1].map(\.bitPattern))
    }
  }

  @Test func `without the key nothing is kept`() {
    let weights = ModelWeights(Self.model(.cascade, retains: false), seed: 3, holdsNumbers: true)
    let tokens = [GenerationLaws.prompt(6)]
    #expect(HierarchySession.forward(weights, tokens: tokens, machine: Machine(backend: .plain)).retained.isEmpty)
  }
}
