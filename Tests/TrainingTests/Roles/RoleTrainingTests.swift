import Architectures
import Foundation
import Reference
import Tensors
import TestFolders
import Testing

@testable import Training

/// Gates of a tiny model that has learned nothing: what matters is where they go, not what is lost.
struct RoleTrainingTests {
  static let model = Model.vanilla(
    vocabulary: 16, layer: LayerShape(width: 16, heads: 4, keyValueHeads: 2, feedForward: 16), layers: 4)

  static var training: TrainingSettings {
    var settings = TrainingSettings()
    settings.data.recall = RecallTask(keys: 4, values: 4, pairs: 3)
    (settings.context, settings.batch, settings.steps, settings.warmup) = (16, 4, 10, 1)
    return settings
  }

  static func settings(_ method: RoleSettings.Method, steps: Int) -> RoleSettings {
    RoleSettings(
      method, sparsity: 0.5, sinks: 1, window: 2, steps: steps, batch: 4, learningRate: method == .pruLong ? 0.5 : 0.05)
  }

  static func run(_ settings: RoleSettings, state: RoleState? = nil) throws -> RoleTraining {
    RoleTraining(
      ModelWeights.untrained(model, seed: 1), settings, data: try training.loadData(vocabulary: 16, directory: "."),
      firstSequence: 40, state: state)
  }

  @Test func `PruLong's share of streaming heads follows its target, and the cache has as many`() throws {
    let run = try Self.run(Self.settings(.pruLong, steps: 120))
    let before = run.weights.tensors.map(\.tensor.elements)
    var last: [RoleStep] = []
    while !run.isFinished { last = last.suffix(39) + [try run.takeStep()] }
    let distance = last.reduce(0) { $0 + abs($1.sparsity - $1.target!) } / Double(last.count)
    // Less than one head of eight.
    #expect(distance < 1.0 / 8, "\(distance)")
    #expect(last[0].target == 0.5 * min(1, 80.0 / 96))
    #expect(run.roles.fullCount == 4)
    #expect(run.weights.tensors.map(\.tensor.elements) == before)
    let streaming = Streaming(sinks: 1, window: 2, positions: .text)
    #expect(run.cache == StackCache(CachePlan(retention: .streaming(streaming)), exempt: run.roles.exempt))
    var model = Self.model
    model.setCaches { _ in run.cache }
    #expect(model.problems.isEmpty)
  }

  @Test func `DuoAttention's gates go down from 1 and stay between 0 and 1`() throws {
    let run = try Self.run(Self.settings(.duoAttention, steps: 120))
    var objectives: [Double] = []
    while !run.isFinished { objectives.append(try run.takeStep().objective) }
    // All heads are full in the first step: nothing but 0.05 · 1.
    #expect(objectives[0] == 0.05)
    #expect(objectives.suffix(10).reduce(0, +) / 10 < 0.05)
    #expect(run.state.gates.allSatisfy { 0...1 ~= $0 } && run.state.gates.contains { $0 < 1 })
    #expect(run.roles.fullCount == 4)
  }

  @Test(arguments: RoleSettings.Method.allCases)
  func `training that is taken up again ends in the bits of training that was not interrupted`(
    method: RoleSettings.Method
  ) throws {
    let settings = Self.settings(method, steps: 12)
    let whole = try Self.run(settings)
    var part = try Self.run(settings)
    while !whole.isFinished { _ = try whole.takeStep() }
    while !part.isFinished {
      _ = try part.takeStep()
      if part.state.step % 5 == 0 {
        let stored = try JSONDecoder().decode(RoleState.self, from: JSONEncoder().encode(part.state))
        part = try Self.run(settings, state: stored)
      }
    }
    #expect(part.state == whole.state)
  }

  @Test func `a seed decides, and another one decides otherwise`() throws {
    func gates(_ seed: Int) throws -> [Double] {
      var settings = Self.settings(.pruLong, steps: 3)
      settings.seed = seed
      let run = try Self.run(settings)
      while !run.isFinished { _ = try run.takeStep() }
      return run.state.gates
    }
    #expect(try gates(1) == gates(1))
    #expect(try gates(1) != gates(2))
  }

