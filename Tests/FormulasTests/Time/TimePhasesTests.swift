import Architectures
import Hardware
import Quantities
import Testing

@testable import Formulas

/// A hierarchy of unequal widths with grouped queries, as small as its levels allow.
private func hierarchy(
  chunks: [Int], conditions: [Int], _ reading: DecoderInput, _ generation: Generation = .hierarchical
) -> Model {
  let kinds: [ChunkerKind] = [.linear, .convolution, .linear]
  let levels = chunks.indices.map { index in
    LevelShape(
      chunkLength: chunks[index], conditionLength: conditions[index],
      layer: LayerShape(
        width: 16 + 8 * index, heads: 2, keyValueHeads: 1, feedForward: 24 + index,
        feedForwardKind: index == 1 ? .twoMatrix : .gated),
      encoderLayers: 1 + index, decoderLayers: 2, chunker: index == 0 && chunks[0] == 2 ? .concatenation : kinds[index])
  }
  return Model.photon(
    vocabulary: 30, layer: LayerShape(width: 8, heads: 2, feedForward: 12), levels: levels,
    decoderInput: reading, generation: generation)
}

private let vanilla = Model.vanilla(
  vocabulary: 30, layer: LayerShape(width: 8, heads: 4, keyValueHeads: 2, feedForward: 12), layers: 3)

private let precision = Precision(weights: .fp8, activations: .bf16, cache: .fp32)

/// What the groups of a phase add up to, by node; whole numbers far below 2^53, so exact.
private func sums(_ phase: DispatchedPhase) -> [Node: (matmul: Double, elementwise: Double, bytes: Double)] {
  phase.groups.reduce(into: [:]) { sums, group in
    func sum(_ work: Affine) -> Double { group.dispatchesPerIndex * work.sum(from: 0, to: group.indices) }
    let old = sums[group.node] ?? (0, 0, 0)
    sums[group.node] = (
      old.matmul + sum(group.work.matmulFlops), old.elementwise + sum(group.work.elementwiseFlops),
      old.bytes + sum(group.work.bytes)
    )
  }
}

private func expectSumsEqualCounts(_ asked: Question) throws {
  let question = Question(asked.model, asked.workload, precision)
  let dispatched = DispatchedWorkload(question)
  let exact = try price(question)
  for (phase, groups) in [(Phase.prefill, dispatched.prefill), (.decode, dispatched.decode)] {
    let found = sums(groups)
    for node in question.model.nodes {
      let work = exact.work(at: node, in: phase)
      let sum = found[node] ?? (0, 0, 0)
      let agrees =
        sum.matmul == Double(work.matmulFlops) && sum.elementwise == Double(work.elementwiseFlops)
        && sum.bytes * 8 == Double(work.trafficBits)
      #expect(
        agrees,
        "\(node) \(phase) \(question.model.decoderInput) \(question.model.generation) \(question.workload): \(sum) \(work)"
      )
    }
    #expect(found.keys.allSatisfy { question.model.nodes.contains($0) })
  }
}

@Suite struct TimePhasesTests {
  @Test func `dispatched vanilla operations add up to the counts`() throws {
    for prompt in 1...5 {
      for generated in 0...3 {
        try expectSumsEqualCounts(
          Question(vanilla, Workload(promptLength: prompt, generatedLength: generated, batchSize: 2, continuations: 3)))
      }
    }
  }

  @Test(arguments: DecoderInput.allCases)
  func `dispatched operations of every hierarchy add up to the counts of every node`(reading: DecoderInput) throws {
    for chunks in [[1], [2], [3], [2, 3], [3, 2], [1, 2], [2, 2, 2], [3, 1, 2]] {
      for generation in Generation.allCases where generation == .hierarchical || chunks.count > 1 {
        let conditions = chunks.indices.map { 1 + $0 % 2 }
        let model = hierarchy(chunks: chunks, conditions: conditions, reading, generation)
        let metaContext = model.metaContextLength
        for prompt in 0...(2 * metaContext + 1) {
          for generated in Set([0, 1, metaContext - 1, metaContext, metaContext + 1, 3 * metaContext]).sorted() {
            try expectSumsEqualCounts(Question(model, Workload(promptLength: prompt, generatedLength: generated)))
          }
        }
      }
    }
  }

