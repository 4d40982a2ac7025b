import Architectures
import Foundation
import GSL
import Quantities
import Reference
import Tensors
import Testing
import Training

/// A tiny vanilla model, gates for its heads, and what the objectives need besides.
struct RoleSubject: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let model: Model

  init(_ name: String, _ heads: Int, _ keyValueHeads: Int) {
    testDescription = name
    model = Model.vanilla(
      vocabulary: 11,
      layer: LayerShape(width: 8, heads: heads, keyValueHeads: keyValueHeads, headWidth: 4, feedForward: 6),
      layers: 2)
  }

  static let all = [
    RoleSubject("a-key-for-each-head", 3, 3), RoleSubject("grouped", 4, 2), RoleSubject("one-key", 2, 1),
  ]
  static let (sinks, window, target, multipliers) = (1, 2, 0.3, [0.7, 0.4])
  static let labelled = [5, 8]
  static let tokens: [[Int32]] = [[3, 1, 4, 1, 5, 9, 2, 6, 5], [5, 6, 2, 9, 5, 1, 4, 1, 3]]

  var count: Int { 2 * model.layer.keyValueHeads }
  /// Exact in float32, so that PyTorch reads the same numbers.
  private func numbers(_ name: String, _ draw: (RandomStream) -> Double) -> [Double] {
    let stream = RandomStream(seed: 6, name: name)
    return (0..<count).map { _ in Double(Float(draw(stream))) }
  }
  var logAlphas: [Double] { numbers("log alpha") { 1.5 * $0.gaussian() } }
  var alphas: [Double] { numbers("alpha") { 0.1 + 0.9 * $0.uniform() } }
  var noise: [Double] { numbers("noise") { 0.05 + 0.9 * $0.uniform() } }

  var weights: ModelWeights { ModelWeights(model, seed: 8, holdsNumbers: true) }

  func objective(_ expected: RoleSettings.Sparsity) -> PruLongObjective {
    PruLongObjective(
      logAlphas, noise: noise, expected: expected, target: Self.target, multipliers: Self.multipliers)
  }

  /// Both directions on shapes, to be replayed on any scalar with gates of its own.
  struct Program {
    let tape = Tape()
    let pass: TrainingPass?
    /// The logits, or the last hidden states.
    let result: Tensor
    let gates: Tensor
    let lineCount: Int
    let flops: Double

    /// - Parameter mixesHeads: heads are full without.
    init(_ model: Model, endsInHead: Bool, mixesHeads: Bool = true) {
      let weights = ModelWeights(model, seed: 8, holdsNumbers: false)
      let mixing = MixedHeads(weights, sinks: sinks, window: window)
      let traces = [Trace(levelCount: 0, precision: .float32), Trace(levelCount: 0, precision: .float32)]
      let machine = Machine(backend: .shapes, trace: traces[0])
      machine.tape = tape
      let used = mixesHeads ? mixing : nil
      pass = endsInHead ? TrainingPass(weights, tokens: tokens, firstScored: 1, mixing: used, machine: machine) : nil
      let result =
        pass?.logits ?? VanillaSession.hiddenStates(weights, tokens: tokens, mixing: used, machine: machine)
      machine.runBackward(into: nil, pool: GradientPool(holdsNumbers: false), trace: traces[1]) { _ = $0(result) }
      let work = traces[0].total(.prefill) + traces[1].total(.prefill)
      flops = Double(work.matmulFlops + work.elementwiseFlops)
      (self.result, gates, lineCount) = (result, mixing.gates, weights.lineCount)
    }

    /// The line of parameters with these gates.
    func line<Scalar>(_ weights: ModelWeights, _ gates: [Scalar], _ number: (Double) -> Scalar) -> [Scalar] {
      var line = Array(repeating: number(0), count: lineCount)
      for (_, tensor) in weights.tensors {
        for (index, value) in tensor.elements.enumerated() { line[tensor.place.offset + index] = number(Double(value)) }
      }
      for (index, gate) in gates.enumerated() { line[self.gates.place.offset + index] = gate }
      return line
    }
  }
}

/// Against PyTorch: Tools/parity/roles.py has the mixture and both objectives once more and wrote the fixtures.
struct RoleParityTests {
  static func values(_ name: String, _ subject: RoleSubject) throws -> [Double] {
    let path = ParityTests.fixtures.appending(path: "roles-\(subject.testDescription).safetensors")
    return try ParityTests.values(name, SafeTensors(Data(contentsOf: path)))
  }

  /// Each scalar operation rounds once, by at most half an ulp of the largest number around it, in both programs.
  func compare(_ own: [Double], _ name: String, _ subject: RoleSubject, flops: Double) throws {
    let other = try Self.values(name, subject)
    #expect(own.count == other.count)
    let largest = other.reduce(0) { max($0, abs($1)) }
    let error = zip(own, other).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(error <= 2 * 0x1p-53 * flops * largest, "\(name): \(error) of \(largest)")
  }

  @Test(arguments: RoleSubject.all)
  func `PruLong's gates, losses and gradients in double precision are PyTorch's`(subject: RoleSubject) throws {
    let program = RoleSubject.Program(subject.model, endsInHead: true)
    for expected in RoleSettings.Sparsity.allCases {
      let objective = subject.objective(expected)
      let replay = Replay(program.tape, parameters: program.line(subject.weights, objective.samples) { $0 })
      var loss = 0.0
      let line = replay.gradients { seed in
        loss = Evaluation(Objective(), program.pass!, numbers: replay.numbers, seed: seed, widen: { $0 }).losses().total
      }
      let logits = (0..<program.result.count).map { replay.numbers(program.result)[$0] }
      try compare(objective.samples, "gates", subject, flops: 100)
      try compare(logits, "logits", subject, flops: program.flops)
      try compare([loss], "loss/token", subject, flops: program.flops)
      try compare([loss + objective.penalty], "loss/\(expected.rawValue)", subject, flops: program.flops)
      let samples = (0..<subject.count).map { line[program.gates.place.offset + $0] }
      try compare(objective.slopes(ofLoss: samples), "gradient/\(expected.rawValue)", subject, flops: program.flops)
    }
  }

