import Foundation
import Scenarios
import Testing

/// A wrong scenario and the whole text of its complaint, from Tests/Goldens/scenario-diagnostics.txt.
struct DiagnosticCase: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var yaml = ""
  var complaint = ""

  static let all: [DiagnosticCase] = {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let golden = tests.appending(path: "Goldens/scenario-diagnostics.txt")
    let text = (try? String(contentsOf: golden, encoding: .utf8)) ?? ""
    var cases: [DiagnosticCase] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("## ") {
        cases.append(DiagnosticCase(testDescription: String(line.dropFirst(3))))
      } else if !cases.isEmpty, line.hasPrefix("! ") {
        let separator = cases[cases.count - 1].complaint.isEmpty ? "" : "\n"
        cases[cases.count - 1].complaint += separator + line.dropFirst(2)
      } else if !cases.isEmpty {
        cases[cases.count - 1].yaml += line + "\n"
      }
    }
    return cases
  }()
}

struct DiagnosticTests {
  @Test(arguments: DiagnosticCase.all)
  func `a wrong scenario is answered with place, finding and what is accepted`(_ wrong: DiagnosticCase) throws {
    let complaint = try Fixture.library().complaints(
      wrong.yaml, figures: ["decode.time_s", "prefill.time_s"],
      checksHardware: wrong.testDescription.contains("profile"))
    #expect(complaint == wrong.complaint)
  }

  @Test func `the golden file holds every case`() {
    #expect(DiagnosticCase.all.count == 171)
    #expect(DiagnosticCase.all.allSatisfy { !$0.complaint.isEmpty && $0.complaint != "no complaint" })
  }

  @Test func `an empty text and a NUL byte are refused`() throws {
    let fixture = try Fixture()
    #expect(fixture.complaints("") == "s.yaml:1:1: error: the file is empty")
    #expect(
      fixture.complaints("name: a\n b\0") == "s.yaml:2:3: error: found a NUL byte; accepted: text in UTF-8")
  }

  @Test func `the first wrong options of a sweep are reported with their values`() throws {
    let text = """
      model:
        architecture: vanilla
        vocabulary: 100
        width: [60, 62, 64, 66, 68, 70, 72, 74]
        heads: 32
        feed_forward: 128
        layers: 2

      """
    let tail = "or another head_width"
    #expect(
      try Fixture().complaints(text) == """
        s.yaml:5:10: error: model.heads: 32 heads do not divide the width 60 (with model.width = 60); accepted: \
        a divisor of 60 such as 30 or 60, \(tail)
        s.yaml:5:10: error: model.heads: 32 heads do not divide the width 62 (with model.width = 62); accepted: \
        a divisor of 62 such as 31 or 62, \(tail)
        s.yaml:5:10: error: model.heads: 32 heads do not divide the width 66 (with model.width = 66); accepted: \
        a divisor of 66 such as 22 or 33, \(tail)
        s.yaml:5:10: error: model.heads: 32 heads do not divide the width 68 (with model.width = 68); accepted: \
        a divisor of 68 such as 17 or 34, \(tail)
        s.yaml:5:10: error: model.heads: 32 heads do not divide the width 70 (with model.width = 70); accepted: \
        a divisor of 70 such as 14 or 35, \(tail)
        """)
  }

  @Test func `a grid whose size leaves every integer is still refused with words`() throws {
    let range = "{linear: [1, 1000000, 1000000]}"
    let keys = ["prompt", "generate", "batch", "continuations"].map { "\($0): \(range)" }.joined(separator: ", ")
    let layers = "vocabulary: \(range), width: \(range), heads: \(range), feed_forward: \(range), layers: 2"
    let text = "workload: {\(keys)}\nmodel: {architecture: vanilla, \(layers)}\n"
    let complaint = try Fixture().complaints(text)
    #expect(complaint.hasPrefix("s.yaml:1:20: error: the grid has more than 10^38 points (workload.prompt 1000000 × "))
    #expect(complaint.hasSuffix("; accepted: at most 100000000"))
  }
}

struct FileDiagnosticTests {
  private func complaint(_ fixture: Fixture, _ name: String) -> String {
    do {
      _ = try Scenario(file: fixture.path + "/" + name)
      return "no complaint"
    } catch {
      return error.description.replacing(fixture.path + "/", with: "")
    }
  }

  @Test func `a missing file, a directory and a pipe are no scenarios`() throws {
    let fixture = try Fixture([("folder/inside.yaml", "")])
    #expect(complaint(fixture, "none.yaml") == "none.yaml:1:1: error: no such file")
    #expect(complaint(fixture, "folder") == "folder:1:1: error: is a directory; accepted: a text file")
    #expect(mkfifo(fixture.path + "/pipe.yaml", 0o600) == 0)
    #expect(complaint(fixture, "pipe.yaml") == "pipe.yaml:1:1: error: is not a regular file; accepted: a text file")
  }

  @Test(.enabled(if: getuid() != 0, "root reads everything"))
  func `a file without permission to read is refused`() throws {
    let fixture = try Fixture([("s.yaml", "name: a\n")])
    #expect(chmod(fixture.path + "/s.yaml", 0) == 0)
    #expect(complaint(fixture, "s.yaml") == "s.yaml: error: the file cannot be read")
  }

