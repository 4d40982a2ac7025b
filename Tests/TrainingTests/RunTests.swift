import Architectures
import Foundation
import Reference
import Tensors
import Testing
import Training

struct RunTests {
  static let model = Model.photon(
    vocabulary: 16, layer: LayerShape(width: 16, heads: 2, feedForward: 24),
    levels: [2, 2].map {
      LevelShape(
        chunkLength: $0, conditionLength: 1, layer: LayerShape(width: 16, heads: 2, feedForward: 24), encoderLayers: 1,
        decoderLayers: 1, chunker: .linear)
    })

  static var settings: TrainingSettings {
    var settings = TrainingSettings()
    settings.data.zipfMarkov = ZipfMarkovTask(symbols: 16, successors: 3, exponent: 1)
    (settings.context, settings.batch, settings.steps, settings.warmup) = (16, 4, 60, 6)
    (settings.learningRate, settings.minimumLearningRate) = (0.02, 0.002)
    (settings.reconstructionWeight, settings.contextWeight) = (0.1, 0.1)
    settings.evaluationSequences = 16
    return settings
  }

  static func run(_ settings: TrainingSettings = settings) throws -> TrainingRun {
    TrainingRun(model, settings, data: try settings.loadData(vocabulary: 16, directory: "."))
  }

  @Test func `the learning rate rises to its largest value, then falls by half a cosine to its smallest`() {
    let settings = Self.settings
    let rates = (1...60).map(settings.learningRate)
    #expect(rates[0] == 0.02 / 6 && rates[5] == 0.02 && rates[59] == 0.002)
    #expect(abs(rates[32] - 0.011) < 1e-15)
    #expect(zip(rates[5...], rates[6...]).allSatisfy { $0 > $1 })
  }

  @Test func `a model learns a source down towards its entropy and not below`() throws {
    let run = try Self.run()
    let before = try run.evaluate().token
    while !run.isFinished { _ = try run.takeStep() }
    let after = try run.evaluate().token
    let best = try #require(run.data.exactLoss)
    #expect(before > log(16) - 0.1)
    #expect(after < run.data.unigramEntropy - 0.5 && after > best)
    #expect(run.step == 60 && run.sequences == 240)
  }

  @Test func `accumulated parts are one batch`() throws {
    var settings = Self.settings
    settings.batch = 8
    let whole = try Self.run(settings)
    settings.microBatches = 4
    let parts = try Self.run(settings)
    let (one, other) = (try whole.takeStep(), try parts.takeStep())
    // Sums of about a thousand float32 terms in another order.
    #expect(abs(one.losses.total - other.losses.total) < 1e-5)
    #expect(abs(one.gradientNorm / other.gradientNorm - 1) < 1e-4)
    #expect(one.losses.tokenCount == other.losses.tokenCount)
  }

  @Test func `an evaluation changes nothing`() throws {
    let runs = [try Self.run(), try Self.run()]
    for _ in 0..<3 {
      _ = try runs[0].takeStep()
      _ = try runs[1].evaluate()
      _ = try runs[1].takeStep()
    }
    #expect(try runs[0].checkpointFiles().map(\.content) == runs[1].checkpointFiles().map(\.content))
  }

  @Test func `a number that is not finite stops the run, names what made it, and leaves the weights`() throws {
    let run = try Self.run()
    _ = try run.takeStep()
    let down = try #require(run.weights.tensors.first { $0.name == "level 1 encoder 0 down" }).tensor
    down.base![3] = Float.greatestFiniteMagnitude
    let output = try #require(run.weights.tensors.first { $0.name == "level 1 encoder 0 gate up" }).tensor
    for index in 0..<output.count { output.base![index] *= 1e6 }
    let before = run.weights.tensors.map { $0.tensor.elements.map(\.bitPattern) }
    let error = #expect(throws: NonFiniteTraining.self) { try run.takeStep() }
    #expect(error?.step == 2)
    #expect(
      error?.description.hasSuffix(
        "; the first result that is not finite: level1/encoder/feed_forward, layer 0: down 32 × 24 → 16") == true)
    #expect(run.weights.tensors.map { $0.tensor.elements.map(\.bitPattern) } == before)
    #expect(run.step == 1)
  }

  @Test func `a run that diverges stops at an operation, with the weights of the step before`() throws {
    var settings = Self.settings
    (settings.learningRate, settings.warmup, settings.weightDecay) = (1000, 0, 0)
    let run = try Self.run(settings)
    var before: [[UInt32]] = []
    let error = #expect(throws: NonFiniteTraining.self) {
      while !run.isFinished {
        before = run.weights.tensors.map { $0.tensor.elements.map(\.bitPattern) }
        _ = try run.takeStep()
      }
    }
    #expect(error?.description.contains("the first result that is not") == true)
    #expect(error?.description.contains(": level") == true)
    #expect(run.weights.tensors.map { $0.tensor.elements.map(\.bitPattern) } == before)
  }

  @Test func `weights that are not finite are named before any operation`() throws {
    let run = try Self.run()
    try #require(run.weights.tensors.first { $0.name == "head" }).tensor.base![0] = .nan
    let error = #expect(throws: NonFiniteTraining.self) { try run.takeStep() }
    #expect(error?.description == "step 1: the loss is nan; the first result that is not finite: the weights \"head\"")
  }

  @Test func `an evaluation that is no number names its step and what made it`() throws {
    let run = try Self.run()
    _ = try run.takeStep()
    let down = try #require(run.weights.tensors.first { $0.name == "level 1 encoder 0 down" }).tensor
    for index in 0..<down.count { down.base![index] = Float.greatestFiniteMagnitude }
    let error = #expect(throws: NonFiniteTraining.self) { try run.evaluate() }
    #expect(error?.step == 1)
    #expect(error?.description.hasPrefix("step 1: the loss of the evaluation is ") == true)
    #expect(error?.description.contains("; the first result that is not finite: level1/encoder/feed_forward") == true)
  }

  @Test func `a step that is left between its parts has not begun`() throws {
    struct Left: Error {}
    var settings = Self.settings
    settings.microBatches = 4
    let (run, other) = (try Self.run(settings), try Self.run(settings))
    for part in 0..<4 {
      var asked = 0
      #expect(throws: Left.self) {
        try run.takeStep {
          if asked == part { throw Left() }
          asked += 1
        }
      }
    }
    #expect(run.step == 0 && run.sequences == 0)
    _ = (try run.takeStep(), try other.takeStep())
    #expect(try run.checkpointFiles().map(\.content) == other.checkpointFiles().map(\.content))
  }

  @Test func `weights to learn from begin with plain norms and near-uniform predictions`() {
    let weights = ModelWeights.untrained(Self.model, seed: 1)
    for (name, tensor) in weights.tensors {
      let numbers = tensor.elements
      if name.hasSuffix("norm") {
        #expect(numbers.allSatisfy { $0 == 1 })
      } else if name.hasSuffix("bias") {
        #expect(numbers.allSatisfy { $0 == 0 })
      } else if tensor.rows > 1 {
        let isResidual = name.hasSuffix("output") || name.hasSuffix("down")
        let expected = 1 / Double(tensor.columns * (isResidual ? 2 : 1)).squareRoot()
        let measured = (numbers.reduce(0) { $0 + Double($1 * $1) } / Double(numbers.count)).squareRoot()
        // Five deviations of an estimate of a deviation, σ/√2n.
        #expect(abs(measured / expected - 1) < 5 / Double(2 * numbers.count).squareRoot(), "\(name)")
      }
    }
  }
}
