import Foundation
import Testing

/// Files of weights whose headers alone are written: nobody reads the weights.
struct WeightFileTests {
  /// A header of the safetensors format. The numbers themselves are left out.
  static func safeTensors(_ arrays: [(name: String, element: String, shape: [Int])]) throws -> Data {
    let header = Dictionary(
      uniqueKeysWithValues: arrays.map { array in
        (array.name, ["dtype": array.element, "shape": array.shape, "data_offsets": [0, 0]] as [String: Any])
      })
    let json = try JSONSerialization.data(withJSONObject: header)
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) } + json
  }

  /// GGUF version 3.
  struct GGUFWriter {
    private var keys = Data()
    private var keyCount = 0
    private var arrays = Data()
    private var arrayCount = 0

    private static func bytes(_ value: some FixedWidthInteger) -> Data {
      withUnsafeBytes(of: value.littleEndian) { Data($0) }
    }
    private static func text(_ text: String) -> Data { bytes(UInt64(text.utf8.count)) + Data(text.utf8) }

    mutating func add(_ key: String, _ value: String) { add(key, 8, Self.text(value)) }
    mutating func add(_ key: String, _ value: Int) { add(key, 4, Self.bytes(UInt32(value))) }
    mutating func add(_ key: String, _ value: Float) { add(key, 6, Self.bytes(value.bitPattern)) }
    mutating func add(_ key: String, words: [String]) {
      add(key, 9, Self.bytes(UInt32(8)) + Self.bytes(UInt64(words.count)) + words.map(Self.text).reduce(Data(), +))
    }
    private mutating func add(_ key: String, _ type: Int, _ value: Data) {
      keys += Self.text(key) + Self.bytes(UInt32(type)) + value
      keyCount += 1
    }

    /// - Parameter shape: features first, as the format has them.
    mutating func array(_ name: String, _ shape: [Int], type: Int = 12) {
      arrays += Self.text(name) + Self.bytes(UInt32(shape.count))
      for size in shape { arrays += Self.bytes(UInt64(size)) }
      arrays += Self.bytes(UInt32(type)) + Self.bytes(UInt64(0))
      arrayCount += 1
    }

    var data: Data {
      Data("GGUF".utf8) + Self.bytes(UInt32(3)) + Self.bytes(UInt64(arrayCount)) + Self.bytes(UInt64(keyCount)) + keys
        + arrays
    }
  }

  /// The parameters of one layer of a Qwen 3 of width 8 with two heads of 4 and one key–value head.
  static let layer: [(String, [Int])] = [
    ("attn_norm", [8]), ("attn_q", [8, 8]), ("attn_k", [8, 4]), ("attn_v", [8, 4]), ("attn_q_norm", [4]),
    ("attn_k_norm", [4]), ("attn_output", [8, 8]), ("ffn_norm", [8]), ("ffn_gate", [8, 12]), ("ffn_up", [8, 12]),
    ("ffn_down", [12, 8]),
  ]

  static func qwen(_ change: (inout GGUFWriter) -> Void = { _ in }) -> Data {
    var file = GGUFWriter()
    file.add("general.architecture", "qwen3")
    file.add("general.name", "Small Qwen")
    file.add("qwen3.embedding_length", 8)
    file.add("qwen3.block_count", 2)
    file.add("qwen3.feed_forward_length", 12)
    file.add("qwen3.attention.head_count", 2)
    file.add("qwen3.attention.head_count_kv", 1)
    file.add("qwen3.attention.key_length", 4)
    file.add("qwen3.rope.freq_base", Float(10000))
    file.add("tokenizer.ggml.tokens", words: (0..<5000).map(String.init))
    file.array("token_embd.weight", [8, 32])
    for index in 0..<2 {
      for (name, shape) in layer { file.array("blk.\(index).\(name).weight", shape, type: shape.count == 1 ? 0 : 12) }
    }
    file.array("output_norm.weight", [8], type: 0)
    change(&file)
    return file.data
  }

  private func write(_ data: Data, _ name: String, _ program: Program) throws {
    try data.write(to: URL(filePath: program.folder + "/" + name))
  }

  @Test func `a GGUF file's metadata give a preset of as many parameters`() async throws {
    let program = try Program()
    try write(Self.qwen(), "small.gguf", program)
    let imported = try await program.run("import", "small.gguf")
    #expect(imported.code == 0, "\(imported.error)")
    // A table of 32·8 that is the head, two layers of 4·8·8 … as above, one norm.
    let layer = Self.layer.reduce(0) { $0 + $1.1.reduce(1, *) }
    let total = 32 * 8 + 2 * layer + 8
    #expect(imported.error.hasPrefix("\(total) parameters in 24 arrays\n  Q4_K: "))
    #expect(
      imported.output == """
        # Imported from the metadata of a GGUF file (model_type qwen3).
        name: small-qwen
        model:
          architecture: vanilla
          vocabulary: 32
          width: 8
          heads: 2
          key_value_heads: 1
          feed_forward: 12
          feed_forward_kind: gated
          tied_head: true
          layers: 2
          head_norms: each-head

        """)
    try program.write("small-qwen.yaml", imported.output)
    let explained = try await program.run("explain", "small-qwen.yaml", "--format", "json")
    #expect(try object(explained.output).object("parameters").integer("total") == total)
  }

  @Test func `a GGUF file of other parameters than its metadata say gives no preset`() async throws {
    let program = try Program()
    try write(Self.qwen { $0.array("blk.0.extra.weight", [3, 5]) }, "odd.gguf", program)
    let refused = try await program.run("import", "odd.gguf", "-o", "odd.yaml")
    #expect(refused.code == 64 && !program.exists("odd.yaml"))
    #expect(
      refused.error.contains("odd.gguf:1:1: error: found 1287 parameters where the preset has 1272"), "\(refused.error)"
    )
    let forced = try await program.run("import", "odd.gguf", "-o", "odd.yaml", "--approximate")
    #expect(forced.code == 0 && forced.error.contains("warning: found 1287 parameters") && program.exists("odd.yaml"))
    // A tied head that is stored.
    try write(Self.qwen { $0.add("x", "y") }, "fine.gguf", program)
    #expect(try await program.run("import", "fine.gguf").code == 0)
  }

  @Test func `a GGUF file that breaks off, or is of another kind, is refused at its byte`() async throws {
    let program = try Program()
    let whole = Self.qwen()
    for count in [4, 7, 8, 16, 24, 30, 200, whole.count / 2, whole.count - 1] {
      try write(whole.prefix(count), "cut.gguf", program)
      let refused = try await program.run("import", "cut.gguf")
      #expect(refused.code == 64 && refused.error.hasPrefix("cut.gguf:1:"), "\(count): \(refused.error)")
    }
    var other = whole
    other[4] = 9
    try write(other, "new.gguf", program)
    #expect(try await program.run("import", "new.gguf").error.contains("byte 4: version 9; accepted: 2 or 3"))
    var file = GGUFWriter()
    file.add("general.architecture", "mamba")
    try write(file.data, "mamba.gguf", program)
    let mamba = try await program.run("import", "mamba.gguf")
    #expect(mamba.code == 64 && mamba.error.contains("general.architecture: found \"mamba\"; accepted: falcon, "))
  }

  static let llama: [(String, [Int])] = [
    ("input_layernorm.weight", [8]), ("self_attn.q_proj.weight", [8, 8]), ("self_attn.k_proj.weight", [4, 8]),
    ("self_attn.v_proj.weight", [4, 8]), ("self_attn.o_proj.weight", [8, 8]), ("post_attention_layernorm.weight", [8]),
    ("mlp.gate_proj.weight", [12, 8]), ("mlp.up_proj.weight", [12, 8]), ("mlp.down_proj.weight", [8, 12]),
  ]
  static let config = """
    {"model_type": "llama", "vocab_size": 32, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
     "num_key_value_heads": 1, "intermediate_size": 12, "tie_word_embeddings": true, "_name_or_path": "small"}
    """

  /// - Parameter element: of matrices; norms and the table stay in bfloat16.
  static func checkpoint(_ element: String) -> [(name: String, element: String, shape: [Int])] {
    var arrays = [(name: "model.embed_tokens.weight", element: "BF16", shape: [32, 8])]
    for index in 0..<2 {
      for (name, shape) in llama {
        arrays.append(
          (name: "model.layers.\(index).\(name)", element: shape.count == 1 ? "BF16" : element, shape: shape))
        if element == "F8_E4M3", shape.count == 2 {
          arrays.append((name: "model.layers.\(index).\(name)_scale", element: "F32", shape: [1]))
        }
      }
    }
    return arrays + [(name: "model.norm.weight", element: "BF16", shape: [8])]
  }

  @Test(arguments: ["BF16", "F16", "F32", "F8_E4M3", "F8_E5M2"])
  func `a safetensors header says how many parameters there are, whatever they are stored in`(element: String)
    async throws
  {
    let program = try Program()
    try write(try Self.safeTensors(Self.checkpoint(element)), "model.safetensors", program)
    let layer = Self.llama.reduce(0) { $0 + $1.1.reduce(1, *) }
    let total = 32 * 8 + 2 * layer + 8
    let alone = try await program.run("import", "model.safetensors")
    #expect(alone.code == 0 && alone.output.hasPrefix("\(total) parameters in 20 arrays"), "\(alone.error)")
    #expect(alone.output.contains("no preset: a header does not say how many heads there are"))
    #expect(alone.output.contains("  \(element): "))
    let asked = try await program.run("import", "model.safetensors", "-o", "p.yaml")
    #expect(asked.code == 64 && !program.exists("p.yaml"))
    // With the configuration beside it, a preset of as many.
    try program.write("config.json", Self.config)
    let imported = try await program.run("import", "model.safetensors")
    #expect(imported.code == 0 && imported.output.contains("name: small\n"), "\(imported.error)")
    // A head that is stored although it is tied.
    let stored = Self.checkpoint(element) + [(name: "lm_head.weight", element: element, shape: [32, 8])]
    try write(try Self.safeTensors(stored), "model.safetensors", program)
    let tied = try await program.run("import", "model.safetensors")
    #expect(tied.code == 0 && tied.error.contains("the head is stored apart, although it is tied"))
    try program.write(
      "config.json", Self.config.replacing("\"intermediate_size\": 12", with: "\"intermediate_size\": 13"))
    let other = try await program.run("import", "model.safetensors")
    #expect(other.code == 64 && other.output == "" && other.error.contains("model.safetensors:1:1: error: found "))
  }

  @Test func `all parts of a checkpoint that is cut are read`() async throws {
    let program = try Program()
    let arrays = Self.checkpoint("BF16")
    try write(try Self.safeTensors(Array(arrays.prefix(7))), "model-00001-of-00002.safetensors", program)
    let missing = try await program.run("import", "model-00001-of-00002.safetensors")
    #expect(missing.code == 64 && missing.error.hasPrefix("model-00002-of-00002.safetensors: error: "))
    try write(try Self.safeTensors(Array(arrays.dropFirst(7))), "model-00002-of-00002.safetensors", program)
    try program.write("config.json", Self.config)
    let imported = try await program.run("import", "model-00002-of-00002.safetensors")
    #expect(imported.code == 0 && imported.output.contains("name: small\n"), "\(imported.error)")
  }

  @Test func `a header that is cut, or no JSON, or of unknown types, is refused at its byte`() async throws {
    let program = try Program()
    let whole = try Self.safeTensors(Self.checkpoint("BF16"))
    for count in [9, 20, whole.count - 1] {
      try write(whole.prefix(count), "cut.safetensors", program)
      let refused = try await program.run("import", "cut.safetensors")
      #expect(refused.code == 64 && refused.error.hasPrefix("cut.safetensors:1:"), "\(refused.error)")
    }
    try write(try Self.safeTensors([(name: "a", element: "Z9", shape: [3])]), "odd.safetensors", program)
    #expect(try await program.run("import", "odd.safetensors").error.contains("byte 8: a of Z9; accepted: BF16, "))
  }
}
