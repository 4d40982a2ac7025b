import Architectures
import Quantities
import Reference
import Tensors
import Testing

/// What hierarchical and recursive generation owe to the teacher-forced pass and to one another, on numbers.
struct GenerationLaws {
  static let hierarchies: [[(Int, Int)]] = [
    [(2, 1)], [(3, 2)], [(2, 2), (2, 1)], [(3, 1), (2, 2)], [(2, 1), (2, 2), (2, 1)],
  ]

  static func model(
    _ levels: [(Int, Int)], _ reading: DecoderInput, _ generation: Generation = .hierarchical
  ) -> Model {
    let layer = LayerShape(width: 12, heads: 2, keyValueHeads: 1, feedForward: 20)
    return Model.photon(
      vocabulary: 13, layer: layer,
      levels: levels.enumerated().map { index, level in
        LevelShape(
          chunkLength: level.0, conditionLength: level.1, layer: layer, encoderLayers: 1, decoderLayers: 2,
          chunker: index == 0 ? .concatenation : .linear)
      }, decoderInput: reading, generation: generation)
  }

  static func prompt(_ length: Int, seed: Int = 0) -> [Int32] {
    (0..<length).map { Int32(($0 * 7 + seed * 5 + 3) % 13) }
  }

  struct Run {
    var tokens: [[Int32]]
    /// Per sequence and emitted position.
    var logits: [[[Float]]]
  }

  /// - Parameter forced: replaces the chosen token at a position of the context.
  static func run(
    _ weights: ModelWeights, prompts: [[Int32]], generate: Int, continuations: Int = 1, backend: Backend = .plain,
    forced: [Int: Int32] = [:]
  ) -> Run {
    let workload = Workload(
      promptLength: prompts[0].count, generatedLength: generate, batchSize: prompts.count, continuations: continuations)
    let session = makeSession(weights, workload: workload, machine: Machine(backend: backend))
    session.prefill(prompts)
    let empty = [[Float]](repeating: [], count: generate)
    var logits = [[[Float]]](repeating: empty, count: prompts.count * continuations)
    let tokens = session.generate { row, sequence, position in
      logits[sequence][position - prompts[0].count] = Array(row)
      return forced[position] ?? greedy(row, sequence, position)
    }
    return Run(tokens: tokens, logits: logits)
  }

  static func bits(_ rows: [[Float]]) -> [[UInt32]] { rows.map { $0.map(\.bitPattern) } }

