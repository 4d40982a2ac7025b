import Architectures

/// The families whose configurations are read, by the `model_type` that they write.
enum HuggingFaceFamily: String, CaseIterable {
  case llama, mistral, qwen2, qwen3
  case gptNeoX = "gpt_neox"
  case gemma, gemma2
  case gemma3 = "gemma3_text"
  case phi3, falcon, gpt2, opt, starcoder2, granite, olmo2, smollm3

  /// Older names, and those of text models inside others, that mean the same.
  private static let aliases: [String: HuggingFaceFamily] = [
    "RefinedWeb": .falcon, "RefinedWebModel": .falcon, "qwen2_vl_text": .qwen2, "qwen2_5_vl_text": .qwen2,
  ]

  /// The family of a `model_type`; nil for one that is not read.
  init?(named name: String) {
    guard let family = HuggingFaceFamily(rawValue: name) ?? Self.aliases[name] else { return nil }
    self = family
  }

  /// Keys of our models and what they are called here, the newest name first.
  var names: [String: [String]] {
    var names = [
      "vocabulary": ["vocab_size"], "width": ["hidden_size"], "heads": ["num_attention_heads"],
      "key_value_heads": ["num_key_value_heads"], "head_width": ["head_dim"], "feed_forward": ["intermediate_size"],
      "layers": ["num_hidden_layers"], "activation": ["hidden_act"],
    ]
    switch self {
    case .llama, .mistral, .qwen2, .qwen3, .gptNeoX, .phi3, .starcoder2, .granite, .olmo2, .smollm3: break
    case .gemma, .gemma2, .gemma3: names["activation"] = ["hidden_activation", "hidden_act"]
    case .falcon:
      names["heads"] = ["num_attention_heads", "n_head"]
      names["layers"] = ["num_hidden_layers", "n_layer"]
      names["key_value_heads"] = ["num_kv_heads", "n_head_kv"]
      names["feed_forward"] = ["ffn_hidden_size"]
      names["activation"] = ["activation"]
    case .gpt2:
      names["width"] = ["n_embd"]
      names["heads"] = ["n_head"]
      names["layers"] = ["n_layer"]
      names["feed_forward"] = ["n_inner"]
      names["activation"] = ["activation_function"]
      names["learned_positions"] = ["n_positions", "n_ctx"]
    case .opt:
      names["feed_forward"] = ["ffn_dim"]
      names["activation"] = ["activation_function"]
      names["learned_positions"] = ["max_position_embeddings"]
      names["embedding_width"] = ["word_embed_proj_dim"]
    }
    return names
  }

  /// Whether files may leave the number of key–value heads out, so that every head has its own.
  var mayOmitKeyValueHeads: Bool {
    switch self {
    case .llama, .gptNeoX, .phi3, .gpt2, .opt, .granite, .olmo2: true
    case .mistral, .qwen2, .qwen3, .gemma, .gemma2, .gemma3, .falcon, .starcoder2, .smollm3: false
    }
  }

  /// Whether heads are not the width together, so that their width has to be said.
  var statesHeadWidth: Bool {
    switch self {
    case .qwen3, .gemma, .gemma2: true
    case .llama, .mistral, .qwen2, .gptNeoX, .gemma3, .phi3, .falcon, .gpt2, .opt, .starcoder2, .granite, .olmo2,
      .smollm3:
      false
    }
  }

  /// What the family's class has where a published file leaves a key out.
  var defaults: [String: Int] {
    switch self {
    // The text part of Gemma 3 4B says neither heads nor vocabulary.
    case .gemma3: ["vocabulary": 262_208, "heads": 8, "key_value_heads": 4, "head_width": 256]
    case .llama, .mistral, .qwen2, .qwen3, .gptNeoX, .gemma, .gemma2, .phi3, .falcon, .gpt2, .opt, .starcoder2,
      .granite, .olmo2, .smollm3:
      [:]
    }
  }

  /// Whether the head is the table where a file does not say.
  var tiesHead: Bool {
    switch self {
    case .gemma, .gemma2, .gemma3, .falcon, .gpt2, .opt, .starcoder2, .smollm3: true
    case .llama, .mistral, .qwen2, .qwen3, .gptNeoX, .phi3, .granite, .olmo2: false
    }
  }

  /// Three matrices or two.
  var feedForwardKind: FeedForwardKind {
    switch self {
    case .gptNeoX, .falcon, .gpt2, .opt, .starcoder2: .twoMatrix
    case .llama, .mistral, .qwen2, .qwen3, .gemma, .gemma2, .gemma3, .phi3, .granite, .olmo2, .smollm3: .gated
    }
  }

  /// The function between the matrices where a file does not say.
  var activation: Activation {
    switch self {
    case .llama, .mistral, .qwen2, .qwen3, .phi3, .granite, .olmo2, .smollm3: .silu
    case .gptNeoX, .gemma, .gemma2, .gemma3, .falcon, .gpt2, .starcoder2: .gelu
    case .opt: .relu
    }
  }

  /// Caps on scores and logits where a file does not say; 0: none.
  var usualCaps: (scores: Double, logits: Double) { self == .gemma2 ? (50, 30) : (0, 0) }

  /// Whether all products of attention have biases where a file with such a key leaves it out.
  var usualAttentionBias: Bool { self == .gptNeoX }

  /// Whether the number of key–value heads follows from other keys (`HuggingFaceReader.falconKeyValueHeads`).
  var impliesKeyValueHeads: Bool { self == .falcon }

  /// Whether `attention_bias` and `mlp_bias` are read.
  var readsBiases: (attention: Bool, feedForward: Bool) {
    switch self {
    case .llama, .granite, .smollm3: (true, true)
    case .mistral, .qwen3, .gptNeoX, .gemma, .gemma2, .gemma3, .olmo2: (true, false)
    case .qwen2, .phi3, .falcon, .gpt2, .opt, .starcoder2: (false, false)
    }
  }
}

extension Activation {
  /// The function of a name in a configuration. All forms of GELU are one: they differ in their last digits.
  init?(configured name: String) {
    switch name {
    case "silu", "swish": self = .silu
    case "gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh": self = .gelu
    case "relu": self = .relu
    default: return nil
    }
  }

  /// Names that are understood.
  static let configured = ["silu", "swish", "gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "relu"]
}
