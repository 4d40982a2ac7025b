import Foundation
import Testing

struct ExplainTests {
  /// Every preset that the program ships.
  static let presets =
    ((try? FileManager.default.contentsOfDirectory(atPath: Program.repository + "/scenarios/models")) ?? [])
    .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()

  static let figures = [
    "matmul_flops", "elementwise_flops", "traffic_bytes", "weight_bytes", "activation_bytes", "cache_read_bytes",
    "cache_write_bytes", "local_read_bytes", "sequential_passes", "sequential_layers",
  ]

  @Test(arguments: presets)
  func `the components of a preset add up to its totals`(preset: String) async throws {
    let program = try Program()
    try program.write("s.yaml", "model: {preset: \(preset)}\nworkload: {prompt: 77, generate: 53, batch: 3}\n")
    let outcome = try await program.run("explain", "s.yaml", "--format", "json")
    #expect(outcome.code == 0 && outcome.error == "")
    let explained = try object(outcome.output)
    for name in ["prefill", "decode"] {
      let phase = try explained.object(name)
      let components = try phase.objects("components")
      #expect(!components.isEmpty)
      for figure in Self.figures {
        #expect(
          try components.reduce(0) { $0 + (try $1.integer(figure)) } == phase.integer(figure), "\(name) \(figure)")
      }
      let kinds = ["weight", "activation", "cache_read", "cache_write", "local_read"]
      #expect(try kinds.reduce(0) { $0 + (try phase.integer($1 + "_bytes")) } == phase.integer("traffic_bytes"))
    }
    let parameters = try explained.object("parameters")
    #expect(
      try parameters.objects("components").reduce(0) { $0 + (try $1.integer("count")) } == parameters.integer("total"))
  }

  @Test func `all presets of the nine published models, three small families and Llama are shipped`() {
    #expect(
      Self.presets.count >= 17 && Set(Self.presets).isSuperset(of: ["llama-2-7b", "llama-3.1-8b", "photon-small"]))
  }

  /// arXiv:2512.20687v2, Tables 4 to 12, added up.
  @Test(arguments: [
    ("vanilla-600m", 610_915_968), ("vanilla-900m", 867_114_752), ("vanilla-1.2b", 1_184_657_280),
    ("block-600m", 629_770_752), ("block-900m", 887_878_656), ("block-1.2b", 1_207_395_840),
    ("photon-600m", 646_399_104), ("photon-900m", 907_162_368), ("photon-1.2b", 1_229_531_520),
  ])
  func `the published totals are those of the paper's tables`(preset: String, total: Int) async throws {
    let program = try Program()
    try program.write("s.yaml", "model: {preset: \(preset)}\n")
    let explained = try object(try await program.run("explain", "s.yaml", "--format", "json").output)
    #expect(try explained.object("parameters").integer("total") == total)
  }

  @Test func `an override changes what is said, and the last of two wins`() async throws {
    let program = try Program()
    let one = try object(
      try await program.run("explain", "scenarios/quickstart.yaml", "--format", "json").output)
    let two = try object(
      try await program.run(
        "explain", "scenarios/quickstart.yaml", "--format", "json", "--set", "workload.batch=7", "--set",
        "workload.batch=2", "--set", "precision.cache=int4"
      ).output)
    #expect(try one.object("workload").integer("batch_size") == 1)
    #expect(try two.object("workload").integer("batch_size") == 2)
    // Twice the sequences, an eighth of the bits.
    let bytes = try one.object("cache").integer("bytes_at_end")
    #expect(try two.object("cache").integer("bytes_at_end") == bytes / 4)
    #expect(
      try two.object("prefill").integer("matmul_flops") == 2 * (one.object("prefill").integer("matmul_flops")))
  }

  @Test func `counts beyond 64 bits are printed as exact integers`() async throws {
    let program = try Program()
    let outcome = try await program.run(
      "explain", "scenarios/published-models.yaml", "--format", "json", "--set", "model={preset: llama-2-7b}", "--set",
      "workload={prompt: 134217728, generate: 1, batch: 1048576}")
    #expect(outcome.code == 0)
    // 32 layers · 4 · 4096 · P(P + 1)/2 · batch of attention alone, P = 2^27.
    let row = try #require(outcome.output.firstRange(of: "\"component\": \"attention\""))
    let value = outcome.output[row.upperBound...].split(separator: "\n")[1].split(separator: ": ")[1].dropLast()
    let pairs = Int128(134_217_728) * 134_217_729 / 2
    #expect(Int128(value) == pairs * 32 * 4 * 4096 * 1_048_576)
  }

  @Test func `a point of the grid is chosen by its index, and said`() async throws {
    let program = try Program()
    let last = try await program.run("explain", "scenarios/quickstart.yaml", "--point", "5", "--format", "json")
    #expect(try object(last.output).object("workload").integer("prompt_length") == 256)
    #expect(last.error.contains("point 5 of 0 … 5: workload.prompt=256 workload.batch=4"))
    for wrong in ["6", "-1"] {
      let outcome = try await program.run("explain", "scenarios/quickstart.yaml", "--point", wrong)
      #expect(outcome.code == 64 && outcome.output == "")
      #expect(outcome.error == "--point: error: found \(wrong); accepted: 0 to 5\n")
    }
  }

  @Test func `table, csv and json say the same totals`() async throws {
    let program = try Program()
    let file = "scenarios/quickstart.yaml"
    let csv = try await program.run("explain", file, "--format", "csv").lines
    let header = csv[0].split(separator: ",")
    let column = try #require(header.firstIndex(of: "matmul_flops"))
    let totals = csv.filter { $0.contains(",total,") }.map {
      Int($0.split(separator: ",", omittingEmptySubsequences: false)[column])
    }
    let explained = try object(try await program.run("explain", file, "--format", "json").output)
    #expect(
      try totals == [
        explained.object("prefill").integer("matmul_flops"), explained.object("decode").integer("matmul_flops"),
      ])
    let table = try await program.run("explain", file).output
    #expect(table.contains("Published forms") && table.contains("Key–value caches"))
  }

  /// The models with the most to say: published forms, a cache plan with several lines, several profiles, a range.
  @Test(
    arguments: ["quickstart", "caches/duo-attention", "caches/evicted-hierarchy", "published-models"],
    [(columns: 0, lines: 120), (columns: 20, lines: 80), (columns: 80, lines: 80), (columns: 143, lines: 143)])
  func `lines keep to the terminal, and no heading is lost`(name: String, width: (columns: Int, lines: Int))
    async throws
  {
    let program = try Program()
    let arguments = ["explain", "scenarios/\(name).yaml", "--hardware", "h100-sxm", "--hardware", "h200-sxm"]
    let narrow = try await program.shell("COLUMNS=\(width.columns) \"$PHOTON\" \"$@\"", arguments).output
    #expect(narrow.split(separator: "\n").allSatisfy { $0.count <= width.lines })
    let wide = try await program.run(arguments + ["--wide"]).lines
    let words = Set(narrow.split { " ,:\n".contains($0) })
    for (rule, line) in wide.enumerated() where line.hasPrefix("─") {
      for word in wide[rule - 1].split(separator: " ") { #expect(words.contains(word), "\(word)") }
    }
    #expect(!wide.contains { $0.contains("--wide") })
  }
}
