import Foundation
import Testing

/// A process is killed at a seeded moment, and the same command then ends with the bytes of one that nothing disturbed.
///
/// `PHOTON_KILLS` is the number of moments of each command, `PHOTON_SEED` draws them; docs/reliability.md has figures.
struct KillTests {
  struct Subject: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let arguments: [String]
    /// What was measured, as it stands in the files.
    var measured: [String] = []
  }

  private static let tinySweep = """
    name: tiny
    model: {architecture: photon, vocabulary: 257, width: 16, heads: 2, feed_forward: 24, levels: [{chunk: 2, condition: 1, encoder_layers: 1, decoder_layers: 1}]}
    workload: {prompt: 16, generate: 16, batch: 8}
    hardware: h200-sxm
    train: {data: {zipf_markov: {symbols: 16, successors: 4}}, context: 16, batch: 4, steps: 12, threads: 1, evaluate_every: 4, checkpoint_every: 4}
    quality_sweep:
      seeds: [1, 2]
      jobs: 2
      variants:
        - {name: own}
        - {name: plain, set: {model.architecture: vanilla, model.layers: 2, model.levels: null}}

    """

  static let subjects = [
    Subject(
      testDescription: "sweep",
      arguments: [
        "sweep", "scenarios/quickstart.yaml", "-o", "rows.csv", "--set", "workload.prompt={linear: [1, 16384, 16384]}",
      ]),
    Subject(
      testDescription: "report", arguments: ["report", "scenarios/quickstart.yaml", "--no-measure", "-o", "out/report"]),
    Subject(
      testDescription: "train", arguments: ["train", "tiny.yaml", "-o", "run"], measured: ["\"tokens_per_s\":"]),
    Subject(
      testDescription: "quality report", arguments: ["report", "sweep.yaml", "-o", "out"],
      measured: ["\"tokens_per_s\":", "\"training_s\":"]),
  ]

  private static let environment = ProcessInfo.processInfo.environment
  private static let moments = environment["PHOTON_KILLS"].flatMap { Int($0) } ?? 2
  private static let seed = environment["PHOTON_SEED"].flatMap { UInt64($0) } ?? 1

  private static func prepared() throws -> Program {
    let program = try TrainTests.prepared()
    try program.write("sweep.yaml", tinySweep)
    return program
  }

  @Test(arguments: subjects)
  func `a command that is killed and called again leaves the bytes of one that was not`(subject: Subject) async throws {
    let whole = try Self.prepared()
    var moments = Moments(Self.moments)
    let undisturbed = try await moments.timed { try await whole.run(subject.arguments) }
    #expect(undisturbed.code == 0, "\(undisturbed.error)")
    let expected = try whole.files(without: subject.measured)
    for moment in 0..<Self.moments {
      var program = try Self.prepared()
      while try await program.killed(after: moments.delay(moment), subject.arguments).code != 128 + 9 {
        try moments.missed()
        program = try Self.prepared()
      }
      let outcome = try await program.completed(subject.arguments)
      let found = try program.files(without: subject.measured)
      let place = "moment \(moment) of seed \(Self.seed), after \(moments.last) s"
      #expect(outcome.code == 0, "\(place): \(outcome.error)")
      #expect(found.keys.sorted() == expected.keys.sorted(), "\(place)")
      for (name, bytes) in expected where found[name] != bytes {
        let lines = [bytes, found[name] ?? Data()].map { String(decoding: $0, as: UTF8.self).split(separator: "\n") }
        let first = zip(lines[0], lines[1]).first { $0 != $1 }
        Issue.record("\(place): \(name) is another one: \(first.map { "\($0)\n\($1)" } ?? "")")
      }
    }
    print("\(subject.testDescription): killed at \(Self.moments) moments of \(moments.seconds) s, seed \(Self.seed)")
  }

  /// When a command is killed.
  private struct Moments {
    private let count: Int
    private var random = Seeded(KillTests.seed)
    /// What the command takes, undisturbed.
    private(set) var seconds = 0.0
    private(set) var last = 0.0

    init(_ count: Int) { self.count = count }

    /// The command's end, and how long it took.
    mutating func timed(_ command: () async throws -> Program.Outcome) async throws -> Program.Outcome {
      let start = ContinuousClock.now
      let outcome = try await command()
      seconds = (ContinuousClock.now - start) / .seconds(1)
      return outcome
    }

    /// One moment in each part of the time.
    mutating func delay(_ moment: Int) -> Double {
      last = seconds * (Double(moment) + Double.random(in: 0..<1, using: &random)) / Double(count)
      return last
    }

    /// A run that has ended before its moment was faster than the one that was timed.
    mutating func missed() throws {
      seconds *= 0.8
      try #require(seconds > 0.01, "nothing to kill")
    }
  }

  @Test func `a calibration that is killed leaves the old profile, and called again a whole one`() async throws {
    let program = try Program()
    let arguments = ["calibrate", "--quick", "--threads", "1", "-o", "mine.yaml"]
    // It takes longer than all others together.
    let count = max(1, Self.moments / 2)
    var moments = Moments(count)
    #expect(try await moments.timed { try await program.run(arguments) }.code == 0)
    for moment in 0..<count {
      var old = try program.data("mine.yaml")
      while try await program.killed(after: moments.delay(moment), arguments).code != 128 + 9 {
        try moments.missed()
        old = try program.data("mine.yaml")
      }
      #expect(try program.data("mine.yaml") == old, "moment \(moment)")
    }
    #expect(try await program.run(arguments).code == 0)
    #expect(try await program.run("hardware", "check", "mine.yaml").code == 0)
    #expect(program.names == ["mine.yaml"])
    print("calibrate: killed at \(count) moments of \(moments.seconds) s, seed \(Self.seed)")
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same moments for the same seed.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

extension Program {
  /// Kills a command that takes longer.
  func killed(after seconds: Double, _ arguments: [String]) async throws -> Outcome {
    try await shell(
      """
      "$PHOTON" "$@" >/dev/null 2>&1 & pid=$!
      sleep \(seconds)
      kill -KILL $pid 2>/dev/null
      wait $pid
      """, arguments)
  }

  /// Calls a command until nobody else writes where it does: what a killed report has started may take a moment to end.
  func completed(_ arguments: [String]) async throws -> Outcome {
    for _ in 0..<100 {
      let outcome = try await run(arguments)
      guard outcome.code == 1, outcome.error.contains("writes there") else { return outcome }
      try await Task.sleep(for: .milliseconds(100))
    }
    return try await run(arguments)
  }

  /// Every file below the folder by its path, hidden ones included.
  /// - Parameter measured: what stands before numbers that are taken out; in a journal, lines come in any order then.
  func files(without measured: [String] = []) throws -> [String: Data] {
    var files: [String: Data] = [:]
    let all = FileManager.default.enumerator(atPath: folder)
    while let name = all?.nextObject() as? String {
      guard all?.fileAttributes?[.type] as? FileAttributeType == .typeRegular else { continue }
      files[name] = try data(name)
      if name.hasSuffix(".md"), !measured.isEmpty {
        // Tables end with what a run took.
        let lines = try read(name).replacing(#/\s+[0-9.]+\s(µs|ms|s)\s\|\n/#, with: " |\n")
        files[name] = Data(lines.utf8)
      }
      guard name.hasSuffix(".jsonl") else { continue }
      let lines = try read(name).split(separator: "\n").map { line in
        measured.reduce(String(line)) { line, key in
          guard let start = line.range(of: key)?.upperBound else { return line }
          return String(line[..<start] + line[start...].drop { $0 != "," && $0 != "}" })
        }
      }
      files[name] = Data(lines.sorted().joined(separator: "\n").utf8)
    }
    return files
  }
}
