import Architectures
import Scenarios
import Testing

/// Configurations as they are published with the models, without the keys that say nothing about shapes.
private enum Config {
  static let llama2 = """
    {
      "_name_or_path": "meta-llama/Llama-2-7b-hf",
      "architectures": ["LlamaForCausalLM"],
      "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 11008,
      "max_position_embeddings": 4096, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32,
      "num_key_value_heads": 32, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": null,
      "tie_word_embeddings": false, "torch_dtype": "float16", "use_cache": true, "vocab_size": 32000
    }
    """
  static let mistral = """
    {
      "architectures": ["MistralForCausalLM"], "attention_dropout": 0.0, "hidden_act": "silu", "hidden_size": 4096,
      "intermediate_size": 14336, "max_position_embeddings": 32768, "model_type": "mistral",
      "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "rope_theta": 1000000.0,
      "sliding_window": null, "tie_word_embeddings": false, "vocab_size": 32768
    }
    """
  static let qwen25 = """
    {
      "architectures": ["Qwen2ForCausalLM"], "hidden_act": "silu", "hidden_size": 3584, "intermediate_size": 18944,
      "max_position_embeddings": 131072, "max_window_layers": 28, "model_type": "qwen2", "num_attention_heads": 28,
      "num_hidden_layers": 28, "num_key_value_heads": 4, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
      "sliding_window": 131072, "tie_word_embeddings": false, "use_sliding_window": false, "vocab_size": 152064
    }
    """
  static let qwen3 = """
    {
      "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "head_dim": 128, "hidden_act": "silu",
      "hidden_size": 4096, "intermediate_size": 12288, "max_position_embeddings": 40960, "model_type": "qwen3",
      "num_attention_heads": 32, "num_hidden_layers": 36, "num_key_value_heads": 8, "rope_scaling": null,
      "sliding_window": null, "tie_word_embeddings": false, "use_sliding_window": false, "vocab_size": 151936
    }
    """
  static let pythia = """
    {
      "architectures": ["GPTNeoXForCausalLM"], "hidden_act": "gelu", "hidden_size": 1024, "intermediate_size": 4096,
      "layer_norm_eps": 1e-05, "max_position_embeddings": 2048, "model_type": "gpt_neox", "num_attention_heads": 16,
      "num_hidden_layers": 24, "rotary_pct": 0.25, "tie_word_embeddings": false, "use_parallel_residual": true,
      "vocab_size": 50304
    }
    """
}

/// What an approximate import warns of.
private func warnings(_ json: String) throws -> [String] {
  try importHuggingFace(json: json, file: "config.json", approximate: true).warnings.map(\.description)
}

/// What an import refuses a configuration with.
func importComplaint(_ json: String) -> String {
  do {
    _ = try importHuggingFace(json: json, file: "config.json")
    return "no complaint"
  } catch {
    return error.description
  }
}

struct ImportTests {
  private func vanilla(_ vocabulary: Int, _ layer: LayerShape, layers: Int) -> Model {
    Model.vanilla(vocabulary: vocabulary, layer: layer, layers: layers)
  }

