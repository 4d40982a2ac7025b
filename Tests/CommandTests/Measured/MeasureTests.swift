import Foundation
import Testing

/// `photon measure`, with a data sheet instead of a calibration: what is written is the same and it takes a moment.
struct MeasureTests {
  /// 32 points of one level: C, R and the reading in the model, prompt and batch in the workload.
  static let scenario = """
    model:
      architecture: photon
      vocabulary: 64
      width: 32
      heads: 4
      feed_forward: 64
      levels: [{chunk: [2, 4], condition: [1, 2], encoder_layers: 1, decoder_layers: 1}]
      decoder_input: [encoder-state, cascade]
    workload: {prompt: [8, 16], generate: 4, batch: [1, 2]}
    precision: {weights: fp32, activations: fp32, cache: fp32}
    measure: {repetitions: 1, warmup: 0, threads: 1, doubled: false}

    """
  static let arguments = ["measure", "s.yaml", "--calibration", "h200-sxm"]
  static let baseline =
    "compare=[{name: plain, architecture: vanilla, vocabulary: 64, width: 32, heads: 4, feed_forward: 64, layers: 1}]"
  static let axes = [
    "model.levels[1].chunk", "model.levels[1].condition", "model.decoder_input", "workload.prompt", "workload.batch",
  ]

  static func program() throws -> Program {
    let program = try Program()
    try program.write("s.yaml", scenario)
    return program
  }

  /// Rows of a CSV text by column; what stands in quotes is left out.
  static func rows(_ text: String) -> [[String: String]] {
    let lines = text.replacing(/"[^"\n]*"/, with: "").split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
  }

  @Test func `the columns that a sweep has too have the same names and values`() async throws {
    let program = try Self.program()
    let measured = try await program.run(Self.arguments + ["--format", "csv"])
    #expect(measured.isMeasured && measured.error.isEmpty)
    let swept = try await program.run("sweep", "s.yaml", "--hardware", "h200-sxm", "--estimates").output
    let names = { (text: String) in Set(text.prefix { $0 != "\n" }.split(separator: ",").map(String.init)) }
    let shared = names(measured.output).intersection(names(swept))
    #expect(
      shared.isSuperset(
        of: Self.axes + [
          "point", "name", "architecture", "generation", "prompt_length", "generated_length", "batch_size",
          "continuations", "weights_type", "parameters", "hardware", "prefill_time_s", "decode_time_s", "decode_bound",
          "prefill_margin",
        ]))
    let rows = Self.rows(measured.output)
    let predicted = Dictionary(uniqueKeysWithValues: Self.rows(swept).map { ($0["point"]!, $0) })
    #expect(rows.count == 32 && Set(rows.map { $0["point"]! }) == Set(predicted.keys))
    for row in rows {
      let same = try #require(predicted[row["point"]!])
      #expect(row.filter { shared.contains($0.key) } == same.filter { shared.contains($0.key) })
      // C, R and M = (P + G)/C of the level.
      #expect(row["level1_chunk_length"] == row["model.levels[1].chunk"])
      #expect(row["level1_condition_length"] == row["model.levels[1].condition"])
      let (prompt, chunk) = (Int(row["workload.prompt"]!)!, Int(row["model.levels[1].chunk"]!)!)
      #expect(row["level1_stream_length"] == "\((prompt + 4) / chunk)")
      for key in ["prefill_measured_s", "decode_measured_s", "reference_s"] { #expect(Double(row[key]!)! > 0) }
    }
    #expect(Set(rows.map { row in Self.axes.map { row[$0]! } }).count == 32)
  }

  @Test func `the page names the columns that no sweep has`() async throws {
    let program = try Self.program()
    func columns(_ arguments: [String]) async throws -> Set<String> {
      let output = try await program.run(Self.arguments + ["--point", "0", "--format", "json"] + arguments).output
      return Set(try object(String(output.prefix { $0 != "\n" })).keys).subtracting(Self.axes)
    }
    let swept = try DocumentTests.Page("sweep-columns.md").keys("")
    let page = Set(try DocumentTests.Page("measurement.md").keys("Sweeps"))
    let measured = try await columns([])
    #expect(measured.subtracting(swept).isSubset(of: page) && page.isSubset(of: measured))
    let ofNodes = Set(try DocumentTests.Page("measurement.md").keys("Nodes"))
    let nodes = try await columns(["--nodes"]).subtracting(measured).subtracting(swept)
    #expect(nodes == ofNodes)
  }

  @Test func `JSON Lines and the table say the same as CSV`() async throws {
    let program = try Self.program()
    let point = ["--point", "17"]
    let csv = Self.rows(try await program.run(Self.arguments + point + ["--format", "csv"]).output)
    let json = try await program.run(Self.arguments + point + ["--format", "json"])
    let parsed = try object(json.output)
    #expect(csv.count == 1 && json.lines.count == 1 && Set(parsed.keys) == Set(csv[0].keys))
    #expect(parsed["workload.batch"] as? Int == 2 && parsed["model.decoder_input"] as? String == "encoder-state")
    let table = try await program.run(Self.arguments + point + ["--wide"]).output
    #expect(["C_1", "R_1", "decoder_input", "prompt", "batch", "prefill measured", "M_1"].allSatisfy(table.contains))
    let narrow = try await program.run(Self.arguments + point).lines
    #expect(narrow.allSatisfy { $0.count <= 120 } && narrow.contains { $0.hasPrefix("More with --wide") })
  }

