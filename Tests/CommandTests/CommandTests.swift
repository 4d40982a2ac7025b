import Foundation
import Testing

struct CommandTests {
  /// An example as a test runs it: timing the machine is slow and says nothing about the example.
  static func script(_ example: some StringProtocol) -> String {
    let arguments = example.trimmingPrefix { $0 == " " }.dropFirst("photon".count)
    return "\"$PHOTON\"" + arguments + (arguments.hasPrefix(" validate") ? " --no-measure" : "")
  }

  static let commands = [
    [], ["explain"], ["sweep"], ["why"], ["signature"], ["validate"], ["import"], ["hardware"], ["hardware", "list"],
    ["hardware", "show"], ["hardware", "check"], ["trace"], ["trace", "export"], ["generate"], ["evaluate"],
    ["footprint"], ["simulate"],
  ]

  @Test(arguments: commands)
  func `help has an example, and it works as it stands`(command: [String]) async throws {
    let program = try Program()
    let help = try await program.run(command + ["--help"])
    #expect(help.code == 0)
    let examples = help.lines.filter { $0.hasPrefix("  photon ") }
    #expect(!examples.isEmpty)
    for example in examples {
      let outcome = try await program.shell(Self.script(example))
      #expect(outcome.code == 0, "\(example): \(outcome.error)")
    }
  }

  @Test(arguments: ["calibrate", "measure", "report"])
  func `help of what times the machine or draws has an example too`(command: String) async throws {
    let help = try await Program().run(command, "--help")
    #expect(help.code == 0 && help.lines.contains { $0.trimmingPrefix { $0 == " " }.hasPrefix("photon \(command)") })
  }

  @Test(arguments: ["command-line.md"])
  func `the examples of a page work as they stand`(page: String) async throws {
    let program = try Program()
    let text = try String(contentsOfFile: Program.repository + "/docs/" + page, encoding: .utf8)
    let examples = text.split(separator: "\n").filter { $0.hasPrefix("photon ") && !$0.contains(" > ") }
    #expect(examples.count > 5)
    for example in examples {
      let outcome = try await program.shell(Self.script(example))
      #expect(outcome.code == 0, "\(example): \(outcome.error)")
    }
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func `there are completions`(shell: String) async throws {
    let outcome = try await Program().run("--generate-completion-script", shell)
    #expect(outcome.code == 0 && outcome.output.contains("explain") && outcome.output.contains("threads"))
  }

  @Test func `the signature's last line is one integer, the same every time`() async throws {
    let program = try Program()
    let first = try await program.run("signature")
    let second = try await program.run("signature")
    #expect(first.code == 0 && first.output == second.output && first.error == "")
    // Changes whenever any exact count does: then say in the commit which and why.
    #expect(first.lines.last == "8682217170965725841")
  }

  @Test func `the signature depends on no file and no folder`() async throws {
    let outcome = try await Program().shell("cd / && PHOTON_HOME=/nowhere exec \"$PHOTON\" signature")
    #expect(outcome.code == 0 && outcome.lines.last == "8682217170965725841")
  }

  @Test func `presets are found from the executable where no variable says so`() async throws {
    let outcome = try await Program().shell(
      "unset PHOTON_HOME; printf 'model: {preset: photon-600m}' > s.yaml && exec \"$PHOTON\" explain s.yaml")
    #expect(outcome.code == 0 && outcome.output.hasPrefix("photon-600m: photon"))
  }

  @Test func `a validation that agrees ends with 0 and says what it compared`() async throws {
    let program = try Program()
    let outcome = try await program.run(
      "validate", "scenarios/quickstart.yaml", "--scenario-only", "--no-measure", "--format", "json")
    #expect(outcome.code == 0)
    let exact = try object(outcome.output).object("exact")
    #expect(try exact.integer("mismatches") == 0 && exact.integer("points") == 18)
    #expect(try exact.integer("checked") > 2_000 && exact.integer("scenario_points_executed") == 6)
  }

  @Test func `a validation executes no point that would take minutes, and says so`() async throws {
    let program = try Program()
    let outcome = try await program.run(
      "validate", "scenarios/quickstart.yaml", "--scenario-only", "--no-measure", "--set",
      "workload.generate=[8,134217728]")
    #expect(outcome.code == 0 && outcome.output.contains("6 of the scenario's 12 points were executed"))
  }

  @Test func `an import is a preset that explain reads`() async throws {
    let program = try Program()
    let imported = try await program.run("import", "docs/example-config.json", "--name", "mine", "-o", "mine.yaml")
    #expect(imported.code == 0 && imported.output == "")
    try program.write("s.yaml", "model: {preset: mine}\n")
    let explained = try await program.run("explain", "s.yaml", "--format", "json")
    // V·D twice, 12 layers of 2D² + 2·D·D_kv + 3·D·F + 2D, one norm; D = 1024, D_kv = 256, F = 2816.
    let total = 2 * 32000 * 1024 + 12 * (1024 * (2 * 1024 + 2 * 256 + 3 * 2816 + 2)) + 1024
    #expect(try object(explained.output).object("parameters").integer("total") == total)
  }

  @Test func `an approximate import warns of what a strict one refuses`() async throws {
    let program = try Program()
    let config = try String(contentsOfFile: Program.repository + "/docs/example-config.json", encoding: .utf8)
    try program.write("config.json", config.replacing("\"silu\"", with: "\"xielu\""))
    let strict = try await program.run("import", "config.json", "-o", "mine.yaml")
    #expect(strict.code == 64 && !program.exists("mine.yaml"))
    #expect(
      strict.error.hasPrefix("config.json:10:17: error: hidden_act: found \"xielu\", which cannot be represented:"))
    let approximate = try await program.run("import", "config.json", "-o", "mine.yaml", "--approximate")
    #expect(approximate.code == 0)
    let found = "hidden_act: found \"xielu\", not represented: silu is counted"
    #expect(approximate.error == "config.json:10:17: warning: \(found)\n")
    #expect(try program.read("mine.yaml").contains("# \(found).\n"))
  }

