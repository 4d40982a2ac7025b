import Foundation
import Testing

/// The documents name exactly what the program prints.
struct DocumentTests {
  /// A Markdown page: its level-2 sections, and the names in the first column of their tables.
  struct Page {
    private let sections: [(title: String, text: String)]

    init(_ name: String) throws {
      let text = try String(contentsOfFile: Program.repository + "/docs/" + name, encoding: .utf8)
      sections = text.components(separatedBy: "\n## ").enumerated().map { index, part in
        let lines = part.split(separator: "\n", maxSplits: 1)
        return (index == 0 ? "" : String(lines[0]), String(lines.last ?? ""))
      }
    }

    /// What stands in backticks in the first cells, braces expanded.
    func keys(_ title: String) throws -> [String] {
      let section = try #require(sections.first { $0.title == title }, "a section \(title)")
      return section.text.split(separator: "\n").filter { $0.hasPrefix("| ") }.flatMap { row in
        let cell = row.split(separator: " | ")[0]
        return cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
          .filter { $0.offset % 2 == 1 }.flatMap { Self.expanded(String($0.element)) }
      }
    }

    private static func expanded(_ text: String) -> [String] {
      guard let open = text.firstIndex(of: "{"), let close = text[open...].firstIndex(of: "}") else { return [text] }
      let (before, after) = (String(text[..<open]), String(text[text.index(after: close)...]))
      return text[text.index(after: open)..<close].split(separator: ",").flatMap { expanded(before + $0 + after) }
    }
  }

  /// Every key of a value, at any depth.
  static func names(_ value: Any) -> Set<String> {
    if let object = value as? [String: Any] {
      return object.reduce(into: Set(object.keys)) { $0.formUnion(names($1.value)) }
    }
    return (value as? [Any] ?? []).reduce(into: []) { $0.formUnion(names($1)) }
  }

  /// Some keys exist only where a cache does not keep everything on the device.
  static let plan = "model.cache={placement: host, on_device: 100000}"
  /// And some where not all weights are stored alike.
  static let storage = "precision=w4a16"

  @Test func `explain-json lists the keys that explain prints`() async throws {
    let program = try Program()
    let explained = try object(
      try await program.run(
        "explain", "scenarios/quickstart.yaml", "--format", "json", "--set", Self.plan, "--set", Self.storage
      ).output)
    let page = try Page("explain-json.md")
    let sections = ["levels", "prefill", "decode", "cache", "published", "hardware", "conventions"]
    let top = Set(try page.keys("").flatMap { $0.split { ".[]".contains($0) }.map(String.init) })
    #expect(
      top.union(["levels", "cache", "published", "hardware"])
        == Self.names(explained.filter { !sections.contains($0.key) }).union(sections))
    #expect(Set(try Page("conventions.md").keys("")) == Self.names(explained["conventions"]!))
    #expect(Set(try page.keys("`levels[]`")) == Self.names(explained["levels"]!))
    #expect(Set(try page.keys("`prefill` and `decode`") + ["components"]) == Self.names(explained["prefill"]!))
    #expect(Self.names(explained["decode"]!) == Self.names(explained["prefill"]!))
    #expect(Set(try page.keys("`cache`")) == Self.names(explained["cache"]!))
    // Published forms are about caches that keep everything.
    let plain = try object(
      try await program.run("explain", "scenarios/quickstart.yaml", "--format", "json").output)
    #expect(Set(try page.keys("`published[]`")) == Self.names(plain["published"]!))
    #expect(Set(try page.keys("`hardware[]`")) == Self.names(explained["hardware"]!))
  }

  @Test func `validate-json lists the keys that validate prints`() async throws {
    let program = try Program()
    // A named profile instead of a calibration: the keys are the same and it takes a moment.
    let outcome = try await program.run(
      "validate", "scenarios/quickstart.yaml", "--scenario-only", "--format", "json", "--calibration", "h200-sxm",
      "--set", "model={preset: photon-tiny}", "--set", "compare=", "--set", "workload={prompt: 8, generate: 4}",
      "--set", "measure={repetitions: 1, warmup: 0, threads: 1}")
    // Other tests may disturb the runs; the keys are the same.
    #expect([0, 75].contains(outcome.code))
    let validated = try object(outcome.output)
    #expect(Set(validated.keys) == ["exact", "timed", "fitted"])
    let page = try Page("validate-json.md")
    let exact = try page.keys("`exact`").filter { !$0.contains("disagreements[].") }
    #expect(
      Set(exact.map { $0.replacing("exact.", with: "").replacing("[]", with: "") })
        == Set(try validated.object("exact").keys))
    let rows = try validated.objects("timed")
    let documented = Set(try page.keys("`timed[]`").map { $0.replacing("timed[].", with: "") })
    #expect((rows.count == 2 || outcome.code == 75) && rows.allSatisfy { Set($0.keys) == documented })
    // The keys that whoever reads the object relies on.
    #expect(
      documented == [
        "architecture", "metric", "points", "mape_percent", "median_percent", "worst_percent", "bias_percent",
        "r2",
        "spread_percent", "regime_agreement",
      ])
  }

  @Test func `sweep-columns lists the columns of a sweep`() async throws {
    let program = try Program()
    let lines = try await program.run(
      "sweep", "scenarios/quickstart.yaml", "--estimates", "--set", Self.plan, "--set", Self.storage
    ).lines
    let header = lines[0].split(separator: ",").map(String.init)
    let axes = ["workload.prompt", "workload.batch"]
    let documented = try Page("sweep-columns.md").keys("").filter { !$0.contains(".") }
    #expect(Set(documented) == Set(header).subtracting(axes))
    #expect(documented.count == Set(documented).count && Array(header[1...2]) == axes)
  }

  @Test func `command-line names every command`() async throws {
    let program = try Program()
    let documented = Set(try Page("command-line.md").keys("").map { String($0.split(separator: " ")[0]) })
    let help = try await program.run("--help").lines
    let start = try #require(help.firstIndex { $0.hasPrefix("SUBCOMMANDS") })
    let commands = help[help.index(after: start)...].filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
      .map { String($0.split(separator: " ")[0]) }.filter { $0 != "See" }
    #expect(commands.count >= 8 && Set(commands) == documented)
  }

  static let pages =
    ["README.md", "ARCHITECTURE.md", "NOTATION.md", "CONTRIBUTING.md", "CHANGELOG.md", "Benchmarks/README.md"]
    + ((try? FileManager.default.subpathsOfDirectory(atPath: Program.repository + "/docs")) ?? [])
    .filter { $0.hasSuffix(".md") }.map { "docs/" + $0 }.sorted()

  @Test(arguments: pages)
  func `a page links to what exists`(name: String) throws {
    let page = URL(filePath: Program.repository + "/" + name)
    for link in try String(contentsOf: page, encoding: .utf8).matches(of: /\]\(([^)#:]+)[)#]/) {
      let target = URL(filePath: String(link.output.1), relativeTo: page)
      #expect(FileManager.default.fileExists(atPath: target.path), "\(link.output.1)")
    }
  }
}