  @Test func `Llama 2 7B is imported as the shipped preset`() throws {
    let imported = try importHuggingFace(json: Config.llama2, file: "config.json")
    #expect(imported.model == (try model("llama-2-7b")))
    #expect(imported.name == "llama-2-7b-hf")
    #expect(imported.warnings.isEmpty)
    #expect(
      imported.yaml == """
        # Imported from a Hugging Face configuration (model_type llama).
        name: llama-2-7b-hf
        model:
          architecture: vanilla
          vocabulary: 32000
          width: 4096
          heads: 32
          key_value_heads: 32
          feed_forward: 11008
          feed_forward_kind: gated
          layers: 32

        """)
  }

  @Test func `Mistral 7B has grouped queries`() throws {
    let imported = try importHuggingFace(json: Config.mistral, file: "config.json")
    let layer = LayerShape(width: 4096, heads: 32, keyValueHeads: 8, headWidth: 128, feedForward: 14336)
    #expect(imported.model == vanilla(32768, layer, layers: 32))
    #expect(imported.name == "mistral" && imported.warnings.isEmpty)
  }

  private func styled(_ shape: LayerShape, _ make: (inout LayerStyle) -> Void) -> LayerShape {
    var style = LayerStyle()
    make(&style)
    return shape.styled(style)
  }

  @Test func `Qwen 2.5 7B has biases of queries, keys and values`() throws {
    let imported = try importHuggingFace(json: Config.qwen25, file: "config.json", name: "qwen")
    let layer = LayerShape(width: 3584, heads: 28, keyValueHeads: 4, headWidth: 128, feedForward: 18944)
    #expect(
      imported.model == vanilla(152_064, styled(layer) { $0.attentionBiases = .queryKeyValue }, layers: 28))
    #expect(imported.warnings.isEmpty)
    #expect(imported.yaml.contains("\n  attention_biases: query-key-value\n"))
  }

  @Test func `Qwen 3 8B norms its heads, as the shipped preset does`() throws {
    let imported = try importHuggingFace(json: Config.qwen3, file: "config.json")
    let layer = LayerShape(width: 4096, heads: 32, keyValueHeads: 8, headWidth: 128, feedForward: 12288)
    #expect(imported.model == vanilla(151_936, styled(layer) { $0.headNorms = .eachHead }, layers: 36))
    #expect(imported.model == (try model("qwen3-8b")))
    #expect(imported.warnings.isEmpty)
  }

  @Test func `heads may be wider together than the model`() throws {
    let json = Config.qwen3.replacing("\"hidden_size\": 4096", with: "\"hidden_size\": 1024")
    let imported = try importHuggingFace(json: json, file: "config.json")
    #expect(imported.model.layer.headWidth == 128 && imported.model.layer.queryWidth == 4096)
    let again = try Scenario(text: imported.yaml, file: "q.yaml", options: .init(checksHardware: false))
    #expect(again.grid.point(at: 0)?.model == imported.model)
  }

  @Test func `Pythia 410M has the parallel block of GPT-NeoX`() throws {
    let imported = try importHuggingFace(json: Config.pythia, file: "config.json")
    let layer = LayerShape(width: 1024, heads: 16, feedForward: 4096, feedForwardKind: .twoMatrix)
    let neoX = styled(layer) {
      ($0.norm, $0.order, $0.attentionBiases, $0.feedForwardBiases) = (.layer, .parallel, .all, true)
      // A quarter of 64 features.
      $0.rotatedWidth = 16
    }
    #expect(imported.model == vanilla(50304, neoX, layers: 24))
    #expect(imported.warnings.isEmpty)
    let sequential = Config.pythia.replacing(
      "\"use_parallel_residual\": true", with: "\"use_parallel_residual\": false"
    )
    .replacing("\"rotary_pct\": 0.25", with: "\"rotary_pct\": 1.0, \"attention_bias\": false")
    let other = try importHuggingFace(json: sequential, file: "config.json").model.layer.style
    #expect(other.order == .sequential && other.rotatedWidth == nil && other.attentionBiases == .none)
  }

  @Test func `biases, other activations and partial rotation are in the preset`() throws {
    let json = Config.llama2.replacing(
      "\"hidden_act\": \"silu\"",
      with:
        "\"hidden_act\": \"relu\", \"attention_bias\": true, \"mlp_bias\": true, \"partial_rotary_factor\": 0.5"
    )
    let style = try importHuggingFace(json: json, file: "config.json").model.layer.style
    #expect(style.activation == .relu && style.attentionBiases == .all && style.feedForwardBiases)
    // Half of 128 features.
    #expect(style.rotatedWidth == 64)
  }

  @Test func `what no preset can say is refused at its key, or left out with a warning`() throws {
    let json = Config.mistral.replacing(
      "\"hidden_act\": \"silu\"", with: "\"hidden_act\": \"xielu\", \"mlp_bias\": true")
    let lines = importComplaint(json).split(separator: "\n")
    #expect(
      lines.map { $0.split(separator: ": ", maxSplits: 1)[1] } == [
        "error: hidden_act: found \"xielu\", which cannot be represented: silu is counted; accepted: silu, swish, gelu, "
          + "gelu_new, gelu_fast, gelu_pytorch_tanh, relu, or --approximate to import without it",
        "error: mlp_bias: found \"true\", which cannot be represented: the family has none besides its own; accepted: "
          + "false, or --approximate to import without it",
      ])
    #expect(lines.allSatisfy { $0.contains(#/^config\.json:\d+:\d+: /#) })
    #expect(
      try warnings(json).map { $0.split(separator: ": ", maxSplits: 1)[1] } == [
        "warning: hidden_act: found \"xielu\", not represented: silu is counted",
        "warning: mlp_bias: found \"true\", not represented: the family has none besides its own",
      ])
  }

  @Test(arguments: [
    ("num_local_experts", "8", "a mixture of experts"), ("n_routed_experts", "64", "a mixture of experts"),
    ("num_experts", "128", "a mixture of experts"), ("kv_lora_rank", "512", "latent attention"),
    ("is_encoder_decoder", "true", "an encoder and a decoder"),
    ("text_config", "{}", "a model inside another"),
  ])
  func `other matrix work is refused at its key`(_ key: String, _ value: String, _ meaning: String) {
    let json = Config.mistral.replacing("\"attention_dropout\": 0.0", with: "\"\(key)\": \(value)")
    #expect(
      importComplaint(json)
        == "config.json:2:\(48 + key.count): error: \(key): \(meaning) cannot be represented; accepted: a dense decoder-only model"
    )
    #expect(throws: ScenarioError.self, "no approximation has another shape") {
      try importHuggingFace(json: json, file: "config.json", approximate: true)
    }
    let absent = Config.mistral.replacing("\"attention_dropout\": 0.0", with: "\"\(key)\": null")
    #expect(importComplaint(absent) == "no complaint")
  }

  @Test func `unknown families and missing keys are refused`() {
    #expect(
      importComplaint(Config.llama2.replacing("\"model_type\": \"llama\"", with: "\"model_type\": \"lama\"")) == """
        config.json:5:50: error: model_type: found "lama"; accepted: llama, mistral, qwen2, qwen3, gpt_neox, \
        gemma, gemma2, gemma3_text, phi3, falcon, gpt2, opt, starcoder2, granite, olmo2, smollm3; did you mean llama?
        """)
    #expect(importComplaint("{}") == "config.json:1:1: error: the key model_type is missing")
    #expect(
      importComplaint(Config.mistral.replacing("\"num_key_value_heads\": 8, ", with: ""))
        == "config.json:1:1: error: the key num_key_value_heads is missing")
    #expect(
      importComplaint(Config.qwen3.replacing("\"head_dim\": 128, ", with: "")).hasPrefix(
        "config.json:1:1: error: the key head_dim is missing"))
    #expect(importComplaint(Config.llama2.replacing("\"num_key_value_heads\": 32, ", with: "")) == "no complaint")
    #expect(
      importComplaint(Config.llama2.replacing("\"num_attention_heads\": 32", with: "\"num_attention_heads\": 33"))
        .hasPrefix(
          "config.json:5:82: error: num_attention_heads: 33 heads do not divide the width 4096"))
    #expect(
      importComplaint("[1, 2]").hasPrefix(
        "config.json:1:1: error: found a list of 2; accepted: a mapping of keys to values"))
    #expect(importComplaint("{\"model_type\": ").hasPrefix("config.json:"))
  }
}

