import Foundation
import Testing

/// Who asked for something and gets nothing is told so: exit code 64, a reason, a way out and no result.
struct NothingTests {
  static let excluded = ["scenarios/quickstart.yaml", "--set", "constraints=[\"prompt > 1000000\"]"]
  /// Executing it on shapes would take days.
  static let tooLarge = ["scenarios/quickstart.yaml", "--set", "workload.generate=134217728"]

  @Test(arguments: [
    ["explain"], ["sweep"], ["sweep", "-o", "new.csv"], ["why", "level1/encoder/attention"],
    ["validate", "--no-measure"], ["validate", "--scenario-only", "--no-measure"], ["measure"], ["measure", "--nodes"],
    ["report", "--no-measure"], ["trace", "export"],
  ])
  func `constraints that exclude every point are a mistake whatever reads them`(command: [String]) async throws {
    let program = try Program()
    let words = command.prefix(command[0] == "trace" ? 2 : 1)
    let outcome = try await program.run(
      Array(words) + Self.excluded.prefix(1) + Array(command.dropFirst(words.count)) + Self.excluded.suffix(2))
    #expect(outcome.code == 64 && outcome.output == "")
    #expect(
      outcome.error
        == "--set:1:13: error: constraints: they exclude every point of the grid; accepted: constraints that leave at least one\n"
    )
    #expect(program.names.isEmpty)
  }

  @Test func `a validation that compares nothing has not succeeded`() async throws {
    let program = try Program()
    let arguments = ["validate"] + Self.tooLarge + ["--scenario-only", "--no-measure"]
    for format in ["table", "json"] {
      let outcome = try await program.run(arguments + ["--format", format])
      #expect(outcome.code == 64 && outcome.output == "")
      #expect(
        outcome.error
          == "error: nothing to compare: none of the 6 points of scenarios/quickstart.yaml can be executed in time and "
          + "within the constraints; make them smaller, for example with --set workload.generate=8, or leave "
          + "--scenario-only out\n")
    }
    let one = try await program.run(arguments + ["--set", "workload.batch=1", "--set", "workload.prompt=64"])
    #expect(one.code == 64 && one.error.contains("the point of scenarios/quickstart.yaml would take too long"))
  }

  @Test func `a measurement of no point has not succeeded`() async throws {
    let program = try Program()
    let arguments = ["measure", "scenarios/quickstart.yaml", "--calibration", "h200-sxm"]
    for (limit, left) in [("--point-limit", "not run: all repetitions would take"), ("--time-limit", "")] {
      for output in [[], ["-o", "measured.csv"], ["--format", "csv"], ["--nodes"]] {
        let outcome = try await program.run(arguments + [limit, "1e-30"] + output)
        #expect(outcome.code == 64 && outcome.output == "" && program.names.isEmpty)
        let lines = outcome.error.split(separator: "\n")
        #expect(lines.count == (left.isEmpty ? 1 : 2) && (left.isEmpty || lines[0].contains(left)))
        #expect(
          lines.last?.hasPrefix("error: nothing was measured: no point of scenarios/quickstart.yaml fits") == true)
      }
    }
  }

  @Test func `a report of a measured sweep without measuring needs one that measured`() async throws {
    let program = try Program()
    let outcome = try await program.run("report", "scenarios/measured-sweep.yaml", "--no-measure", "-o", "out")
    #expect(outcome.code == 64 && outcome.output == "" && program.names.isEmpty)
    #expect(outcome.error.hasPrefix("out/profile.yaml: error: no such file, so nothing was measured to report about;"))
  }

  @Test func `a phase without operations is not exported`() async throws {
    let outcome = try await Program().run(
      "trace", "export", "scenarios/quickstart.yaml", "--set", "workload.generate=0")
    #expect(outcome.code == 64 && outcome.output == "")
    #expect(outcome.error.contains("error: nothing to export: ") && outcome.error.contains("in decode, with "))
  }

  @Test func `a limit on errors that no row is about is not kept`() async throws {
    let program = try Program()
    try program.write(
      "rows.csv",
      "model,hardware,prompt,generated,concurrency,time_to_first_token_ms\nllama-3.1-8b,h200-sxm,64,8,1,3\n")
    let limited = try await program.run("validate", "--measured", "rows.csv", "--max-mape", "1")
    #expect(limited.code == 64 && limited.output == "")
    #expect(limited.error.hasPrefix("error: nothing to hold against --max-mape: "))
    #expect(try await program.run("validate", "--measured", "rows.csv").code == 0)
  }
}
