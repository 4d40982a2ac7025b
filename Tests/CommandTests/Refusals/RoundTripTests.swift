import Foundation
import Testing

/// What one command writes, every other reads.
struct RoundTripTests {
  @Test(
    arguments: [nil, "null", "true", "1", "---", "-", "a.b", "_x", String(repeating: "n", count: 200)] as [String?])
  func `an imported preset is read by every command that takes a scenario`(name: String?) async throws {
    let program = try Program()
    for configured in ["org/Model-7B", "a b", "null", "<b>", "\u{1B}[31m", "=1", ""] {
      var object = try object(program.read("docs/example-config.json"))
      object["_name_or_path"] = configured
      object["num_hidden_layers"] = 1
      try program.write("config.json", String(decoding: JSONSerialization.data(withJSONObject: object), as: UTF8.self))
      let imported = try await program.run(
        ["import", "config.json", "-o", "preset.yaml"] + (name.map { ["--name=\($0)"] } ?? []))
      #expect(imported.code == 0, "\(imported.error)")
      for arguments in [
        ["explain"], ["sweep"], ["footprint"], ["compare", "preset.yaml"], ["why", "level0/decoder/attention"],
      ] {
        let outcome = try await program.run([arguments[0], "preset.yaml"] + arguments.dropFirst())
        #expect(outcome.code == 0, "\(arguments) of \(name ?? configured): \(outcome.error)")
        if name != nil { break }
      }
    }
  }

  @Test(arguments: ["a b", "it's", "null", "h200_sxm", "=1", "é", "UPPER.case", "x.y"])
  func `a profile under any name is shown, checked, used, and the same when it is written again`(name: String)
    async throws
  {
    let program = try Program()
    try program.write(
      "\(name).yaml",
      try program.read("scenarios/hardware/h200-sxm.yaml").replacing(/name: .*\n/, with: "")
        .replacing(/description: .*/, with: #"description: "\e[31m\u2028 = \"quoted\" \\ # no comment""#))
    let shown = try await program.run("hardware", "show", "./\(name).yaml")
    #expect(shown.code == 0 && !shown.output.contains("\u{1B}"), "\(shown.error)")
    try FileManager.default.createDirectory(atPath: program.folder + "/again", withIntermediateDirectories: true)
    try program.write("again/\(name).yaml", shown.output)
    let again = try await program.run("hardware", "show", "./again/\(name).yaml")
    #expect(again.output == shown.output, "\(again.error)")
    for command in [
      ["hardware", "check", "again/\(name).yaml"],
      ["explain", "scenarios/quickstart.yaml", "--hardware", "again/\(name).yaml"],
      ["sweep", "scenarios/quickstart.yaml", "--hardware", "again/\(name).yaml"],
    ] {
      let outcome = try await program.run(command)
      #expect(outcome.code == 0, "\(command): \(outcome.error)")
    }
  }

  @Test func `fitted profiles are read whatever the rows are called`() async throws {
    let program = try Program()
    let rows = (1...8).map {
      "llama-2-7b,h200-sxm,\"my engine: <b> 'x' =1\",bf16,\(100 * $0),64,\($0 * $0),\(6 + $0)\n"
    }
    try program.write(
      "rows.csv",
      "model,hardware,engine,precision,prompt,generated,concurrency,time_per_output_token_ms\n" + rows.joined())
    let fitted = try await program.run("calibrate", "--from", "rows.csv", "-o", "profiles")
    #expect(fitted.code == 0, "\(fitted.error)")
    let files = try FileManager.default.contentsOfDirectory(atPath: program.folder + "/profiles")
    #expect(files.count == 1)
    for file in files {
      let checked = try await program.run("hardware", "check", "profiles/\(file)")
      #expect(checked.code == 0, "\(checked.error)")
      let priced = try await program.run(
        "explain", "scenarios/models/llama-2-7b.yaml", "--hardware", "profiles/\(file)")
      #expect(priced.code == 0, "\(priced.error)")
      let validated = try await program.run("validate", "--measured", "rows.csv", "--profile", "profiles/\(file)")
      #expect(validated.code == 0, "\(validated.error)")
    }
  }
}
