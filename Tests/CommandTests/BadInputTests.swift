import Foundation
import Testing

/// Everything that a wrong file gets: place, finding, exit code 64, and nothing written.
struct BadInputTests {
  struct Wrong: CustomTestStringConvertible {
    var testDescription: String
    var text: String
    /// `line:column: error: …`, as it begins.
    var complaint: String
    var file = "wrong.yaml"

    init(_ name: String, _ text: String, _ complaint: String) {
      testDescription = name
      self.text = text
      self.complaint = complaint
    }
  }

  static let vanilla = "architecture: vanilla, vocabulary: 100, width: 64, heads: 4, feed_forward: 128, layers: 2"
  static let wrong = [
    Wrong("an unknown key", "model: {\(vanilla)}\nworkload: {promt: 5}\n", "2:12: error: workload.promt: unknown key;"),
    Wrong(
      "a duplicate key", "name: a\nname: b\nmodel: {\(vanilla)}\n", "1:1: error: name: the key is given more than once"),
    Wrong(
      "a wrong type", "model: {\(vanilla)}\nworkload: {prompt: many}\n", "2:20: error: workload.prompt: found \"many\";"
    ),
    Wrong("a list for a mapping", "model: [1]\n", "1:9: error: model: found 1;"),
    Wrong(
      "a chunk length of 0", "model: {preset: photon-600m, \"levels[1].chunk\": 0}\n",
      "1:49: error: model.levels[1].chunk: found 0; accepted: an integer from 1 to 4096"),
    Wrong(
      "a width that heads do not divide", "model: {preset: photon-600m, heads: 7}\n",
      "1:37: error: model.heads: 7 heads do not divide the width 1664;"),
    Wrong(
      "a width that the chunk does not divide", "model: {preset: photon-600m, \"levels[1].chunk\": 3}\n",
      "1:49: error: model.levels[1].chunk: 3 does not divide the width 1664"),
    Wrong(
      "a width that the preset's heads do not divide", "model: {preset: photon-small, width: 100}\n",
      "1:38: error: model.width: 8 heads do not divide the width 100; heads is that of the preset photon-small;"),
    Wrong(
      "an unknown objective", "model: {preset: photon-tiny}\nobjective: {minimise: decode.tyme_s}\n",
      "2:23: error: objective.minimise: there is no figure \"decode.tyme_s\";"),
    Wrong(
      "an unknown figure in a condition",
      "model: {preset: photon-tiny}\nobjective: {minimise: decode.time_s, subject_to: [latency < 1]}\n",
      "2:51: error: objective.subject_to[1]: there is no figure \"latency\";"),
    Wrong(
      "a value twice in an axis", "model: {preset: photon-tiny}\nworkload: {batch: [64, 64]}\n",
      "2:24: error: workload.batch: the value 64 stands in the list twice;"),
    Wrong(
      "an unknown preset", "model: {preset: foton-600m}\n",
      "1:17: error: model.preset: there is no preset \"foton-600m\";"),
    Wrong(
      "an unknown profile", "model: {preset: photon-600m}\nhardware: [h2000]\n",
      "2:12: error: hardware[1]: there is no hardware profile \"h2000\";"),
    Wrong(
      "a number that does not fit", "model: {\(vanilla)}\nworkload: {prompt: 99999999999999999999}\n",
      "2:20: error: workload.prompt: found 99999999999999999999, which does not fit in 64 bits;"),
    Wrong(
      "a grid of 10^12 points",
      "model: {\(vanilla)}\nworkload: {prompt: {linear: [1, 1000000, 1000000]}, generate: {linear: [1, 1000000, 1000000]}}\n",
      "2:20: error: the grid has 1000000000000 points"),
    Wrong(
      "a preset of itself", "model: {preset: wrong.yaml}\n",
      "1:17: error: model.preset: the presets refer to each other"),
    Wrong("an alias of itself", "model: &a [*a]\n", "1:12: error: the alias *a;"),
    Wrong("an empty file", "", "1:1: error: the file is empty"),
    Wrong("an empty document", "# nothing\n", "1:1: error: the file is empty"),
    Wrong("a NUL byte", "model:\0", "1:7: error: found a NUL byte;"),
    Wrong("a bracket too few", "model: {preset: photon-600m\n", "2:1: error: "),
    Wrong("a tab", "model:\n\tpreset: photon-600m\n", "2:1: error: "),
    Wrong("a page of another kind", "<!DOCTYPE html><html></html>\n", "1:1: error: "),
  ]

