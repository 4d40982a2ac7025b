import Architectures
import Formulas
import Quantities
import Reference
import Tensors
import Testing
import Training
import Validation

/// Predicted memory of a training step against what the arena, the caches and the pool of one gave out.
struct TrainingMemoryTests {
  /// Elements, in the order of `TrainingMemory`.
  private typealias Figures = [Int128]

  private static func predicted(_ memory: TrainingMemory) -> Figures {
    [memory.parameters, memory.activations, memory.keysAndValues, memory.liveGradients, memory.pooledGradients]
  }

  private static func batch(_ settings: TrainingSettings) -> [[Int32]] {
    Array(repeating: Array(repeating: 0, count: settings.context), count: settings.batch / settings.microBatches)
  }

  /// Of a step that runs on shapes.
  private static func executed(_ weights: ModelWeights, _ settings: TrainingSettings) -> Figures {
    let (machine, pool) = (Machine(backend: .shapes), GradientPool<Float>(holdsNumbers: false))
    let tokens = batch(settings)
    Objective(settings).traceStep(weights, tokens: tokens, machine: machine, pool: pool, trace: nil)
    return figures(weights, machine, pool, cacheBytes: cacheBytes(weights, tokens))
  }

  private static func figures(
    _ weights: ModelWeights, _ machine: Machine, _ pool: GradientPool<Float>, cacheBytes: Int
  ) -> Figures {
    [
      weights.lineCount, machine.arena.peakElements, cacheBytes / 4, pool.peakElements, pool.allocatedElements,
    ].map { Int128($0) }
  }

  private static func cacheBytes(_ weights: ModelWeights, _ tokens: [[Int32]]) -> Int {
    let (machine, tape) = (Machine(backend: weights.holdsNumbers ? .fast : .shapes), Tape())
    machine.tape = tape
    _ = TrainingPass(weights, tokens: tokens, machine: machine)
    return tape.cacheBytes
  }

  private static func settings(
    context: Int, batch: Int, of parts: (reconstruction: Double, context: Double, target: TokenTarget, stops: Bool)
  ) -> TrainingSettings {
    var settings = TrainingSettings()
    (settings.context, settings.batch) = (context, batch)
    (settings.reconstructionWeight, settings.contextWeight) = (parts.reconstruction, parts.context)
    (settings.tokenTarget, settings.stopGradient) = (parts.target, parts.stops)
    return settings
  }

  /// All objectives, and both sides of L_context without and L_rec at the second level and above alone.
  private static let objectives =
    TrainingCostTests.objectives + [(0, 0.2, .none, false), (0.3, 0, .none, false), (0.3, 0.2, .none, true)]

  /// Steps whose memory differs from what was given out.
  private static func compare(
    _ model: Model, context: Int, batch: Int
  ) throws -> (steps: Int, mismatches: [String]) {
    let weights = ModelWeights(model, seed: 1, holdsNumbers: false)
    var (steps, mismatches) = (0, [String]())
    for parts in model.family == .vanilla ? Array(objectives.prefix(1)) : objectives {
      let settings = settings(context: context, batch: batch, of: parts)
      let (own, other) = (predicted(try TrainingMemory(model, settings)), executed(weights, settings))
      steps += 1
      if own != other { mismatches.append("\(own), executed \(other), T = \(context), \(parts), \(model)") }
    }
    return (steps, mismatches)
  }

  @Test func `training memory equals what was given out on hierarchies of up to three levels in every reading`() throws
  {
    let grid = ExactGrid()
    var (steps, readings, depths) = (0, Set<DecoderInput>(), Set<Int>())
    for index in stride(from: 0, to: grid.hierarchies.count, by: 3) {
      let points = grid.points(of: index)
      // Of each hierarchy all readings, at contexts shorter than a meta-context, whole, and with a rest.
      for point in stride(from: 0, to: points.count, by: max(points.count / 12, 1)).map({ points[$0] }) {
        let length = point.workload.promptLength + point.workload.generatedLength
        let result = try Self.compare(point.model, context: max(length, 1), batch: point.workload.batchSize)
        steps += result.steps
        readings.insert(point.model.decoderInput)
        depths.insert(point.model.levelCount)
        try #require(result.mismatches.isEmpty, "\(result.mismatches.prefix(2).joined(separator: "\n"))")
      }
    }
    #expect(steps > 5000)
    #expect(readings == Set(DecoderInput.allCases) && depths == [1, 2, 3])
  }