/// Numbers at the ends of 64 bits, and those on either side of what is a dimension.
struct ImportedNumberTests {
  private static let numbers = [
    "0", "-1", "-0", "1", "3", "-9223372036854775808", "4611686018427387904", "9223372036854775807",
    "4611686018427387847", "131072", "1e3", "null",
  ]
  private static let keys = [
    "num_attention_heads", "num_key_value_heads", "head_dim", "hidden_size", "intermediate_size", "vocab_size",
    "num_hidden_layers", "sliding_window", "max_position_embeddings", "num_local_experts", "n_embd", "n_head",
    "n_layer", "n_inner", "n_positions", "ffn_dim", "word_embed_proj_dim", "ffn_hidden_size", "num_kv_heads",
    "max_window_layers", "sliding_window_pattern", "no_rope_layer_interval", "partial_rotary_factor", "rotary_pct",
    "attn_logit_softcapping", "embedding_multiplier", "logits_scaling", "num_ln_in_parallel_attn",
  ]
  private static let families = [
    "llama", "mistral", "qwen2", "qwen3", "gpt_neox", "gemma", "gemma2", "gemma3_text", "phi3", "falcon", "gpt2", "opt",
    "starcoder2", "granite", "olmo2", "smollm3",
  ]

  @Test(arguments: keys)
  func `a configuration with any number is imported or refused at its place`(_ key: String) {
    for number in Self.numbers {
      for family in Self.families {
        for approximate in [false, true] {
          var entries = [
            "model_type": "\"\(family)\"", "vocab_size": "64", "hidden_size": "32", "num_attention_heads": "4",
            "num_key_value_heads": "2", "head_dim": "8", "num_hidden_layers": "2", "intermediate_size": "48",
            "attention_bias": "true", "mlp_bias": "true", "n_embd": "32", "n_head": "4", "n_layer": "2",
            "n_positions": "64", "ffn_dim": "48", "use_sliding_window": "true",
          ]
          entries[key] = number
          let json = "{" + entries.sorted { $0.key < $1.key }.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
          do throws(ScenarioError) {
            let imported = try importHuggingFace(json: json, file: "config.json", approximate: approximate)
            #expect(imported.model.problems.isEmpty, "\(json)")
          } catch {
            let errors = error.diagnostics.filter { $0.severity == .error }
            #expect(!errors.isEmpty && errors.allSatisfy { $0.position.line == 1 }, "\(json)\n\(error)")
          }
        }
      }
    }
  }
}
