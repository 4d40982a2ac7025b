import Foundation
import Testing

struct SweepTests {
  /// 2048 points; `long` has a million.
  static let short = ["--set", "workload.prompt={linear: [1, 4096, 2048]}", "--set", "workload.batch=1"]
  static let long = ["--set", "workload.prompt={linear: [1, 1000000, 1000000]}", "--set", "workload.batch=1"]

  @Test func `the bytes do not depend on the number of threads, nor on the run`() async throws {
    let program = try Program()
    for format in ["csv", "json"] {
      var outputs: Set<String> = []
      for threads in ["1", "2", "7"] {
        let outcome = try await program.run(
          ["sweep", "scenarios/quickstart.yaml", "--format", format, "--threads", threads] + Self.short)
        #expect(outcome.code == 0 && outcome.error == "")
        outputs.insert(outcome.output)
      }
      #expect(outputs.count == 1)
    }
  }

  @Test func `a file holds what standard output would, and nothing is left beside it`() async throws {
    let program = try Program()
    let piped = try await program.run("sweep", "scenarios/published-models.yaml")
    let filed = try await program.run("sweep", "scenarios/published-models.yaml", "-o", "sweep.csv")
    #expect(filed.code == 0 && filed.output == "" && filed.error == "wrote 18 rows to sweep.csv\n")
    #expect(try program.read("sweep.csv") == piped.output)
    #expect(program.names == ["sweep.csv"])
  }

