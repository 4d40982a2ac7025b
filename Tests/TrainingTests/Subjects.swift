import Architectures
import GSL
import Quantities
import Reference
import Tensors
import Testing
import Training

/// A tiny model, an objective and a batch.
struct Subject: Sendable, CustomTestStringConvertible {
  let name: String
  let model: Model
  let objective: Objective
  let tokens: [[Int32]]

  var testDescription: String { name }

  init(_ name: String, _ model: Model, _ objective: Objective = Objective(), length: Int) {
    let text: [Int32] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3]
    (self.name, self.model, self.objective) = (name, model, objective)
    tokens = [Array(text.prefix(length)), Array(text.reversed().prefix(length))]
  }

  static let grouped = LayerShape(width: 8, heads: 2, keyValueHeads: 1, feedForward: 6)
  static let wide = LayerShape(width: 12, heads: 3, feedForward: 5, feedForwardKind: .twoMatrix)

  /// Of a concatenation of two vectors of `grouped`.
  static let doubled = LayerShape(width: 16, heads: 2, feedForward: 4)

  static func photon(
    _ shapes: [(chunk: Int, condition: Int, layer: LayerShape, chunker: ChunkerKind)], _ reading: DecoderInput
  ) -> Model {
    Model.photon(
      vocabulary: 11, layer: grouped,
      levels: shapes.map {
        LevelShape(
          chunkLength: $0.chunk, conditionLength: $0.condition, layer: $0.layer, encoderLayers: 1, decoderLayers: 1,
          chunker: $0.chunker)
      }, decoderInput: reading)
  }

  /// Every family, reading, chunker, dissimilarity and token target; targets with and without gradients.
  static let all: [Subject] = [
    Subject(
      "vanilla", Model.vanilla(vocabulary: 11, layer: grouped, tiedHead: true, layers: 2), length: 6),
    Subject(
      "block",
      Model.block(
        vocabulary: 11, layer: wide,
        levels: [
          LevelShape(
            chunkLength: 3, conditionLength: 2, layer: grouped, encoderLayers: 1, decoderLayers: 2, chunker: .linear)
        ]),
      Objective(
        reconstructionWeight: 0.3, contextWeight: 0.2, dissimilarity: .meanSquare, tokenTarget: .encoderEmbedding),
      length: 8),
    Subject(
      "photon cascade", photon([(2, 2, grouped, .concatenation), (3, 1, wide, .linear)], .cascade),
      Objective(reconstructionWeight: 0.3, contextWeight: 0.1), length: 13),
    Subject(
      "photon encoder state", photon([(2, 1, grouped, .concatenation), (2, 2, wide, .convolution)], .encoderState),
      Objective(
        reconstructionWeight: 0.4, contextWeight: 0.2, dissimilarity: .meanSquare, tokenTarget: .decoderEmbedding,
        stopsTargetGradients: false), length: 9),
    Subject(
      "photon reconstruction",
      photon([(2, 2, grouped, .concatenation), (2, 1, doubled, .concatenation)], .reconstruction),
      Objective(reconstructionWeight: 0.3, tokenTarget: .decoderEmbedding, stopsTargetGradients: false), length: 11),
    Subject(
      "photon reconstruction and tokens",
      photon([(3, 2, wide, .linear), (2, 1, grouped, .linear)], .reconstructionAndTokens),
      Objective(
        reconstructionWeight: 0.3, contextWeight: 0.5, tokenTarget: .encoderEmbedding, stopsTargetGradients: false),
      length: 14),
    Subject(
      "photon, three levels",
      photon([(2, 1, grouped, .linear), (2, 1, wide, .linear), (2, 2, grouped, .convolution)], .cascade),
      Objective(reconstructionWeight: 0.5, contextWeight: 0.1, dissimilarity: .meanSquare), length: 16),
  ]

  func weights(_ holdsNumbers: Bool) -> ModelWeights { ModelWeights(model, seed: 8, holdsNumbers: holdsNumbers) }

  /// The line of parameters in double precision, gaps included.
  var parameters: [Double] {
    let weights = weights(true)
    var line = [Double](repeating: 0, count: weights.lineCount)
    withExtendedLifetime(weights) {
      for (_, tensor) in weights.tensors {
        for (index, value) in tensor.elements.enumerated() { line[tensor.place.offset + index] = Double(value) }
      }
    }
    return line
  }

  /// The program of both directions on shapes, to be replayed on any scalar.
  struct Program {
    let tape: Tape
    let pass: TrainingPass
    /// Scalar operations of forward and backward, the objective's few aside.
    let flops: Double
  }

  var program: Program {
    let traces = [Trace(levelCount: 3, precision: .float32), Trace(levelCount: 3, precision: .float32)]
    let machine = Machine(backend: .shapes, trace: traces[0])
    let tape = Tape()
    machine.tape = tape
    let pass = TrainingPass(weights(false), tokens: tokens, machine: machine)
    machine.runBackward(into: nil, pool: GradientPool(holdsNumbers: false), trace: traces[1]) { _ = $0(pass.logits) }
    let work = traces[0].total(.prefill) + traces[1].total(.prefill)
    return Program(tape: tape, pass: pass, flops: Double(work.matmulFlops + work.elementwiseFlops))
  }
}

extension Subject.Program {
  /// Losses and gradients in double precision.
  func run(_ objective: Objective, _ parameters: [Double]) -> (losses: Losses<Double>, gradients: [Double]) {
    let replay = Replay(tape, parameters: parameters)
    var losses: Losses<Double>?
    let gradients = replay.gradients { seed in
      losses = Evaluation(objective, pass, numbers: replay.numbers, seed: seed, widen: { $0 }).losses()
    }
    return (losses!, gradients)
  }
}
