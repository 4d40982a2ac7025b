import Architectures
import GSL
import Quantities
import Reference
import Tensors
import Testing

/// The teacher-forced pass differentiated: every family, reading and number of levels, on tiny models.
struct GradientLaws {
  /// A model and the length of its sequences.
  struct Subject: Sendable, CustomTestStringConvertible {
    let name: String
    let model: Model
    let length: Int

    var testDescription: String { name }
  }

  static let grouped = LayerShape(width: 8, heads: 2, keyValueHeads: 1, feedForward: 6)
  static let wide = LayerShape(width: 12, heads: 3, feedForward: 5, feedForwardKind: .twoMatrix)

  static func photon(_ shapes: [(chunk: Int, condition: Int, layer: LayerShape)], _ reading: DecoderInput) -> Model {
    Model.photon(
      vocabulary: 7, layer: grouped,
      levels: shapes.enumerated().map { index, level in
        LevelShape(
          chunkLength: level.chunk, conditionLength: level.condition, layer: level.layer,
          encoderLayers: 1, decoderLayers: index == 0 ? 2 : 1,
          chunker: [.concatenation, .linear, .convolution][index])
      }, decoderInput: reading)
  }

  static let baselines: [Subject] = [
    Subject(
      name: "vanilla, tied, grouped",
      model: Model.vanilla(vocabulary: 7, layer: grouped, tiedHead: true, layers: 2), length: 5),
    Subject(
      name: "vanilla, two-matrix", model: Model.vanilla(vocabulary: 7, layer: wide, layers: 1), length: 4),
    Subject(
      name: "block",
      model: Model.block(
        vocabulary: 7, layer: wide, tiedHead: true,
        levels: [
          LevelShape(
            chunkLength: 3, conditionLength: 2, layer: grouped, encoderLayers: 1, decoderLayers: 1, chunker: .linear)
        ]), length: 7),
  ]

  static func hierarchies(_ reading: DecoderInput) -> [Subject] {
    [
      Subject(name: "photon, 1 level, \(reading)", model: photon([(2, 2, grouped)], reading), length: 5),
      Subject(
        name: "photon, 2 levels, \(reading)", model: photon([(2, 2, grouped), (3, 1, wide)], reading), length: 11),
      Subject(
        name: "photon, 3 levels, \(reading)", model: photon([(2, 1, grouped), (2, 2, wide), (2, 1, grouped)], reading),
        length: 13),
    ]
  }

  static let subjects = baselines + DecoderInput.allCases.flatMap(hierarchies)

  static func tokens(_ length: Int) -> [[Int32]] {
    let text: [Int32] = [3, 1, 4, 1, 5, 2, 6, 5, 3, 5, 0, 2, 6]
    return [Array(text.prefix(length)), Array(text.reversed().prefix(length))]
  }

  /// A run on shapes or on numbers: what the loss Σ coefficient · result reads, logits and every vector.
  static func run(_ subject: Subject, _ weights: ModelWeights, _ machine: Machine) -> [Tensor] {
    let tokens = tokens(subject.length)
    guard subject.model.family != .vanilla else {
      return [VanillaSession.teacherForced(weights, tokens: tokens, machine: machine)]
    }
    let result = HierarchySession.teacherForced(weights, tokens: tokens, machine: machine)
    return [result.logits] + (result.chunks + result.latents).compactMap(\.self) + result.reconstructions
  }

  static func coefficients(_ results: [Tensor]) -> [[Double]] {
    let stream = RandomStream(seed: 2, name: "loss")
    return results.map { (0..<$0.count).map { _ in Double(Float(stream.gaussian())) } }
  }

  /// The line of parameters, gaps included.
  static func line(_ weights: ModelWeights) -> [Double] {
    var line = [Double](repeating: 0, count: weights.lineCount)
    withExtendedLifetime(weights) {
      for (_, tensor) in weights.tensors {
        for (index, value) in tensor.elements.enumerated() { line[tensor.place.offset + index] = Double(value) }
      }
    }
    return line
  }

  struct Exact {
    let tape = Tape()
    let results: [Tensor]
    let coefficients: [[Double]]
    let parameters: [Double]
    let gradients: [Double]
    let flops: Double