  @Test(arguments: DecoderInput.allCases)
  func `batch and continuations scale the rows of a dispatch, not the number of dispatches`(
    reading: DecoderInput
  ) throws {
    for generation in Generation.allCases {
      let model = hierarchy(chunks: [2, 3], conditions: [2, 1], reading, generation)
      for prompt in 0...7 {
        let workload = Workload(promptLength: prompt, generatedLength: 11, batchSize: 3, continuations: 2)
        try expectSumsEqualCounts(Question(model, workload))
        let many = DispatchedWorkload(Question(model, workload, precision))
        let one = DispatchedWorkload(Question(model, Workload(promptLength: prompt, generatedLength: 11), precision))
        #expect(many.decode.groups.map(\.dispatches) == one.decode.groups.map(\.dispatches))
        #expect(many.decode.groups.map(\.rows) == one.decode.groups.map { 6 * $0.rows })
        #expect(many.prefill.groups.map(\.rows) == one.prefill.groups.map { 3 * $0.rows })
      }
    }
  }

  @Test func `the number of groups does not depend on lengths, batch or continuations`() {
    let model = hierarchy(chunks: [2, 3], conditions: [2, 1], .cascade)
    let counts = [(12, 600), (1200, 60_000), (1_200_000, 6_000_000)].map { prompt, generated in
      DispatchedWorkload(
        Question(
          model,
          Workload(promptLength: prompt, generatedLength: generated, batchSize: generated, continuations: prompt),
          precision)
      ).decode.groups.count
    }
    #expect(Set(counts).count == 1)
  }

  @Test func `the steps of decode are the dispatches of the head`() {
    for reading in DecoderInput.allCases {
      let model = hierarchy(chunks: [2, 3], conditions: [2, 1], reading)
      let dispatched = DispatchedWorkload(Question(model, Workload(promptLength: 5, generatedLength: 20), precision))
      let head = dispatched.decode.groups.filter { $0.node.component == .head }.reduce(0) { $0 + $1.dispatches }
      #expect(dispatched.decode.steps == head)
      // Tokens 6 … 24 hold three whole meta-contexts, whose two chunk positions are emitted side by side.
      #expect(head == (reading.feedsReconstructions ? 2 + 3 * 2 : 20))
    }
  }

  @Test(arguments: DecoderInput.allCases)
  func `the emission of a token is the head and what the token opens`(reading: DecoderInput) {
    let model = hierarchy(chunks: [2, 3], conditions: [2, 1], reading)
    func components(prompt: Int) -> [String] {
      let emission = DispatchedWorkload(Question(model, Workload(promptLength: prompt, generatedLength: 1), precision))
        .emission
      #expect(emission.steps == 0)
      return emission.groups.filter { [.head, .converter].contains($0.node.component) }.map(\.node.description)
    }
    let upper = reading == .encoderState ? [] : ["level2/decoder/converter"]
    #expect(components(prompt: 6) == upper + ["level1/decoder/converter", "level0/decoder/head"])
    #expect(components(prompt: 8) == ["level1/decoder/converter", "level0/decoder/head"])
    #expect(components(prompt: 7) == ["level0/decoder/head"])
  }

  @Test func `what runs more often is reused from a smaller working set`() {
    let model = hierarchy(chunks: [2, 3], conditions: [2, 1], .cascade)
    let decode = DispatchedWorkload(Question(model, Workload(promptLength: 60, generatedLength: 60), precision)).decode
    func workingSet(_ level: Int, _ side: Side) -> Double {
      decode.groups.first { $0.node == Node(level, side, .feedForward) }?.workingSet ?? 0
    }
    #expect(workingSet(1, .decoder) > 0)
    #expect(workingSet(1, .decoder) < workingSet(1, .encoder))
    #expect(workingSet(1, .encoder) == workingSet(2, .decoder))
    #expect(workingSet(2, .decoder) < workingSet(2, .encoder))
  }

  @Test func `decode time grows with generated tokens, prompt and batch`() throws {
    let profile = HardwareProfile(
      name: "toy", peaks: PeakRates([(.fp32, Rate(1e6)), (.bf16, Rate(1e6))]), elementwise: Rate(1e6),
      memoryBandwidth: Rate(1e5), memoryBytes: 1000)
    let roofline = try Roofline(profile, precision)
    for reading in DecoderInput.allCases {
      let model = hierarchy(chunks: [2, 3], conditions: [2, 1], reading)
      func time(_ prompt: Int, _ generated: Int, _ batch: Int) -> Seconds {
        let workload = Workload(promptLength: prompt, generatedLength: generated, batchSize: batch)
        return roofline.estimate(DispatchedWorkload(Question(model, workload, precision)).decode, levelCount: 2).total
          .time
      }
      for step in 1...20 {
        #expect(time(6 * step, 12, 1) >= time(6 * step - 6, 12, 1))
        #expect(time(7, 12, step + 1) > time(7, 12, step))
        #expect(time(6, 6 * step + 6, 2) > time(6, 6 * step, 2))
      }
    }
  }
}