  @Test(arguments: DecoderInput.allCases)
  func `hierarchical generation is the teacher-forced pass in every bit`(reading: DecoderInput) {
    for levels in Self.hierarchies {
      let model = Self.model(levels, reading)
      let weights = ModelWeights(model, seed: 7, holdsNumbers: true)
      for promptLength in 0...model.metaContextLength + 1 {
        let prompts = [Self.prompt(promptLength), Self.prompt(promptLength, seed: 1)]
        let count = model.metaContextLength * 2 + 1
        let run = Self.run(weights, prompts: prompts, generate: count)
        let whole = zip(prompts, run.tokens).map { $0 + $1 }
        let forward = HierarchySession.forward(weights, tokens: whole, machine: Machine(backend: .plain)).logits
        for sequence in 0..<2 {
          for position in 0..<count {
            let start = (sequence * (promptLength + count) + promptLength + position) * model.vocabulary
            let row = forward[start..<start + model.vocabulary]
            #expect(
              row.map(\.bitPattern) == run.logits[sequence][position].map(\.bitPattern),
              "C, R = \(levels), P = \(promptLength), position \(position)")
          }
        }
      }
    }
  }

  @Test(arguments: DecoderInput.allCases)
  func `shared prompts equal separate prompts in every bit, and so does any place in the batch`(reading: DecoderInput) {
    for generation in Generation.allCases {
      for backend in [Backend.plain, .fast] {
        let model = Self.model([(2, 2), (3, 1)], reading, generation)
        let weights = ModelWeights(model, seed: 3, holdsNumbers: true)
        for promptLength in 0...7 {
          let prompts = [Self.prompt(promptLength), Self.prompt(promptLength, seed: 4)]
          let shared = Self.run(weights, prompts: prompts, generate: 14, continuations: 3, backend: backend)
          let swapped = Self.run(weights, prompts: prompts.reversed(), generate: 14, backend: backend)
          for sequence in 0..<6 {
            let alone = Self.run(weights, prompts: [prompts[sequence / 3]], generate: 14, backend: backend)
            #expect(Self.bits(shared.logits[sequence]) == Self.bits(alone.logits[0]))
            #expect(Self.bits(swapped.logits[1 - sequence / 3]) == Self.bits(alone.logits[0]))
          }
        }
      }
    }
  }

  @Test(arguments: DecoderInput.allCases)
  func `recursive generation equals hierarchical as long as the counting rules say`(reading: DecoderInput) {
    let levels = [(2, 2), (3, 1)]
    let weights = ModelWeights(Self.model(levels, reading, .recursive), seed: 11, holdsNumbers: true)
    let other = ModelWeights(Self.model(levels, reading), seed: 11, holdsNumbers: true)
    for promptLength in 0...12 {
      let prompts = [Self.prompt(promptLength)]
      let recursive = Self.run(weights, prompts: prompts, generate: 18)
      let hierarchical = Self.run(other, prompts: prompts, generate: 18)
      let drop = (promptLength + 5) / 6 * 6 - promptLength
      let same = drop + (reading.feedsReconstructions ? 6 : 2)
      #expect(
        Self.bits(Array(recursive.logits[0].prefix(same))) == Self.bits(Array(hierarchical.logits[0].prefix(same))))
      #expect(Self.bits(recursive.logits[0]) != Self.bits(hierarchical.logits[0]))
    }
  }

  @Test(arguments: DecoderInput.allCases)
  func `after the drop an emitted token changes nothing outside its own chunk`(reading: DecoderInput) {
    let weights = ModelWeights(Self.model([(2, 2), (3, 1)], reading, .recursive), seed: 5, holdsNumbers: true)
    let prompts = [Self.prompt(6)]
    let before = Self.run(weights, prompts: prompts, generate: 24)
    for position in 6..<30 {
      let token = (before.tokens[0][position - 6] + 1) % 13
      let after = Self.run(weights, prompts: prompts, generate: 24, forced: [position: token])
      for other in 6..<30 where other / 2 != position / 2 {
        #expect(Self.bits([before.logits[0][other - 6]]) == Self.bits([after.logits[0][other - 6]]))
      }
    }
  }

  @Test(arguments: DecoderInput.allCases)
  func `no output depends on a token that comes later`(reading: DecoderInput) {
    let weights = ModelWeights(Self.model([(2, 2), (3, 1)], reading), seed: 9, holdsNumbers: true)
    let tokens = Self.prompt(20)
    let base = HierarchySession.forward(weights, tokens: [tokens], machine: Machine(backend: .plain)).logits
    for position in 0..<20 {
      var changed = tokens
      changed[position] = (changed[position] + 1) % 13
      let machine = Machine(backend: .plain)
      let logits = HierarchySession.forward(weights, tokens: [changed], machine: machine).logits
      let unchanged = (position + 1) * 13
      #expect(base.prefix(unchanged).map(\.bitPattern) == logits.prefix(unchanged).map(\.bitPattern))
    }
  }

  @Test func `cached decoding of a vanilla Transformer is the uncached pass in every bit`() {
    let layer = LayerShape(width: 12, heads: 4, keyValueHeads: 2, feedForward: 20, feedForwardKind: .twoMatrix)
    let model = Model.vanilla(vocabulary: 13, layer: layer, tiedHead: true, layers: 2)
    let weights = ModelWeights(model, seed: 2, holdsNumbers: true)
    for promptLength in 1...5 {
      let prompt = Self.prompt(promptLength)
      let run = Self.run(weights, prompts: [prompt], generate: 9)
      let whole = prompt + run.tokens[0]
      let logits = VanillaSession.forward(weights, tokens: [whole], machine: Machine(backend: .plain))
      for position in 0..<9 {
        let start = (promptLength + position - 1) * 13
        #expect(logits[start..<start + 13].map(\.bitPattern) == run.logits[0][position].map(\.bitPattern))
      }
    }
  }
}
