import Architectures
import Hardware
import Quantities
import TestModels
import Testing

@testable import Formulas

/// Cards with the memory that their drivers report; their rates do not matter here.
private func card(_ memoryBytes: Int, _ engine: EngineMemory?, devices: Int = 1) -> HardwareProfile {
  HardwareProfile(
    name: "card", peaks: PeakRates([(.bf16, Rate(1e15)), (.fp8, Rate(1e15))]), elementwise: Rate(1e15),
    memoryBandwidth: Rate(1e12), memoryBytes: memoryBytes
  ).sharing(devices, engine: engine)
}

@Suite struct CapacityTests {
  private func tokens(_ precision: String, _ profile: HardwareProfile) throws -> Double {
    let question = Question(
      llama8B, Workload(promptLength: 2048, generatedLength: 128), try #require(.named(precision)))
    return Double(try #require(MemoryDemand(question).cacheTokens(on: profile)))
  }

  /// - Source: vllm-project/vllm issue 10517, "# GPU blocks: 1952" and "1478" of 16 tokens at longest sequences of 20 000
  ///   and 29 000; an RTX 3090 has 24576 MiB.
  @Test(arguments: [(20_000, 31_232.0), (29_000, 23_648)])
  func `a card of 24 GB holds the tokens that vLLM 0.6 found`(longest: Int, held: Double) throws {
    var engine = EngineMemory.vllm06
    engine.stepTokens = longest
    #expect(abs(try tokens("fp16", card(24_576 << 20, engine)) / held - 1) < 0.1)
  }

  /// 8B with weights and cache in fp8; an RTX 5090 has 32607 MiB. The tokens are those of the issue that asked for this.
  @Test func `a card of 32 GB holds the tokens that TensorRT-LLM found`() throws {
    #expect(abs(try tokens("fp8-kv8", card(32_607 << 20, .tensorRT)) / 263_008 - 1) < 0.1)
  }

  /// Nothing is fitted to it.
  /// - Source: NVIDIA/TensorRT-LLM issue 6294, "max tokens in paged KV cache (860320)" of an H100 80GB (81559 MiB) with
  ///   free_gpu_memory_fraction 0.8 and max_num_tokens 23552.
  @Test func `an H100 held out holds the tokens of its log`() throws {
    var engine = EngineMemory.tensorRT
    (engine.cacheShare, engine.stepTokens) = (0.8, 23_552)
    #expect(abs(try tokens("fp8-kv8", card(81_559 << 20, engine)) / 860_320 - 1) < 0.1)
  }

  @Test func `what one token of a step holds is that of the log`() throws {
    let demand = try MemoryDemand(Question(llama8B, Workload(promptLength: 1, generatedLength: 1)))
    #expect(demand.stepTokenBytes == 2 * (3 * 14336 + 3 * 4096))
    // 2.07 GiB for 20 000 tokens, printed to a hundredth.
    #expect(abs(20_000 * demand.stepTokenBytes / 0x1p30 - 2.07) < 0.015)
  }

  @Test func `what fills a device adds up to it, and what fits is whole blocks`() throws {
    for engine in [nil] + EngineMemory.presets.map(Optional.some) {
      for name in ["bf16", "w4a16-kv8"] {
        for model in [llama8B, PublishedSize.all[0].photon(), PublishedSize.all[0].block] {
          for batch in [1, 100, 100_000] {
            let question = Question(
              model, Workload(promptLength: 1000, generatedLength: 77, batchSize: batch), try #require(.named(name)))
            let profile = card(81_559 << 20, engine)
            let demand = try MemoryDemand(question)
            let use = MemoryUse(demand, batchSize: batch, on: profile)
            #expect(
              use.reservedBytes + use.weightBytes + use.activationBytes + use.cacheBytes + use.freeBytes
                == use.deviceBytes)
            #expect(use.fits == (use.freeBytes >= 0) && use.fits == (batch <= use.largestBatch ?? .max))
            let tokens = try #require(use.cacheTokens)
            let block = model.family == .vanilla ? engine?.blockTokens ?? 1 : model.metaContextLength
            #expect(tokens % Int128(block) == 0 && tokens > 0)
          }
        }
      }
    }
  }

  @Test func `a sequence takes whole blocks of its engine`() throws {
    let question = Question(llama8B, Workload(promptLength: 30, generatedLength: 3))
    let demand = try MemoryDemand(question)
    let entry: Int128 = 2 * 1024 * 2 * 32
    #expect(demand.bytesPerSequence == 33 * entry)
    #expect(demand.bytesPerSequence(on: card(1 << 40, .vllm)) == 48 * entry)
    #expect(demand.bytesPerSequence(on: card(1 << 40, .tensorRT)) == 64 * entry)
    #expect(demand.bytesPerSequence(on: card(1 << 40, nil)) == 33 * entry)
  }

  @Test func `without an engine the room is what the reserve leaves`() throws {
    let question = Question(llama8B, Workload(promptLength: 2048, generatedLength: 128))
    let demand = try MemoryDemand(question)
    let profile = card(80_000_000_000, nil)
    let room: Int128 = 76_000_000_000 - demand.weightBytes - demand.widestActivationBytes
    #expect(demand.cacheRoom(on: profile) == room)
    #expect(demand.largestBatch(on: profile) == Int(room / demand.bytesPerSequence))
    #expect(demand.cacheTokens(on: profile) == room / 131_072)
  }

  @Test func `caches that evict have no number of tokens`() throws {
    var model = llama8B
    model.setCaches { _ in StackCache(CachePlan(retention: .slidingWindow(64))) }
    let demand = try MemoryDemand(Question(model, Workload(promptLength: 100, generatedLength: 1)))
    #expect(demand.cacheTokens(on: card(1 << 40, nil)) == nil)
  }

  @Test func `the devices needed are the fewest whose heads divide and that hold the batch`() throws {
    let model = Model.vanilla(
      vocabulary: 32_000, layer: LayerShape(width: 8192, heads: 64, keyValueHeads: 8, feedForward: 28_672), layers: 80)
    func needed(_ batch: Int, _ engine: EngineMemory? = nil, precision: Precision = Precision()) throws -> Int? {
      try devicesNeeded(
        Question(model, Workload(promptLength: 2048, generatedLength: 128, batchSize: batch), precision),
        on: card(81_559 << 20, engine))
    }
    // 69e9 parameters: 138 GB in 16 bits, 70 in 8.
    #expect(try needed(1) == 2 && needed(1, precision: #require(.named("fp8"))) == 1)
    #expect(try needed(1, .vllm) == 2)
    // A sequence takes 2176 · 327 680 bytes: 300 take 214 GB, which eight devices share with the weights.
    #expect(try needed(300) == 8)
    // More devices than key–value heads hold copies of them.
    #expect(try needed(2000) == nil)
  }
}