  @Test func `what no roles can be learned from is refused with a reason`() {
    func problems(_ change: (inout RoleSettings) -> Void, _ model: Model = Self.model) -> [String] {
      var settings = Self.settings(.pruLong, steps: 3)
      change(&settings)
      return settings.problems(for: model, context: 16).map(\.description)
    }
    #expect(problems { _ in }.isEmpty)
    #expect(problems({ $0.sparsity = 1.5 }) == ["sparsity: 1.5; accepted: 0 to 1"])
    #expect(problems { ($0.window, $0.steps, $0.batch) = (0, 0, 0) }.count == 3)
    #expect(problems { $0.learningRate = .nan }.count == 1)
    #expect(
      problems { $0.window = 14 } == [
        "window: 1 sinks and a window of 14 where sequences have 16 tokens; accepted: together less than 15: otherwise a "
          + "streaming head sees everything and nothing is learned"
      ])
    #expect(
      problems({ _ in }, RunTests.model) == [
        "model: a photon model; accepted: a vanilla model: roles are of heads over tokens"
      ])
  }

  /// One for each kind of setting: an integer, a fraction, one that is a whole number, a flag, a word, rows.
  @Test func `a cache is read from JSON as it was written`() throws {
    let streaming = CachePlan(retention: .streaming(Streaming(sinks: 1, window: 2, positions: .text)))
    let chunked = ChunkedEviction(sparsity: 0.5, patched: true, window: 1, kernel: 1)
    let caches = [
      StackCache(streaming, exempt: .roles(["10", "01"])), StackCache(streaming, exempt: .heads(1), prefillChunk: 4),
      StackCache(streaming, exempt: .firstLayers(1)), StackCache(streaming, exempt: .everyLayer(2)),
      StackCache(CachePlan(retention: .chunked(chunked)), prefillChunk: 8),
      StackCache(CachePlan(retention: .chunked(ChunkedEviction(budgets: .pyramid, sparsity: 0)))),
      StackCache(CachePlan(entry: .quantised(Quantisation(format: .int4, group: 16)))), StackCache(prefillChunk: 3),
    ]
    for cache in caches {
      let written = try #require(CacheConfiguration(cache))
      let read = try JSONDecoder().decode(CacheConfiguration.self, from: JSONEncoder().encode(written))
      #expect(try read == written && read.cache() == cache)
    }
    #expect(CacheConfiguration(.full) == nil)
  }

  @Test func `a checkpoint carries its roles, and the cache of its model`() throws {
    let folder = URL(filePath: TestFolders.newPath())
    defer { try? FileManager.default.removeItem(at: folder) }  // A leftover only takes space.
    func write(_ files: [(name: String, content: Data)], _ name: String) throws -> String {
      let path = folder.appending(path: name)
      try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
      for file in files { try file.content.write(to: path.appending(path: file.name)) }
      return path.path()
    }
    let training = TrainingRun(
      Self.model, Self.training, data: try Self.training.loadData(vocabulary: 16, directory: "."))
    let plain = try Checkpoint.load(write(training.checkpointFiles(), "plain"))
    #expect(plain.metadata.roles == nil && plain.model.caches.isEmpty)
    let run = RoleTraining(
      plain.weights, Self.settings(.pruLong, steps: 2), data: training.data, firstSequence: 0)
    while !run.isFinished { _ = try run.takeStep() }
    let roles = LearnedRoles(run.settings, gates: run.state.gates, heads: 2)
    let files = try plain.files(with: roles, cache: run.cache)
    let stored = try Checkpoint.load(write(files, "roles"))
    #expect(stored.metadata.roles == roles && stored.model.cache(at: 0) == run.cache)
    #expect(stored.weights.tensors.map(\.tensor.elements) == plain.weights.tensors.map(\.tensor.elements))
    #expect(try stored.optimiser().stepCount == 0)

    /// The complaint about a file with one text in another's place.
    func complaint(_ text: String, _ other: String) throws -> String {
      let changed = files.map { name, content in
        let json = String(decoding: content, as: UTF8.self)
        return (name: name, content: name.hasSuffix("json") ? Data(json.replacing(text, with: other).utf8) : content)
      }
      let path = try write(changed, UUID().uuidString)
      do {
        _ = try Checkpoint.load(path)
        return "none"
      } catch {
        return error.description.replacing(path, with: "")
      }
    }
    #expect(
      try complaint("\"retention\" : \"streaming\"", "\"retention\" : \"steaming\"")
        == "/checkpoint.json: model.cache.retention: found an unknown method; accepted: "
        + Retention.Method.allCases.map(\.rawValue).joined(separator: ", "))
    #expect(
      try complaint("\"sinks\" : 1,\n      \"window\"", "\"sinkss\" : 1,\n      \"window\"")
        == "/checkpoint.json: model.cache: found settings that its methods do not have; accepted: those of docs/caches")
    #expect(
      try complaint("\"window\" : 2\n", "\"window\" : 0\n").hasPrefix(
        "/checkpoint.json: model.cache: found a setting of streaming missing or out of range"))
  }
}
