import AllocationCount
import Architectures
import Reference
import Tensors
import Workbench

extension Ratios {
  /// Calls of malloc and its kin while 64 and 128 tokens are generated: the difference is what a token costs.
  static func allocations() throws {
    setKernelThreads(2)
    row("model", "batch", "64 tokens", "128 tokens", "per token")
    for (name, model) in try models() {
      let weights = ModelWeights(model, seed: 1, holdsNumbers: true)
      for (batch, continuations) in [(1, 1), (2, 3), (130, 1)] {
        let counts = [64, 128].map { generated in
          let run = Run(
            weights,
            Workload(promptLength: 37, generatedLength: generated, batchSize: batch, continuations: continuations))
          _ = run.time()
          let session = makeSession(weights, workload: run.workload, machine: run.machine)
          session.prefill(run.prompts)
          let before = allocation_count()
          _ = session.generate()
          return Int(allocation_count() - before)
        }
        row(
          name, continuations > 1 ? "\(batch) × \(continuations)" : "\(batch)", "\(counts[0])", "\(counts[1])",
          short(Double(counts[1] - counts[0]) / 64))
      }
    }
  }

  /// Every way to generate.
  private static func models() throws -> [(String, Model)] {
    let photon = try preset("photon-tiny")
    var models = [("vanilla-tiny", try preset("vanilla-tiny")), ("block-tiny", try preset("block-tiny"))]
    for input in DecoderInput.allCases {
      for generation in Generation.allCases {
        var model = photon
        (model.decoderInput, model.generation) = (input, generation)
        models.append(("\(input.rawValue), \(generation.rawValue)", model))
      }
    }
    return models
  }
}
