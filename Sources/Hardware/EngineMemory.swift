/// What a serving engine takes of a device's memory before key–value caches get the rest: docs/metrics.md, "What engines
/// reserve".
public struct EngineMemory: Hashable, Sendable {
  /// The preset that it began as.
  public var name: String
  /// What the driver keeps of the memory that it reports.
  /// - Unit: byte
  public var driverBytes: Int
  /// Share of the rest that the engine uses at all.
  public var share: Double
  /// Contexts of the device, workspaces of libraries, buffers of the runtime and of sampling.
  /// - Unit: byte
  public var contextBytes: Int
  /// Captured graphs.
  /// - Unit: byte
  public var graphBytes: Int
  /// Tokens of the largest step, whose activations are set aside.
  public var stepTokens: Int
  /// Share of what is left after weights and activations that becomes cache.
  public var cacheShare: Double
  /// Tokens of a block of the cache: a sequence takes whole blocks.
  public var blockTokens: Int

  /// Nothing is reserved unless it is said.
  public init(
    name: String, driverBytes: Int = 0, share: Double = 1, contextBytes: Int = 0, graphBytes: Int = 0,
    stepTokens: Int = 0, cacheShare: Double = 1, blockTokens: Int = 1
  ) {
    self.name = name
    self.driverBytes = driverBytes
    self.share = share
    self.contextBytes = contextBytes
    self.graphBytes = graphBytes
    self.stepTokens = stepTokens
    self.cacheShare = cacheShare
    self.blockTokens = blockTokens
  }

  /// CUDA keeps 0.4 to 0.6 GiB of what `nvidia-smi` reports: an RTX 3090 of 24 576 MiB has 23.58 GiB for programs.
  /// - Source: vllm-project/vllm issue 10517, "total_gpu_memory=23.58GiB"
  private static let cudaDriver = 512 << 20

  /// vLLM 0.6: nine tenths of the device; a step is as long as the longest sequence (`max_num_batched_tokens` =
  /// `max_model_len`), which a scenario says; graphs are captured in the tenth that is left.
  /// - Source: vllm worker.py, `determine_num_available_blocks`; issue 10517 (context 0.35 GiB, block 16)
  public static let vllm06 = EngineMemory(
    name: "vllm-0.6", driverBytes: cudaDriver, share: 0.9, contextBytes: 375_809_638, stepTokens: 8192,
    blockTokens: 16)

  /// vLLM since 0.21: `gpu_memory_utilization` 0.92, steps of 8192 tokens, graphs reserved before the cache.
  /// - Source: vllm/config/cache.py, vllm/engine/arg_utils.py (`get_batch_defaults`), gpu_worker.py
  public static let vllm = EngineMemory(
    name: "vllm", driverBytes: cudaDriver, share: 0.92, contextBytes: 375_809_638, graphBytes: 2 << 30,
    stepTokens: 8192, blockTokens: 16)

  /// TensorRT-LLM: nine tenths of what weights, the activations of 8192 tokens and buffers leave. The buffers, 4.25 GiB,
  /// are those of the default 2048 sequences at a vocabulary of 128 256.
  /// - Source: TensorRT-LLM docs/source/reference/memory.md; issue 6294 (block 32, "KV Memory Percentage: 90.00%")
  public static let tensorRT = EngineMemory(
    name: "tensorrt-llm", driverBytes: cudaDriver, contextBytes: 4352 << 20, stepTokens: 8192, cacheShare: 0.9,
    blockTokens: 32)

  /// SGLang where the device is not known: weights and cache together are 0.88 of it, all else lies in the rest.
  /// - Source: sglang server_args.py, `mem_fraction_static`; docs/advanced_features/hyperparameter_tuning.md
  public static let sglang = EngineMemory(name: "sglang", driverBytes: cudaDriver, share: 0.88)

  /// Those that have a name.
  public static let presets = [vllm, vllm06, tensorRT, sglang]

  /// What weights, activations and caches may fill of a memory.
  /// - Unit: byte
  func usableBytes(of memoryBytes: Int) -> Double {
    share * Double(memoryBytes - driverBytes) - Double(contextBytes) - Double(graphBytes)
  }
}
