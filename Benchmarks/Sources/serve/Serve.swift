import Architectures
import Formulas
import Foundation
import Reference
import Tensors
import Training
import Workbench

/// `serve PRESET PROMPT GENERATE BATCH THREADS WEIGHTS`: one model and its workload, run once for every line `run` on
/// standard input, so that a peer in another process can be timed in turn.
///
/// Writes all weights as float32 to the file WEIGHTS, which exists, one tensor after another, and a line of JSON that says what they
/// are. Each run is answered with a line of JSON: the seconds of prefill and decode, and the tokens. Where GENERATE is 0 a run
/// is a training step on the prompts, answered with its seconds, its loss and the norm of its gradients.
@main
struct Serve {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 7, let prompt = Int(arguments[2]), let generate = Int(arguments[3]),
      let batch = Int(arguments[4]), let threads = Int(arguments[5])
    else { fatalError("usage: serve PRESET PROMPT GENERATE BATCH THREADS WEIGHTS") }
    setKernelThreads(threads)
    if generate == 0 {
      return try serveSteps(try preset(arguments[1]), context: prompt, batch: batch, to: arguments[6])
    }
    let weights = ModelWeights(try preset(arguments[1]), seed: 1, holdsNumbers: true)
    let run = Run(weights, Workload(promptLength: prompt, generatedLength: generate, batchSize: batch))
    try write(weights, to: arguments[6])
    answer(Description(weights, run))
    while let line = readLine() {
      precondition(line == "run", "the only request is run")
      let (prefill, decode, tokens) = run.time()
      answer(Answer(prefill: prefill, decode: decode, tokens: tokens))
    }
  }

  private static func serveSteps(_ model: Model, context: Int, batch: Int, to path: String) throws {
    var settings = TrainingSettings()
    (settings.context, settings.batch) = (context, batch)
    let workload = Workload(promptLength: context, generatedLength: 0, batchSize: batch)
    let data = OneBatch(sequences: prompts(workload, vocabulary: model.vocabulary))
    let training = TrainingRun(model, settings, data: data)
    let flops = Double(try TrainingCost(model, settings).flops)
    try write(training.weights, to: path)
    answer(Description(training.weights, Run(training.weights, workload)))
    while let line = readLine() {
      precondition(line == "run", "the only request is run")
      var step: TrainingStep?
      let time = try seconds { step = try training.takeStep() }
      answer(StepAnswer(seconds: time, loss: step!.losses.total, gradientNorm: step!.gradientNorm, flops: flops))
    }
  }

  private static func write(_ weights: ModelWeights, to path: String) throws {
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    for (_, tensor) in weights.tensors {
      try file.write(contentsOf: Data(bytes: tensor.base!, count: tensor.count * 4))
    }
    try file.close()
  }

  private static func answer(_ value: some Encodable) {
    guard var line = try? JSONEncoder().encode(value) else { fatalError("an answer that is no JSON") }
    line.append(UInt8(ascii: "\n"))
    FileHandle.standardOutput.write(line)
  }
}

private struct Answer: Encodable {
  let prefill: Double
  let decode: Double
  let tokens: [[Int32]]
}

private struct StepAnswer: Encodable {
  let seconds: Double
  let loss: Double
  let gradientNorm: Double
  /// As predicted, element-wise work included.
  let flops: Double
}

/// The same sequences in every step.
private struct OneBatch: TrainingData {
  let sequences: [[Int32]]

  // Asked for by nobody here.
  var unigramEntropy: Double { .nan }
  var exactLoss: Double? { nil }
  var answers: [Int] { [] }
  var fingerprint: String { "one batch" }
  var summary: String { "the same sequences in every step" }
  func training(_ range: Range<Int>) -> [[Int32]] { range.map { sequences[$0 % sequences.count] } }
  func evaluation(_ count: Int) -> [[Int32]] { (0..<count).map { sequences[$0 % sequences.count] } }
}

/// What a peer has to know to build the same model; names of scalars are those of scenarios.
private struct Description: Encodable {
  struct Level: Encodable {
    let chunk, condition, encoderLayers, decoderLayers: Int
    let chunker: String
  }

  struct Shape: Encodable {
    let name: String
    let rows, columns: Int
  }

  let width, heads, keyValueHeads, headWidth, feedForward, layers: Int
  let levels: [Level]
  let normEpsilon, rotaryBase: Double
  let tensors: [Shape]
  let prompts: [[Int32]]

  init(_ weights: ModelWeights, _ run: Run) {
    let (model, layer) = (weights.model, weights.model.layer)
    precondition(
      model.decoderInput == .cascade && model.generation == .hierarchical && !model.tiedHead
        && model.levels.allSatisfy { $0.layer == layer } && layer.feedForwardKind == .gated,
      "peers implement the shipped presets")
    width = layer.width
    heads = layer.heads
    keyValueHeads = layer.keyValueHeads
    headWidth = layer.headWidth
    feedForward = layer.feedForward
    layers = model.layers
    levels = model.levels.map {
      Level(
        chunk: $0.chunkLength, condition: $0.conditionLength, encoderLayers: $0.encoderLayers,
        decoderLayers: $0.decoderLayers, chunker: $0.chunker.rawValue)
    }
    normEpsilon = Tensors.normEpsilon
    rotaryBase = Tensors.rotaryBase
    tensors = weights.tensors.map { Shape(name: $0.name, rows: $0.tensor.rows, columns: $0.tensor.columns) }
    prompts = run.prompts
  }
}
