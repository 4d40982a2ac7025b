import Foundation
import Testing

/// Rows as people and benchmark tools have them, through the commands.
struct RowFileTests {
  private static let header = "model,hardware,engine,precision,prompt,generated,concurrency,time_per_output_token_ms"
  /// Made up: 4.6 + slope · N ms.
  private static let rows = [(512, 512, 0.05), (4096, 512, 0.28), (512, 4096, 0.06)].flatMap {
    prompt, generated, slope in
    [1, 4, 16, 64].map { concurrency in
      "llama-3.1-8b,h200-sxm,made-up,bf16,\(prompt),\(generated),\(concurrency),\(4.6 + slope * Double(concurrency))"
    }
  }
  private static let vllm = """
    {"backend": "vllm", "model_id": "meta-llama/Llama-3.1-8B-Instruct", "num_prompts": 320, "request_rate": "inf",
     "max_concurrency": 32, "completed": 320, "total_input_tokens": 327680, "total_output_tokens": 40960,
     "mean_ttft_ms": 512.4, "mean_tpot_ms": 31.9}

    """

  @Test func `a spreadsheet of another country gives the answer of the plain table, and says what it was`() async throws
  {
    let program = try Program()
    let lines = [Self.header] + Self.rows
    try program.write("plain.csv", lines.joined(separator: "\n") + "\n")
    let saved = lines.map { $0.replacing(",", with: ";") + ";;" } + [";;;;;;;;;"]
    try program.write(
      "saved.csv", "\u{FEFF}" + saved.joined(separator: "\r\n").replacing("model;", with: "Model;") + "\r\n")
    let plain = try await program.run("validate", "--measured", "plain.csv", "--format", "json")
    let other = try await program.run("validate", "--measured", "saved.csv", "--format", "json")
    #expect(plain.code == 0 && plain.error == "" && other.code == 0)
    #expect(other.output.replacing("saved.csv", with: "plain.csv") == plain.output)
    #expect(other.error == "saved.csv:1:1: warning: cells are separated by semicolons\n")
  }

  @Test func `a benchmark's result is priced where the machine is said`() async throws {
    let program = try Program()
    try program.write("result.json", Self.vllm)
    let lost = try await program.run("validate", "--measured", "result.json")
    #expect(
      lost.code == 64
        && lost.error.hasPrefix("result.json:1:33: error: hardware: there is none; accepted: --with hardware=NAME"))
    let arguments = ["--measured", "result.json", "--with", "hardware=H100-SXM", "--with", "precision=fp16"]
    let outcome = try await program.run(["validate", "--format", "json"] + arguments)
    let timed = try object(outcome.output).objects("timed")
    #expect(timed.map { $0["metric"] as? String } == ["time_per_output_token", "time_to_first_token"])
    let worst = try #require(try timed[0].objects("worst_rows").first?["reproduce"] as? String)
    #expect(try await program.shell(worst.replacing("photon", with: "\"$PHOTON\"")).output.contains("result 1"))
    let unknown = try await program.run("validate", "--measured", "result.json", "--with", "colour=red")
    #expect(unknown.code == 64 && unknown.error.hasPrefix("error: --with colour=red: there is no column colour"))
  }

  @Test func `a path on the command line starts where the caller is`() async throws {
    let program = try Program()
    _ = try await program.shell("mkdir data other")
    try program.write("data/rows.csv", ([Self.header] + Self.rows).joined(separator: "\n") + "\n")
    try program.write(
      "data/s.yaml", "model: {preset: photon-tiny}\nworkload: {prompt: 8, generate: 8}\nhardware: [h200-sxm]\n")
    let fit = try await program.run("calibrate", "--from", "data/rows.csv", "-o", "fit.yaml")
    #expect(fit.code == 0)
    for path in ["./fit.yaml", "fit.yaml", program.folder + "/fit.yaml", "other/../fit.yaml"] {
      let validated = try await program.run("validate", "--measured", "data/rows.csv", "--profile", path)
      #expect(validated.code == 0, "\(path): \(validated.error)")
      let explained = try await program.run("explain", "data/s.yaml", "--hardware", path)
      #expect(explained.code == 0, "\(path): \(explained.error)")
    }
    _ = try await program.shell(
      "sed s/llama-3.1-8b/mine/ data/rows.csv > data/mine.csv; cp scenarios/models/llama-3.1-8b.yaml here.yaml")
    let named = try await program.run("validate", "--measured", "data/mine.csv", "--model", "mine=./here.yaml")
    #expect(named.code == 0, "\(named.error)")
    try program.write("wrong.yaml", "colour: red\n")
    let outcome = try await program.run("measure", "data/s.yaml", "--calibration", "./wrong.yaml")
    #expect(outcome.code == 64 && outcome.error.contains("wrong.yaml:1:1: error: "), "\(outcome.error)")
  }

  @Test func `times below the peaks are named in both commands, and a fit to them begins with a warning`() async throws
  {
    let program = try Program()
    // Bytes of weights and cache of one step over 4.8 TB/s take more than 3 ms; 2.6 ms is fp8.
    let fast = "llama-3.1-8b,h200-sxm,made-up,bf16,512,512,2,2.6"
    try program.write("rows.csv", ([Self.header] + Self.rows + [fast]).joined(separator: "\n") + "\n")
    let fit = try await program.run("calibrate", "--from", "rows.csv", "-o", "fit.yaml")
    #expect(
      fit.code == 0 && fit.output.hasPrefix("\nWARNING: 1 measured time is shorter than the machine's peaks allow"))
    #expect(fit.output.contains("line 14"))
    #expect(try program.read("fit.yaml").contains("1 of its times are shorter"))
    let text = try await program.run("validate", "--measured", "rows.csv")
    #expect(text.output.hasPrefix("WARNING: 1 measured time"))
    let json = try await program.run("validate", "--measured", "rows.csv", "--format", "json")
    let named = try object(json.output).objects("impossible")
    #expect(named.map { $0["line"] as? Int } == [14] && named[0]["metric"] as? String == "time_per_output_token")
  }

  @Test func `versions of an engine are fitted apart, or it is said that they are not`() async throws {
    let program = try Program()
    let rows = Self.rows.enumerated().map { index, row in row + (index % 2 == 0 ? ",0.6.1" : ",0.9.0") }
    try program.write("rows.csv", ([Self.header + ",engine_version"] + rows).joined(separator: "\n") + "\n")
    let fit = try await program.run("calibrate", "--from", "rows.csv", "-o", "fit.yaml")
    #expect(
      fit.code == 64 && fit.error.contains("h200-sxm-made-up-0.6.1-bf16")
        && fit.error.contains("--only engine_version="))
    let one = try await program.run(
      "calibrate", "--from", "rows.csv", "--only", "engine_version=0.9.0", "-o", "fit.yaml")
    #expect(one.code == 0)
    let held = try await program.run("validate", "--measured", "rows.csv", "--calibrate", "leave-one-out=concurrency")
    #expect(
      held.error.hasPrefix(
        "warning: rows of 2 versions of made-up (0.6.1, 0.9.0) are fitted together; --only engine_version="))
  }
}
