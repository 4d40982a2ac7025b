import Foundation
import Testing

/// Whoever is refused is told the place, what stands there and what could.
struct RefusalTests {
  private func machine(_ rates: String, _ rest: String = "") -> String {
    "matmul_flops_per_s: {\(rates)}\nelementwise_flops_per_s: 1.0e12\nmemory_bandwidth_bytes_per_s: 1.0e12\n"
      + "memory_bytes: 80000000000\n\(rest)"
  }

  @Test(arguments: [
    ["explain"], ["sweep"], ["sweep", "--estimates"], ["report", "--no-measure"],
    ["compare", "scenarios/quickstart.yaml"],
  ])
  func `a profile without a rate for the precision is refused at its rates`(command: [String]) async throws {
    let program = try Program()
    try program.write("narrow.yaml", machine("fp8: 1.0e12, int8: 1.0e12"))
    let outcome = try await program.run(
      [command[0], "scenarios/quickstart.yaml"] + command.dropFirst() + ["--hardware", "narrow.yaml"])
    #expect(outcome.code == 64 && outcome.output == "")
    #expect(
      outcome.error.hasSuffix(
        "narrow.yaml:1:21: error: matmul_flops_per_s: hardware profile narrow has no matrix-product rate for fp32; it has "
          + "fp8, int8; accepted: a rate for fp32, or another precision\n"), "\(outcome.error)")
    #expect(program.names == ["narrow.yaml"])
  }

  @Test func `a profile without a link is refused for several devices`() async throws {
    let program = try Program()
    try program.write("lone.yaml", machine("bf16: 1.0e12"))
    let outcome = try await program.run(
      "explain", "scenarios/models/llama-2-7b.yaml", "--hardware", "lone.yaml", "--set", "devices=2")
    #expect(outcome.code == 64 && outcome.error.hasPrefix("lone.yaml:1:1: error: device_link_bytes_per_s: "))
  }

  @Test func `a point that a constraint excludes is refused at the constraint, with the first that is left`()
    async throws
  {
    let program = try Program()
    let head =
      "model:\n  - {preset: photon-tiny}\n  - {preset: photon-small}\nworkload: {prompt: [64, 128], batch: [1, 4]}\n"
    try program.write("s.yaml", head + "constraints: [vocabulary > 1, prompt * batch > 128]\n")
    try program.write("m.yaml", head + "constraints:\n  - width > 256\n")
    for (file, index, complaint) in [
      (
        "s.yaml", 0,
        "s.yaml:5:31: error: constraints[2]: point 0 is excluded by prompt * batch > 128; accepted: --point 1, the first "
          + "that no constraint excludes\n"
      ),
      (
        "m.yaml", 3,
        "m.yaml:6:5: error: constraints[1]: point 3 is excluded by width > 256; accepted: --point 4, the first that no "
          + "constraint excludes\n"
      ),
    ] {
      for command in [
        ["explain"], ["why", "level1/encoder/attention"], ["footprint"], ["compare", file], ["trace", "export"],
      ] {
        let point = command[0] == "compare" ? "--point-a" : "--point"
        let words = command.prefix(command[0] == "trace" ? 2 : 1)
        let outcome = try await program.run(
          Array(words) + [file] + command.dropFirst(words.count) + [point, "\(index)"])
        #expect(
          outcome.code == 64 && outcome.output == "" && outcome.error == complaint, "\(command): \(outcome.error)")
      }
    }
  }

  static let header =
    "model,hardware,precision,prompt,generated,concurrency,time_per_output_token_ms,time_to_first_token_ms\n"

  @Test(arguments: [
    (
      "llama-2-7b,h200-sxm,bf16,128,64,1,5.5,\n", ["calibrate", "--from", "m.csv"],
      "m.csv:2:1: error: h200-sxm-bf16: 1 measured time "
    ),
    (
      "llama-2-7b,h200-sxm,bf16,128,64,1,,3\n", ["calibrate", "--from", "m.csv"],
      "m.csv:2:1: error: h200-sxm-bf16: 0 measured times "
    ),
    (
      "\nllama-2-7b,h200-sxm,bf16,128,64,1,5.5,\nllama-2-7b,h200-sxm,bf16,256,64,1,5.5,\n",
      ["validate", "--measured", "m.csv", "--calibrate", "leave-one-out=prompt"],
      "m.csv:3:1: error: leave-one-out=prompt: 1 measured time cannot determine 4 coefficients"
    ),
    (
      "llama-2-7b,h200-sxm,bf16,128,64,1,5.5,\n",
      ["validate", "--measured", "m.csv", "--calibrate", "leave-one-out=prompt"],
      "m.csv:2:1: error: leave-one-out=prompt: all rows of h200-sxm have 128; accepted: at least two values"
    ),
    (
      (1...4).map { "llama-2-7b,h200-sxm,bf16,128,64,\($0),5.5,\n" }.joined()
        + "llama-2-7b,h200-sxm,bf16,128,64,1,0.001,\n",
      ["calibrate", "--from", "m.csv"], "m.csv:6:1: error: h200-sxm-bf16: row line 6: "
    ),
    (
      "llama-2-7b,h200-sxm,bf16,128,64,1,5.5,\nllama-2-7b,tpu-v5e,fp32,128,64,1,5.5,\n",
      ["validate", "--measured", "m.csv"],
      "m.csv:3:1: error: precision: hardware profile tpu-v5e has no matrix-product rate for fp32; it has bf16, int8; "
    ),
    (
      "llama-2-7b,h200-sxm,bf16,128,64,1,5.5,\n", ["validate", "--measured", "m.csv", "--max-mape", "1"],
      "error: --max-mape 1.0: larger mean errors than that, in percent: time_per_output_token "
    ),
  ])
  func `measured rows are refused at their line`(rows: String, command: [String], complaint: String) async throws {
    let program = try Program()
    try program.write("m.csv", Self.header + rows)
    let outcome = try await program.run(command)
    let isLimit = command.contains("--max-mape")
    #expect(outcome.code == (isLimit ? 1 : 64) && outcome.output.isEmpty != isLimit)
    #expect(outcome.error.hasPrefix(complaint), "\(outcome.error)")
    #expect(outcome.error.split(separator: "\n").count == 1)
  }

  @Test(arguments: [
    ("", "published/t.csv:1:1: error: published: found no rows; accepted: a header and at least one row\n"),
    (
      "a,vanilla-small,h200-sxm,64,8,memory,,,1,GiB\n",
      "s.yaml:3:12: error: published: 0 rows of arXiv:2406.02657 Table 1 with both memory and throughput are too few "
        + "to fit an engine to; accepted: at least 3\n"
    ),
    (
      "a,vanilla-small,h200-sxm,64,8,memory,,,1,MB\n",
      "published/t.csv:2:42: error: published: found unit \"MB\"; accepted: GiB, MiB\n"
    ),
    (
      "a,other,h200-sxm,64,8,memory,,,1,GiB\n",
      "published/t.csv:2:1: error: published: found model \"other\" is not in the scenario; accepted: vanilla-small\n"
    ),
    (
      "a,vanilla-small,h2000,64,8,memory,,,1,GiB\n",
      "published/t.csv:2:1: error: hardware: there is no hardware profile \"h2000\"; accepted: "
    ),
  ])
  func `a published table is refused at its line, one with too few rows at its key`(rows: String, complaint: String)
    async throws
  {
    let program = try Program()
    try program.write(
      "s.yaml", "model: {preset: vanilla-small}\nworkload: {prompt: 64, generate: 8}\npublished: [published/t.csv]\n")
    _ = try await program.shell("mkdir published")
    try program.write(
      "published/t.csv", "source,model,hardware,prompt,generated,quantity,phase,part,value,unit\n" + rows)
    let outcome = try await program.run("report", "s.yaml", "--no-measure")
    #expect(outcome.code == 64 && outcome.output == "")
    #expect(
      outcome.error.replacing("found model", with: "model").hasPrefix(
        complaint.replacing("found model", with: "model")), "\(outcome.error)")
  }

  @Test(arguments: [
    ["calibrate", "--quick", "-o", "file/x.yaml"], ["calibrate", "--from", "rows.csv", "-o", "file/x.yaml"],
    ["report", "scenarios/measured-sweep.yaml", "--no-measure", "-o", "file/x"],
    ["report", "scenarios/quality-quick.yaml", "-o", "file/x"],
    ["critical", "scenarios/critical-quick.yaml", "-o", "file/x"],
    ["train", "t.yaml", "-o", "file/x"], ["sweep", "scenarios/quickstart.yaml", "-o", "file/x"],
    ["import", "docs/example-config.json", "-o", "file/x"],
    ["trace", "export", "scenarios/quickstart.yaml", "-o", "file/x"],
    ["measure", "scenarios/quickstart.yaml", "-o", "file/x"],
  ])
  func `what the system says of a file is said in words`(command: [String]) async throws {
    let program = try Program()
    try program.write("file", "")
    try program.write("t.yaml", try program.read("scenarios/train-recall.yaml"))
    try program.write(
      "rows.csv",
      Self.header + (1...8).map { "llama-2-7b,h200-sxm,bf16,\(100 * $0),64,\($0 * $0),\(6 + $0),\n" }.joined())
    let outcome = try await program.run(command)
    let said = outcome.error.split(separator: "\n").last ?? ""
    #expect(outcome.code == 1 || outcome.code == 64)
    #expect(
      said.wholeMatch(of: /error: cannot write file(\/\S+)?: a part of the path is a file, not a folder/) != nil,
      "\(outcome.error)")
    #expect(!outcome.error.contains("Domain") && !outcome.error.contains("Error("))
  }

  @Test func `files with names of 250 letters are read and written`() async throws {
    let program = try Program()
    let name = String(repeating: "n", count: 245)
    try program.write(
      "\(name).yaml", "model: {preset: photon-tiny}\nworkload: {prompt: 16, generate: 4}\nhardware: [h200-sxm]\n")
    for arguments in [
      ["explain"], ["sweep", "-o", "\(name).csv"], ["report", "--no-measure"],
      ["report", "--no-measure", "-o", "\(name)-rep"],
      ["validate", "--scenario-only", "--no-measure"],
    ] {
      let outcome = try await program.run([arguments[0], "\(name).yaml"] + arguments.dropFirst())
      #expect(outcome.code == 0, "\(arguments): \(outcome.error)")
    }
    let imported = try await program.run("import", "docs/example-config.json", "-o", "\(name).yml")
    #expect(imported.code == 0, "\(imported.error)")
  }
}