  @Test func `baselines and workloads of their own have the values of the axes that they share`() async throws {
    let program = try Self.program()
    let baseline = try await program.run(
      Self.arguments + ["--format", "csv", "--set", Self.baseline, "--time-limit", "1e9"])
    let rows = Self.rows(baseline.output).filter { $0["name"] == "plain" }
    #expect(rows.count == 4 && Set(rows.map { [$0["workload.prompt"]!, $0["workload.batch"]!] }).count == 4)
    #expect(
      rows.allSatisfy { $0["point"] == "" && $0["model.levels[1].chunk"] == "" && $0["level1_chunk_length"] == "" })
    let own = Self.rows(
      try await program.run(
        Self.arguments + ["--format", "csv", "--set", "measure.points=[{prompt: 4, generate: 2}]"]
      ).output)
    #expect(own.count == 8 && own.allSatisfy { $0["prompt_length"] == "4" && $0["workload.prompt"] == "" })
  }

  @Test(arguments: ["csv", "jsonl"]) func `a file that was cut anywhere ends up with every point once`(
    suffix: String
  ) async throws {
    let program = try Self.program()
    let file = "measured.\(suffix)"
    let whole = try await program.run(Self.arguments + ["-o", file])
    #expect(whole.isMeasured && whole.output.isEmpty)
    #expect(whole.error == "32 of 32 points measured in \(file), 32 of them now\n")
    let text = try program.read(file)
    func points(_ text: String) -> [Substring] {
      text.split(separator: "\n").map { $0.split(separator: ",")[0] }
    }
    let again = try await program.run(Self.arguments + ["-o", file])
    #expect(again.isMeasured && again.error == "32 of 32 points measured in \(file), 0 of them now\n")
    #expect(try program.read(file) == text)
    for kept in [0, 3, text.utf8.count / 3, text.utf8.count / 2 + 7, text.utf8.count - 1] {
      let beginning = String(decoding: text.utf8.prefix(kept), as: UTF8.self)
      try program.write(file, beginning)
      let outcome = try await program.run(Self.arguments + ["-o", file])
      #expect(outcome.isMeasured)
      let resumed = try program.read(file)
      let lines = beginning.lastIndex(of: "\n").map { beginning[...$0] } ?? ""
      #expect(resumed.hasPrefix(lines) && points(resumed).count == points(text).count)
      #expect(Set(points(resumed)) == Set(points(text)))
    }
    // What was cut is kept.
    #expect(program.names == [file, file + ".unreadable", "s.yaml"])
    let spreadsheet = text.replacing("\n", with: "\r\n")
    try program.write(file, spreadsheet)
    let same = try await program.run(Self.arguments + ["-o", file])
    #expect(same.isMeasured && same.error == "32 of 32 points measured in \(file), 0 of them now\n")
    #expect(try program.read(file) == spreadsheet)
  }

  @Test func `points that were measured by themselves are not measured again`() async throws {
    let program = try Self.program()
    for point in ["5", "30"] {
      _ = try await program.run(Self.arguments + ["-o", "m.csv", "--point", point])
    }
    let before = try program.read("m.csv")
    let outcome = try await program.run(Self.arguments + ["-o", "m.csv"])
    #expect(outcome.error == "32 of 32 points measured in m.csv, 30 of them now\n")
    #expect(try program.read("m.csv").hasPrefix(before))
  }

  @Test(arguments: [
    (["--set", "measure.repetitions=2"], "m.csv:2:1: error: scenario: the row is of another one, "),
    (["--calibration", "a100-80g"], "m.csv:2:1: error: profile: the row is of another one, "),
    (["--set", "measure.threads=2"], "m.csv:2:1: error: scenario: the row is of another one, "),
    (["--nodes"], "m.csv:1:1: error: found "),
    (["--set", "workload.batch=1"], "m.csv:1:1: error: found "),
    (["--format", "json"], "m.csv:1:1: error: scenario: the row is of another one, "),
  ])
  func `a file of another scenario, profile or form is refused and stays as it was`(
    change: [String], complaint: String
  ) async throws {
    let program = try Self.program()
    _ = try await program.run(Self.arguments + ["-o", "m.csv", "--point", "0"])
    let before = try program.read("m.csv")
    let outcome = try await program.run(Self.arguments + ["-o", "m.csv"] + change)
    #expect(outcome.code == 64 && outcome.output.isEmpty)
    #expect(
      outcome.error.hasPrefix(complaint) && outcome.error.contains("name another file with -o"), "\(outcome.error)")
    #expect(try program.read("m.csv") == before)
  }

  @Test func `a row of another machine is refused with its line`() async throws {
    let program = try Self.program()
    _ = try await program.run(Self.arguments + ["-o", "m.csv", "--point", "0"])
    _ = try await program.run(Self.arguments + ["-o", "m.csv", "--point", "1"])
    let text = try program.read("m.csv")
    let line = text.split(separator: "\n")[2]
    try program.write("m.csv", text.replacing(line, with: line.replacing(" cores", with: "00 cores")))
    let outcome = try await program.run(Self.arguments + ["-o", "m.csv"])
    #expect(outcome.code == 64 && outcome.error.hasPrefix("m.csv:3:1: error: machine: the row is of another one, "))
  }

  @Test func `rows whose profile is gone are not gone on with`() async throws {
    let program = try Self.program()
    _ = try await program.run(Self.arguments + ["-o", "m.csv", "--point", "0"])
    let outcome = try await program.run("measure", "s.yaml", "-o", "m.csv")
    #expect(outcome.code == 64 && outcome.error.contains("m.csv has rows, and m.csv.profile.yaml"))
    #expect(program.names == ["m.csv", "s.yaml"])
  }

  @Test func `a time limit ends with a beginning that covers the grid evenly`() async throws {
    let program = try Self.program()
    let long = ["--set", "workload={prompt: [64, 128], generate: 512, batch: [8, 16]}", "--format", "csv"]
    let outcome = try await program.run(Self.arguments + long + ["--time-limit", "1"])
    let rows = Self.rows(outcome.output)
    #expect(outcome.isMeasured && outcome.error.contains("of 32 points measured, \(rows.count) of them now"))
    for axis in Self.axes {
      let counts = Dictionary(grouping: rows) { $0[axis]! }.mapValues(\.count).values
      // Both values of each axis, one no more than twice more often than the other.
      #expect((counts.count == 2 ? counts.max()! - counts.min()! : counts.reduce(0, +)) <= 2, "\(axis)")
    }
    #expect(outcome.error.contains("(--time-limit)") == (rows.count < 32))
  }

  @Test func `an interrupt leaves whole rows, says so and ends with 1, and the next run goes on`() async throws {
    let program = try Self.program()
    let many = ["--set", "workload={prompt: {linear: [64, 163, 100]}, generate: 32, batch: [4, 8]}", "-o", "m.csv"]
    let outcome = try await program.interrupted(once: "m.csv", "+1k", Self.arguments + many)
    #expect(outcome.code == 1)
    let text = try program.read("m.csv")
    let rows = Self.rows(text)
    #expect(!rows.isEmpty && rows.count < 1600 && text.hasSuffix("\n"))
    #expect(
      outcome.error
        == "interrupted: \(rows.count) of 1600 points measured in m.csv, \(rows.count) of them now; the same command goes on\n"
    )
    let next = try await program.run(Self.arguments + many + ["--time-limit", "0.5"])
    #expect(next.isMeasured && next.error.contains("of 1600 points measured in m.csv"))
    let more = Self.rows(try program.read("m.csv"))
    #expect(more.count > rows.count && Set(more.map { $0["point"]! }).count == more.count)
  }

  @Test func `nodes have the columns of the sweep, and their points are not measured again`() async throws {
    let program = try Self.program()
    let arguments = Self.arguments + ["--nodes", "-o", "nodes.csv"]
    _ = try await program.run(arguments + ["--point", "3"])
    let first = Self.rows(try program.read("nodes.csv"))
    #expect(first.count > 10 && first.allSatisfy { $0["point"] == "3" && $0["workload.batch"] == "2" })
    #expect(Set(first.map { [$0["phase"]!, $0["level"]!, $0["side"]!, $0["component"]!] }).count == first.count)
    let outcome = try await program.run(arguments)
    #expect(outcome.isMeasured && outcome.error == "32 of 32 points measured in nodes.csv, 31 of them now\n")
    let all = Self.rows(try program.read("nodes.csv"))
    #expect(Set(all.map { $0["point"]! }).count == 32 && all.filter { $0["point"] == "3" } == first)
  }

  @Test(arguments: [
    (["-o", "gone/m.csv"], 1, "error: cannot write gone/m.csv: the folder does not exist\n"),
    (["-o", "scenarios"], 1, "error: cannot write scenarios: it is a folder\n"),
    (["-o", "/dev/full"], 1, "error: cannot write /dev/full: the disk is full\n"),
    (["-o", "m.csv", "--format", "table"], 64, "-o takes --format csv or json, not a table"),
    (["--time-limit", "0"], 64, "--time-limit takes a number above 0"),
    (["--point-limit", "nan"], 64, "--point-limit takes a number above 0"),
    (["--point", "32"], 64, "--point: error: found 32; accepted: 0 to 31\n"),
  ])
  func `what cannot be is refused`(arguments: [String], code: Int, complaint: String) async throws {
    let program = try Self.program()
    let outcome = try await program.run(Self.arguments + arguments)
    #expect(outcome.code == code && outcome.output.isEmpty && outcome.error.contains(complaint), "\(outcome.error)")
    #expect(program.names == ["s.yaml"])
  }
}

extension Program.Outcome {
  /// Rows were written, whether or not other tests disturbed them.
  var isMeasured: Bool { code == 0 || code == 75 }
}
