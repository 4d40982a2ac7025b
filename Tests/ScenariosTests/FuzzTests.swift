import Foundation
import Scenarios
import Testing

/// SplitMix64: the same sequence everywhere.
private struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

struct FuzzTests {
  private static let fragments = [
    "[", "]", "{", "}", ":", ": ", ",", "- ", "&a ", "*a", "|", ">", "\"", "'", "#", "\n", "\n  ", "\t", "!!str ", "? ",
    "%",
    "---\n", "...\n", "0", "-1", "9223372036854775807", "9223372036854775808", "1e400", ".nan", "null", "~", "é",
    "\u{2028}", "\r\n",
    "levels: []", "preset: base", "{log2: [1, 1048576]}", "{linear: [0, 134217727, 1000000]}", "<<: ",
    "levels[16].chunk: 3",
    "[[[[", "4096", "0 ",
  ]

  /// Whatever is done to a scenario, it is read or refused with a message that begins with a place.
  @Test(arguments: 0..<8)
  func `mutated scenarios never crash and always name a place`(_ seed: Int) throws {
    let fixture = try Fixture.library()
    let seeds = try ["quickstart", "chunk-condition-sweep", "published-models", "models/photon-600m"].map {
      try String(contentsOfFile: "\(shipped)/\($0).yaml", encoding: .utf8).replacing(
        /photon-\w+|block-\w+|vanilla-[\w.]+/, with: "base")
    }
    var random = Seeded(state: UInt64(seed))
    for round in 0..<60 {
      var scalars = Array(seeds[round % seeds.count].unicodeScalars)
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0..<scalars.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: scalars.insert(contentsOf: Self.fragments.randomElement(using: &random)!.unicodeScalars, at: place)
        case 1: scalars.removeSubrange(place..<min(scalars.count, place + Int.random(in: 1...8, using: &random)))
        case 2: scalars[place] = Unicode.Scalar(UInt8.random(in: 1..<128, using: &random))
        default: scalars.append(contentsOf: scalars[place..<min(scalars.count, place + 20)])
        }
        if scalars.isEmpty { scalars = ["a"] }
      }
      let text = String(String.UnicodeScalarView(scalars))
      let complaint = fixture.complaints(text, figures: ["decode.time_per_token_s"])
      let isPlaced = complaint == "no complaint" || complaint.contains(/^(s|models\/[\w-]+)\.yaml(:\d+:\d+)?: error: ./)
      #expect(isPlaced, "seed \(seed), round \(round):\n\(text)\n\(complaint)")
    }
  }

  @Test func `random bytes are refused or read, never worse`() throws {
    let fixture = try Fixture()
    var random = Seeded(state: 2)
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0..<200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      try fixture.write("s.yaml", Data(bytes))
      #expect(throws: ScenarioError.self) { try Scenario(file: fixture.path + "/s.yaml") }
    }
  }

  @Test func `overrides of any text are applied or refused`() throws {
    let fixture = try Fixture.library()
    var random = Seeded(state: 3)
    let keys = [
      "model", "model.width", "model.levels", "model.levels[1]", "model.levels[1].chunk", "workload", "name", "a.b", "",
    ]
    for _ in 0..<300 {
      let value = (0..<3).map { _ in Self.fragments.randomElement(using: &random)! }.joined()
      let argument = keys.randomElement(using: &random)! + "=" + value
      let complaint = fixture.complaints("model: {preset: base}\n", overrides: [argument])
      #expect(complaint == "no complaint" || complaint.contains(": error: "), "\(argument): \(complaint)")
    }
  }
}

/// What stands where something else is due.
struct MisplacedTests {
  private static let keys = [
    "name", "model", "model.architecture", "model.vocabulary", "model.width", "model.heads", "model.key_value_heads",
    "model.head_width", "model.feed_forward", "model.feed_forward_kind", "model.layers", "model.tied_head",
    "model.levels", "model.levels[1].chunk", "model.levels[1].condition", "model.levels[1].chunker",
    "model.levels[1].cache", "model.decoder_input", "model.generation", "model.retain_conditions", "model.cache",
    "model.cache.retention", "model.cache.budget", "model.cache.roles", "model.cache.prefill_chunk", "model.preset",
    "workload", "workload.prompt", "workload.generate", "workload.batch", "workload.continuations", "precision",
    "precision.weights", "precision.cache", "hardware", "devices", "parallelism", "parallelism.tensor", "compare",
    "constraints", "objective", "objective.minimise", "objective.subject_to", "quality", "measure", "measure.points",
    "measure.threads", "measure.slices", "measure.sample", "train", "train.data", "train.data.text", "train.steps",
    "train.data.recall", "published", "quality_sweep", "quality_sweep.variants", "quality_sweep.data",
    "quality_sweep.seeds", "cache_quality", "cache_quality.methods", "critical", "critical.data", "timed", "replayed",
    "replayed.nodes",
  ]
  private static let values = [
    "{linear: [1, 9, 3], log2: [1, 8]}", "{linear: [], log2: []}", "{linear: 3}", "{log2: {}}", "{linear: [a, b, c]}",
    "{}", "[]", "[[]]", "[{}]", "[3]", "{a: b}", "word", "-1", "0", "9223372036854775807", "-9223372036854775808",
    "4611686018427387847", "true", "\"\"", "[~]", "{linear: [1, 9, 3]}",
  ]

  /// A reader that makes nothing has said why: otherwise a section would be read as if it were absent, or a grid be
  /// missing where a program goes on.
  @Test(arguments: keys)
  func `whatever stands at a key is read or refused at its place, and in time`(_ key: String) throws {
    let fixture = try Fixture.library()
    let start = ContinuousClock.now
    for value in Self.values {
      let complaint = fixture.complaints("model: {preset: base}\n", overrides: ["\(key)=\(value)"])
      let lines = complaint.split(separator: "\n")
      let isPlaced = lines.allSatisfy { $0.contains(/^(--set|s\.yaml|models\/[\w-]+\.yaml)(:\d+:\d+)?: error: ./) }
      #expect(complaint == "no complaint" || isPlaced, "\(key)=\(value):\n\(complaint)")
      #expect(!complaint.contains("cannot be read"), "a reader makes nothing of \(key)=\(value) and says nothing")
    }
    #expect(ContinuousClock.now - start < .seconds(10))
  }
}