@Suite struct TimeChainTests {
  /// Rates at which some operations of the small models are bound by compute, some by memory, and attention flips.
  private static let profile = HardwareProfile(
    name: "toy", peaks: PeakRates([(.fp32, Rate(4e6)), (.bf16, Rate(3e6))]), elementwise: Rate(2e6),
    memoryBandwidth: Rate(1e6), memoryBytes: 1000, fewRows: 3,
    efficiency: {
      var efficiency = PerOperationClass<Efficiency>(repeating: .ideal)
      efficiency.fewRowProduct = Efficiency(compute: .init(limit: 0.5, halfSize: 2), overhead: Seconds(1e-6))
      efficiency.attentionDecode = Efficiency(compute: .init(limit: 0.9), bandwidth: 0.4, overhead: Seconds(2e-6))
      return efficiency
    }(), stepOverhead: Seconds(1e-5))

  private static func decodeTime(_ model: Model, _ prompt: Int, _ generated: Int, batch: Int = 2) throws -> TimeFigure {
    let workload = Workload(promptLength: prompt, generatedLength: generated, batchSize: batch)
    let roofline = try Roofline(profile, precision)
    let phase = DispatchedWorkload(Question(model, workload, precision)).decode
    return roofline.estimate(phase, levelCount: model.levelCount).total
  }

  /// Each of both sums adds at most a few hundred positive terms per token, each rounded a few times.
  @Test func `decoding many tokens takes as long as decoding them one by one`() throws {
    let models =
      [vanilla] + [DecoderInput.cascade, .encoderState].map { hierarchy(chunks: [2, 3], conditions: [2, 1], $0) }
    for model in models {
      for prompt in [1, 6, 11] {
        let generated = 90
        let whole = try Self.decodeTime(model, prompt, generated)
        var sum = TimeFigure()
        for token in 0..<generated { sum += try Self.decodeTime(model, prompt + token, 1) }
        let tolerance = 400 * Double(generated) * Double.ulpOfOne
        #expect(abs(sum.time.value / whole.time.value - 1) <= tolerance)
        #expect(abs(sum.compute.value / whole.compute.value - 1) <= tolerance)
        #expect(abs(sum.memory.value / whole.memory.value - 1) <= tolerance)
        #expect(abs(sum.overhead.value / whole.overhead.value - 1) <= tolerance)
        // The law is only worth something if neither bound holds throughout.
        #expect(whole.time - whole.overhead > max(whole.compute, whole.memory))
      }
    }
  }

  @Test func `meta-contexts side by side take less time than one after another`() throws {
    for reading in [DecoderInput.reconstruction, .reconstructionAndTokens] {
      let model = hierarchy(chunks: [2, 3], conditions: [2, 1], reading)
      let together = try Self.decodeTime(model, 6, 12, batch: 1)
      var alone = TimeFigure()
      for token in 0..<12 { alone += try Self.decodeTime(model, 6 + token, 1, batch: 1) }
      #expect(together.time < alone.time)
      #expect(together.flops == alone.flops)
    }
  }

  @Test func `the first token's emission is part of its decode step`() throws {
    let roofline = try Roofline(Self.profile, precision)
    for model in [vanilla]
      + [DecoderInput.cascade, .encoderState].map({ hierarchy(chunks: [2, 3], conditions: [2, 1], $0) })
    {
      for prompt in 1...13 {
        let dispatched = DispatchedWorkload(
          Question(model, Workload(promptLength: prompt, generatedLength: 1), precision))
        let emission = roofline.estimate(dispatched.emission, levelCount: model.levelCount).total
        let decode = roofline.estimate(dispatched.decode, levelCount: model.levelCount).total
        #expect(emission.time > .zero)
        #expect(emission.time <= decode.time)
        #expect(emission.bytes <= decode.bytes)
      }
    }
  }
}
