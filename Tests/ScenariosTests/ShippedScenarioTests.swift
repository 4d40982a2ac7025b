import Architectures
import Foundation
import Quantities
import Scenarios
import Testing

/// The repository's `scenarios` directory.
let shipped = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "scenarios").path

func load(_ name: String, overrides: [String] = []) throws -> Scenario {
  try Scenario(file: "\(shipped)/\(name).yaml", options: .init(overrides: overrides))
}

func model(_ preset: String) throws -> Model {
  try #require(try load("models/\(preset)").grid.point(at: 0)).model
}

struct ShippedScenarioTests {
  @Test func `every preset reads as a scenario of one point and has no problems`() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: shipped + "/models").sorted()
    #expect(files.count == 49)
    for file in files {
      let scenario = try load("models/\(file.dropLast(5))")
      #expect(scenario.grid.count == 1)
      #expect(scenario.name == file.dropLast(5))
      let point = try #require(scenario.grid.point(at: 0))
      #expect(point.model.problems == [])
      #expect(point.workload == Workload(promptLength: 2048, generatedLength: 128))
      #expect(point.precision == Precision(weights: .bf16, activations: .bf16, cache: .bf16))
    }
  }

  @Test func `every published cache reads as a scenario of one point and has no problems`() throws {
    let folder = shipped + "/caches"
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }
    #expect(files.count == 23)
    for file in files {
      let scenario = try Scenario(file: "\(folder)/\(file)", options: .init(searchPaths: [shipped]))
      #expect(scenario.name == URL(filePath: file).deletingPathExtension().lastPathComponent)
      let point = try #require(scenario.grid.point(at: 0))
      #expect(scenario.grid.count == 1 && point.model.problems == [] && !point.model.hasFullCaches)
    }
  }

  @Test func `PHOTON 600M is the model of the paper's size table`() throws {
    let layer = LayerShape(width: 1664, heads: 32, feedForward: 4096)
    func level(_ chunker: ChunkerKind) -> LevelShape {
      LevelShape(
        chunkLength: 4, conditionLength: 2, layer: layer, encoderLayers: 4, decoderLayers: 4, chunker: chunker)
    }
    let expected = Model.photon(
      vocabulary: 32000, layer: layer, levels: [level(.concatenation), level(.linear)])
    #expect(try model("photon-600m") == expected)
  }

  @Test func `Llama 3.1 8B has eight key–value heads of width 128`() throws {
    let layer = LayerShape(width: 4096, heads: 32, keyValueHeads: 8, headWidth: 128, feedForward: 14336)
    #expect(try model("llama-3.1-8b") == Model.vanilla(vocabulary: 128_256, layer: layer, layers: 32))
  }

  @Test func `families of one size share depth and width`() throws {
    for size in ["600m", "900m", "1.2b", "small", "tiny"] {
      let (vanilla, block, photon) = try (model("vanilla-\(size)"), model("block-\(size)"), model("photon-\(size)"))
      #expect(vanilla.layer == block.layer && block.layer == photon.layer)
      for hierarchy in [block, photon] {
        #expect(hierarchy.levels.reduce(0) { $0 + $1.encoderLayers + $1.decoderLayers } == vanilla.layers)
      }
    }
  }

  @Test func `published models are nine models under two protocols`() throws {
    let grid = try load("published-models").grid
    #expect(grid.count == 18)
    #expect(grid.axes.map(\.path) == ["model", "workload"])
    let points = Array(grid.points)
    #expect(points.map(\.name).prefix(3) == ["vanilla-600m", "vanilla-600m", "vanilla-900m"])
    #expect(points[0].workload == Workload(promptLength: 2048, generatedLength: 128))
    #expect(points[1].workload == Workload(promptLength: 128, generatedLength: 2048))
    #expect(points[1].axisValues == ["vanilla-600m", "{prompt: 128, generate: 2048}"])
  }

  @Test func `the chunk and condition sweep covers both levels, contexts and batches`() throws {
    let grid = try load("chunk-condition-sweep").grid
    #expect(grid.count == 4 * 4 * 4 * 4 * 10 * 9)
    let last = try #require(grid.point(at: grid.count - 1))
    #expect(last.axisValues == ["16", "8", "16", "8", "1048576", "256"])
    #expect(last.model.levels.map(\.chunkLength) == [16, 16])
    #expect(last.workload == Workload(promptLength: 1_048_576, generatedLength: 128, batchSize: 256))
  }

  @Test func `the quickstart compares three small models`() throws {
    let scenario = try load("quickstart")
    #expect(scenario.grid.count == 6)
    #expect(scenario.compare.map(\.name) == ["block-small", "vanilla-small"])
    #expect(scenario.measure.repetitions == 3 && scenario.measure.fittedShare == 0.5 && scenario.measure.takesSigns)
    #expect(scenario.objective?.member == "decode.time_per_token_s")
    #expect(scenario.grid.point(at: 5)?.precision == .float32)
  }

  @Test func `every example of the format's page is a sound scenario`() throws {
    let page = try String(contentsOfFile: shipped + "/../docs/scenario-format.md", encoding: .utf8)
    let blocks = page.components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    #expect(blocks.count == 11)
    for block in blocks {
      let text = block.contains("model:") ? block : "model: {preset: photon-600m}\n" + block
      let scenario = try Scenario(text: text, file: shipped + "/page.yaml", options: .init(checksHardware: false))
      #expect(scenario.grid.points.contains { _ in true })
    }
  }
}
