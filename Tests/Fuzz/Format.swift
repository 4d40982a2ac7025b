import Foundation
import Quantities

/// A kind of text or file that the program reads, whoever wrote it.
enum Format: String, CaseIterable {
  /// A scenario, which is a preset too.
  case scenario
  /// The argument of `--set`.
  case override
  /// A hardware profile.
  case hardware
  /// Measured rows of engines.
  case rows
  /// What benchmark tools of engines write.
  case benchmark
  /// A table of published numbers.
  case published
  /// A table of quality figures.
  case quality
  /// A Hugging Face configuration.
  case configuration
  /// The metadata of a GGUF file.
  case gguf
  /// The description of a checkpoint.
  case checkpoint
  /// A checkpoint's numbers.
  case safetensors
  /// 16-bit tokens.
  case tokens
  /// The journal of a quality sweep.
  case runs
  /// The journal of answers.
  case answers
  /// The journal of a measured sweep.
  case measured
  /// The file of `photon measure -o`.
  case timed

  /// How often it is drawn.
  var weight: Int {
    switch self {
    case .scenario: 8
    case .override: 6
    case .hardware, .configuration: 4
    case .rows, .benchmark, .published, .quality, .checkpoint, .safetensors, .gguf: 2
    case .tokens, .runs, .answers, .measured, .timed: 1
    }
  }

  /// Whether the library reads it in this process; a file that goes on with measuring is read by its command alone.
  var isReadHere: Bool { self != .timed }

  /// Whether lines are added to it while something runs.
  var isJournal: Bool { [.runs, .answers, .measured, .timed].contains(self) }

  /// What it is called in the folder of a question.
  var fileName: String {
    switch self {
    case .scenario: "in.yaml"
    case .override: "argument"
    case .hardware: "in.yaml"
    case .rows, .published, .quality: "in.csv"
    case .configuration, .benchmark: "in.json"
    case .gguf: "in.gguf"
    case .checkpoint: "checkpoint.json"
    case .safetensors: "model.safetensors"
    case .tokens: "in.bin"
    case .runs: "runs.jsonl"
    case .answers: "critical.jsonl"
    case .measured: "measured.jsonl"
    case .timed: "timed.csv"
    }
  }
}

/// Texts that the program accepts, by format, and what changes them.
struct Seeds {
  private let texts: [Format: [[UInt8]]]
  private let mutators: [Format: Mutator]
  private let drawn: [Format]

