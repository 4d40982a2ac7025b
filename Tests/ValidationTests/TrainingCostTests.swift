import Architectures
import Formulas
import Quantities
import Reference
import Tensors
import Testing
import Training
import Validation

/// Closed forms of a training step against the trace of one that ran on shapes.
struct TrainingCostTests {
  /// Every part of the objective on its own, and all together; targets with and without gradients.
  static let objectives: [(reconstruction: Double, context: Double, target: TokenTarget, stops: Bool)] = [
    (0, 0, .none, true), (0.3, 0, .decoderEmbedding, true), (0.3, 0, .decoderEmbedding, false),
    (0, 0.2, .none, true), (0.3, 0.2, .decoderEmbedding, false),
  ]

  /// Steps whose node counts differ from the trace, of all objectives.
  /// - Returns: the number of steps compared, and what differs.
  static func compare(_ model: Model, context: Int, batch: Int) throws -> (steps: Int, mismatches: [String]) {
    var (steps, mismatches) = (0, [String]())
    let weights = ModelWeights(model, seed: 1, holdsNumbers: false)
    let tokens = Array(repeating: Array(repeating: Int32(1), count: context), count: batch)
    for parts in model.family == .vanilla ? Array(objectives.prefix(1)) : objectives {
      var settings = TrainingSettings()
      (settings.context, settings.batch) = (context, batch)
      (settings.reconstructionWeight, settings.contextWeight) = (parts.reconstruction, parts.context)
      (settings.tokenTarget, settings.stopGradient) = (parts.target, parts.stops)
      let traces = (0..<2).map { _ in Trace(levelCount: model.levelCount, precision: .float32) }
      Objective(settings).traceStep(
        weights, tokens: tokens, machine: Machine(backend: .shapes, trace: traces[0]),
        pool: GradientPool(holdsNumbers: false), trace: traces[1])
      let cost = try TrainingCost(model, settings)
      steps += 1
      for index in 0..<Node.tableSize(levelCount: model.levelCount) {
        let node = Node(index: index)
        let predicted = cost.work(at: node)
        for (direction, formula, executed) in [
          ("forward", predicted.forward, traces[0].work(.prefill, at: node)),
          ("backward", predicted.backward, traces[1].work(.prefill, at: node)),
        ]
        where formula.matmulFlops != executed.matmulFlops || formula.elementwiseFlops != executed.elementwiseFlops {
          mismatches.append(
            "\(direction) \(node): \(formula.matmulFlops) + \(formula.elementwiseFlops), executed "
              + "\(executed.matmulFlops) + \(executed.elementwiseFlops), T = \(context), \(parts), \(model)")
        }
      }
      let sums = (traces[0].total(.prefill), traces[1].total(.prefill))
      #expect(cost.flops == [sums.0, sums.1].reduce(0) { $0 + $1.matmulFlops + $1.elementwiseFlops })
    }
    return (steps, mismatches)
  }

  @Test func `training FLOP equal the trace on hierarchies of up to three levels in every reading`() throws {
    let grid = ExactGrid()
    var (steps, readings, depths) = (0, Set<DecoderInput>(), Set<Int>())
    for index in stride(from: 0, to: grid.hierarchies.count, by: 3) {
      // Of each hierarchy all readings, at contexts shorter than a meta-context, whole, and with a rest.
      for point in strideOf(grid.points(of: index)) {
        let length = point.workload.promptLength + point.workload.generatedLength
        let result = try Self.compare(point.model, context: max(length, 1), batch: point.workload.batchSize)
        steps += result.steps
        readings.insert(point.model.decoderInput)
        depths.insert(point.model.levelCount)
        try #require(result.mismatches.isEmpty, "\(result.mismatches.prefix(4).joined(separator: "\n"))")
      }
    }
    #expect(steps > 3000)
    #expect(readings == Set(DecoderInput.allCases) && depths == [1, 2, 3])
  }

  /// Points that differ in their draws, about a dozen of a hierarchy.
  private func strideOf(_ points: [Question]) -> [Question] {
    stride(from: 0, to: points.count, by: max(points.count / 12, 1)).map { points[$0] }
  }

  @Test(arguments: [1, 2, 7, 12])
  func `training FLOP equal the trace of the baselines`(context: Int) throws {
    let layer = LayerShape(width: 12, heads: 2, keyValueHeads: 1, feedForward: 20)
    let twoMatrix = LayerShape(width: 8, heads: 2, feedForward: 10, feedForwardKind: .twoMatrix)
    for shape in [layer, twoMatrix] {
      let vanilla = Model.vanilla(vocabulary: 13, layer: shape, layers: 3)
      for batch in [1, 3] { #expect(try Self.compare(vanilla, context: context, batch: batch).mismatches == []) }
    }
    for chunker in ChunkerKind.allCases {
      for chunk in [1, 2, 3, 4] {
        let level = LevelShape(
          chunkLength: chunk, conditionLength: 2, layer: layer, encoderLayers: 2, decoderLayers: 1, chunker: chunker)
        let block = Model.block(vocabulary: 13, layer: twoMatrix, levels: [level])
        #expect(try Self.compare(block, context: context, batch: 2).mismatches == [])
      }
    }
  }

  @Test func `a step costs the same whatever the context, and is refused where it cannot be counted`() throws {
    let layer = LayerShape(width: 64, heads: 4, feedForward: 128)
    let model = Model.vanilla(vocabulary: 257, layer: layer, layers: 2)
    var settings = TrainingSettings()
    (settings.context, settings.batch) = (1 << 40, 1)
    let forward = try TrainingCost(model, settings).work(at: Node(0, .decoder, .attention)).forward.matmulFlops
    let tokens = Int128(settings.context)
    // Two layers of 4·D_q FLOP for each of T(T + 1)/2 pairs.
    #expect(forward == 2 * 4 * 64 * tokens * (tokens + 1) / 2)
    settings.context = 1 << 59
    settings.batch = 1 << 20
    #expect(throws: CountOverflow.self) { try TrainingCost(model, settings) }
  }
}
