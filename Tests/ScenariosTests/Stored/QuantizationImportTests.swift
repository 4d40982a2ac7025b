import Quantities
import Scenarios
import Testing

/// Quantised checkpoints as their configurations describe them.
struct QuantizationImportTests {
  private func imported(_ quantization: String, dtype: String = "bfloat16") throws -> ImportedModel {
    let json = """
      {"model_type": "llama", "vocab_size": 32000, "hidden_size": 4096, "num_attention_heads": 32,
       "num_hidden_layers": 32, "intermediate_size": 11008, "torch_dtype": "\(dtype)",
       "quantization_config": \(quantization)}
      """
    return try importHuggingFace(json: json, file: "config.json", name: "m")
  }

  private static let dynamicFP8 = """
    {"quant_method": "compressed-tensors", "format": "float-quantized", "ignore": ["lm_head"], "kv_cache_scheme": SCHEME,
     "config_groups": {"group_0": {"targets": ["Linear"],
       "weights": {"num_bits": 8, "type": "float", "strategy": "STRATEGY", "symmetric": true},
       "input_activations": {"num_bits": 8, "type": "float", "strategy": "token", "dynamic": true}}}}
    """

  @Test(arguments: [
    // AutoAWQ and AutoGPTQ.
    (#"{"bits": 4, "group_size": 128, "quant_method": "awq", "version": "gemm", "zero_point": true}"#, "w4a16"),
    (#"{"bits": 4, "group_size": 128, "desc_act": false, "sym": true, "quant_method": "gptq"}"#, "w4a16"),
    // DeepSeek's and Qwen's squares of 128 × 128, ModelOpt's one scale.
    (
      #"{"quant_method": "fp8", "activation_scheme": "dynamic", "fmt": "e4m3", "weight_block_size": [128, 128]}"#, "fp8"
    ),
    (#"{"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}"#, "fp8-kv8"),
    (#"{"quant_method": "fbgemm_fp8", "modules_to_not_convert": ["lm_head"]}"#, "fp8-dynamic"),
    (dynamicFP8.replacing("SCHEME", with: "null").replacing("STRATEGY", with: "channel"), "fp8-dynamic"),
    (
      dynamicFP8.replacing("SCHEME", with: #"{"num_bits": 8, "type": "float"}"#)
        .replacing("STRATEGY", with: "tensor"), "fp8-kv8"
    ),
    (
      dynamicFP8.replacing("SCHEME", with: "null").replacing("STRATEGY", with: "channel")
        .replacing("\"float\"", with: "\"int\""), "w8a8"
    ),
    (#"{"quant_method": "bitsandbytes", "load_in_8bit": true, "load_in_4bit": false}"#, "w8a16"),
  ])
  func `a configuration that writers produce is a format by name`(configuration: String, name: String) throws {
    let imported = try imported(configuration)
    #expect(imported.warnings.isEmpty && imported.precision == PrecisionPreset.named(name))
    #expect(imported.yaml.hasSuffix("precision: \(try #require(imported.precision).flow)\n"))
    // The file is a scenario, and a preset whose scenario takes the precision from it.
    let fixture = try Fixture([("models/m.yaml", imported.yaml)])
    for text in [imported.yaml, "model: {preset: m}\n"] {
      let scenario = try Scenario(text: text, file: fixture.path + "/s.yaml", options: .init(checksHardware: false))
      #expect(scenario.grid.precisions == [imported.precision])
    }
    let own = try Scenario(
      text: "model: {preset: m}\nprecision: bf16\n", file: fixture.path + "/s.yaml",
      options: .init(checksHardware: false))
    #expect(own.grid.precisions == [Precision()])
  }

  @Test func `what is not quantised is of the model's type, and a head may be quantised`() throws {
    let half = try imported(
      #"{"bits": 8, "group_size": -1, "quant_method": "gptq", "lm_head": true}"#, dtype: "float16")
    #expect(
      half.precision
        == Precision(
          weights: .int8, activations: .fp16, cache: .fp16, embedding: .fp16, head: .int8, norms: .fp16,
          groups: WeightGroups(size: nil, hasZeroPoints: true)))
  }

  @Test(arguments: [
    (#"{"bits": 4}"#, "quantization_config.quant_method: found nothing"),
    (#"{"quant_method": "hqq"}"#, "quantization_config.quant_method: found \"hqq\""),
    (#"{"quant_method": "awq", "bits": 3}"#, "quantization_config.bits: found 3"),
    (
      dynamicFP8.replacing("SCHEME", with: "null").replacing("\"num_bits\": 8", with: "\"num_bits\": 4"),
      "quantization_config.config_groups: found 4 bits of type float"
    ),
    (#"{"quant_method": "modelopt", "quant_algo": "NVFP4"}"#, "quantization_config.quant_algo: found \"NVFP4\""),
    (#"{"quant_method": "bitsandbytes"}"#, "quantization_config.load_in_4bit: found neither four nor eight bits"),
  ])
  func `what is not read is said, and the model imported`(configuration: String, found: String) throws {
    let imported = try imported(configuration)
    let warning = try #require(imported.warnings.first)
    #expect("\(warning.path): \(warning.found)".hasPrefix(found), "\(warning)")
    #expect(warning.found.hasSuffix("a scenario says it under precision"))
    #expect(imported.precision == nil && !imported.yaml.contains("precision:"))
  }

  @Test func `presets of several formats need a precision of the grid's own`() throws {
    let fixture = try Fixture([
      ("models/m.yaml", try imported(#"{"bits": 4, "quant_method": "awq"}"#).yaml),
      ("models/n.yaml", "model: {preset: m, layers: 2}\n"),
      ("models/plain.yaml", try imported("null").yaml),
    ])
    #expect(
      fixture.complaints("model: [{preset: m}, {preset: plain}]\n")
        == "s.yaml:1:8: error: precision: the presets are stored in different formats, and the scenario does not say "
        + "which holds; accepted: a section precision")
    #expect(fixture.complaints("model: [{preset: m}, {preset: plain}]\nprecision: w4a16\n") == "no complaint")
    // A preset made from another is stored as that one.
    let inherited = try Scenario(
      text: "model: {preset: n}\n", file: fixture.path + "/s.yaml", options: .init(checksHardware: false))
    #expect(inherited.grid.precisions == [PrecisionPreset.w4a16.precision])
  }
}