  @Test(arguments: RoleSubject.all)
  func `DuoAttention's loss and gradients in double precision are PyTorch's`(subject: RoleSubject) throws {
    let program = RoleSubject.Program(subject.model, endsInHead: false)
    let whole = RoleSubject.Program(subject.model, endsInHead: false, mixesHeads: false)
    let (weights, width, count) = (subject.weights, subject.model.layer.width, Double(subject.count))
    let rows = RoleSubject.tokens.indices.flatMap { sequence in RoleSubject.labelled.map { sequence * 9 + $0 - 1 } }
    let target = Replay(whole.tape, parameters: whole.line(weights, subject.alphas) { $0 })
    let full = rows.flatMap { row in (0..<width).map { target.numbers(whole.result)[row * width + $0] } }
    let replay = Replay(program.tape, parameters: program.line(weights, subject.alphas) { $0 })
    var loss = 0.0
    let line = replay.gradients(isFrozen: true) { seed in
      loss = Distillation.loss(
        replay.numbers(program.result), full: full, rows: rows, width: width, gradient: seed(program.result))
    }
    let gates = (0..<subject.count).map {
      line[program.gates.place.offset + $0] + RoleTraining.regularisation / count
    }
    try compare(
      [loss + RoleTraining.regularisation * subject.alphas.reduce(0, +) / count], "loss/duo-attention", subject,
      flops: program.flops)
    try compare(gates, "gradient/duo-attention", subject, flops: program.flops)
  }

  /// The whole objective on dual numbers, noise and Lagrangian included.
  @Test(arguments: RoleSubject.all)
  func `the gradient of PruLong's objective along a direction is the slope that dual numbers find`(
    subject: RoleSubject
  ) {
    let program = RoleSubject.Program(subject.model, endsInHead: true)
    let stream = RandomStream(seed: 2, name: "direction")
    let direction = subject.logAlphas.map { _ in stream.gaussian() }
    let duals = zip(subject.logAlphas, direction).map { Dual($0, slope: $1) }
    let samples = zip(duals, subject.noise).map { HardConcrete.sample($0, noise: $1) }
    let replay = Replay(program.tape, parameters: program.line(subject.weights, samples) { Dual($0) })
    let loss = Evaluation(Objective(), program.pass!, numbers: replay.numbers, widen: { $0 }).losses().total
    let plain = Replay(program.tape, parameters: program.line(subject.weights, samples.map(\.value)) { $0 })
    let line = plain.gradients { seed in
      _ = Evaluation(Objective(), program.pass!, numbers: plain.numbers, seed: seed, widen: { $0 }).losses()
    }
    let count = Dual(Double(subject.count))
    for expected in RoleSettings.Sparsity.allCases {
      let kept = expected == .sampled ? samples : duals.map { HardConcrete.keepProbability($0) }
      let excess = Dual(1 - RoleSubject.target) - kept.reduce(Dual(0)) { $0 + $1 } / count
      let total =
        loss + Dual(RoleSubject.multipliers[0]) * excess + Dual(RoleSubject.multipliers[1]) * excess * excess
      let own = (0..<subject.count).map { line[program.gates.place.offset + $0] }
      let terms = zip(subject.objective(expected).slopes(ofLoss: own), direction).map { $0 * $1 }
      let size = terms.reduce(0) { $0 + abs($1) }
      #expect(abs(terms.reduce(0, +) - total.slope) <= 0x1p-53 * program.flops * size)
    }
  }

  /// Writes what the script reads: `PHOTON_PARITY=folder swift test --filter RoleParityTests`.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["PHOTON_PARITY"] != nil), arguments: RoleSubject.all)
  func `inputs for the script are written`(subject: RoleSubject) throws {
    let folder = URL(filePath: try #require(ProcessInfo.processInfo.environment["PHOTON_PARITY"]))
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var file = SafeTensors()
    let weights = subject.weights
    for (name, tensor) in weights.tensors { file.append(name, shape: [tensor.rows, tensor.columns], tensor.elements) }
    for (name, numbers) in [("log alpha", subject.logAlphas), ("alpha", subject.alphas), ("noise", subject.noise)] {
      file.append(name, shape: [2, subject.model.layer.keyValueHeads], numbers.map(Float.init))
    }
    try file.encoded().write(to: folder.appending(path: "roles-\(subject.testDescription).safetensors"))
    let layer = subject.model.layer
    let description: [String: Any] = [
      "layer": [
        "heads": layer.heads, "key_value_heads": layer.keyValueHeads, "head_width": layer.headWidth,
        "feed_forward_kind": layer.feedForwardKind.rawValue,
      ],
      "layers": 2, "sinks": RoleSubject.sinks, "window": RoleSubject.window, "target": RoleSubject.target,
      "multipliers": RoleSubject.multipliers, "labelled": RoleSubject.labelled,
      "tokens": RoleSubject.tokens.map { $0.map(Int.init) },
    ]
    try JSONSerialization.data(withJSONObject: description, options: [.sortedKeys, .prettyPrinted])
      .write(to: folder.appending(path: "roles-\(subject.testDescription).json"))
  }
}