    init(_ subject: Subject) {
      let shapes = ModelWeights(subject.model, seed: 5, holdsNumbers: false)
      let traces = (0..<2).map { _ in Trace(levelCount: 3, precision: .float32) }
      let machine = Machine(backend: .shapes, trace: traces[0])
      machine.tape = tape
      let results = GradientLaws.run(subject, shapes, machine)
      machine.runBackward(into: nil, pool: GradientPool(holdsNumbers: false), trace: traces[1]) { seed in
        for result in results { _ = seed(result) }
      }
      let coefficients = GradientLaws.coefficients(results)
      parameters = GradientLaws.line(ModelWeights(subject.model, seed: 5, holdsNumbers: true))
      gradients = Replay(tape, parameters: parameters).gradients { seed in
        for (result, values) in zip(results, coefficients) {
          let memory = seed(result)
          for (index, value) in values.enumerated() { memory[index] += value }
        }
      }
      let work = traces[0].total(.prefill) + traces[1].total(.prefill)
      flops = Double(work.matmulFlops + work.elementwiseFlops)
      (self.results, self.coefficients) = (results, coefficients)
    }
  }

  /// Each scalar operation of either way rounds once, by at most half an ulp of what it adds to.
  @Test(arguments: subjects)
  func `the gradient of a model along a direction is the slope that dual numbers find`(subject: Subject) {
    let exact = Exact(subject)
    for seed in 1...2 {
      let stream = RandomStream(seed: UInt64(seed), name: "direction")
      let direction = exact.parameters.map { _ in stream.gaussian() }
      let replay = Replay(exact.tape, parameters: zip(exact.parameters, direction).map { Dual($0, slope: $1) })
      var slope = 0.0
      for (result, values) in zip(exact.results, exact.coefficients) {
        let duals = replay.numbers(result)
        for (index, value) in values.enumerated() { slope += value * duals[index].slope }
      }
      let terms = zip(exact.gradients, direction).map { $0 * $1 }
      let size = terms.reduce(0) { $0 + abs($1) }
      #expect(abs(terms.reduce(0, +) - slope) <= 0x1p-53 * exact.flops * size)
    }
  }

  /// A path through the model and back crosses at most 40 products, whose sides add up to at most 30 each.
  @Test(arguments: subjects, [Backend.plain, .fast])
  func `the machine's gradients are those in double precision`(subject: Subject, backend: Backend) {
    let exact = Exact(subject)
    let weights = ModelWeights(subject.model, seed: 5, holdsNumbers: true)
    let machine = Machine(backend: backend)
    machine.tape = Tape()
    let results = Self.run(subject, weights, machine)
    var gradients = [Float](repeating: 0, count: weights.lineCount)
    gradients.withUnsafeMutableBufferPointer {
      machine.runBackward(into: $0.baseAddress!, pool: GradientPool()) { seed in
        for (result, values) in zip(results, exact.coefficients) {
          let memory = seed(result)
          for (index, value) in values.enumerated() { memory[index] += Float(value) }
        }
      }
    }
    for (name, tensor) in weights.tensors {
      let range = tensor.place.offset..<tensor.place.offset + tensor.count
      let largest = range.reduce(0) { max($0, abs(exact.gradients[$1])) }
      // No decoder of the literal recursion reads a token.
      let isRead = name != "decoder embedding" || subject.model.decoderInput != .reconstruction
      #expect((largest > 0) == isRead, "\(name)")
      let error = range.reduce(0) { max($0, abs(Double(gradients[$1]) - exact.gradients[$1])) }
      #expect(error <= 1200 * 0x1p-24 * largest, "\(name): \(error) of \(largest)")
    }
  }

  @Test(arguments: subjects)
  func `a tape changes no number`(subject: Subject) {
    let weights = ModelWeights(subject.model, seed: 5, holdsNumbers: true)
    let machines = [Machine(backend: .fast), Machine(backend: .fast)]
    machines[1].tape = Tape()
    let runs = machines.map { Self.run(subject, weights, $0)[0].elements.map(\.bitPattern) }
    #expect(runs[0] == runs[1])
    #expect(machines[0].arena.peakElements < machines[1].arena.peakElements)
  }

  @Test(arguments: subjects)
  func `shapes take as many bytes as numbers do, forward and backward`(subject: Subject) {
    let bytes = [Backend.shapes, .fast].map { backend in
      let holdsNumbers = backend != .shapes
      let weights = ModelWeights(subject.model, seed: 5, holdsNumbers: holdsNumbers)
      let (machine, pool, tape) = (Machine(backend: backend), GradientPool<Float>(holdsNumbers: holdsNumbers), Tape())
      machine.tape = tape
      let results = Self.run(subject, weights, machine)
      var gradients = [Float](repeating: 0, count: weights.lineCount)
      gradients.withUnsafeMutableBufferPointer { gradients in
        machine.runBackward(into: gradients.baseAddress, pool: pool) { seed in
          for result in results { _ = seed(result) }
        }
      }
      return [machine.arena.peakElements, tape.cacheBytes, pool.peakElements]
    }
    #expect(bytes[0] == bytes[1])
    #expect(bytes[0].allSatisfy { $0 > 0 })
  }
}