  /// - Parameters:
  ///   - repository: the checkout, whose scenarios, profiles, tables and journals are taken.
  ///   - folder: what `Workplace` made: a checkpoint and a file of measured rows.
  init(_ repository: String, made folder: String) throws {
    func files(_ place: String, _ ending: String) throws -> [[UInt8]] {
      let path = repository + "/" + place
      let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(ending) }.sorted()
      return try names.map { try Self.bytes(path + "/" + $0) }
    }
    func head(_ file: String, lines: Int) throws -> [UInt8] {
      let all = try Self.bytes(repository + "/" + file).split(separator: UInt8(ascii: "\n"))
      return Array(all.prefix(lines).joined(separator: [UInt8(ascii: "\n")])) + [UInt8(ascii: "\n")]
    }
    let presets = try files("scenarios/models", ".yaml")
    let tables = try files("scenarios/published", "table-1.csv") + files("scenarios/published", "attention-2.csv")
    texts = try [
      .scenario: files("scenarios", ".yaml") + files("scenarios/caches", ".yaml")
        + files("scenarios/caches/reading", ".yaml") + presets,
      .override: Self.overrides.map { Array($0.utf8) },
      .hardware: files("scenarios/hardware", ".yaml"),
      .rows: [head("reports/accelerator/sweep.csv", lines: 8), Array(Self.rows.utf8), Array(Self.spreadsheet.utf8)],
      .benchmark: [Self.vllm, Self.sglang, Self.guide].map { Array($0.utf8) },
      .published: tables,
      .quality: [
        Self.bytes(repository + "/scenarios/published/quality.csv"), Array("model,loss\nphoton-tiny,2.5\n".utf8),
      ],
      .configuration: [Self.bytes(repository + "/docs/example-config.json"), Array(Self.neox.utf8)]
        + Self.configurations.map { Array($0.utf8) },
      .gguf: [Self.gguf],
      .checkpoint: [Self.bytes(folder + "/checkpoint.json")],
      .safetensors: [Self.bytes(folder + "/model.safetensors")],
      .tokens: [Self.tokens(header: true), Self.tokens(header: false)],
      .runs: [head("reports/quality-sweep/runs.jsonl", lines: 3)],
      .answers: [head("reports/critical-footprint/critical.jsonl", lines: 6)],
      .measured: [Self.bytes(folder + "/swept/measured.jsonl")],
      .timed: [Self.bytes(folder + "/timed.csv")],
    ]
    mutators = texts.mapValues(Mutator.init)
    drawn = Format.allCases.flatMap { Array(repeating: $0, count: $0.weight) }
  }

  static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

  /// The format of an input, and the input: the same for a seed and a number, whatever was drawn before.
  func input(seed: UInt64, number: Int) -> Input {
    var random = Seeded(seed: seed, number: number)
    let format = random.pick(drawn)
    var bytes = random.pick(texts[format] ?? [[]])
    let mutator = mutators[format]!
    let changes = random.pick([1, 1, 1, 2, 2, 3, 5, 8])
    if format == .safetensors {
      Self.changeHeader(&bytes, changes, mutator, &random)
    } else {
      for _ in 0..<changes { mutator.mutate(&bytes, &random) }
    }
    return Input(number: number, format: format, bytes: bytes)
  }

  /// Most changes keep the length in front of the header true: otherwise nothing behind it would ever be read.
  private static func changeHeader(
    _ bytes: inout [UInt8], _ changes: Int, _ mutator: Mutator, _ random: inout Seeded
  ) {
    let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    var header = Array(bytes[8..<8 + length])
    var numbers = Array(bytes[(8 + length)...])
    for _ in 0..<changes { mutator.mutate(&header, &random) }
    if random.chance(0.2) { numbers.removeLast(random.below(min(numbers.count, 64))) }
    if random.chance(0.1) { numbers[random.below(numbers.count)] = UInt8(random.below(256)) }
    let told = random.chance(0.9) ? UInt64(header.count) : random.next() >> UInt64(random.below(64))
    bytes = (0..<8).map { UInt8(truncatingIfNeeded: told >> UInt64(8 * $0)) } + header + numbers
  }

  private static func tokens(header: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    let words: [UInt32] = [20_240_520, 1, 600] + Array(repeating: 0, count: 253)
    for word in header ? words : [] {
      for byte in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * byte))) }
    }
    for token in 0..<600 { bytes += [UInt8(token * 7 % 251), 0] }
    return bytes
  }

  /// A Qwen 3 of one layer, version 3.
  private static let gguf: [UInt8] = {
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    func text(_ text: String) -> [UInt8] { bytes(UInt64(text.utf8.count)) + Array(text.utf8) }
    let names = ["general.architecture": "qwen3", "general.name": "Small"]
    let numbers: [String: UInt32] = [
      "embedding_length": 8, "block_count": 1, "feed_forward_length": 12, "attention.head_count": 2,
      "attention.head_count_kv": 1, "attention.key_length": 4, "context_length": 64, "attention.sliding_window": 16,
    ]
    let arrays: [(String, [UInt64])] = [
      ("token_embd", [8, 32]), ("output_norm", [8]), ("blk.0.attn_norm", [8]), ("blk.0.attn_q", [8, 8]),
      ("blk.0.attn_k", [8, 4]), ("blk.0.attn_v", [8, 4]), ("blk.0.attn_q_norm", [4]), ("blk.0.attn_k_norm", [4]),
      ("blk.0.attn_output", [8, 8]), ("blk.0.ffn_norm", [8]), ("blk.0.ffn_gate", [8, 12]), ("blk.0.ffn_up", [8, 12]),
      ("blk.0.ffn_down", [12, 8]),
    ]
    var file = Array("GGUF".utf8) + bytes(UInt32(3)) + bytes(UInt64(arrays.count))
    file += bytes(UInt64(names.count + numbers.count))
    for (key, value) in names.sorted(by: { $0.key < $1.key }) { file += text(key) + bytes(UInt32(8)) + text(value) }
    for (key, value) in numbers.sorted(by: { $0.key < $1.key }) {
      file += text("qwen3." + key) + bytes(UInt32(4)) + bytes(value)
    }
    for (name, shape) in arrays {
      file += text(name + ".weight") + bytes(UInt32(shape.count)) + shape.flatMap { bytes($0) }
      file += bytes(UInt32(30)) + bytes(UInt64(0))
    }
    return file
  }()

  private static let overrides = [
    "workload.batch=8", "workload.prompt={linear: [1, 9, 3]}", "workload={prompt: [1, 64], generate: 0}",
    "workload.generate={log2: [1, 64]}", "workload.continuations=4", "model.width=64", "model.heads=[2, 4]",
    "model.levels[1].chunk=2", "model.levels[2].condition=[1, 2]", "model={preset: vanilla-tiny}",
    "model.tied_head=true",
    "model.cache={retention: sliding-window, window: 64}", "model.cache.window=32", "model.decoder_input=tokens",
    "model.feed_forward_kind=gated", "model.generation=recursive", "precision={weights: fp8, cache: int4}",
    "precision.weights=[fp16, bf16]", "precision=w4a16", "precision.group_size=128", "capacity=vllm",
    "capacity.step_tokens=4096", "hardware=[h100-sxm, rtx-4090]", "devices=2", "constraints=[\"model.width < 9\"]",
    "objective={minimise: decode.time_s}", "compare=[vanilla-tiny]", "measure={repetitions: 1}", "train.steps=5",
    "train={data: {recall: {keys: 4, values: 4, pairs: 2}}, context: 32, batch: 1, steps: 2}",
    "quality=published/quality.csv",
  ]

  private static let rows = """
    id,model,hardware,engine,precision,prompt,generated,concurrency,time_to_first_token_ms,time_per_output_token_ms
    a,llama-3.1-8b,h100_sxm,vllm,,1024,512,1,22,6.5
    b,llama-3.1-8b,h100_sxm,vllm,bf16,1024,512,8,90,7.5
    c,llama-3.1-8b,h100_sxm,vllm,bf16,1024,512,32,310,10.1
    d,llama-3.1-8b,h100_sxm,vllm,bf16,4096,512,32,1900,17
    e,"llama-3.1-70b",h100-sxm,"vllm, new",fp8,2048,256,16,900,31.5
    f,llama-3.1-8b,H100-SXM,vllm,fp8/fp8/bf16,512,256,64,150,9.9

    """

  /// As a spreadsheet of another country saves it.
  private static let spreadsheet =
    "\u{FEFF}sep=;\r\nID;Model;Hardware;Engine_Version;Devices;Requests;Length_Ratio;Prompt;Generated;Whole_ms;;\r\n"
    + "a;llama-3.1-8b;h100-sxm;0.9;2;20;0.8;1024;512;4000.5;;\r\nb;meta-llama/Llama-3.1-8B-FP8;h100-sxm;0.9;;;;64;8;90;;\r\n;;;;;;;;;;;\r\n"

  private static let vllm = """
    {"date": "20250806-143015", "endpoint_type": "vllm", "backend": "vllm", "model_id": "meta-llama/Llama-3.1-8B-Instruct",
     "num_prompts": 320, "request_rate": "inf", "max_concurrency": 32, "completed": 320, "total_input_tokens": 327680,
     "total_output_tokens": 40960, "request_throughput": 6.9414, "mean_ttft_ms": 512.4, "mean_tpot_ms": 31.9,
     "itls": [[0.03, 0.03], []], "label": "\\ud83d\\ude00"}

    """

  private static let sglang = """
    {"backend": "sglang", "request_rate": 5.0, "max_concurrency": 256, "completed": 1000, "total_input_tokens": 302118, \
    "total_output_tokens": 195775, "mean_e2e_latency_ms": 2409.5, "mean_ttft_ms": 91.7, "mean_tpot_ms": 11.8, \
    "concurrency": 11.78, "accept_length": null}
    {"backend": "sglang", "request_rate": Infinity, "max_concurrency": null, "completed": 64, "total_input_tokens": 65536, \
    "total_output_tokens": 8192, "mean_ttft_ms": 700, "mean_tpot_ms": 25.5, "concurrency": 60.1, "accept_length": null}

    """

  private static let guide = """
    {"args": {"model": "llama-3.1-8b"}, "benchmarks": [{"config": {"strategy": {"type_": "concurrent", "streams": 8}}, "metrics":
     {"request_totals": {"successful": 56, "errored": 1}, "request_concurrency": {"successful": {"mean": 7.95}},
      "prompt_token_count": {"successful": {"mean": 1024.0}}, "output_token_count": {"successful": {"mean": 128.0}},
      "time_to_first_token_ms": {"successful": {"mean": 160.7}}, "inter_token_latency_ms": {"successful": {"mean": 6.79}},
      "time_per_output_token_ms": {"successful": {"mean": 7.992}}}}]}

    """

  private static let configurations = [
    """
    {"model_type": "gemma3", "vision_config": {"a": 1}, "text_config": {"model_type": "gemma3_text", "hidden_size": 64,
     "intermediate_size": 96, "num_hidden_layers": 8, "sliding_window": 16, "sliding_window_pattern": 3,
     "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 99}}
    """,
    """
    {"model_type": "falcon", "hidden_size": 64, "n_layer": 2, "n_head": 4, "n_head_kv": 2, "vocab_size": 99, "alibi": false,
     "new_decoder_architecture": true, "parallel_attn": true, "bias": false, "num_ln_in_parallel_attn": 1}
    """,
    """
    {"model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 256, "n_inner": null, "vocab_size": 99,
     "activation_function": "gelu_new"}
    """,
    """
    {"model_type": "opt", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 96,
     "word_embed_proj_dim": 64, "do_layer_norm_before": true, "max_position_embeddings": 128, "vocab_size": 99}
    """,
    """
    {"model_type": "qwen2", "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
     "intermediate_size": 96, "vocab_size": 99, "use_sliding_window": true, "sliding_window": 8, "max_window_layers": 2}
    """,
    """
    {"model_type": "smollm3", "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
     "intermediate_size": 96, "vocab_size": 99, "no_rope_layers": [1, 0, 1, 0], "sliding_window": null,
     "layer_types": ["full_attention", "sliding_attention", "full_attention", "full_attention"]}
    """,
    """
    {"model_type": "granite", "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
     "intermediate_size": 96, "vocab_size": 99, "embedding_multiplier": 12.0, "residual_multiplier": 0.22,
     "logits_scaling": 8.0, "attention_multiplier": 0.0078125, "mlp_bias": true, "attention_bias": true}
    """,
    """
    {"model_type": "gemma2", "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
     "head_dim": 8, "intermediate_size": 96, "vocab_size": 99, "attn_logit_softcapping": 50.0,
     "final_logit_softcapping": null, "sliding_window": 4096, "max_position_embeddings": 8192}
    """,
  ]

  private static let neox = """
    {"model_type": "gpt_neox", "vocab_size": 50432, "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 6,
     "num_attention_heads": 8, "hidden_act": "gelu", "rotary_pct": 1, "use_parallel_residual": false,
     "attention_bias": false, "head_dim": 64, "sliding_window": null, "layer_types": ["full_attention"],
     "_name_or_path": "a/b", "tie_word_embeddings": true, "max_position_embeddings": 2048}

    """
}

/// One changed text.
struct Input {
  let number: Int
  let format: Format
  var bytes: [UInt8]

  /// What a refusal must name.
  enum Place {
    /// A file, a line and a column.
    case line
    /// A file: the whole of a journal can be wrong, and a checkpoint is no text of a person.
    case file(String)
  }

  var place: Place {
    switch format {
    case .scenario, .override, .hardware, .rows, .benchmark, .published, .quality, .configuration, .gguf: .line
    case .runs, .answers, .measured, .timed, .checkpoint, .safetensors, .tokens: .file(format.fileName)
    }
  }

  /// Nil where it is no UTF-8.
  var text: String? { String(validating: bytes, as: UTF8.self) }
}
