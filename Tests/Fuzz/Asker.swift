import Architectures
import Formulas
import Foundation
import Scenarios

/// Asks the built program about inputs, as a person would, and looks at everything that it leaves.
struct Asker {
  /// What standard output holds after a success.
  private enum Shape { case text, json, table, lines }

  /// A command with what it may leave.
  private struct Question {
    let arguments: [String]
    var shape = Shape.text
    /// The file or folder that a success may leave or change.
    var output: String?
    /// Exit codes; only what measures may say that nothing is decided.
    var codes: Set<Int> = [0, 1, 64]
    /// Whether a second run answers the same.
    var isComputed = true
  }

  let workplace: Workplace
  /// Called before each command, for whoever watches that there is an end.
  let beat: () -> Void

  /// What is wrong with the answers about an input.
  func problems(of input: Input, _ random: inout Seeded) async throws -> [String] {
    let place = Workplace(
      repository: workplace.repository, program: workplace.program, folder: workplace.folder + "/asked")
    try? FileManager.default.removeItem(atPath: place.folder)
    try FileManager.default.createDirectory(atPath: place.folder, withIntermediateDirectories: true)
    for name in ["scenarios", "docs", "trained"] {
      let target = name == "trained" ? workplace.folder : workplace.repository
      try FileManager.default.createSymbolicLink(
        atPath: place.folder + "/" + name, withDestinationPath: target + "/" + name)
    }
    guard let questions = try questions(about: input, place, &random) else { return [] }
    var problems: [String] = []
    for question in questions {
      beat()
      problems += try await self.problems(of: question, input, place)
    }
    return problems
  }

  private func problems(of question: Question, _ input: Input, _ place: Workplace) async throws -> [String] {
    let before = try place.names()
    let outcome = try await place.run(question.arguments)
    var problems: [String] = []
    if let death = outcome.death { return [said(death, question)] }
    if !question.codes.contains(outcome.code) { problems.append("exit code \(outcome.code)") }
    let left = try place.names().subtracting(before).filter { name in
      guard let output = question.output else { return true }
      // What a cut line of a journal held is kept beside it.
      let isOwn = name == output || name == output + ".unreadable" || name.hasPrefix(output + "/")
      return !isOwn || outcome.code == 64 || name.contains(".partial")
    }
    if let name = left.sorted().first { problems.append("exit code \(outcome.code), but \(name) was left") }
    switch outcome.code {
    case 0: problems += wrong(outcome.output, question.shape).map { [$0] } ?? []
    case 64:
      if !outcome.output.isEmpty { problems.append("output beside exit code 64") }
      fallthrough
    default:
      // Who is not decided has said why beside the results.
      let place = outcome.code == 64 ? input.place : nil
      if outcome.code != 75, let problem = Laws.problem(of: outcome.error, place: place) {
        problems.append("\(problem): \(outcome.error.prefix(300))")
      }
    }
    if question.isComputed, question.output == nil {
      beat()
      if try await place.run(question.arguments).output != outcome.output {
        problems.append("another answer the second time")
      }
    }
    if question.arguments[0] == "sweep" {
      beat()
      let other = try await place.run(question.arguments + ["--threads", "3"])
      if other.output != outcome.output { problems.append("another answer with three threads") }
    }
    return problems.map { said($0, question) }
  }

  private func said(_ problem: String, _ question: Question) -> String {
    "\(question.arguments[0]): \(problem) [photon \(question.arguments.joined(separator: " "))]"
  }

  private func wrong(_ output: String, _ shape: Shape) -> String? {
    do {
      switch shape {
      case .text: break
      case .json: _ = try Laws.json(output)
      case .table: try Laws.table(output)
      case .lines: for line in output.split(separator: "\n") { _ = try Laws.json(String(line)) }
      }
      return nil
    } catch {
      return "\(error)"
    }
  }

  // MARK: Questions

