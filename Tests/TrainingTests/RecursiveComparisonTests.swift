import Architectures
import Foundation
import Reference
import Tensors
import Testing
import Training

/// What the comparison of recursive with hierarchical generation owes to both and to the teacher-forced pass.
struct RecursiveComparisonTests {
  static let shapes: [[(chunk: Int, condition: Int, layer: LayerShape, chunker: ChunkerKind)]] = [
    [(2, 2, Subject.grouped, .concatenation), (3, 1, Subject.wide, .linear)],
    [(2, 1, Subject.grouped, .linear), (2, 1, Subject.wide, .linear), (2, 2, Subject.grouped, .convolution)],
  ]

  static func tokens(_ length: Int, seed: Int) -> [Int32] {
    (0..<length).map { Int32(($0 * $0 * 7 + $0 * 3 + seed * 5) % 11) }
  }

  /// Comparison of so many meta-contexts after two of prompt.
  static func comparison(
    _ weights: ModelWeights, metaContexts: Int, sequences: Int = 2, following: FollowedTokens = .data
  ) -> RecursiveComparison {
    let metaContext = weights.model.metaContextLength
    let comparison = RecursiveComparison(
      weights, promptLength: 2 * metaContext, length: metaContexts * metaContext, machine: Machine(backend: .plain))
    for sequence in 0..<sequences {
      comparison.add(
        tokens((2 + metaContexts) * metaContext, seed: sequence), following: following,
        sampling: SamplingSettings(seed: UInt64(sequence)))
    }
    return comparison
  }

  /// The counting rules say how long: a meta-context where decoders read reconstructions, a level-1 chunk else.
  @Test(arguments: DecoderInput.allCases)
  func `both agree in the first meta-context as far as the reading lets them, and not for ever`(reading: DecoderInput) {
    for shapes in Self.shapes {
      let weights = ModelWeights(Subject.photon(shapes, reading), seed: 3, holdsNumbers: true)
      let stretches = Self.comparison(weights, metaContexts: 9).stretches
      if reading.feedsReconstructions {
        #expect(stretches[0].agreement == 1 && stretches[0].divergenceNats == 0)
        #expect(stretches[0].hierarchicalBits == stretches[0].recursiveBits)
      } else {
        #expect(stretches[0].divergenceNats > 0)
      }
      #expect(stretches.dropFirst().allSatisfy { $0.divergenceNats > 0 && $0.agreement < 1 })
      #expect(stretches.dropFirst().allSatisfy { $0.hierarchicalBits != $0.recursiveBits })
    }
  }

  @Test func `stretches double and hold every position of every sequence`() {
    let weights = ModelWeights(Subject.photon(Self.shapes[0], .cascade), seed: 3, holdsNumbers: true)
    let stretches = Self.comparison(weights, metaContexts: 9, sequences: 3).stretches
    #expect(stretches.map(\.positions) == [0..<6, 6..<12, 12..<24, 24..<48, 48..<54])
    #expect(stretches.map(\.count) == [18, 18, 36, 72, 18])
  }

  @Test(arguments: DecoderInput.allCases)
  func `hierarchical losses of the data are the teacher-forced ones`(reading: DecoderInput) {
    let weights = ModelWeights(Subject.photon(Self.shapes[0], reading), seed: 4, holdsNumbers: true)
    let stretches = Self.comparison(weights, metaContexts: 4, sequences: 1).stretches
    let machine = Machine(backend: .plain)
    let losses = withExtendedLifetime(machine) {
      Objective().losses(
        TrainingPass(weights, tokens: [Self.tokens(36, seed: 0)], firstScored: 12, machine: machine), machine: machine)
    }
    let total = stretches.reduce(0) { $0 + $1.hierarchicalBits * Double($1.count) }
    // The two add up 24 losses of up to a few nats, one of them with exponentials in float32.
    #expect(abs(total / 24 - losses.bitsPerToken) < 1e-5 && losses.tokenCount == 24)
  }

  /// The bottleneck of the first meta-context is restored from the true top state, as in the teacher-forced pass.
  @Test func `cosines of the first meta-context are those of the teacher-forced pass`() throws {
    let weights = ModelWeights(Subject.photon(Self.shapes[0], .reconstruction), seed: 5, holdsNumbers: true)
    let stretch = Self.comparison(weights, metaContexts: 2, sequences: 1).stretches[0]
    let machine = Machine(backend: .plain)
    let (restored, known) = withExtendedLifetime(machine) {
      let pass = HierarchySession.teacherForced(weights, tokens: [Self.tokens(24, seed: 0)], machine: machine)
      return (pass.reconstructions[2].elements, pass.latents[1]!.elements)
    }
    let width = 8
    var sum = 0.0
    for unit in 6..<9 {
      let a = restored[unit * width..<(unit + 1) * width].map(Double.init)
      let b = known[unit * width..<(unit + 1) * width].map(Double.init)
      func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
      sum += dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }
    #expect(abs(try #require(stretch.unitCosines[0]) - sum / 3) < 1e-12)
    #expect(stretch.unrelatedCosines == [nil])
    let cosine = try #require(stretch.chunkCosines[0])
    #expect(cosine < 1 && cosine > -1)
  }

  @Test func `a mode's own greedy text surprises it least`() {
    let weights = ModelWeights(Subject.photon(Self.shapes[0], .cascade), seed: 6, holdsNumbers: true)
    func bits(_ following: FollowedTokens) -> (hierarchical: Double, recursive: Double) {
      let comparison = RecursiveComparison(
        weights, promptLength: 12, length: 48, machine: Machine(backend: .plain))
      comparison.add(Self.tokens(60, seed: 0), following: following)
      let stretches = comparison.stretches
      func mean(_ figure: (RecursiveComparison.Stretch) -> Double) -> Double {
        stretches.reduce(0) { $0 + figure($1) * Double($1.count) } / 48
      }
      return (mean(\.hierarchicalBits), mean(\.recursiveBits))
    }
    let (data, own, other) = (bits(.data), bits(.hierarchical), bits(.recursive))
    #expect(own.hierarchical < data.hierarchical && own.hierarchical < other.hierarchical)
    #expect(other.recursive < data.recursive && other.recursive < own.recursive)
  }

  @Test func `parameters of the other mode are the same memory`() {
    let weights = ModelWeights(Subject.photon(Self.shapes[0], .cascade), seed: 6, holdsNumbers: true)
    let other = weights.generating(.recursive)
    #expect(other.model.generation == .recursive && weights.model.generation == .hierarchical)
    #expect(zip(weights.tensors, other.tensors).allSatisfy { $0.tensor.base == $1.tensor.base && $0.name == $1.name })
    #expect(other.parameterCount == weights.parameterCount && other.lineCount == weights.lineCount)
  }
}