  @Test func `every row is a line of its own with all columns, and every JSON line an object of them`() async throws {
    let program = try Program()
    let csv = try await program.run(["sweep", "scenarios/quickstart.yaml"] + Self.short).lines
    let header = csv[0].split(separator: ",", omittingEmptySubsequences: false)
    #expect(csv.count == 2049)
    for (index, line) in csv.dropFirst().enumerated() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      #expect(fields.count == header.count && fields[0] == "\(index)")
    }
    let json = try await program.run(["sweep", "scenarios/quickstart.yaml", "--format", "json"] + Self.short).lines
    #expect(json.count == 2048)
    for (line, row) in zip(json, csv.dropFirst()) {
      let parsed = try object(String(line))
      #expect(Set(parsed.keys) == Set(header.map(String.init)))
      #expect(try row.hasPrefix("\(parsed.integer("point")),\(parsed.integer("prompt_length")),"))
    }
  }

  @Test func `an axis of numbers has numbers in JSON, an axis of words has words`() async throws {
    let program = try Program()
    let outcome = try await program.run(
      "sweep", "scenarios/quickstart.yaml", "--format", "json", "--set",
      "model={preset: photon-tiny, tied_head: [true, false], generation: [recursive, hierarchical]}", "--set",
      "workload={prompt: [1_024, 9]}")
    let leads = outcome.lines.map { $0.split(separator: ",\"name\"")[0] }
    #expect(
      leads.prefix(3) == [
        "{\"point\":0,\"model.tied_head\":true,\"model.generation\":\"recursive\",\"workload.prompt\":1024",
        "{\"point\":1,\"model.tied_head\":true,\"model.generation\":\"recursive\",\"workload.prompt\":9",
        "{\"point\":2,\"model.tied_head\":true,\"model.generation\":\"hierarchical\",\"workload.prompt\":1024",
      ])
    #expect(leads.count == 8)
  }

  @Test func `a phase without work has no bound, and no tokens have no rate`() async throws {
    let program = try Program()
    let arguments = ["scenarios/quickstart.yaml", "--set", "workload={prompt: 64, generate: 0}"]
    let row = try object(String(try await program.run(["sweep"] + arguments + ["--format", "json"]).lines[0]))
    for key in ["decode_roofline_bound", "decode_roofline_margin", "roofline_throughput_tokens_per_s"] {
      #expect(row[key] is NSNull, "\(key)")
    }
    #expect(row["prefill_roofline_bound"] is String)
    let explained = try object(try await program.run(["explain"] + arguments + ["--format", "json"]).output)
    let hardware = try #require(try explained.objects("hardware").first)
    for key in ["bound", "margin", "intensity_flop_per_byte", "time_per_token_s"] {
      #expect(try hardware.object("decode")[key] is NSNull, "\(key)")
    }
    for key in hardware.keys where key.contains("tokens") { #expect(hardware[key] is NSNull, "\(key)") }
    #expect(try hardware.object("prefill")["bound"] is String)
    let table = try await program.run(["explain"] + arguments).lines
    let decode = try #require(table.last { $0.contains("decode") && $0.contains("h200-sxm") })
    #expect(!decode.contains("memory") && !decode.contains("compute") && decode.contains("–"))
  }

  @Test func `a sweep says what explain says`() async throws {
    let program = try Program()
    let row = try object(
      String(
        try #require(
          try await program.run("sweep", "scenarios/quickstart.yaml", "--format", "json").lines.last)))
    let explained = try object(
      try await program.run("explain", "scenarios/quickstart.yaml", "--point", "5", "--format", "json").output)
    for phase in ["prefill", "decode"] {
      for figure in ExplainTests.figures {
        #expect(try row.integer("\(phase)_\(figure)") == explained.object(phase).integer(figure))
      }
    }
    for (column, key) in [
      ("cache_after_prefill_bytes", "bytes_after_prefill"), ("cache_at_end_bytes", "bytes_at_end"),
      ("cache_peak_bytes", "peak_bytes"), ("local_peak_bytes", "local_peak_bytes"),
    ] {
      #expect(try row.integer(column) == explained.object("cache").integer(key))
    }
  }

  @Test func `columns that are named are those of the whole row, in the order in which they are named`() async throws {
    let program = try Program()
    let arguments = ["sweep", "scenarios/quickstart.yaml", "--hardware", "h100-sxm", "--hardware", "h200-sxm"]
    let names = [
      "decode_roofline_margin", "workload.batch", "cache_peak_bytes", "hardware", "parameters", "point",
      "prefill_matmul_flops",
    ]
    let named = ["--columns", names.joined(separator: ",")]
    let whole = try await program.run(arguments + ["--format", "json"]).lines.map { try object(String($0)) }
    let json = try await program.run(arguments + named + ["--format", "json"]).lines.map { try object(String($0)) }
    #expect(json as [NSDictionary] == whole.map { $0.filter { names.contains($0.key) } } as [NSDictionary])
    let csv = try await program.run(arguments + named).lines.map { $0.split(separator: ",") }
    #expect(csv[0].map(String.init) == names && csv.count == whole.count + 1)
    let full = try await program.run(arguments).lines.map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let places = names.map { name in full[0].firstIndex { $0 == name }! }
    #expect(csv == full.map { row in places.map { row[$0] } })
  }

  @Test func `each column alone is that of the whole row`() async throws {
    let program = try Program()
    let rows = try await program.run("sweep", "scenarios/quickstart.yaml", "--estimates").lines.map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    for (place, name) in rows[0].enumerated() {
      let alone = try await program.run("sweep", "scenarios/quickstart.yaml", "--columns", name)
      #expect(alone.lines.map(String.init) == rows.map { $0[place] }, "\(name)")
    }
  }

  @Test(arguments: [
    ("workload.batsh", "there is no column \"workload.batsh\"; accepted: point, ", "did you mean workload.batch?"),
    ("point,,name", "there is no column \"\"; accepted: point, ", ""),
    ("workload.generate", "there is no column \"workload.generate\"; accepted: point, ", ""),
    ("name,point,name", "the column name stands in the list twice; accepted: every column once", ""),
  ])
  func `a wrong name of a column is refused, and nothing is written`(
    names: String, complaint: String, suggestion: String
  ) async throws {
    let program = try Program()
    let outcome = try await program.run("sweep", "scenarios/quickstart.yaml", "--columns", names, "-o", "sweep.csv")
    #expect(outcome.code == 64 && outcome.output.isEmpty && program.names.isEmpty)
    #expect(outcome.error.hasPrefix("--columns: error: \(complaint)"), "\(outcome.error)")
    #expect(outcome.error.hasSuffix(suggestion + "\n"))
  }

  @Test func `an interrupt leaves a valid file, says how far it came and ends with 1`() async throws {
    let program = try Program()
    let outcome = try await program.interrupted(
      once: ".sweep.csv*", "+64k", ["sweep", "scenarios/quickstart.yaml", "-o", "sweep.csv"] + Self.long)
    #expect(outcome.code == 1)
    let text = try program.read("sweep.csv")
    let rows = text.split(separator: "\n").dropFirst()
    #expect(
      outcome.error == "interrupted after \(rows.count) of 1000000 points; wrote \(rows.count) rows to sweep.csv\n")
    #expect(text.hasSuffix("\n") && rows.count < 1_000_000)
    #expect(rows.enumerated().allSatisfy { $0.element.hasPrefix("\($0.offset),") })
    #expect(program.names == ["sweep.csv"])
  }

  @Test func `a reader that goes away ends the program without a word`() async throws {
    let program = try Program()
    let outcome = try await program.shell(
      "\"$PHOTON\" sweep scenarios/quickstart.yaml \"$@\" | head -n 1", Self.long)
    #expect(outcome.output.hasPrefix("point,workload.prompt,") && outcome.error == "")
  }

  @Test(arguments: [
    ("/dev/full", "cannot write /dev/full: the disk is full"),
    ("gone/sweep.csv", "cannot write gone/sweep.csv: the folder does not exist"),
    ("scenarios", "cannot write scenarios: it is a folder"),
    ("plain/sweep.csv", "cannot write plain/sweep.csv: a part of the path is a file, not a folder"),
  ])
  func `an output that cannot be written is a failure with its reason`(path: String, reason: String) async throws {
    let program = try Program()
    try program.write("plain", "")
    let outcome = try await program.run("sweep", "scenarios/quickstart.yaml", "-o", path)
    #expect(outcome.code == 1 && outcome.error == "error: \(reason)\n")
    #expect(program.names == ["plain"])
  }

  @Test(arguments: [
    "explain scenarios/quickstart.yaml", "sweep scenarios/quickstart.yaml", "signature", "hardware list",
    "hardware show h200-sxm", "trace export scenarios/quickstart.yaml",
    "why scenarios/quickstart.yaml level0/decoder/head",
    "import docs/example-config.json", "validate scenarios/quickstart.yaml --scenario-only --no-measure",
  ])
  func `a full disk behind standard output is a failure with its reason`(command: String) async throws {
    let program = try Program()
    let outcome = try await program.shell("\"$PHOTON\" \(command) > /dev/full")
    #expect(outcome.code == 1)
    #expect(outcome.error.hasSuffix("error: cannot write standard output: the disk is full\n"))
  }
}
