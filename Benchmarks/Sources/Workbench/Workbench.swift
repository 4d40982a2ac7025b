import Architectures
import Foundation
import GSL
import Reference
import Scenarios
import Tensors

/// The shipped preset of a name.
public func preset(_ name: String) throws -> Model {
  let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardizedFileURL
  let files = ScenarioFiles(searchPaths: [root.appending(path: "scenarios").path])
  let text = "model: {preset: \(name)}\nprecision: {weights: fp32, activations: fp32, cache: fp32}\n"
  let options = ScenarioOptions(searchPaths: files.searchPaths, checksHardware: false)
  return try Scenario(text: text, file: "\(name).yaml", options: options).grid.point(at: 0)!.model
}

/// Prompts that differ from sequence to sequence.
public func prompts(_ workload: Workload, vocabulary: Int) -> [[Int32]] {
  let stream = RandomStream(seed: 7, name: "benchmark prompts")
  return (0..<workload.batchSize).map { _ in
    (0..<workload.promptLength).map { _ in Int32(stream.integer(in: 0..<vocabulary)) }
  }
}

/// - Unit: s
public func seconds(_ body: () throws -> Void) rethrows -> Double {
  let start = ContinuousClock.now
  try body()
  return (ContinuousClock.now - start) / .seconds(1)
}

/// One model and workload, ready to be run again and again.
public struct Run {
  public let weights: ModelWeights
  public let workload: Workload
  public let prompts: [[Int32]]
  public let machine: Machine

  public init(_ weights: ModelWeights, _ workload: Workload, trace: Trace? = nil) {
    self.weights = weights
    self.workload = workload
    prompts = Workbench.prompts(workload, vocabulary: weights.model.vocabulary)
    machine = Machine(backend: .fast, trace: trace)
  }

  /// The times of a prefill and of the generation after it, and the tokens.
  public func time() -> (prefill: Double, decode: Double, tokens: [[Int32]]) {
    let session = makeSession(weights, workload: workload, machine: machine)
    let prefill = seconds { session.prefill(prompts) }
    var tokens: [[Int32]] = []
    let decode = seconds { tokens = session.generate() }
    return (prefill, decode, tokens)
  }
}
