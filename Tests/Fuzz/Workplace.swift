import Foundation
import Subprocess

/// How a command ended.
struct Outcome {
  /// The exit code; 128 and the signal's number where a signal ended it.
  let code: Int
  let output: String
  let error: String
  let timedOut: Bool

  /// Why there is no answer at all: how a process died, and at which line; nil where it ended by itself.
  var death: String? {
    if timedOut || code == Int(Watch.code) { return "no end in \(Workplace.timeLimit) s" }
    guard code > 128 else { return nil }
    let line = error.firstMatch(of: #/(?:Sources|Tests)/\S+\.swift:[0-9]+/#).map { " at \($0.0)" }
    return "signal \(code - 128)\(line ?? ": \(error.suffix(300))")"
  }
}

/// A folder with what the program needs to be asked, and the limits under which it answers.
struct Workplace {
  /// The checkout.
  let repository: String
  /// Where files are written; `scenarios` and `docs` of the checkout are linked there.
  let folder: String
  /// The built program.
  let program: String

  /// Of the processor: a machine that does something else too takes longer.
  /// - Unit: s
  static let timeLimit = 20
  /// Seconds by the clock for each of the processor, for what waits for ever. Chosen: three that share two cores with
  /// a busy machine.
  static let patience = 9
  /// - Unit: byte
  static let memoryLimit = 1_500_000_000

  /// A new folder.
  init(repository: String, program: String) throws {
    (self.repository, self.program) = (repository, program)
    folder = FileManager.default.temporaryDirectory.appending(path: "photon-fuzz-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in ["scenarios", "docs"] {
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/" + name, withDestinationPath: repository + "/" + name)
    }
  }

  /// The folder of another process.
  init(repository: String, program: String, folder: String) {
    (self.repository, self.program, self.folder) = (repository, program, folder)
  }

  func remove() throws { try FileManager.default.removeItem(atPath: folder) }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(filePath: folder + "/" + name))
  }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true)
  }

  /// Everything in the folder, files of folders included; links are not followed.
  func names() throws -> Set<String> { Set(try FileManager.default.subpathsOfDirectory(atPath: folder)) }

  func run(_ arguments: [String]) async throws -> Outcome { try await run(program, arguments, limit: Self.timeLimit) }

  /// Runs any program in the folder, for so many seconds of the processor and in so much memory.
  func run(_ program: String, _ arguments: [String], limit: Int) async throws -> Outcome {
    let script =
      "cd \"$0\" && ulimit -d \(Self.memoryLimit >> 10) && ulimit -t \(limit) && exec timeout -s KILL \(Self.patience * limit) \"$@\""
    let result = try await Subprocess.run(
      .name("sh"), arguments: Arguments(["-c", script, folder, program] + arguments),
      environment: .inherit.updating([
        "PHOTON_HOME": repository, "HOME": folder, "XDG_CONFIG_HOME": nil,
        "SWIFT_BACKTRACE": "enable=yes,color=no,interactive=no,threads=crashed,limit=64,registers=none,images=none",
      ]), output: .bytes(limit: 256 << 20), error: .bytes(limit: 64 << 20))
    let code =
      switch result.terminationStatus {
      case .exited(let code): Int(code)
      case .signaled(let signal): 128 + Int(signal)
      }
    return Outcome(
      code: code, output: String(decoding: result.standardOutput, as: UTF8.self),
      error: String(decoding: result.standardError, as: UTF8.self),
      timedOut: [SIGKILL, SIGXCPU].map { 128 + Int($0) }.contains(code))
  }

  private static let tiny = """
    name: tiny
    model:
      architecture: photon
      vocabulary: 257
      width: 16
      heads: 2
      feed_forward: 32
      levels: [{chunk: 2, condition: 2, encoder_layers: 1, decoder_layers: 1}]
    workload: {prompt: 8, generate: 4}
    precision: {weights: fp32, activations: fp32, cache: fp32}
    measure: {repetitions: 1, warmup: 0, threads: 1, doubled: false}
    train: {data: {zipf_markov: {symbols: 8, successors: 2}}, context: 16, batch: 1, steps: 2, threads: 1}

    """

  /// Makes what inputs are made of: a checkpoint, rows of `photon measure`, and the journal of a measured sweep.
  /// - Throws: `Failed` where the program does not.
  func makeSeeds() async throws {
    try write("tiny.yaml", Array(Self.tiny.utf8))
    let slices = ", slices: [{vary: [workload.batch]}]}"
    let swept = Self.tiny.replacing("prompt: 8,", with: "prompt: 8, batch: [1, 2],").replacing(
      "doubled: false}", with: "doubled: false" + slices)
    try write("swept.yaml", Array(swept.utf8))
    // A profile that is there is not calibrated.
    try makeFolder("swept")
    try write("swept/profile.yaml", Seeds.bytes(repository + "/scenarios/hardware/h200-sxm.yaml"))
    for arguments in [
      ["train", "tiny.yaml", "-o", "trained"], ["report", "swept.yaml", "-o", "swept"],
      ["measure", "tiny.yaml", "--calibration", "h200-sxm", "-o", "timed.csv"],
    ] {
      // No input is tried here, so that it may take its time.
      let outcome = try await run(program, arguments, limit: 10 * Self.timeLimit)
      // A machine that does something else too has measured as well.
      if ![0, 75].contains(outcome.code) {
        throw Failed(description: "photon \(arguments.joined(separator: " ")): \(outcome.error)")
      }
    }
    for name in ["checkpoint", "numbers"] {
      try FileManager.default.copyItem(
        atPath: folder + "/trained/checkpoint-00000002", toPath: folder + "/" + name)
    }
    try FileManager.default.copyItem(
      atPath: folder + "/numbers/checkpoint.json", toPath: folder + "/numbers/good.json")
    for name in ["checkpoint.json", "model.safetensors"] {
      try FileManager.default.copyItem(atPath: folder + "/checkpoint/" + name, toPath: folder + "/" + name)
    }
  }
}

/// Why nothing could be tried.
struct Failed: Error, CustomStringConvertible { let description: String }
