import Foundation
import FoundationXML
import Testing

/// Names and descriptions are words: nothing that reads an output takes them for commands, formulas, headings or HTML.
struct InertTests {
  /// What somebody may write where a name is due; each would do something if something read it as more than a name.
  static let hostile = [
    #"it's "q" `touch p1` $(touch p2) <script>alert(1)</script> | x"#, "=1+1", "@SUM(1)", "+1", "-1", "# heading",
    "> quote",
    "a\n\n# head\n<b>bold</b>", "\u{1B}[31mred\u{1B}]0;title\u{7}", "\u{202E}evil", "\u{85}x\u{2028}y", "```", "~~~",
    "![x](http://example.com/x.svg)", "[link](javascript:alert(1))", #"\|pipe` |"#, "END_OF_DATA", "%s %d {/Symbol a}",
    "$data1", #""; system "touch p3" #"#, #"'; system 'touch p4' #"#, "&lt;b&gt;", "--- | --- |", "",
  ].filter { !$0.isEmpty }

  static let tame = hostile.indices.map { "name\($0)" }

  /// A hierarchy beside baselines of these names, on a machine whose description and source are the first two.
  static func write(_ names: [String], as name: String, in program: Program) throws {
    func quoted(_ text: String) throws -> String {
      String(decoding: try JSONSerialization.data(withJSONObject: text, options: .fragmentsAllowed), as: UTF8.self)
        .replacing("\\/", with: "/")
    }
    let profile = """
      description: \(try quoted(names[7]))
      source: \(try quoted(names[1]))
      matmul_flops_per_s: {fp32: 1.0e12, bf16: 2.0e12}
      memory_bandwidth_bytes_per_s: 1.0e12
      memory_bytes: 80000000000

      """
    try program.write("\(name)-machine.yaml", profile)
    var text = """
      name: \(name)
      model:
        architecture: photon
        vocabulary: 100
        width: 64
        heads: 4
        feed_forward: 128
        levels: [{chunk: [2, 4], condition: 2, encoder_layers: 1, decoder_layers: 1}]
      workload: {prompt: [16, 32], generate: 4, batch: [1, 2]}
      hardware: [./\(name)-machine.yaml]
      compare:

      """
    for (index, name) in names.enumerated() {
      text += "  - {preset: \(index == 0 ? "vanilla-small" : "block-small"), name: \(try quoted(name))}\n"
    }
    try program.write("\(name).yaml", text)
  }

