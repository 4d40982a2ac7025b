import Foundation
import Testing

/// `photon report` of a quality sweep, from outside: the reduced version of scenarios/quality-sweep.yaml.
struct QualityReportTests {
  private static let sweep = [
    "report", "scenarios/quality-quick.yaml", "--set", "train.steps=8", "--set", "quality_sweep.seeds=[1,2]",
  ]

  private func report(_ program: Program) throws -> String { try program.read("reports/quality-quick/report.md") }

  private func journal(_ program: Program) throws -> [String] {
    try program.read("reports/quality-quick/runs.jsonl").split(separator: "\n").map(String.init)
  }

  @Test func `a sweep that lost half of its journal is completed to the same report`() async throws {
    let program = try Program()
    let first = try await program.run(Self.sweep)
    #expect(first.code == 0 && first.output == "reports/quality-quick/report.md\n")
    let (lines, text) = (try journal(program), try report(program))
    #expect(lines.count == 22 && Set(lines).count == 22)
    #expect(text.contains("## Answers") && !text.contains("Unfinished"))
    for figure in ["front-cache", "front-flops", "front-time", "curves"] {
      #expect(text.contains("(\(figure).svg)") && program.exists("reports/quality-quick/\(figure).svg"))
    }

    // A killed process leaves half a line; what other runs have learnt stands in their checkpoints.
    let half = lines.prefix(11).map { $0 + "\n" }.joined() + lines[11].prefix(100)
    try program.write("reports/quality-quick/runs.jsonl", half)
    let partial = try await program.run(Self.sweep + ["--no-measure"])
    #expect(partial.code == 0)
    #expect(try report(program).contains("**Unfinished:** 11 of 22 runs are done"))
    let second = try await program.run(Self.sweep)
    #expect(second.code == 0 && second.error.contains("11 of 22 runs to train"))
    #expect(try Set(journal(program)) == Set(lines))
    let place = "reports/quality-quick/runs.jsonl"
    #expect(second.error.contains("\(place):12: the line has no end and no whole record; kept in \(place).unreadable"))
    #expect(try program.read(place + ".unreadable") == lines[11].prefix(100) + "\n")
    #expect(try report(program) == text)

    let third = try await program.run(Self.sweep)
    #expect(third.code == 0 && third.error == "")
    // As an editor of another system writes it, and without the last line break.
    for journal in [
      lines.joined(separator: "\r\n") + "\r\n", lines.joined(separator: "\r\n"), lines.joined(separator: "\n"),
    ] {
      try program.write("reports/quality-quick/runs.jsonl", journal)
      let same = try await program.run(Self.sweep)
      #expect(same.code == 0 && same.error == "")
      #expect(try report(program) == text && program.read("reports/quality-quick/runs.jsonl") == journal)
    }
    let documented = Set(try DocumentTests.Page("quality-runs.md").keys("A line"))
    let keys = try lines.map { Set(try object($0).keys) }
    #expect(keys.reduce([]) { $0.union($1) } == documented)
  }

  @Test func `a run that fails is reported, and the others are trained`() async throws {
    let program = try Program()
    let text = try program.read("scenarios/quality-quick.yaml")
    let start = try #require(text.range(of: "  data:\n    - name: Zipf")?.lowerBound)
    let sweep = """
      \(text[..<start])  variants:
          - {name: own}
          - {name: hot, set: {train.learning_rate: 1000, train.weight_decay: 1000}}
      """
    try program.write("hot.yaml", sweep)
    let outcome = try await program.run(
      "report", "hot.yaml", "--set", "train.steps=12", "--set", "train.warmup=1", "--set", "name=hot")
    #expect(outcome.code == 1, "\(outcome.error)")
    #expect(outcome.error.contains("data, hot, seed 1: photon train failed: error: step"))
    #expect(outcome.error.contains("error: 2 runs failed"))
    #expect(try program.read("reports/hot/report.md").contains("**Unfinished:** 2 of 4 runs are done"))
  }

  @Test func `a run whose data are missing is reported before anything is trained`() async throws {
    let program = try Program()
    let outcome = try await program.run(
      "report", "scenarios/quality-quick.yaml", "--set", "train.data={text: [nowhere.txt]}", "--set", "train.context=32"
    )
    #expect(outcome.code == 64 && outcome.error.contains("there is no file \"nowhere.txt\""))
    #expect(program.names == [])
  }

  @Test func `a report without a finished run is refused`() async throws {
    let program = try Program()
    let outcome = try await program.run("report", "scenarios/quality-quick.yaml", "--no-measure")
    #expect(outcome.code == 64 && outcome.error.contains("no finished run on Zipf–Markov"))
    #expect(program.names == [])
    try FileManager.default.createDirectory(
      atPath: program.folder + "/reports/quality-quick", withIntermediateDirectories: true)
    try program.write("reports/quality-quick/runs.jsonl", "{\"data\": 1}\n")
    let broken = try await program.run("report", "scenarios/quality-quick.yaml")
    #expect(broken.code == 64)
    #expect(broken.error.contains("reports/quality-quick/runs.jsonl:1:1: error: found no record of a run"))
  }
}