  @Test(arguments: wrong)
  func `a wrong scenario is placed, and nothing is written`(_ wrong: Wrong) async throws {
    let program = try Program()
    try program.write("wrong.yaml", wrong.text)
    try program.write("kept.csv", "what was there")
    for command in [["explain"], ["sweep", "-o", "kept.csv"], ["sweep", "-o", "new.csv"], ["validate"]] {
      let outcome = try await program.run([command[0], "wrong.yaml"] + command.dropFirst())
      #expect(outcome.code == 64 && outcome.output == "")
      #expect(outcome.error.hasPrefix("wrong.yaml:" + wrong.complaint), "\(outcome.error)")
    }
    #expect(try program.read("kept.csv") == "what was there")
    #expect(program.names == ["kept.csv", "wrong.yaml"])
  }

  @Test func `rubbish, huge files, folders and what is not there are refused by their name`() async throws {
    let program = try Program()
    try Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 200) })
      .write(to: URL(filePath: program.folder + "/rubbish"))
    _ = try await program.shell("truncate -s 100000000 huge; mkfifo pipe")
    for (file, complaint) in [
      ("rubbish", "found a byte that is not UTF-8; accepted: text in UTF-8"),
      ("huge", "the file has 100000000 bytes; accepted: at most 4194304 bytes"),
      ("docs", "is a directory; accepted: a text file"), ("pipe", "is not a regular file; accepted: a text file"),
      ("gone", "no such file"),
    ] {
      for command in [
        ["explain", file], ["sweep", file, "-o", "new.csv"], ["import", file], ["hardware", "check", file],
      ] {
        let outcome = try await program.run(command)
        #expect(outcome.code == 64 && outcome.output == "", "\(command)")
        #expect(outcome.error == "\(file):1:1: error: \(complaint)\n", "\(command)")
      }
    }
    #expect(program.names == ["huge", "pipe", "rubbish"])
  }

  @Test(arguments: [
    ["explain", ""], ["sweep", "", "-o", "new.csv"], ["compare", "", ""], ["import", ""], ["hardware", "check", ""],
    ["validate", "--measured", ""], ["calibrate", "--from", ""], ["generate", "-s", ""], ["evaluate", ""],
    ["roles", ""],
    ["generate", ""], ["generate", "-s", "scenarios/models/photon-tiny.yaml", "--prompt-file", ""],
  ])
  func `an input without a name is said to be one`(arguments: [String]) async throws {
    let outcome = try await Program().run(arguments)
    #expect(outcome.code == 64 && outcome.output == "")
    #expect(outcome.error.wholeMatch(of: /error: found no name; accepted: the name of a (file|folder)\n/) != nil)
  }

  @Test(arguments: [
    ["sweep", "scenarios/quickstart.yaml"], ["report", "scenarios/quickstart.yaml", "--no-measure"],
    ["trace", "export", "scenarios/quickstart.yaml"], ["train", "scenarios/train-quickstart.yaml"],
    ["import", "docs/example-config.json"], ["calibrate", "--quick"],
  ])
  func `an output without a name is refused before anything is done`(arguments: [String]) async throws {
    let program = try Program()
    let outcome = try await program.run(arguments + ["-o", ""])
    #expect(outcome.code == 64 && outcome.output == "" && program.names.isEmpty)
    #expect(outcome.error.hasPrefix("error: -o: found no name; accepted: the name of a file or a folder\n"))
  }

  @Test(arguments: ["../../x", "a/b", "a: b", ".hidden", "", "é", String(repeating: "x", count: 251)])
  func `a preset's name is one that a file can have`(name: String) async throws {
    let outcome = try await Program().run("import", "docs/example-config.json", "--name", name)
    #expect(outcome.code == 64 && outcome.output == "")
    #expect(
      outcome.error.hasPrefix(
        "error: --name: found \"\(name.prefix(80))\"; accepted: at most 250 letters, digits, -, _ and .\n"),
      "\(outcome.error)")
  }

  @Test(arguments: [
    (["why", "scenarios/quickstart.yaml", "level9/encoder/attention"], "error: the model has no node \"level9/"),
    (["hardware", "show", "h2000"], "error: there is no hardware profile \"h2000\"; accepted: "),
  ])
  func `a wrong argument is complained of without a made-up place`(arguments: [String], complaint: String) async throws
  {
    let outcome = try await Program().run(arguments)
    #expect(outcome.code == 64 && outcome.error.split(separator: "\n").last?.hasPrefix(complaint) == true)
  }

  @Test func `a circle of presets is shown from link to link`() async throws {
    let program = try Program()
    try program.write("a.yaml", "model: {preset: b.yaml}\n")
    try program.write("b.yaml", "model: {preset: a.yaml}\n")
    let outcome = try await program.run("explain", "a.yaml")
    #expect(outcome.code == 64)
    #expect(
      outcome.error
        == "b.yaml:1:17: error: model.preset: the presets refer to each other in a circle: a.yaml → b.yaml → a.yaml\n")
  }

  @Test func `every mistake is said at once, in the order of the text`() async throws {
    let program = try Program()
    try program.write("s.yaml", "modle: 1\nmodel: {preset: photon-600m, heads: 7}\nworkload: {batch: 0}\n")
    let outcome = try await program.run("explain", "s.yaml")
    let places = outcome.error.split(separator: "\n").map { $0.split(separator: " ")[0] }
    #expect(outcome.code == 64 && places == ["s.yaml:1:1:", "s.yaml:2:37:", "s.yaml:3:19:"])
  }

  @Test(arguments: [
    ("workload.batch=0", "--set:1:16: error: workload.batch: found 0; accepted: an integer from 1 to 1048576\n"),
    (
      "workload.batsh=1",
      "--set:1:16: error: workload.batsh: unknown key; accepted: prompt, generate, batch, continuations; did you mean batch?\n"
    ),
    (
      "model.cache.retention=nonsense",
      "--set:1:23: error: model.cache.retention: found \"nonsense\"; accepted: everything, sliding-window, streaming, h2o, "
        + "snapkv, pyramidkv, chunked, cascading\n"
    ),
    (
      "model.levels[3].chunk=2",
      "--set:1:23: error: model.levels[3].chunk: there is nothing of this name to set; accepted: levels[1] to levels[2]\n"
    ),
    (
      "model.width.size=2",
      "--set:1:18: error: model.width.size: there is nothing of this name to set; accepted: a key of the model\n"
    ),
    (
      "batch",
      "--set:1:1: error: found \"batch\"; accepted: key=value with a dotted key, for example workload.batch=8 or "
        + "model.levels[1].chunk=[2,4]\n"
    ),
  ])
  func `a wrong override is placed inside the argument`(argument: String, complaint: String) async throws {
    let program = try Program()
    let outcome = try await program.run("explain", "scenarios/quickstart.yaml", "--set", argument)
    #expect(outcome.code == 64 && outcome.output == "" && outcome.error == complaint)
  }

  @Test(arguments: [
    ["explain"], ["nonsense"], ["explain", "scenarios/quickstart.yaml", "--format", "xml"],
    ["sweep", "scenarios/quickstart.yaml", "--threads", "0"],
    ["sweep", "scenarios/quickstart.yaml", "--threads", "99999999999999999999"],
    ["explain", "scenarios/quickstart.yaml", "--hardware", "gone"], ["hardware", "show", "gone"],
    ["why", "scenarios/quickstart.yaml", "level9/encoder/attention"], ["why", "scenarios/quickstart.yaml", ""],
  ])
  func `a wrong argument ends with 64 and no result`(arguments: [String]) async throws {
    let program = try Program()
    let outcome = try await program.run(arguments)
    #expect(outcome.code == 64 && outcome.output == "" && !outcome.error.isEmpty)
  }
}
