import Hardware
import Scenarios
import Testing

struct CapacityReadingTests {
  private func capacity(_ rest: String) throws -> EngineMemory? {
    try Scenario(
      text: "model: {architecture: vanilla, vocabulary: 9, width: 8, heads: 2, feed_forward: 8, layers: 1}\n\(rest)\n",
      file: "s.yaml", options: .init(checksHardware: false)
    ).capacity
  }

  private func complaint(_ text: String) throws -> String {
    try Fixture.library().complaints("model: {preset: base}\ncapacity: \(text)\n")
  }

  @Test func `an engine is named alone, or with what is adjusted of it`() throws {
    for engine in EngineMemory.presets { #expect(try capacity("capacity: \(engine.name)") == engine) }
    var adjusted = EngineMemory.vllm06
    (adjusted.stepTokens, adjusted.share) = (20_000, 0.85)
    #expect(try capacity("capacity: {engine: vllm-0.6, step_tokens: 20000, memory_share: 0.85}") == adjusted)
    #expect(try capacity("capacity: {block_tokens: 4}") == EngineMemory(name: "own", blockTokens: 4))
    #expect(try capacity("") == nil)
  }

  @Test func `an engine that does not exist and values that cannot be are refused`() throws {
    #expect(
      try complaint("vlm")
        == "s.yaml:2:11: error: capacity: there is no engine \"vlm\"; accepted: vllm, vllm-0.6, tensorrt-llm, sglang; "
        + "did you mean vllm?")
    #expect(
      try complaint("{engine: vllm, block_tokens: 0}")
        == "s.yaml:2:40: error: capacity.block_tokens: found 0; accepted: an integer from 1 to 1048576")
    #expect(
      try complaint("{memory_share: 1.5}")
        == "s.yaml:2:26: error: capacity.memory_share: found 1.5; accepted: a number from 0 to 1")
    #expect(try complaint("{blocks: 3}").hasPrefix("s.yaml:2:12: error: capacity.blocks: unknown key; accepted: "))
  }
}
