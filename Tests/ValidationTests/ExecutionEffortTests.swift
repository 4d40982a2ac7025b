import Architectures
import Quantities
import TestModels
import Testing

@testable import Validation

/// What is executed at all ends in seconds and keeps less than a gigabyte, however large the numbers of a workload are.
struct ExecutionEffortTests {
  private static let layer = LayerShape(width: 12, heads: 2, feedForward: 20)

  private func hierarchy(chunk: Int = 4, condition: Int = 2) -> Model {
    let level = LevelShape(
      chunkLength: chunk, conditionLength: condition, layer: Self.layer, encoderLayers: 1, decoderLayers: 1,
      chunker: .linear)
    return Model(vocabulary: 13, layer: Self.layer, payload: Payload(of: .photon, levels: [level, level]))
  }

  private func effort(_ model: Model, _ workload: Workload) -> Double {
    executionEffort(Question(model, workload, Precision()))
  }

  @Test func `four milliard sequences of no token are not executed`() {
    let workload = Workload(
      promptLength: 0, generatedLength: 0, batchSize: Limits.batchSize, continuations: Limits.continuations)
    #expect(tracedRun(Question(hierarchy(), workload, Precision())) == nil)
  }

  @Test func `a sequence costs what is kept of its meta-context, even without a token`() {
    let workload = Workload(promptLength: 0, generatedLength: 0, batchSize: 1000)
    let (short, long) = (effort(hierarchy(chunk: 4), workload), effort(hierarchy(chunk: 1024), workload))
    // B = 16 and 2^20 tokens of four bytes for each of a thousand sequences: 4 GB.
    #expect(long > 1000 * short)
    #expect(tracedRun(Question(hierarchy(chunk: 1024), workload, Precision())) == nil)
  }

  @Test func `conditions are moved row by row`() {
    let workload = Workload(promptLength: 1, generatedLength: 0, batchSize: 100_000)
    #expect(effort(hierarchy(condition: 4096), workload) > 100 * effort(hierarchy(condition: 2), workload))
    #expect(tracedRun(Question(hierarchy(condition: 4096), workload, Precision())) == nil)
  }

  @Test func `a prompt that is read in passes dispatches each of them`() {
    let prompt = Workload(promptLength: Limits.promptLength, generatedLength: 0)
    var model = Model.vanilla(vocabulary: 13, layer: Self.layer, layers: 2)
    #expect(effort(model, prompt) < 1e7)
    model.setCaches { _ in StackCache(prefillChunk: 1) }
    #expect(effort(model, prompt) > 1e9)
    #expect(tracedRun(Question(model, prompt, Precision())) == nil)
  }
}
