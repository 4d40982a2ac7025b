import Architectures
import Scenarios
import Testing

/// Which layers slide, and models inside others.
struct ImportWindowTests {
  /// A configuration of a family with whatever else is given.
  private func json(_ family: String, layers: Int, _ more: String = "") -> String {
    """
    {"model_type": "\(family)", "vocab_size": 64, "hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2,
     "head_dim": 8, "num_hidden_layers": \(layers), "intermediate_size": 48\(more.isEmpty ? "" : ", " + more)}
    """
  }

  private func cache(_ text: String) throws -> StackCache {
    try importHuggingFace(json: text, file: "config.json").model.cache(at: 0)
  }

  private func slides(_ cache: StackCache, layers: Int) -> [Int] {
    guard case .slidingWindow = cache.plan.retention else { return [] }
    return (0..<layers).filter { !cache.exempt.contains(head: 0, layer: $0) }
  }

  /// How many layers slide, as transformers decides it (configuration_qwen2.py, configuration_gemma2.py,
  /// configuration_gemma3.py, configuration_smollm3.py).
  @Test(arguments: [
    ("qwen2", 28, #""use_sliding_window": false, "sliding_window": 131072, "max_window_layers": 28"#, 0),
    ("qwen2", 28, #""use_sliding_window": true, "sliding_window": 32768, "max_window_layers": 28"#, 0),
    ("qwen2", 24, #""use_sliding_window": true, "sliding_window": 32768, "max_window_layers": 21"#, 3),
    ("qwen2", 24, #""use_sliding_window": true, "sliding_window": 32768, "max_window_layers": 30"#, 0),
    ("qwen3", 36, #""sliding_window": 4096"#, 0),
    ("gemma", 18, #""sliding_window": null"#, 0), ("gemma2", 26, #""sliding_window": 4096"#, 13),
    ("gemma3_text", 26, #""sliding_window": 512, "sliding_window_pattern": 6"#, 22),
    ("gemma3_text", 62, #""sliding_window": 1024, "_sliding_window_pattern": 6"#, 52),
    ("mistral", 32, #""sliding_window": 4096"#, 32), ("mistral", 32, #""sliding_window": null"#, 0),
    ("mistral", 32, #""sliding_window": 0"#, 0),
    ("mistral", 32, #""sliding_window": 4096, "max_position_embeddings": 4096"#, 0),
    ("phi3", 32, #""sliding_window": 2047"#, 32), ("phi3", 40, #""sliding_window": null"#, 0),
    ("phi3", 32, #""sliding_window": 262144, "max_position_embeddings": 131072"#, 0),
    ("starcoder2", 30, #""sliding_window": 4096"#, 30),
    ("smollm3", 36, #""use_sliding_window": false, "sliding_window": null"#, 0),
    ("smollm3", 36, #""use_sliding_window": true, "sliding_window": 512"#, 9),
    ("llama", 4, #""sliding_window": 512"#, 0),
    (
      "qwen3", 4,
      #""use_sliding_window": true, "sliding_window": 9, "layer_types": ["full_attention", "sliding_attention", "full_attention", "full_attention"]"#,
      1
    ),
  ])
  func `as many layers slide as transformers lets slide`(family: String, layers: Int, keys: String, count: Int) throws {
    let text = json(family, layers: layers, keys)
    let imported = try importHuggingFace(json: text, file: "config.json")
    #expect(slides(imported.model.cache(at: 0), layers: layers).count == count)
    // What is written is what is read.
    let again = try Scenario(text: imported.yaml, file: "p.yaml", options: .init(checksHardware: false))
    #expect(again.grid.count == 1 && again.grid.point(at: 0)?.model == imported.model, "\(imported.yaml)")
  }

  @Test func `the upper layers of Qwen 2 slide, and all but every sixth of Gemma 3`() throws {
    let qwen = json("qwen2", layers: 5, #""use_sliding_window": true, "sliding_window": 7, "max_window_layers": 3"#)
    #expect(slides(try cache(qwen), layers: 5) == [3, 4])
    #expect(try cache(qwen).plan.retention == .slidingWindow(7))
    let gemma = json("gemma3_text", layers: 13, #""sliding_window": 7"#)
    #expect(slides(try cache(gemma), layers: 13) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 12])
    #expect(try cache(gemma).exempt == .everyLayer(6))
  }

  @Test func `layers of a kind that cannot be represented are named`() {
    let types =
      #""sliding_window": 9, "layer_types": ["full_attention", "chunked_attention", "sliding_attention", "x"]"#
    #expect(
      importComplaint(json("mistral", layers: 4, types)).contains(
        "error: layer_types: \"chunked_attention\" in layers 1, 3 cannot be represented; accepted: full_attention, "
          + "sliding_attention"))
    #expect(
      importComplaint(
        json("mistral", layers: 3, types.replacing(#", "x""#, with: "").replacing("chunked", with: "full")))
        == "no complaint")
    #expect(
      importComplaint(
        json("mistral", layers: 7, types.replacing(#", "x""#, with: "").replacing("chunked", with: "full"))
      )
      .contains("layer_types: 3 of 7 layers; accepted: a word for each layer"))
    let without = #""sliding_window": null, "layer_types": ["sliding_attention", "full_attention"]"#
    #expect(
      importComplaint(json("mistral", layers: 2, without)).contains(
        "layer_types: windows of no width in layer 0; accepted: a sliding_window"))
  }

  @Test func `the text model inside another is imported, and the rest is named`() throws {
    let outer = """
      {"model_type": "gemma3", "sliding_window": 999, "tie_word_embeddings": true,
       "vision_config": {"hidden_size": 1152},
       "text_config": {"model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240,
         "num_hidden_layers": 34, "sliding_window": 1024}}
      """
    let imported = try importHuggingFace(json: outer, file: "config.json")
    // Heads and vocabulary are those of the family's class: the published file leaves them out.
    #expect(imported.model.layer.heads == 8 && imported.model.layer.keyValueHeads == 4)
    #expect(imported.model.layer.headWidth == 256 && imported.model.vocabulary == 262_208 && imported.model.tiedHead)
    #expect(imported.model.cache(at: 0).plan.retention == .slidingWindow(1024))
    #expect(
      imported.warnings.map(\.description) == [
        "config.json:2:19: warning: vision_config: not counted: the model beside the one of text"
      ])
    let llava = """
      {"model_type": "llava", "vision_config": {}, "text_config": \(json("llama", layers: 2))}
      """
    #expect(try importHuggingFace(json: llava, file: "config.json").model.layers == 2)
    let wrong = llava.replacing("\"hidden_size\": 32", with: "\"hidden_size\": 33")
    #expect(importComplaint(wrong.replacing("\"head_dim\": 8, ", with: "")).hasPrefix("config.json:1:"))
  }

  @Test func `what of OPT, StarCoder2 and SmolLM3 cannot be represented is refused at its place`() {
    let opt = """
      {"model_type": "opt", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 96,
       "word_embed_proj_dim": 64, "_remove_final_layer_norm": true, "max_position_embeddings": 128, "vocab_size": 99}
      """
    #expect(
      importComplaint(opt)
        == "config.json:2:57: error: _remove_final_layer_norm: a stack that ends in no norm cannot be represented; "
        + "accepted: false")
    #expect(
      importComplaint(opt.replacing("_remove_final_layer_norm\": true", with: "layer_norm_elementwise_affine\": false"))
        .contains(": error: layer_norm_elementwise_affine: norms without weights cannot be represented"))
    #expect(
      importComplaint(json("starcoder2", layers: 2, #""mlp_type": "gated""#)).contains("mlp_type: found \"gated\""))
    #expect(
      importComplaint(json("smollm3", layers: 5, #""no_rope_layers": [1, 0, 1, 1, 0]"#)).contains(
        "no_rope_layers: 5 signs, not rotated: layers 1, 4; accepted: a sign for each of 5 layers, 0 for every n-th"))
  }

  @Test(arguments: ["lm_head_bias", "use_qk_norm", "qk_layernorm", "apply_residual_connection_post_layernorm"])
  func `a switch that adds what no preset has is refused at its place`(key: String) throws {
    let text = json("phi3", layers: 2, "\"\(key)\": true")
    #expect(importComplaint(text).contains(": error: \(key): found \"true\", which cannot be represented: "))
    #expect(importComplaint(json("phi3", layers: 2, "\"\(key)\": false")) == "no complaint")
    #expect(try importHuggingFace(json: text, file: "config.json", approximate: true).warnings.count == 1)
  }

  @Test func `a short context is refused where positions are learned`() throws {
    let gpt2 = """
      {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 16, "vocab_size": 64}
      """
    let yaml = try importHuggingFace(json: gpt2, file: "config.json", name: "small").yaml
    let fits = try Scenario(
      text: yaml + "workload: {prompt: 12, generate: 4}\n", file: "s.yaml", options: .init(checksHardware: false))
    #expect(fits.grid.count == 1)
    #expect {
      try Scenario(
        text: yaml + "workload: {prompt: 12, generate: 5}\n", file: "s.yaml", options: .init(checksHardware: false))
    } throws: {
      "\($0)".contains(
        "workload.generate: 17 tokens where the model has 16 learned positions; accepted: prompt and generate of at most "
          + "16 together")
    }
  }
}