  @Test func `an import that cannot be represented names the key and leaves the file alone`() async throws {
    let program = try Program()
    try program.write("kept.yaml", "what was there")
    try program.write("config.json", "{\"model_type\": \"mixtral\",\n \"hidden_size\": 8}")
    let outcome = try await program.run("import", "config.json", "-o", "kept.yaml")
    #expect(outcome.code == 64 && outcome.error.hasPrefix("config.json:1:16: error: model_type: found \"mixtral\""))
    #expect(try program.read("kept.yaml") == "what was there")
  }
}

struct WhyTests {
  /// Every node that a model has, as the complaint about a wrong one lists them.
  static func nodes(_ program: Program, _ model: String) async throws -> [String] {
    let outcome = try await program.run("why", "s.yaml", "none", "--set", "model={\(model)}")
    let list = try #require(outcome.error.split(separator: "accepted: ").last)
    return list.split(separator: ", ").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
  }

  @Test(arguments: [
    "preset: photon-600m", "preset: photon-600m, decoder_input: reconstruction, generation: recursive",
    "preset: photon-600m, decoder_input: encoder-state, generation: recursive", "preset: block-600m",
    "preset: vanilla-600m",
  ])
  func `every node is explained on one screen of 50 lines and 120 columns`(model: String) async throws {
    let program = try Program()
    try program.write("s.yaml", "model: {preset: photon-600m}\nworkload: {prompt: 1003, generate: 301, batch: 4}\n")
    for node in try await Self.nodes(program, model) {
      for phase in ["prefill", "decode"] {
        let outcome = try await program.run("why", "s.yaml", node, "--phase", phase, "--set", "model={\(model)}")
        #expect(outcome.code == 0 && outcome.lines.count <= 50, "\(node) \(phase)")
        #expect(outcome.lines.allSatisfy { $0.count <= 120 }, "\(node) \(phase)")
      }
    }
  }

  @Test func `formula, numbers, operations and the published form stand together`() async throws {
    let outcome = try await Program().run(
      "why", "scenarios/quickstart.yaml", "level1/encoder/attention", "--phase", "prefill")
    // P = 64, C_1 = 4: 16 units, 136 pairs in each of 2 layers at 4 FLOP for 512 features.
    for text in [
      "  matmul_flops = 557 056", "    = batch·(⌊P/C_{≤1}⌋·(⌊P/C_{≤1}⌋ + 1)/2)·layers·4·D_q",
      "    = 1·(⌊64/4⌋·(⌊64/4⌋ + 1)/2)·2·4·512",
      "The executed model dispatches 2 operations, together matmul_flops = 557 056",
      "  2 × attention, 1 × 16 queries after 0 keys, 8 heads of 64 (persistent)",
      "  v2-prefill-attention: prefill attention, Σ (T/C_{≤l})² = 272 pairs, exactly 146: 1.86×",
    ] {
      // Digits are grouped by a space that does not break.
      #expect(outcome.lines.contains { $0.replacing("\u{202F}", with: " ") == text }, "\(text)\n\(outcome.output)")
    }
  }
}
