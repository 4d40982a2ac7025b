import Architectures
import Foundation
import Scenarios
import TestModels
import Testing

struct PresetTests {
  private let sound =
    "model: {architecture: vanilla, vocabulary: 100, width: %, heads: 4, feed_forward: 128, layers: 2}\n"

  private func width(_ fixture: Fixture, _ file: String, searchPaths: [String] = []) throws -> Int? {
    try Scenario(
      file: fixture.path + "/" + file, options: .init(searchPaths: searchPaths, checksHardware: false)
    ).grid.point(at: 0)?.model.layer.width
  }

  @Test func `presets are looked for beside the scenario, then in models, then beside its folder, then where told`()
    throws
  {
    func preset(_ width: Int) -> String { sound.replacing("%", with: "\(width)") }
    let fixture = try Fixture([
      ("a/b/s.yaml", "model: {preset: p}\n"), ("shipped/p.yaml", preset(4)),
    ])
    #expect(throws: ScenarioError.self) { try width(fixture, "a/b/s.yaml") }
    #expect(try width(fixture, "a/b/s.yaml", searchPaths: [fixture.path + "/shipped"]) == 4)
    for (file, width) in [
      ("shipped/models/p.yaml", 8), ("a/models/p.yaml", 12), ("a/b/models/p.yaml", 16), ("a/b/p.yaml", 20),
    ] {
      try fixture.write(file, Data(preset(width).utf8))
      #expect(try self.width(fixture, "a/b/s.yaml", searchPaths: [fixture.path + "/shipped"]) == width)
    }
  }

  @Test func `a preset may be named by its path`() throws {
    let fixture = try Fixture([
      ("s.yaml", "model: {preset: ./other/p.yaml}\n"), ("other/p.yaml", sound.replacing("%", with: "24")),
    ])
    #expect(try width(fixture, "s.yaml") == 24)
  }

  @Test func `a preset refers to presets from its own place and overrides them`() throws {
    let fixture = try Fixture([
      ("s.yaml", "model: {preset: other/outer.yaml, layers: 7}\n"),
      ("other/outer.yaml", "model: {preset: inner, width: 32, layers: 5}\n"),
      ("other/inner.yaml", sound.replacing("%", with: "16")),
    ])
    let model = try #require(
      try Scenario(file: fixture.path + "/s.yaml", options: .init(checksHardware: false)).grid.point(at: 0)
    ).model
    #expect(model.layer.width == 32 && model.layers == 7 && model.vocabulary == 100)
  }

  @Test func `nothing as a value takes a preset's key away`() throws {
    let fixture = try Fixture.library()
    let text = "model: {preset: base, architecture: vanilla, levels: null, layers: 3}\n"
    let scenario = try Scenario(text: text, file: fixture.path + "/s.yaml")
    #expect(scenario.grid.point(at: 0)?.model.family == .vanilla)
    #expect(scenario.grid.point(at: 0)?.model.layers == 3)
  }

  @Test func `a model that is written and read again is the same`() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: shipped + "/models").sorted()
    var models = try files.map { try model(String($0.dropLast(5))) }
    let layer = LayerShape(
      width: 96, heads: 6, keyValueHeads: 3, headWidth: 10, feedForward: 50, feedForwardKind: .twoMatrix)
    let other = LayerShape(width: 48, heads: 4, keyValueHeads: 2, feedForward: 20)
    for reading in DecoderInput.allCases {
      for generation in Generation.allCases {
        let levels = [(layer, ChunkerKind.linear), (other, .convolution), (layer, .linear)].map { layer, chunker in
          LevelShape(
            chunkLength: 3, conditionLength: 5, layer: layer, encoderLayers: 2, decoderLayers: 1, chunker: chunker)
        }
        models.append(
          Model.photon(
            vocabulary: 300, layer: layer, tiedHead: true, levels: levels, decoderInput: reading,
            generation: generation, retainConditions: generation == .recursive))
      }
    }
    #expect(models.count == 57)
    for model in models {
      let text = ModelText.render(model, name: "again", comments: ["A comment."])
      let scenario = try Scenario(text: text, file: "again.yaml", options: .init(checksHardware: false))
      #expect(scenario.grid.point(at: 0)?.model == model)
    }
  }

  @Test(arguments: Retention.Method.allCases)
  func `a cache that is written and read again is the same, in a preset and in a scenario`(
    method: Retention.Method
  ) throws {
    let layer = LayerShape(width: 48, heads: 4, keyValueHeads: 2, feedForward: 20)
    let level = LevelShape(
      chunkLength: 2, conditionLength: 1, layer: layer, encoderLayers: 3, decoderLayers: 1, chunker: .concatenation)
    for retention in retentions(method) {
      for exempt in [ExemptHeads.none, .heads(1), .firstLayers(2), .everyLayer(3), .roles(["10", "01", "10"])] {
        for var model in [
          Model.vanilla(vocabulary: 30, layer: layer, layers: 3), .block(vocabulary: 30, layer: layer, levels: [level]),
        ] {
          model.setCaches { _ in StackCache(CachePlan(retention: retention), exempt: exempt, prefillChunk: 4) }
          for text in [ModelText.render(model, name: "again"), "model: " + ModelText.flow(model)] {
            let scenario = try Scenario(text: text, file: "again.yaml", options: .init(checksHardware: false))
            #expect(scenario.grid.point(at: 0)?.model == model, "\(text)")
          }
        }
      }
    }
  }

  @Test func `roles are one value, and a list of them is an axis`() throws {
    func points(_ roles: String) throws -> [ExemptHeads?] {
      let cache = "cache: {retention: streaming, roles: \(roles)}"
      let text =
        "model: {architecture: vanilla, vocabulary: 9, width: 8, heads: 2, feed_forward: 8, layers: 2, \(cache)}"
      let grid = try Scenario(text: text, file: "s.yaml", options: .init(checksHardware: false)).grid
      return (0..<Int(grid.count)).map { grid.point(at: $0)?.model.cache(at: 0).exempt }
    }
    #expect(try points("[\"10\", \"10\"]") == [.roles(["10", "10"])])
    #expect(try points("[[\"10\", \"01\"], [\"11\", \"00\"]]") == [.roles(["10", "01"]), .roles(["11", "00"])])
  }
}
