import Foundation
import Testing

/// Made up, but of the size that a GPU shows: 2 + 0.05 · N ms for short prompts, more for long ones.
private let rows: String = {
  var lines = ["model,hardware,engine,prompt,generated,concurrency,time_to_first_token_ms,time_per_output_token_ms"]
  for (prompt, generated, slope) in [(512, 512, 0.05), (4096, 512, 0.28), (512, 4096, 0.06)] {
    for concurrency in [1, 4, 16, 64] {
      let time = 4.6 + slope * Double(concurrency)
      lines.append("meta-llama/Llama-3.1-8B,h200_sxm,made-up,\(prompt),\(generated),\(concurrency),40,\(time)")
    }
  }
  return lines.joined(separator: "\n") + "\n"
}()

struct MeasuredTests {
  @Test func `a fitted profile is written, priced with and validated`() async throws {
    let program = try Program()
    try program.write("rows.csv", rows)
    let fit = try await program.run("calibrate", "--from", "rows.csv", "-o", "fitted.yaml")
    #expect(fit.code == 0 && fit.output.contains("weight_bandwidth"))
    #expect(try program.read("fitted.yaml").contains("calibration:"))
    let check = try await program.run(
      "validate", "--measured", "rows.csv", "--profile", "fitted.yaml", "--max-mape", "10")
    #expect(check.code == 0 && check.error.isEmpty)
    let sheet = try await program.run("validate", "--measured", "rows.csv", "--profile", "h200-sxm", "--max-mape", "1")
    #expect(sheet.code == 1)
  }

  @Test func `a column that could not be left out is named`() async throws {
    let program = try Program()
    // The head of the table, and of each group of four the smallest concurrency and the largest.
    let few = rows.split(separator: "\n").enumerated().filter { $0.offset % 4 < 2 }
    try program.write("rows.csv", few.map(\.element).joined(separator: "\n") + "\n")
    let fit = try await program.run("calibrate", "--from", "rows.csv")
    let note =
      "concurrency is not left out: without one of its values, 3 measured times cannot determine 4 coefficients"
    #expect(fit.code == 0 && fit.output.contains("\n\n" + note), "\(fit.output)\(fit.error)")
  }

  @Test func `held-out groups come as JSON with the command that shows a row again`() async throws {
    let program = try Program()
    try program.write("rows.csv", rows)
    let outcome = try await program.run(
      "validate", "--measured", "rows.csv", "--calibrate", "leave-one-out=concurrency", "--format", "json")
    let timed = try object(outcome.output).objects("timed")
    #expect(timed.map { $0["metric"] as? String } == ["time_per_output_token", "time_to_first_token"])
    #expect(timed.allSatisfy { $0["scheme"] as? String == "leave-one-out=concurrency" && $0["n"] as? Int == 12 })
    let worst = try #require(try timed[0].objects("worst_rows").first)
    let command = try #require(worst["reproduce"] as? String)
    let again = try await program.shell(command.replacing("photon", with: "\"$PHOTON\""))
    let row = try #require(worst["id"] as? String)
    #expect(again.code == 0 && again.output.contains(row))
  }

  @Test(arguments: [
    ("model,colour,prefill_ms\nx,1,1\n", "rows.csv:1:7: error: colour: there is no column of this name"),
    ("model,prompt,prefill_ms\nllama-3.1-8b,64,-3\n", "rows.csv:2:17: error: prefill_ms: found \"-3\""),
    ("model,prompt,prefill_ms\nnobody,64,3\n", "rows.csv:2:1: error: model: there is no preset for \"nobody\""),
    (
      "model,hardware,prompt,prefill_ms\nllama-3.1-8b,h200-sxm,64,3\n",
      "1 measured time cannot determine 4 coefficients"
    ),
    (
      "model,hardware,prompt,prefill_ms\n" + String(repeating: "llama-3.1-8b,h200-sxm,64,3\n", count: 5),
      "the rows are collinear"
    ),
  ])
  func `a table that cannot be fitted ends with 64`(table: String, complaint: String) async throws {
    let program = try Program()
    try program.write("rows.csv", table)
    let outcome = try await program.run("calibrate", "--from", "rows.csv")
    #expect(outcome.code == 64 && outcome.output.isEmpty)
    #expect(outcome.error.contains(complaint), "\(outcome.error)")
  }
}
