import Architectures
import Foundation
import Quantities
import Reference
import Tensors
import Testing
import Training

/// Against PyTorch: Tools/parity/parity.py implements the same mathematics independently and wrote the fixtures.
struct ParityTests {
  static let settings = AdamW.Settings(beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1)
  static let learningRate = 0.01

  static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures")

  static func fixture(_ subject: Subject) throws -> SafeTensors {
    try SafeTensors(Data(contentsOf: fixtures.appending(path: "parity-\(subject.fileName).safetensors")))
  }

  static func values(_ name: String, _ file: SafeTensors) throws -> [Double] {
    file.values(try #require(file.entry(name), "the fixture has no \(name)"))
  }

  static func norm(_ numbers: some Sequence<Double>) -> Double { numbers.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  /// Each scalar operation rounds once, by at most half an ulp of the largest number around it, in both programs.
  @Test(arguments: Subject.all)
  func `logits, losses and every gradient in double precision are PyTorch's`(subject: Subject) throws {
    let file = try Self.fixture(subject)
    let (program, parameters) = (subject.program, subject.parameters)
    let tolerance = 2 * 0x1p-53 * program.flops
    let replay = Replay(program.tape, parameters: parameters)
    let logits = try Self.values("logits", file)
    #expect(logits.count == program.pass.logits.count)
    let largest = logits.reduce(0) { max($0, abs($1)) }
    for (index, value) in logits.enumerated() {
      #expect(abs(replay.numbers(program.pass.logits)[index] - value) <= tolerance * largest)
    }
    let (losses, gradients) = program.run(subject.objective, parameters)
    func compare(_ name: String, _ own: Double?) throws {
      let other = try file.entry("loss/\(name)").map { _ in try Self.values("loss/\(name)", file)[0] }
      #expect((own == nil) == (other == nil), "\(name)")
      if let own, let other { #expect(abs(own - other) <= tolerance * max(other, 1), "\(name)") }
    }
    try compare("token", losses.token)
    try compare("total", losses.total)
    for (index, (reconstruction, context)) in zip(losses.reconstruction, losses.context).enumerated() {
      try compare("reconstruction \(index + 1)", reconstruction)
      try compare("context \(index + 1)", context)
    }
    for (name, tensor) in subject.weights(false).tensors {
      let own = gradients[tensor.place.offset..<tensor.place.offset + tensor.count]
      let other = try Self.values("gradient/\(name)", file)
      #expect(own.count == other.count)
      let largest = other.reduce(0) { max($0, abs($1)) }
      #expect(zip(own, other).allSatisfy { abs($0 - $1) <= tolerance * largest }, "\(name)")
    }
  }

  /// Two programs in float32 that add in different orders are about as far from double precision as one another: within
  /// a factor of two of PyTorch's own largest distance, all numbers of a kind together.
  @Test(arguments: Subject.all, [Backend.plain, .fast])
  func `in float32 gradients and ten steps of AdamW are as near to PyTorch's doubles as PyTorch's own float32`(
    subject: Subject, backend: Backend
  ) throws {
    let file = try Self.fixture(subject)
    let weights = subject.weights(true)
    let (machine, gradients) = (Machine(backend: backend), ParameterLine(for: weights))
    let (pool, optimiser) = (GradientPool<Float>(), AdamW(weights, settings: Self.settings))
    func check(_ group: String, _ differences: [Double]) throws {
      let bound = 2 * (try Self.values("float32 error/\(group)", file)[0])
      #expect(Self.norm(differences) <= bound, "\(group): \(Self.norm(differences)) of \(bound)")
    }
    func differences(_ prefix: String, _ own: (Tensor) -> Tensor) throws -> [Double] {
      try weights.tensors.flatMap { name, tensor in
        zip(own(tensor).elements, try Self.values("\(prefix)/\(name)", file)).map { Double($0) - $1 }
      }
    }
    var totals: [Double] = []
    for step in 0..<10 {
      gradients.clear()
      let losses = subject.objective.differentiate(
        weights, tokens: subject.tokens, machine: machine, into: gradients, pool: pool)
      totals.append(losses.total)
      if step == 0 { try check("gradient", differences("gradient") { gradients.tensor($0) }) }
      optimiser.step(gradients, learningRate: Self.learningRate)
    }
    try check("after", differences("after") { $0 })
    try check("steps", zip(totals, Self.values("steps", file)).map { $0 - $1 })
    #expect(totals[9] < totals[0])
  }

  /// Writes what the script reads: `PHOTON_PARITY=folder swift test --filter ParityTests`.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["PHOTON_PARITY"] != nil), arguments: Subject.all)
  func `inputs for the script are written`(subject: Subject) throws {
    let folder = URL(filePath: try #require(ProcessInfo.processInfo.environment["PHOTON_PARITY"]))
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var file = SafeTensors()
    let weights = subject.weights(true)
    withExtendedLifetime(weights) {
      for (name, tensor) in weights.tensors {
        file.append(name, shape: [tensor.rows, tensor.columns], tensor.elements)
      }
    }
    try file.encoded().write(to: folder.appending(path: "\(subject.fileName).safetensors"))
    let description: [String: Any] = [
      "model": subject.modelDescription,
      "objective": [
        "reconstruction_weight": subject.objective.reconstructionWeight,
        "context_weight": subject.objective.contextWeight, "dissimilarity": subject.objective.dissimilarity.rawValue,
        "token_target": subject.objective.tokenTarget.rawValue,
        "stops_target_gradients": subject.objective.stopsTargetGradients,
      ],
      "optimiser": [
        "beta1": Self.settings.beta1, "beta2": Self.settings.beta2, "epsilon": Self.settings.epsilon,
        "weight_decay": Self.settings.weightDecay, "learning_rate": Self.learningRate,
      ],
      "tokens": subject.tokens.map { $0.map(Int.init) },
    ]
    try JSONSerialization.data(withJSONObject: description, options: [.sortedKeys, .prettyPrinted])
      .write(to: folder.appending(path: "\(subject.fileName).json"))
  }
}

extension Subject {
  var fileName: String { name.replacing(",", with: "").replacing(" ", with: "-") }

  var modelDescription: [String: Any] {
    func shape(_ layer: LayerShape) -> [String: Any] {
      [
        "heads": layer.heads, "key_value_heads": layer.keyValueHeads, "head_width": layer.headWidth,
        "feed_forward_kind": layer.feedForwardKind.rawValue,
      ]
    }
    return [
      "family": model.family.rawValue, "layer": shape(model.layer), "layers": model.layers,
      "decoder_input": model.decoderInput.rawValue,
      "levels": model.levels.map { level -> [String: Any] in
        [
          "chunk_length": level.chunkLength, "condition_length": level.conditionLength, "layer": shape(level.layer),
          "encoder_layers": level.encoderLayers, "decoder_layers": level.decoderLayers,
          "chunker": level.chunker.rawValue,
        ]
      },
    ]
  }
}