  /// Up to four levels of chunks of eight, heads wider or narrower than the model, feed-forward networks narrower than
  /// attention: each of the moments is the highest somewhere.
  @Test func `training memory equals what was given out on a sample of wide, deep and lopsided models`() throws {
    var (steps, whole) = (0, 0)
    for (index, point) in SeededSample(seed: 4, count: 250).points.enumerated() {
      var model = point.model
      // More layers than there are moments of a stack, so that those between the ends matter.
      if index % 3 == 0 {
        if case .vanilla(let layers) = model.payload { model.payload = .vanilla(layers: layers + 3) }
        for level in model.levels.indices {
          model.levels[level].encoderLayers += 3
          model.levels[level].decoderLayers += 3
        }
      }
      let meta = model.metaContextLength
      for context in Set([1 + index % 40, meta, 2 * meta, meta + index % meta]).sorted() where context <= 300 {
        let result = try Self.compare(model, context: context, batch: 1 + index % 3)
        steps += result.steps
        whole += context % meta == 0 ? 1 : 0
        try #require(result.mismatches.isEmpty, "\(result.mismatches.prefix(2).joined(separator: "\n"))")
      }
    }
    #expect(steps > 2000 && whole > 200)
  }

  /// Next to no vocabulary and feed-forward network, so that the last operation is not the one that takes most.
  @Test func `training memory equals what was given out where an operation inside a stack takes the most`() throws {
    let manyHeads = LayerShape(width: 4, heads: 8, headWidth: 16, feedForward: 1)
    let oneHead = LayerShape(width: 64, heads: 1, headWidth: 2, feedForward: 1, feedForwardKind: .twoMatrix)
    let small = LayerShape(width: 2, heads: 1, feedForward: 1)
    for layer in [manyHeads, oneHead] {
      for layers in 1...5 {
        let vanilla = Model.vanilla(vocabulary: 2, layer: layer, layers: layers)
        #expect(try Self.compare(vanilla, context: 7, batch: 2).mismatches == [])
      }
      for reading in DecoderInput.allCases {
        for (chunk, condition, layers) in [(1, 16, 1), (2, 1, 3), (3, 1, 4), (3, 16, 5), (4, 2, 2)] {
          // Under a small decoder 1, and in a context that no encoder reaches, decoder 2 takes the most.
          for (bottom, upper) in [(layer, manyHeads), (layer, oneHead), (small, layer)] {
            let levels = [layer, upper].map {
              LevelShape(
                chunkLength: chunk, conditionLength: condition, layer: $0, encoderLayers: layers, decoderLayers: layers,
                chunker: .linear)
            }
            let model = Model.photon(vocabulary: 2, layer: bottom, levels: levels, decoderInput: reading)
            for metaContexts in [1, 2] {
              let context = metaContexts * chunk * chunk
              #expect(try Self.compare(model, context: context, batch: 2).mismatches == [])
            }
          }
        }
      }
    }
  }

  @Test(arguments: DecoderInput.allCases)
  func `a step on numbers takes the predicted memory, and all its parts the same`(reading: DecoderInput) throws {
    let layer = LayerShape(width: 12, heads: 4, keyValueHeads: 2, feedForward: 20)
    let level = LevelShape(
      chunkLength: 4, conditionLength: 2, layer: layer, encoderLayers: 2, decoderLayers: 2, chunker: .linear)
    let model = Model.photon(
      vocabulary: 13, layer: layer, levels: [level, level], decoderInput: reading)
    var settings = Self.settings(context: 32, batch: 6, of: (0.3, 0.2, .decoderEmbedding, false))
    settings.microBatches = 3
    let weights = ModelWeights(model, seed: 1, holdsNumbers: true)
    let (machine, pool, gradients) = (Machine(backend: .fast), GradientPool<Float>(), ParameterLine(for: weights))
    let tokens = Self.batch(settings)
    for _ in 0..<settings.microBatches {
      _ = Objective(settings).differentiate(
        weights, tokens: tokens, firstScored: 1, machine: machine, into: gradients, pool: pool)
    }
    let memory = try TrainingMemory(model, settings)
    let figures = Self.figures(weights, machine, pool, cacheBytes: Self.cacheBytes(weights, tokens))
    #expect(Self.predicted(memory) == figures)
    let optimiser = AdamW(weights)
    let lines = gradients.count + optimiser.firstMoments.count + optimiser.secondMoments.count + weights.lineCount
    #expect(memory.bytes == 4 * (Int128(lines) + figures[1] + figures[2] + figures[4]))
    #expect(pool.peakElements < pool.allocatedElements)
  }

  @Test func `memory is predicted whatever the context, and refused where it cannot be counted`() throws {
    let layer = LayerShape(width: 64, heads: 4, feedForward: 128)
    let model = Model.vanilla(vocabulary: 257, layer: layer, layers: 2)
    var settings = TrainingSettings()
    (settings.context, settings.batch) = (1 << 40, 1)
    let tokens = Int128(settings.context)
    let memory = try TrainingMemory(model, settings)
    // Keys and values of two layers; embeddings, of each layer 2·D + 2·D_q + 3·F, logits and the head's norm.
    #expect(memory.keysAndValues == 4 * tokens * 64)
    #expect(memory.activations == tokens * (64 + 2 * (256 + 384) + 257 + 64))
    settings.context = 1 << 59
    settings.batch = 1 << 20
    #expect(throws: CountOverflow.self) { try TrainingMemory(model, settings) }
  }
}
