import Architectures
import GSL
import Quantities
import Tensors
import Testing

@testable import Reference

/// Heads that are partly full and partly streaming: full, grouped and multi-query attention, on tiny models.
struct MixedHeadLaws {
  struct Subject: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let model: Model
  }

  static func subject(_ name: String, _ heads: Int, _ keyValueHeads: Int) -> Subject {
    let layer = LayerShape(width: 8, heads: heads, keyValueHeads: keyValueHeads, headWidth: 4, feedForward: 6)
    return Subject(testDescription: name, model: Model.vanilla(vocabulary: 7, layer: layer, layers: 2))
  }

  static let subjects = [
    subject("a key for each head", 3, 3), subject("grouped", 4, 2), subject("one key", 2, 1),
  ]
  static let (length, sinks, window) = (9, 1, 2)
  static var tokens: [[Int32]] { GradientLaws.tokens(length) }

  /// A gate for each head, none of them at an end.
  static func gates(_ count: Int) -> [Float] {
    let stream = RandomStream(seed: 4, name: "gates")
    return (0..<count).map { _ in Float(stream.uniform()) }
  }

  /// Weights with numbers, and mixed heads whose gates are given.
  static func weights(_ subject: Subject, gates: [Float]? = nil) -> (ModelWeights, MixedHeads) {
    let weights = ModelWeights(subject.model, seed: 5, holdsNumbers: true)
    let mixing = MixedHeads(weights, sinks: sinks, window: window)
    for (index, gate) in (gates ?? Self.gates(mixing.gates.count)).enumerated() { mixing.gates.base![index] = gate }
    return (weights, mixing)
  }

  static func logits(_ weights: ModelWeights, _ mixing: MixedHeads?, _ backend: Backend) -> [Float] {
    let machine = Machine(backend: backend)
    let logits = VanillaSession.teacherForced(weights, tokens: tokens, mixing: mixing, machine: machine)
    return withExtendedLifetime((machine, weights)) { logits.elements }
  }

  /// Both directions on shapes, and the gradients of Σ coefficient · logit in double precision.
  struct Exact {
    let tape = Tape()
    let logits: Tensor
    let coefficients: [Double]
    let parameters: [Double]
    let gradients: [Double]
    let flops: Double

    init(_ subject: Subject) {
      let shapes = ModelWeights(subject.model, seed: 5, holdsNumbers: false)
      let mixing = MixedHeads(shapes, sinks: sinks, window: window)
      let traces = (0..<2).map { _ in Trace(levelCount: 0, precision: .float32) }
      let machine = Machine(backend: .shapes, trace: traces[0])
      machine.tape = tape
      let logits = VanillaSession.teacherForced(shapes, tokens: tokens, mixing: mixing, machine: machine)
      machine.runBackward(into: nil, pool: GradientPool(holdsNumbers: false), trace: traces[1]) { _ = $0(logits) }
      let coefficients = GradientLaws.coefficients([logits])[0]
      var parameters = GradientLaws.line(ModelWeights(subject.model, seed: 5, holdsNumbers: true))
      parameters += Array(repeating: 0, count: shapes.lineCount - parameters.count)
      for (index, gate) in MixedHeadLaws.gates(mixing.gates.count).enumerated() {
        parameters[mixing.gates.place.offset + index] = Double(gate)
      }
      gradients = Replay(tape, parameters: parameters).gradients { seed in
        for (index, value) in coefficients.enumerated() { seed(logits)[index] += value }
      }
      let work = traces[0].total(.prefill) + traces[1].total(.prefill)
      flops = Double(work.matmulFlops + work.elementwiseFlops)
      (self.logits, self.coefficients, self.parameters) = (logits, coefficients, parameters)
    }
  }

  /// Each scalar operation of either way rounds once, by at most half an ulp of what it adds to.
  @Test(arguments: subjects)
  func `the gradient of gates and parameters along a direction is the slope that dual numbers find`(subject: Subject) {
    let exact = Exact(subject)
    for seed in 1...2 {
      let stream = RandomStream(seed: UInt64(seed), name: "direction")
      let direction = exact.parameters.map { _ in stream.gaussian() }
      let replay = Replay(exact.tape, parameters: zip(exact.parameters, direction).map { Dual($0, slope: $1) })
      let duals = replay.numbers(exact.logits)
      let slope = exact.coefficients.enumerated().reduce(0) { $0 + $1.element * duals[$1.offset].slope }
      let terms = zip(exact.gradients, direction).map { $0 * $1 }
      let size = terms.reduce(0) { $0 + abs($1) }
      #expect(abs(terms.reduce(0, +) - slope) <= 0x1p-53 * exact.flops * size)
    }
  }

  /// A path through the model and back crosses at most 40 products, whose sides add up to at most 30 each.
  @Test(arguments: subjects, [Backend.plain, .fast])
  func `the machine's gradients are those in double precision, and frozen ones are those of the gates alone`(
    subject: Subject, backend: Backend
  ) {
    let exact = Exact(subject)
    let (weights, mixing) = Self.weights(subject)
    let lines = [false, true].map { isFrozen in
      let machine = Machine(backend: backend)
      machine.tape = Tape()
      let logits = VanillaSession.teacherForced(weights, tokens: Self.tokens, mixing: mixing, machine: machine)
      var gradients = [Float](repeating: 0, count: weights.lineCount)
      gradients.withUnsafeMutableBufferPointer {
        machine.runBackward(into: $0.baseAddress!, pool: GradientPool(), isFrozen: isFrozen) { seed in
          for (index, value) in exact.coefficients.enumerated() { seed(logits)[index] += Float(value) }
        }
      }
      return gradients
    }
    for (name, tensor) in weights.tensors + [("gates", mixing.gates)] {
      let range = tensor.place.offset..<tensor.place.offset + tensor.count
      let largest = range.reduce(0) { max($0, abs(exact.gradients[$1])) }
      #expect(largest > 0, "\(name)")
      let error = range.reduce(0) { max($0, abs(Double(lines[0][$1]) - exact.gradients[$1])) }
      #expect(error <= 1200 * 0x1p-24 * largest, "\(name): \(error) of \(largest)")
    }
    let gates = mixing.gates.place.offset..<mixing.gates.place.offset + mixing.gates.count
    for index in lines[1].indices { #expect(lines[1][index] == (gates.contains(index) ? lines[0][index] : 0)) }
  }

  @Test(arguments: subjects, [Backend.plain, .fast])
  func `where all gates are 1 no bit changes`(subject: Subject, backend: Backend) {
    let (weights, mixing) = Self.weights(
      subject, gates: Array(repeating: 1, count: 2 * subject.model.layer.keyValueHeads))
    let logits = [mixing, nil].map { Self.logits(weights, $0, backend).map(\.bitPattern) }
    #expect(logits[0] == logits[1])
  }

  /// Every assignment of roles. A path through the model crosses at most 20 products, whose sides add up to at most 30.
  @Test(arguments: subjects, [Backend.plain, .fast])
  func `gates of 0 and 1 are the heads of a cache that reads its units one by one`(subject: Subject, backend: Backend) {
    let heads = subject.model.layer.keyValueHeads
    for assignment in 0..<1 << (2 * heads) {
      let bits = (0..<2 * heads).map { assignment >> $0 & 1 }
      let roles = (0..<2).map { layer in bits[layer * heads..<(layer + 1) * heads].map(String.init).joined() }
      let (weights, mixing) = Self.weights(subject, gates: bits.map(Float.init))
      let mixed = Self.logits(weights, mixing, backend)
      let cache = StackCache(
        CachePlan(retention: .streaming(Streaming(sinks: Self.sinks, window: Self.window, positions: .text))),
        exempt: .roles(roles), prefillChunk: 1)
      let session = makeSession(
        weights.keeping(cache),
        workload: Workload(promptLength: 2, generatedLength: Self.length - 2, batchSize: Self.tokens.count),
        machine: Machine(backend: backend))
      session.prefill(Self.tokens.map { Array($0.prefix(2)) })
      let vocabulary = subject.model.vocabulary
      _ = session.generate { logits, sequence, position in
        let row = (sequence * Self.length + position - 1) * vocabulary
        let expected = mixed[row..<row + vocabulary]
        let largest = expected.reduce(0) { max($0, abs($1)) }
        for (index, value) in expected.enumerated() { #expect(abs(logits[index] - value) <= 600 * 0x1p-24 * largest) }
        return Self.tokens[sequence][position]
      }
    }
  }
}
