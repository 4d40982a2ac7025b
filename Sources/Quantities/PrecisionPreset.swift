/// Formats in which checkpoints are published, by the names that people give them.
///
/// Quantised are the matrices of the stacks; embedding, head and norms stay in 16 bits, as the recipes say (`targets:
/// [Linear]`, `ignore: [lm_head]`), and so does the cache.
/// - Source: the configurations of RedHat's and NVIDIA's checkpoints on Hugging Face (compressed-tensors, ModelOpt), of
///   AutoAWQ and of AutoGPTQ.
public enum PrecisionPreset: String, CaseIterable, Hashable, Sendable {
  case fp32, bf16, fp16
  /// Weights and activations in fp8, one scale for each matrix, which is not counted.
  case fp8
  /// The same with a scale for each output (FP8-dynamic).
  case fp8PerOutput = "fp8-dynamic"
  /// Weights and activations in int8, a scale for each output (SmoothQuant, W8A8).
  case w8a8
  /// Weights alone in int8, a scale for each output.
  case w8a16
  /// Weights alone in int4, a scale and a zero point for each 128 inputs of an output (AWQ, GPTQ).
  case w4a16

  /// What a name ends in where the cache has 8 bits.
  public static let cacheSuffix = "-kv8"
  /// A cache of 8 bits and nothing else.
  public static let cacheAlone = "kv8"

  /// The element types and scales of the format.
  public var precision: Precision {
    switch self {
    case .fp32: .float32
    case .bf16: Precision()
    case .fp16: Precision(weights: .fp16, activations: .fp16, cache: .fp16)
    case .fp8: Self.quantised(.fp8, activations: .fp8)
    case .fp8PerOutput: Self.quantised(.fp8, activations: .fp8, WeightGroups(size: nil, hasZeroPoints: false))
    case .w8a8: Self.quantised(.int8, activations: .int8, WeightGroups(size: nil, hasZeroPoints: false))
    case .w8a16: Self.quantised(.int8, activations: .bf16, WeightGroups(size: nil, hasZeroPoints: false))
    case .w4a16: Self.quantised(.int4, activations: .bf16, WeightGroups(size: 128, hasZeroPoints: true))
    }
  }

  /// Matrices alone in a narrow type.
  private static func quantised(
    _ weights: ElementType, activations: ElementType, _ groups: WeightGroups? = nil
  ) -> Precision {
    Precision(
      weights: weights, activations: activations, embedding: .bf16, head: .bf16, norms: .bf16, groups: groups)
  }

  /// Every name: a format, `kv8`, and a format with its cache in fp8.
  public static let names = allCases.map(\.rawValue) + [cacheAlone] + allCases.map { $0.rawValue + cacheSuffix }

  /// The precision of a name; nil where there is none of it.
  public static func named(_ name: String) -> Precision? {
    if let preset = PrecisionPreset(rawValue: name) { return preset.precision }
    var precision = Precision()
    if name != cacheAlone {
      guard name.hasSuffix(cacheSuffix),
        let preset = PrecisionPreset(rawValue: String(name.dropLast(cacheSuffix.count)))
      else { return nil }
      precision = preset.precision
    }
    precision.cache = .fp8
    return precision
  }
}
