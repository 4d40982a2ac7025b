import Architectures
import Testing

private let shape = LayerShape(width: 64, heads: 4, feedForward: 128)

private func level(
  _ chunk: Int, _ layer: LayerShape = shape, chunker: ChunkerKind = .linear, condition: Int = 1, layers: Int = 1
) -> LevelShape {
  LevelShape(
    chunkLength: chunk, conditionLength: condition, layer: layer, encoderLayers: layers, decoderLayers: layers,
    chunker: chunker)
}

private func hierarchy(_ levels: [LevelShape], family: Family = .photon) -> Model {
  Model(vocabulary: 100, layer: shape, payload: Payload(of: family, levels: levels))
}

struct ProblemTests {
  @Test func `every small hierarchy of linear chunkers is sound`() {
    for first in 1...4 {
      for second in 1...4 {
        for third in 1...4 { #expect(hierarchy([level(first), level(second), level(third)]).problems == []) }
      }
      #expect(hierarchy([level(first)], family: .block).problems == [])
    }
  }

  @Test func `a level-1 concatenation is sound exactly if C divides the width`() {
    for chunk in 1...70 {
      let problems = hierarchy([level(chunk, chunker: .concatenation)]).problems
      #expect(problems.map(\.key) == (64 % chunk == 0 ? [] : ["levels[1].chunk"]))
    }
  }

  @Test func `a higher concatenation is sound exactly if C times the width below is the width`() {
    for chunk in 1...5 {
      let above = LayerShape(width: 64 * chunk, heads: 4, feedForward: 128)
      for other in 1...5 {
        let problems = hierarchy([level(2), level(other, above, chunker: .concatenation)]).problems
        #expect(problems.map(\.key) == (other == chunk ? [] : ["levels[2].chunker"]))
      }
    }
  }

  @Test func `heads divide the width unless the head width says otherwise, and key–value heads divide heads`() {
    for heads in 1...64 {
      let divides = 64 % heads == 0
      #expect(LayerShape(width: 64, heads: heads, feedForward: 1).problems(prefix: "").isEmpty == divides)
      for headWidth in [1, 100, max(64 / heads, 1)] {
        #expect(LayerShape(width: 64, heads: heads, headWidth: headWidth, feedForward: 1).problems(prefix: "").isEmpty)
      }
      let grouped = LayerShape(width: 64, heads: 64, keyValueHeads: heads, feedForward: 1)
      #expect(grouped.problems(prefix: "x.").map(\.key) == (divides ? [] : ["x.key_value_heads"]))
    }
  }

  @Test func `a family has its own parts and no other's`() {
    let everything = Family.allCases.map { family in
      Model(
        vocabulary: 100, layer: shape,
        payload: Payload(
          of: family, layers: 2, levels: [level(2)], decoderInput: .encoderState, generation: .hierarchical,
          retainConditions: true))
    }
    #expect(everything.map(\.family) == Family.allCases)
    #expect(everything.allSatisfy { $0.problems.isEmpty })
    #expect(everything.map(\.layers) == [2, 0, 0])
    #expect(everything.map(\.levelCount) == [0, 1, 1])
    #expect(everything.map(\.decoderInput) == [.cascade, .cascade, .encoderState])
    #expect(everything.map(\.retainConditions) == [false, false, true])
    #expect(Model.vanilla(vocabulary: 100, layer: shape, layers: 0).problems.map(\.key) == ["layers"])
    #expect(hierarchy([]).problems.map(\.key) == ["levels"])
    #expect(hierarchy([level(2), level(2)], family: .block).problems.map(\.key) == ["levels"])
  }

  @Test func `recursive generation needs two levels`() {
    for count in 1...3 {
      var model = hierarchy(Array(repeating: level(2), count: count))
      model.generation = .recursive
      #expect(model.problems.map(\.key) == (count == 1 ? ["generation"] : []))
    }
  }

  @Test func `every number has a smallest and a largest value`() {
    func keys(_ change: (inout Model) -> Void) -> [String] {
      var model = hierarchy([level(2), level(2)])
      change(&model)
      return model.problems.map(\.key)
    }
    for bad in [-1, 0, Int.max, Int.min] {
      #expect(keys { $0.vocabulary = bad } == ["vocabulary"])
      #expect(keys { $0.layer.width = bad }.first == "width")
      #expect(keys { $0.layer.heads = bad }.first == "heads")
      #expect(keys { $0.layer.keyValueHeads = bad }.first == "key_value_heads")
      #expect(keys { $0.layer.feedForward = bad }.first == "feed_forward")
      #expect(keys { $0.levels[2].chunkLength = bad } == ["levels[2].chunk"])
      #expect(keys { $0.levels[2].conditionLength = bad } == ["levels[2].condition"])
      #expect(keys { $0.levels[1].encoderLayers = bad } == ["levels[1].encoder_layers"])
      #expect(keys { $0.levels[1].decoderLayers = bad } == ["levels[1].decoder_layers"])
      #expect(keys { $0.levels[2].layer.feedForward = bad } == ["levels[2].feed_forward"])
      #expect(keys { $0.levels[2].layer.headWidth = bad } == ["levels[2].head_width"])
    }
    let long = hierarchy(Array(repeating: level(1024), count: 3))
    #expect(long.problems.map(\.key) == ["levels[3].chunk"])
    #expect(hierarchy(Array(repeating: level(1), count: 17)).problems.map(\.key) == ["levels"])
    let wide = LayerShape(width: 64, heads: 4096, keyValueHeads: 1, headWidth: 64, feedForward: 1)
    #expect(wide.problems(prefix: "").map(\.key) == ["head_width"])
  }

  @Test func `only a vanilla model needs a prompt`() {
    let empty = Workload(promptLength: 0, generatedLength: 1)
    let vanilla = Model.vanilla(vocabulary: 100, layer: shape, layers: 2)
    #expect(empty.problems(for: vanilla).map(\.key) == ["prompt"])
    #expect(empty.problems(for: hierarchy([level(2)])) == [])
    let bad = Workload(promptLength: -1, generatedLength: -1, batchSize: 0, continuations: 0)
    #expect(bad.problems(for: vanilla).map(\.key) == ["prompt", "generate", "batch", "continuations"])
  }

  @Test func `the largest counts fit in 128 bits`() {
    // Cache read bits of one stack: 2 entries × 32 bits × width × layers × pairs × sequences.
    let context = Int128(Limits.promptLength + Limits.generatedLength)
    let pairs = context * (context + 1) / 2
    let factors = [2, 32, Limits.width, Limits.layers, Limits.batchSize, Limits.continuations]
    var product = pairs
    for factor in factors {
      let (next, overflow) = product.multipliedReportingOverflow(by: Int128(factor))
      #expect(!overflow)
      product = next
    }
    // With chunks of one unit every level's encoder attends as many pairs as a vanilla stack; local windows, at most
    // T·(R + C)²/2 pairs, stay below one more.
    let window = Int128(Limits.conditionLength + Limits.chunkLength)
    #expect(context * window * window / 2 < pairs)
    #expect(!product.multipliedReportingOverflow(by: Int128(Limits.levels + 1)).overflow)
  }
}

@Suite struct SharingTests {
  @Test func `heads that do not divide over the devices are named with their level`() {
    var model = Model.photon(
      vocabulary: 50, layer: LayerShape(width: 16, heads: 4, feedForward: 20),
      levels: [
        LevelShape(
          chunkLength: 2, conditionLength: 1,
          layer: LayerShape(width: 24, heads: 6, keyValueHeads: 3, feedForward: 40), encoderLayers: 1,
          decoderLayers: 1, chunker: .linear)
      ])
    #expect(
      model.problems(sharedBy: 4).map(\.description) == [
        "levels[1].heads: 6 heads do not divide over 4 devices; accepted: a divisor of 6"
      ])
    #expect(
      model.problems(sharedBy: 2).map(\.description) == [
        "levels[1].key_value_heads: 3 key–value heads do not divide over 2 devices; accepted: a divisor or a multiple of 3"
      ])
    #expect(model.problems(sharedBy: 1) == [])
    model.levels[1].layer = model.layer
    #expect(model.problems(sharedBy: 3).map(\.key) == ["heads"])
  }
}