  @Test func `a file of 100 MB is refused by its size`() throws {
    let fixture = try Fixture([("s.yaml", "")])
    // A sparse file: it has a size and no contents.
    #expect(truncate(fixture.path + "/s.yaml", 100_000_000) == 0)
    let start = ContinuousClock.now
    #expect(
      complaint(fixture, "s.yaml") == "s.yaml:1:1: error: the file has 100000000 bytes; accepted: at most 4194304 bytes"
    )
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func `bytes that are no text are refused where they stand`() throws {
    let fixture = try Fixture()
    try fixture.write("s.yaml", Data([0x61, 0x0a, 0x62, 0xff, 0xfe]))
    #expect(
      complaint(fixture, "s.yaml") == "s.yaml:2:2: error: found a byte that is not UTF-8; accepted: text in UTF-8")
    try fixture.write("s.yaml", Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 0x7f) }))
    #expect(
      complaint(fixture, "s.yaml") == "s.yaml:1:3: error: found a byte that is not UTF-8; accepted: text in UTF-8")
  }

  @Test func `deep nesting is refused before it can exhaust the stack`() throws {
    let fixture = try Fixture()
    let brackets = fixture.complaints(String(repeating: "[", count: 100_000))
    #expect(brackets == "s.yaml:1:1: error: nested too deeply; accepted: at most 32 levels")
    let dashes = fixture.complaints(String(repeating: "- ", count: 100_000) + "a")
    #expect(dashes == "s.yaml:1:1999: error: nested too deeply; accepted: at most 32 levels")
    let balanced = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
    #expect(fixture.complaints(balanced) == "s.yaml:1:34: error: nested too deeply; accepted: at most 32 levels")
  }

  @Test func `a file full of mistakes is answered with a hundred and a word about the rest`() throws {
    let text = (0..<50_000).map { "unknown-\($0): \($0)\n" }.joined()
    let lines = try Fixture().complaints(text).split(separator: "\n")
    #expect(lines.count == 101)
    #expect(lines[1].hasPrefix("s.yaml:1:1: error: unknown-0: unknown key; accepted: name, model, "))
    #expect(lines[100] == "s.yaml: error: more mistakes, which are not shown")
  }

  @Test func `aliases that would multiply are refused unexpanded`() throws {
    var text = "a0: &a0 [x, x]\n"
    for level in 1..<64 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    #expect(
      try Fixture().complaints(text)
        == "s.yaml:2:10: error: the alias *a0; accepted: the value itself, written out")
  }

  @Test func `a product of names is no alias`() throws {
    let text = "model: {preset: base}\nconstraints: [batch *prompt <= 8192]   # R&D *all\n"
    #expect(try Fixture.library().complaints(text) == "no complaint")
  }
}

struct OverrideDiagnosticTests {
  private func complaint(_ arguments: String...) throws -> String {
    try Fixture.library().complaints("model: {preset: base}\nworkload: {batch: 4}\n", overrides: arguments)
  }

  @Test func `an argument without a key or a sign of equality is refused`() throws {
    let accepted =
      "key=value with a dotted key, for example workload.batch=8 or model.levels[1].chunk=[2,4]"
    #expect(try complaint("batch") == "--set:1:1: error: found \"batch\"; accepted: \(accepted)")
    #expect(try complaint("a..b=1") == "--set:1:1: error: found \"a..b=1\"; accepted: \(accepted)")
    #expect(try complaint("model.levels[0].chunk=1").hasPrefix("--set:1:1: error: found \"model.levels[0].chunk=1\""))
  }

  @Test func `a wrong value is shown in the argument, counted by arguments`() throws {
    #expect(
      try complaint("workload.prompt=64", "workload.batch=many")
        == "--set:2:16: error: workload.batch: found \"many\"; accepted: an integer from 1 to 1048576")
    #expect(
      try complaint("model.levels[2].chunk=[4, 0]")
        == """
        --set:1:27: error: model.levels[2].chunk: found 0 (with model.levels[2].chunk = 0); accepted: \
        an integer from 1 to 4096
        """)
    let unfinished = try complaint("workload.batch=[1, 2")
    #expect(
      unfinished == """
        --set:1:21: error: workload.batch: while parsing a flow sequence: did not find expected ',' or ']'; \
        accepted: YAML
        """)
  }

  @Test func `a key that does not exist is unknown`() throws {
    #expect(
      try complaint("workload.bach=2")
        == """
        --set:1:15: error: workload.bach: unknown key; accepted: prompt, generate, batch, continuations; \
        did you mean batch?
        """)
    #expect(
      try complaint("model.levels[3].chunk=2")
        == """
        --set:1:23: error: model.levels[3].chunk: there is nothing of this name to set; accepted: \
        levels[1] to levels[2]
        """)
    #expect(
      try complaint("model.cache.nonsense=1").hasPrefix(
        "--set:1:22: error: model.cache.nonsense: unknown key; accepted: retention, "))
    #expect(
      try complaint("model.cache={retention:snapkv}").hasSuffix(
        "prefill_chunk; did you mean retention: …, with a space?"))
    // With nothing behind it, a key takes a preset's away; one that does not exist is unknown all the same.
    for key in ["model.nonsense", "model.cache.nonsense"] {
      #expect(try complaint("\(key)=").contains("error: \(key): unknown key; accepted: "))
    }
    #expect(
      try complaint("model.cahe.retention=streaming").hasPrefix(
        "--set:1:22: error: model.cahe: unknown key; accepted: "))
    #expect(
      try complaint("workload.batch.size=2")
        == "--set:1:1: error: workload.batch.size: there is nothing of this name to set; accepted: a key of the scenario"
    )
  }
}
