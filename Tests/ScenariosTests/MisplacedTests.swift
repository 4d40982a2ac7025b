import Scenarios
import Testing

/// What stands where something else is due.
struct MisplacedTests {
  private static let keys = [
    "name", "model", "model.architecture", "model.vocabulary", "model.width", "model.heads", "model.key_value_heads",
    "model.head_width", "model.feed_forward", "model.feed_forward_kind", "model.layers", "model.tied_head",
    "model.norm", "model.rotated_width", "model.score_cap", "model.learned_positions", "model.levels",
    "model.levels[1].chunk", "model.levels[1].condition", "model.levels[1].chunker",
    "model.levels[1].cache", "model.decoder_input", "model.generation", "model.retain_conditions", "model.cache",
    "model.cache.retention", "model.cache.budget", "model.cache.roles", "model.cache.prefill_chunk", "model.preset",
    "workload", "workload.prompt", "workload.generate", "workload.batch", "workload.continuations", "precision",
    "precision.weights", "precision.cache", "precision.preset", "precision.head", "precision.group_size",
    "precision.zero_points", "capacity", "capacity.engine", "capacity.memory_share", "capacity.step_tokens", "hardware",
    "devices", "parallelism", "parallelism.tensor", "compare",
    "constraints", "objective", "objective.minimise", "objective.subject_to", "objective.must_fit", "quality",
    "measure", "measure.points",
    "measure.threads", "measure.slices", "measure.sample", "train", "train.data", "train.data.text", "train.steps",
    "train.data.recall", "published", "quality_sweep", "quality_sweep.variants", "quality_sweep.data",
    "quality_sweep.seeds", "cache_quality", "cache_quality.methods", "critical", "critical.data", "timed", "replayed",
    "replayed.nodes", "serving", "serving.scheduler", "serving.arrivals", "serving.prompt", "serving.memory",
    "serving.memory.swap", "serving.disaggregation", "serving.prefixes", "serving.trace", "serving.limits",
    "serving.trim", "serving.price",
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