  /// The commands that read a format; nil where the input would be another one on a command line.
  private func questions(
    about input: Input, _ place: Workplace, _ random: inout Seeded
  ) throws -> [Question]? {
    let file = input.format.fileName
    if input.format != .override { try place.write(file, input.bytes) }
    switch input.format {
    case .scenario: return scenario([file], input, &random)
    case .override:
      // An argument has neither NUL nor bytes that are no text, and none at all is not the scenario's business.
      guard let text = input.text, !text.contains("\0"), !text.isEmpty else { return nil }
      return scenario(["scenarios/quickstart.yaml", "--set=" + text], input, &random)
    case .hardware:
      let quick = ["scenarios/quickstart.yaml", "--hardware", file]
      return [
        Question(arguments: ["hardware", "check", file]),
        random.pick([
          Question(arguments: ["explain"] + quick + ["--format", "json"], shape: .json),
          Question(arguments: ["sweep"] + quick + ["--estimates"], shape: .table),
          Question(arguments: ["report"] + quick + ["--no-measure", "-o", "out"], output: "out"),
        ]),
      ]
    case .rows:
      return [
        Question(arguments: ["validate", "--measured", file, "--format", "json"], shape: .json),
        Question(arguments: ["calibrate", "--from", file, "-o", "fitted"], output: "fitted"),
      ]
    case .benchmark:
      let machine = ["--with", "model=llama-3.1-8b", "--profile", "h100-sxm"]
      return [
        Question(arguments: ["validate", "--measured", file, "--format", "json"] + machine, shape: .json),
        Question(arguments: ["calibrate", "--from", file, "-o", "fitted"] + machine, output: "fitted"),
      ]
    case .published, .quality:
      let section = input.format == .published ? "published: [\(file)]" : "quality: \(file)"
      let models = "model: [{preset: photon-600m}, {preset: vanilla-600m}]\nworkload: {prompt: 64, generate: 64}\n"
      try place.write("s.yaml", Array("\(models)\(section)\n".utf8))
      return [Question(arguments: ["report", "s.yaml", "--no-measure", "-o", "out"], output: "out")]
    case .configuration:
      return [
        Question(arguments: ["import", file, "--approximate"]),
        Question(arguments: ["import", file, "-o", "made.yaml"], output: "made.yaml"),
        Question(arguments: ["explain", "made.yaml", "--format", "json"], shape: .json),
      ]
    case .gguf:
      return [
        Question(arguments: ["import", file, "--approximate"]),
        Question(arguments: ["import", file, "-o", "made.yaml"], output: "made.yaml"),
      ]
    case .checkpoint, .safetensors: return try checkpoint(input, place)
    case .tokens:
      return [
        Question(arguments: [
          "evaluate", "trained", "--threads", "1", "--data", file, "--token-file", "--sequences", "0",
        ])
      ]
    case .runs, .answers, .measured:
      try place.makeFolder("out")
      try place.write("out/" + file, input.bytes)
      // Without the profile nothing was measured.
      try place.write("out/profile.yaml", Seeds.bytes(workplace.folder + "/swept/profile.yaml"))
      try place.write("swept.yaml", Seeds.bytes(workplace.folder + "/swept.yaml"))
      let command =
        switch input.format {
        case .runs: ["report", "scenarios/quality-sweep.yaml"]
        case .answers: ["critical", "scenarios/critical-footprint.yaml"]
        default: ["report", "swept.yaml"]
        }
      return [Question(arguments: command + ["--no-measure", "-o", "out"], output: "out", codes: [0, 1, 64, 75])]
    case .timed:
      try FileManager.default.copyItem(atPath: workplace.folder + "/tiny.yaml", toPath: place.folder + "/tiny.yaml")
      let arguments = ["measure", "tiny.yaml", "--calibration", "h200-sxm", "-o", file]
      return [Question(arguments: arguments, output: file, codes: [0, 1, 64, 75], isComputed: false)]
    }
  }

  private func checkpoint(_ input: Input, _ place: Workplace) throws -> [Question] {
    try FileManager.default.copyItem(atPath: workplace.folder + "/checkpoint", toPath: place.folder + "/made")
    try place.write("made/" + input.format.fileName, input.bytes)
    if input.format == .safetensors {
      // The reader of this process has signed the numbers.
      let signed = try Seeds.bytes(workplace.folder + "/numbers/checkpoint.json")
      try place.write("made/checkpoint.json", signed)
    }
    return [
      Question(arguments: ["evaluate", "made", "--threads", "1", "--limit", "512"]),
      Question(arguments: ["generate", "made", "--threads", "1", "--prompt", "abc", "--tokens", "8"]),
    ]
  }

  /// Points up to which a grid is a question of seconds.
  private static let askedPoints = 2000
  /// Parameters up to which weights are a question of seconds, and of less memory than the limit.
  private static let executedParameters: Int128 = 10_000_000

  private func scenario(_ arguments: [String], _ input: Input, _ random: inout Seeded) -> [Question] {
    let size = size(of: arguments, input)
    let explain = Question(arguments: ["explain"] + arguments + ["--format", "json"], shape: .json)
    let phase = random.pick(["prefill", "decode"])
    var others = [
      Question(arguments: ["explain"] + arguments),
      Question(arguments: ["explain"] + arguments + ["--format", "csv"], shape: .table),
      Question(arguments: ["why"] + arguments + ["--phase", phase, "--", random.pick(size.nodes)]),
      Question(arguments: ["compare", arguments[0], "scenarios/quickstart.yaml", "--format", "json"], shape: .json),
      Question(arguments: ["trace", "export"] + arguments + ["--phase", phase], shape: .json),
      Question(arguments: ["footprint"] + arguments),
    ]
    if size.points <= Self.askedPoints {
      others += [
        Question(arguments: ["sweep"] + arguments + ["--estimates"], shape: .table),
        Question(arguments: ["sweep"] + arguments + ["--format", "json"], shape: .lines),
        Question(arguments: ["report"] + arguments + ["--no-measure", "-o", "out"], output: "out", isComputed: false),
        Question(
          arguments: ["validate"] + arguments + ["--no-measure", "--scenario-only", "--format", "json"], shape: .json),
      ]
    }
    if size.parameters <= Self.executedParameters {
      let scenario = ["-s", arguments[0], "--threads", "1"] + arguments.dropFirst()
      others += [
        Question(arguments: ["generate"] + scenario + ["--prompt", "abc", "--tokens", "4"]),
        Question(
          arguments: ["evaluate"] + scenario + ["--data", "docs/README.md", "--limit", "64", "--sequences", "0"]),
      ]
    }
    others.shuffle(using: &random)
    return [explain] + others.prefix(3)
  }

  /// Points of the grid, parameters of its largest model and nodes of its first; no points where the scenario is refused.
  private func size(of arguments: [String], _ input: Input) -> (points: Int, parameters: Int128, nodes: [String]) {
    let options = ScenarioOptions(
      overrides: input.format == .override ? [input.text ?? ""] : [],
      searchPaths: [workplace.repository + "/scenarios"], checksHardware: false)
    // A refusal is asked for too: whatever it says, there is no grid.
    let scenario = try? Scenario(file: workplace.folder + "/asked/" + arguments[0], options: options)
    guard let grid = scenario?.grid, let model = grid.point(at: 0)?.model else {
      return (0, 0, ["level1/encoder/attention"])
    }
    let largest = grid.models.compactMap { $0.map { parameters(of: $0.model).total } }.max() ?? 0
    return (grid.count, largest, model.nodes.map(\.description))
  }
}
