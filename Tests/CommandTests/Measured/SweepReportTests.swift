import Foundation
import Testing

/// `photon report` of a measured sweep, from the first point to the last figure, on a profile that nobody calibrated.
struct SweepReportTests {
  private static let arguments = ["report", "s.yaml", "-o", "out"]
  private static let scenario =
    MeasureTests.scenario.replacing("doubled: false}", with: "seed: 1, sample: 2, slices: [{vary: SLICE}]}")
    .replacing("SLICE", with: #"["model.levels[1].chunk", "model.levels[1].condition"]"#)

  private static func program() throws -> Program {
    let program = try Program()
    try program.write("s.yaml", scenario)
    try FileManager.default.createDirectory(atPath: program.folder + "/out", withIntermediateDirectories: true)
    try program.write("out/profile.yaml", program.read("scenarios/hardware/epyc-2-cores.yaml"))
    return program
  }

  @Test func `a report measures what is missing and draws it`() async throws {
    let program = try Self.program()
    // 75 where other tests disturbed so many points that nothing is decided; the report is the same.
    let first = try await program.run(Self.arguments)
    #expect([0, 75].contains(first.code), "\(first.error)")
    let journal = try program.read("out/measured.jsonl")
    // Four choices of C and R, and two points of the sample, which may be among them.
    let points = journal.split(separator: "\n").count
    #expect((4...6).contains(points))
    let report = try program.read("out/report.md")
    #expect(report.contains("\(points) of the \(points) points") && report.contains("## Findings"))
    let figures = report.matches(of: /\]\(([a-z0-9-]+\.svg)\)/).map { String($0.output.1) }
    // Disturbed points are left out of figures.
    #expect(!figures.isEmpty || first.code == 75)
    #expect(figures.allSatisfy { program.exists("out/" + $0) })
    #expect(program.exists("out/corrected.yaml"))

    let second = try await program.run(Self.arguments)
    #expect(second.code == first.code)
    #expect(try program.read("out/measured.jsonl") == journal && program.read("out/report.md") == report)

    // What was cut off is measured again, and nothing else.
    let kept = journal.split(separator: "\n").dropLast().map { $0 + "\n" }.joined()
    try program.write("out/measured.jsonl", kept + #"{"machine": "A"#)
    #expect([0, 75].contains(try await program.run(Self.arguments).code))
    let again = try program.read("out/measured.jsonl")
    #expect(again.hasPrefix(kept) && again.split(separator: "\n").count == points)
  }

  @Test func `points of another scenario are refused with their line`() async throws {
    let program = try Self.program()
    #expect([0, 75].contains(try await program.run(Self.arguments).code))
    let journal = try program.read("out/measured.jsonl")
    let other = try await program.run(Self.arguments + ["--set", "workload.generate=5"])
    #expect(other.code == 64 && other.output.isEmpty)
    #expect(other.error.contains("measured.jsonl:1:1: error: found a point of another scenario"), "\(other.error)")
    #expect(try program.read("out/measured.jsonl") == journal)
  }
}
