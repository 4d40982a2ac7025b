import Architectures
import Quantities

/// How a checkpoint is stored, as the `quantization_config` of its configuration says.
///
/// - Source: the writers of these keys: transformers (`quant_method`, bitsandbytes, fp8), AutoAWQ, AutoGPTQ,
///   compressed-tensors (`config_groups`, `ignore`, `kv_cache_scheme`), ModelOpt (`quant_algo`).
struct QuantizationConfig {
  static let key = "quantization_config"
  /// What is read.
  static let methods = ["awq", "gptq", "fp8", "fbgemm_fp8", "compressed-tensors", "modelopt", "bitsandbytes"]

  /// What is found of the weights; all of it has to be known before anything is said.
  private struct Stored {
    var weights: ElementType
    var groups: WeightGroups?
    /// Of what is multiplied with them; nil where that stays in 16 bits.
    var activations: ElementType?
    var hasQuantisedHead = false
    var cache: ElementType?
  }

  private let fields: FieldReader
  /// Of everything that is not quantised.
  private let plain: ElementType

  /// - Parameters:
  ///   - fields: of the section.
  ///   - dtype: what the configuration calls its element type, such as `bfloat16`.
  init(_ fields: FieldReader, dtype: String?) {
    self.fields = fields
    plain = dtype == "float16" ? .fp16 : dtype == "float32" ? .fp32 : .bf16
  }

  /// - Returns: nil after a warning: the model is imported, and a scenario says how it is stored.
  func precision() -> Precision? {
    guard let method = word("quant_method"), Self.methods.contains(method) else {
      return warn("quant_method", "found \(value("quant_method"))", Self.methods)
    }
    let stored: Stored? =
      switch method {
      case "awq": integers(zeroPoints: word("zero_point") != "false", head: false)
      // The format has zero points even where they are all alike.
      case "gptq": integers(zeroPoints: true, head: word("lm_head") == "true")
      case "fp8": Stored(weights: .fp8, activations: .fp8)
      case "fbgemm_fp8": Stored(weights: .fp8, groups: WeightGroups(size: nil, hasZeroPoints: false), activations: .fp8)
      case "compressed-tensors": compressedTensors()
      case "modelopt": modelOpt()
      default: bitsAndBytes()
      }
    return stored.map { stored in
      Precision(
        weights: stored.weights, activations: stored.activations ?? plain, cache: stored.cache ?? plain,
        embedding: plain, head: stored.hasQuantisedHead ? stored.weights : plain, norms: plain, groups: stored.groups)
    }
  }

  // MARK: Methods

  private func integers(zeroPoints: Bool, head: Bool) -> Stored? {
    guard let type = word("bits").flatMap(Self.integer) else {
      return warn("bits", "found \(value("bits"))", ["4", "8"])
    }
    let size = word("group_size").flatMap(Int.init) ?? 128
    return Stored(
      weights: type, groups: WeightGroups(size: size > 0 ? size : nil, hasZeroPoints: zeroPoints),
      hasQuantisedHead: head)
  }

  /// The first of the groups that has weights; those of published recipes agree.
  private func compressedTensors() -> Stored? {
    let groups = fields.value("config_groups")?.entries ?? []
    guard let group = groups.first(where: { $0.value["weights"]?.entries != nil })?.value,
      let weights = group["weights"]
    else { return warn("config_groups", "found no weights in \(value("config_groups"))", ["groups with weights"]) }
    let isFloat = weights["type"]?.scalar == "float"
    guard let type = Self.type(weights) else {
      let bits = weights["num_bits"]?.scalar ?? "no number of"
      return warn(
        "config_groups", "found \(bits) bits of type \(isFloat ? "float" : "int")", ["4 or 8 of int", "8 of float"])
    }
    let isSymmetric = weights["symmetric"]?.scalar != "false"
    var scales: WeightGroups?
    switch weights["strategy"]?.scalar {
    case "group":
      let size = weights["group_size"]?.wholeNumber
      scales = WeightGroups(size: size.flatMap { $0 > 0 ? $0 : nil }, hasZeroPoints: !isSymmetric)
    case "channel": scales = WeightGroups(size: nil, hasZeroPoints: !isSymmetric)
    // One scale for a matrix or for a square of it: not worth counting.
    default: break
    }
    let ignored = (fields.value("ignore")?.elements ?? []).compactMap(\.scalar)
    let targets = (group["targets"]?.elements ?? []).compactMap(\.scalar)
    return Stored(
      weights: type, groups: scales, activations: group["input_activations"].flatMap(Self.type),
      hasQuantisedHead: targets.contains("Linear") && !ignored.contains { $0.hasSuffix("lm_head") },
      cache: fields.value("kv_cache_scheme").flatMap(Self.type))
  }

  private func modelOpt() -> Stored? {
    let algorithm = word("quant_algo")
    guard algorithm == "FP8" else { return warn("quant_algo", "found \(value("quant_algo"))", ["FP8"]) }
    let cache: ElementType? =
      word("kv_cache_quant_algo") == "FP8" ? .fp8 : fields.value("kv_cache_scheme").flatMap(Self.type)
    return Stored(weights: .fp8, activations: .fp8, cache: cache)
  }

  /// Blocks of 64 weights share a scale in four bits, all inputs of an output in eight.
  private func bitsAndBytes() -> Stored? {
    if word("load_in_4bit") == "true" {
      return Stored(weights: .int4, groups: WeightGroups(size: 64, hasZeroPoints: false))
    }
    if word("load_in_8bit") == "true" {
      return Stored(weights: .int8, groups: WeightGroups(size: nil, hasZeroPoints: false))
    }
    return warn("load_in_4bit", "found neither four nor eight bits", ["load_in_4bit or load_in_8bit: true"])
  }

  // MARK: Values

  private static func integer(_ bits: String) -> ElementType? { ["4": .int4, "8": .int8][bits] }

  /// The element type of a scheme with `num_bits` and `type`.
  private static func type(_ scheme: PositionedValue) -> ElementType? {
    guard let bits = scheme["num_bits"]?.scalar else { return nil }
    return scheme["type"]?.scalar == "float" ? (bits == "8" ? .fp8 : nil) : integer(bits)
  }

  private func word(_ key: String) -> String? { fields.value(key)?.scalar }
  private func value(_ key: String) -> String { fields.value(key)?.summary ?? "nothing" }

  private func warn<Value>(_ key: String, _ found: String, _ accepted: [String]) -> Value? {
    fields.collector.add(
      .init(
        fields.position(of: key), severity: .warning, path: fields.path(of: key),
        found: "\(found): how the checkpoint is stored is not read; a scenario says it under precision",
        accepted: enumerate(accepted)))
    return nil
  }
}

extension HuggingFaceReader {
  /// How the checkpoint is stored; nil where the configuration does not say, or says it in a way that is not read.
  func storedPrecision() -> Precision? {
    guard let section = reader.mapping(QuantizationConfig.key), reader.value(QuantizationConfig.key)?.entries != nil
    else { return nil }
    let dtype = reader.value("torch_dtype") ?? reader.value("dtype")
    return QuantizationConfig(section, dtype: dtype?.scalar).precision()
  }
}
