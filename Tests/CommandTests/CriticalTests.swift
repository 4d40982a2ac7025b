import Foundation
import Testing

/// `photon critical`, from outside, on models that have learnt next to nothing.
struct CriticalTests {
  private static let small = ["critical", "scenarios/critical-quick.yaml", "--set", "train.steps=4"]
  private static let folder = "reports/critical-quick"

  private func journal(_ program: Program) throws -> [String] {
    try program.read(Self.folder + "/critical.jsonl").split(separator: "\n").map(String.init)
  }

  /// A line without what is measured.
  private func answers(_ lines: [String]) -> Set<Substring> {
    Set(lines.map { $0.drop { $0 != "," } })
  }

  @Test func `answers that a journal lost are found again, and nothing else`() async throws {
    let program = try Program()
    let first = try await program.run(Self.small)
    #expect(first.code == 0 && first.output == "\(Self.folder)/report.md\n", "\(first.error)")
    let (lines, text) = (try journal(program), try program.read(Self.folder + "/report.md"))
    // Three tasks, two models and two seeds; everything kept, 2 × 2 budgets, the official one as it is and scaled.
    #expect(lines.count == 12 * 7)
    #expect(text.contains("## Findings") && !text.contains("Unfinished"))
    #expect(program.exists(Self.folder + "/score-1.svg") && program.exists(Self.folder + "/score-2.svg"))
    #expect(text.contains("means nothing") && text.contains("keeps everything: no budget is reached"))
    let documented = Set(try DocumentTests.Page("quality-runs.md").keys("Answers"))
    #expect(try Set(lines.flatMap { try object($0).keys }) == documented)

    // A killed process leaves half a line. Models are still there, so that none is trained.
    let half = lines.prefix(20).map { $0 + "\n" }.joined() + lines[20].prefix(50)
    try program.write(Self.folder + "/critical.jsonl", half)
    let partial = try await program.run(Self.small + ["--no-measure"])
    #expect(partial.code == 0)
    #expect(try program.read(Self.folder + "/report.md").contains("**Unfinished:** 20 of 84 answers are there"))
    let second = try await program.run(Self.small)
    #expect(second.code == 0 && !second.error.contains("to train"))
    #expect(try answers(journal(program)) == answers(lines))
    #expect(try journal(program).prefix(20) == lines.prefix(20))
    #expect(try program.read(Self.folder + "/report.md") == text)

    // Only the models whose answers are missing are trained anew.
    try FileManager.default.removeItem(atPath: program.folder + "/runs")
    try program.write(Self.folder + "/critical.jsonl", lines.prefix(20).map { $0 + "\n" }.joined())
    let third = try await program.run(Self.small)
    #expect(third.code == 0 && third.error.contains("10 of 12 runs to train"))
    #expect(try answers(journal(program)) == answers(lines))
    let fourth = try await program.run(Self.small)
    #expect(fourth.code == 0 && fourth.error == "")
  }

  @Test func `what cannot be measured is refused before anything is trained`() async throws {
    let program = try Program()
    let none = try await program.run("critical", "scenarios/quality-quick.yaml")
    #expect(none.code == 64 && none.error.contains("nobody says which caches to try"))
    // Of four tokens the last is asked, and three have no two units of Block's.
    let short = try await program.run(
      "critical", "scenarios/critical-quick.yaml", "--set", "train.context=4", "--set",
      "train.data={recall: {keys: 2, values: 2, pairs: 1}}", "--set", "quality_sweep.data=[{name: recall}]")
    #expect(short.code == 64 && short.error.contains("too few whole units of 2 tokens"), "\(short.error)")
    let many = try await program.run(
      "critical", "scenarios/critical-quick.yaml", "--set", "model.vocabulary=257", "--set",
      "cache_quality.sequences=2000",
      "--set", "quality_sweep.variants=[{name: vanilla}]", "--set",
      "quality_sweep.data=[{name: text, set: {train.data: {text: [texts/guides.txt]}}}]")
    #expect(many.code == 64 && many.error.contains("text has 311 of 16 tokens to evaluate on"), "\(many.error)")
    let wide = try await program.run(
      "critical", "scenarios/critical-quick.yaml", "--set",
      "cache_quality.methods=[{name: a, cache: {retention: streaming, full_heads: [1, 3]}}]")
    #expect(wide.code == 64 && wide.error.contains("full_heads"), "\(wide.error)")
    let unfinished = try await program.run("critical", "scenarios/critical-quick.yaml", "--no-measure")
    #expect(unfinished.code == 1 && unfinished.error.contains("no answers to report about"))
    #expect(program.names == [])
    try FileManager.default.createDirectory(
      atPath: program.folder + "/" + Self.folder, withIntermediateDirectories: true)
    try program.write(Self.folder + "/critical.jsonl", "{\"data\": 1}\n")
    let broken = try await program.run("critical", "scenarios/critical-quick.yaml")
    #expect(broken.code == 64 && broken.error.contains("critical.jsonl:1:1: error: found no record of answers"))
  }
}