  /// What a page is made of: each line's kind, whatever words stand in it.
  private func blocks(_ page: String) -> [String] {
    page.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.isEmpty
        ? "" : line.hasPrefix("|") ? "row of \(cells(line))" : String(line.prefix { "#!-`*<".contains($0) }.prefix(3))
    }
  }

  /// A line without its code spans: what stands between two runs of as many backticks.
  private func outsideOfCode(_ line: Substring) -> String {
    var rest = line
    var words = ""
    while let start = rest.firstIndex(of: "`") {
      words += rest[..<start]
      let fence = rest[start...].prefix { $0 == "`" }
      let behind = rest[fence.endIndex...]
      let runs = behind.matches(of: /`+/).map(\.range)
      rest = runs.first { behind[$0].count == fence.count }.map { behind[$0.upperBound...] } ?? behind
    }
    return words + rest
  }

  /// Pipes without a backslash, as GitHub counts cells.
  private func cells(_ row: Substring) -> Int {
    var count = 0
    var escaped = false
    for character in row {
      if character == "|", !escaped { count += 1 }
      escaped = character == "\\" && !escaped
    }
    return count
  }

  @Test func `a report with hostile names has the blocks of one with tame names`() async throws {
    let program = try Program()
    try Self.write(Self.tame, as: "tame", in: program)
    for first in [0, 7, 8, 15] {
      // Only the first baseline of each family is told of in words.
      var names = Self.hostile
      names.swapAt(0, first)
      names.swapAt(1, (first + 1) % names.count)
      try Self.write(names, as: "hostile", in: program)
      for name in ["tame", "hostile"] {
        let outcome = try await program.run("report", "\(name).yaml", "--no-measure", "-o", name)
        #expect(outcome.code == 0 && !outcome.error.contains("\u{1B}"), "\(outcome.error)")
      }
      let (tame, page) = (try program.read("tame/report.md"), try program.read("hostile/report.md"))
      let different = zip(blocks(tame), blocks(page)).enumerated().first { $1.0 != $1.1 }
      #expect(blocks(tame) == blocks(page), "line \(different?.offset ?? -1) of \(names[0])")
      // Only what stands in a code span, where Markdown reads nothing, may look like more than words.
      let words = page.split(separator: "\n").map(outsideOfCode).joined(separator: "\n")
      for forbidden in ["<script", "<b>", "](http", "](javascript", "\u{1B}", "\u{202E}", "\u{85}"] {
        #expect(!words.contains(forbidden), "\(forbidden) of \(names[0])")
      }
      let figures = try FileManager.default.contentsOfDirectory(atPath: program.folder + "/hostile").filter {
        $0.hasSuffix(".svg")
      }
      #expect(figures.count == page.matches(of: /\.svg\)/).count && !figures.isEmpty)
      for figure in figures {
        let parser = XMLParser(data: try program.data("hostile/\(figure)"))
        #expect(parser.parse(), "\(figure): \(String(describing: parser.parserError))")
        let text = try program.read("hostile/\(figure)")
        #expect(!text.contains("<script"))
      }
      #expect(!program.names.contains { $0.hasPrefix("p") }, "a name was run")
    }
  }

  @Test func `data hold names as they are, and no cell is a formula`() async throws {
    let program = try Program()
    // Each is the name of a preset, and so of points.
    let names = Self.hostile.filter { !$0.contains("/") && !$0.contains("\n") && !$0.contains("\u{85}") }
    var scenario = "model:\n"
    for name in names {
      try program.write("\(name).yaml", "model: {preset: vanilla-small}\n")
      let quoted = try JSONSerialization.data(withJSONObject: name, options: .fragmentsAllowed)
      scenario += "  - {preset: \(String(decoding: quoted, as: UTF8.self))}\n"
    }
    try program.write("names.yaml", scenario + "workload: {prompt: 16, generate: 4}\n")
    let sweep = ["sweep", "names.yaml", "--columns", "name"]
    let csv = try await program.run(sweep)
    #expect(csv.code == 0, "\(csv.error)")
    let rows = csv.lines.dropFirst().map { line in
      line.first == "\"" ? String(line.dropFirst().dropLast()).replacing("\"\"", with: "\"") : String(line)
    }
    #expect(rows.allSatisfy { !"=+-@".contains($0.first!) })
    #expect(
      rows.map {
        $0.hasPrefix("'=") || $0.hasPrefix("'+") || $0.hasPrefix("'-") || $0.hasPrefix("'@")
          ? String($0.dropFirst()) : $0
      } == names)
    let json = try await program.run(sweep + ["--format", "json"])
    let read = try json.lines.map { try object(String($0))["name"] as? String }
    #expect(read == names)
    #expect(!json.output.contains("\u{1B}") && !json.output.contains("\u{202E}"))
    #expect(program.names.count == names.count + 1, "a name was run")
  }

  @Test(arguments: [
    ["explain", "hostile.yaml", "--point", "0"], ["sweep", "hostile.yaml"],
    ["hardware", "show", "./hostile-machine.yaml"],
    ["hardware", "show", "./hostile-machine.yaml", "--format", "table"],
    ["why", "hostile.yaml", "level1/encoder/attention"], ["explain", "\u{1B}[2J.yaml"],
    ["explain", "hostile.yaml", "--set", "workload.\u{1B}[2J=1"],
    ["explain", "hostile.yaml", "--set", "name=\"\u{1B}[2J\""],
    ["\u{1B}[2J"], ["explain", "--\u{1B}[2J"], ["validate", "--measured", "\u{1B}[2J"], ["evaluate", "\u{1B}[2J"],
    ["sweep", "hostile.yaml", "-o", "none/\u{1B}[2J"],
    ["report", "hostile.yaml", "--no-measure", "-o", "hostile.yaml/\u{1B}[2J"],
    ["generate", "-s", "scenarios/models/photon-tiny.yaml", "--tokens", "600"],
  ])
  func `no escape sequence of a name or a model reaches a terminal`(arguments: [String]) async throws {
    let program = try Program()
    try Self.write(Self.hostile, as: "hostile", in: program)
    // A terminal of its own, and what was sent to it.
    let words = arguments.map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
    let shown = try await program.shell(
      "script -qec \"$PHOTON \(words.replacing("\"", with: "\\\""))\" typescript < /dev/null")
    // The bar of progress clears its own line.
    #expect(!shown.output.replacing("\r\u{1B}[K", with: "").contains("\u{1B}"), "\(arguments)")
    #expect(!shown.output.contains("\u{202E}") && shown.output.count > 20, "\(shown.output)")
  }

  @Test func `a folder with spaces, quotes and line breaks in its name works`() async throws {
    let program = try Program()
    let folder = "a b's \"c\"\n$(touch p1) `touch p2` é"
    try FileManager.default.createDirectory(atPath: program.folder + "/" + folder, withIntermediateDirectories: true)
    try program.write(
      folder + "/s.yaml", "model: {preset: own}\nworkload: {prompt: 16, generate: 4}\nhardware: [machine]\n")
    try program.write(folder + "/own.yaml", "model: {preset: photon-tiny}\n")
    try FileManager.default.createDirectory(
      atPath: program.folder + "/" + folder + "/hardware", withIntermediateDirectories: true)
    try program.write(
      folder + "/hardware/machine.yaml",
      "matmul_flops_per_s: {fp32: 1e12, bf16: 1e12}\nmemory_bandwidth_bytes_per_s: 1.0e12\nmemory_bytes: 1000000000\n")
    for arguments in [
      ["explain"], ["sweep", "-o", "\(folder)/sweep.csv"], ["validate", "--scenario-only", "--no-measure"],
      ["report", "--no-measure", "-o", "\(folder)/report"],
    ] {
      let outcome = try await program.run([arguments[0], "\(folder)/s.yaml"] + arguments.dropFirst())
      #expect(outcome.code == 0, "\(arguments): \(outcome.error)")
    }
    // The command of the report makes the same report.
    let page = try program.read("\(folder)/report/report.md")
    let command = try #require(page.firstMatch(of: /made by (`+) ?(photon report .+?) ?\1\./)?.2)
    let again = try await program.shell(
      "bash -c \"$1\" && cat reports/s/report.md",
      [
        "photon() { \"\(Program.binary)\" \"$@\" --no-measure; }; " + command
      ])
    #expect(again.code == 0, "\(again.error)")
    #expect(again.output == "reports/s/report.md\n" + page)
    #expect(!program.exists("p1") && !program.exists("p2"))
  }
}
