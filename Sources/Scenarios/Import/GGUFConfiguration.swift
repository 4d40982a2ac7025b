import Architectures

/// A model made from the metadata of a GGUF file: its keys under the names of a Hugging Face configuration, which then is
/// read as any other.
/// - Parameters:
///   - weights: what the file says.
///   - file: its path.
///   - name: of the preset; what the file calls the model if nil.
///   - approximate: as for a configuration.
/// - Throws: `ScenarioError`
public func importGGUF(
  _ weights: WeightFile, file: String, name: String? = nil, approximate: Bool = false
) throws(ScenarioError) -> ImportedModel {
  let root = PositionedValue(.mapping(try configuration(of: weights, file: file)), at: Position(file: file, line: 1))
  return try importConfiguration(root, name: name, approximate: approximate, source: "the metadata of a GGUF file")
}

/// `general.architecture` of families that are read, and their `model_type`.
private let architectures: [String: HuggingFaceFamily] = [
  "llama": .llama, "qwen2": .qwen2, "qwen3": .qwen3, "gptneox": .gptNeoX, "gemma": .gemma, "gemma2": .gemma2,
  "gemma3": .gemma3, "phi3": .phi3, "falcon": .falcon, "gpt2": .gpt2, "starcoder2": .starcoder2, "granite": .granite,
  "olmo2": .olmo2, "smollm3": .smollm3,
]

private func configuration(of weights: WeightFile, file: String) throws(ScenarioError) -> [PositionedValue.Entry] {
  let start = Position(file: file, line: 1)
  let named = weights.metadata["general.architecture"]
  guard let prefix = named?.scalar, let family = architectures[prefix] else {
    throw ScenarioError([
      Diagnostic(
        named?.position ?? start, path: "general.architecture", found: "found \(named?.summary ?? "nothing")",
        accepted: enumerate(architectures.keys.sorted()),
        suggestion: named?.scalar.flatMap { nearMiss($0, among: Array(architectures.keys)) })
    ])
  }
  var entries: [PositionedValue.Entry] = []
  func add(_ key: String, _ value: PositionedValue?) {
    guard let value, !entries.contains(where: { $0.key == key }) else { return }
    entries.append(.init(key: key, keyPosition: value.position, value: value))
  }
  func add(_ key: String, _ text: String, quoted: Bool = false) {
    add(key, PositionedValue(.scalar(text, quoted: quoted), at: start))
  }
  func own(_ key: String) -> PositionedValue? { weights.metadata["\(prefix).\(key)"] }
  func key(_ name: String) -> String { family.names[name]![0] }
  func shape(_ name: String) -> [Int]? { weights.arrays.first { $0.name == name }?.shape }

  add("model_type", family.rawValue, quoted: true)
  if let name = weights.metadata["general.name"]?.scalar {
    add("_name_or_path", String(name.map { $0 == " " ? "-" : $0 }), quoted: true)
  }
  add(key("width"), own("embedding_length"))
  add(key("layers"), own("block_count"))
  add(key("feed_forward"), own("feed_forward_length"))
  add(key("heads"), own("attention.head_count"))
  add("head_dim", own("attention.key_length"))
  if let vocabulary = shape("token_embd.weight")?.first { add("vocab_size", "\(vocabulary)") }
  add("max_position_embeddings", own("context_length"))
  add("sliding_window", own("attention.sliding_window"))
  add("tie_word_embeddings", "\(shape("output.weight") == nil)")
  let hasBiases = shape("blk.0.attn_output.bias") != nil
  if family.readsBiases.attention { add("attention_bias", "\(hasBiases)") }
  if family.readsBiases.feedForward { add("mlp_bias", "\(shape("blk.0.ffn_down.bias") != nil)") }
  switch family {
  case .falcon:
    let shared = own("attention.head_count_kv")
    let hasTwoNorms = shape("blk.0.attn_norm_2.weight") != nil
    add("multi_query", "\(shared?.scalar == "1")")
    add("new_decoder_architecture", "\(hasTwoNorms || shared?.scalar != "1" && !hasBiases)")
    add("num_ln_in_parallel_attn", hasTwoNorms ? "2" : "1")
    add("num_kv_heads", shared)
    add("bias", "\(hasBiases)")
    if hasBiases { add("parallel_attn", "false") }
  case .gptNeoX:
    add("use_parallel_residual", own("use_parallel_residual"))
    addShare("rotary_pct")
  case .gpt2: if let rows = shape("position_embd.weight")?.first { add("n_positions", "\(rows)") }
  case .granite:
    add("embedding_multiplier", own("embedding_scale"))
    add("residual_multiplier", own("residual_scale"))
    add("logits_scaling", own("logit_scale"))
  case .gemma2, .gemma3:
    add("attn_logit_softcapping", own("attn_logit_softcapping"))
    add("final_logit_softcapping", own("final_logit_softcapping"))
  case .starcoder2: add("use_bias", "\(hasBiases)")
  case .phi3: addShare("partial_rotary_factor")
  case .llama, .mistral, .qwen2, .qwen3, .gemma, .opt, .olmo2, .smollm3: break
  }
  add("num_key_value_heads", own("attention.head_count_kv"))
  return entries

  /// The share of a head that is rotated, where the file says how much.
  func addShare(_ key: String) {
    let width = own("embedding_length")?.wholeNumber ?? 0
    let heads = own("attention.head_count")?.wholeNumber ?? 0
    guard let rotated = own("rope.dimension_count")?.wholeNumber, heads > 0, width / heads > 0, rotated > 0 else {
      return
    }
    add(key, "\(min(1, Double(rotated) / Double(width / heads)))")
  }
}
