import Architectures
import Formulas
import Foundation
import Quantities
import Reference
import Scenarios
import Testing
import Validation

/// A published model: the keys of its config.json that count, its exact number of parameters, and who says so.
private struct PublishedModel: Decodable, CustomStringConvertible, Sendable {
  let name: String
  let total: Int
  let source: String
  let description: String
  let json: String

  private enum Key: String, CodingKey { case name, total, source }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    name = try values.decode(String.self, forKey: .name)
    total = try values.decode(Int.self, forKey: .total)
    source = try values.decode(String.self, forKey: .source)
    (description, json) = (name, "")
  }

  private init(_ other: PublishedModel, json: String) {
    (name, total, source, description) = (other.name, other.total, other.source, other.name)
    self.json = json
  }

  /// Tests/Goldens/family-totals.jsonl, a model a line.
  static let all: [PublishedModel] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Goldens/family-totals.jsonl")
    // A line that cannot be read ends the test process: the file is this test's own.
    return try! String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
      let model = try! JSONDecoder().decode(PublishedModel.self, from: Data(line.utf8))
      let config = line.firstRange(of: "\"config\": ")!.upperBound
      return PublishedModel(model, json: String(line[config...].dropLast()))
    }
  }()
}

struct FamilyTests {
  @Test(arguments: PublishedModel.all)
  fileprivate func `an imported family has the published number of parameters, on both sides`(
    _ published: PublishedModel
  ) throws {
    #expect(!published.source.isEmpty)
    let imported = try importHuggingFace(json: published.json, file: "\(published.name).json")
    #expect(imported.warnings.isEmpty)
    #expect(parameters(of: imported.model).total == Int128(published.total))
    #expect(ModelWeights(imported.model, seed: 0, holdsNumbers: false).parameterCount == Int128(published.total))
    let again = try Scenario(text: imported.yaml, file: "p.yaml", options: ScenarioOptions(checksHardware: false))
    #expect(again.grid.count == 1 && again.grid.models.first??.model == imported.model)
  }

  @Test func `models of every family are in the table`() throws {
    let types = Set(PublishedModel.all.compactMap { $0.json.firstMatch(of: /"model_type": "(\w+)"/)?.1 })
    #expect(
      types == [
        "gemma", "gemma2", "gemma3_text", "phi3", "falcon", "gpt2", "opt", "starcoder2", "granite", "olmo2", "smollm3",
        "llama", "mistral", "qwen2", "qwen3", "gpt_neox",
      ])
    #expect(PublishedModel.all.count == 53)
  }

  @Test func `formulas equal the executed layers of every style, on shapes and on numbers`() throws {
    let points = ExactGrid.styles
    #expect(points.count == 16 * 2 * 5 * 4)
    for allocates in [false, true] {
      let result = try validateExactly(points, allocates: allocates)
      #expect(result.points == points.count)
      #expect(result.mismatchCount == 0, "\(result.mismatches.map(\.description).joined(separator: "\n"))")
    }
  }

  /// Every kind of weight in another type, with scales for groups that divide nothing.
  private static let stored = Precision(
    weights: .int4, activations: .bf16, cache: .int8, embedding: .fp16, head: .fp8, norms: .fp32,
    groups: WeightGroups(size: 5, hasZeroPoints: true))

  @Test func `styles are read from memory as checkpoints store them`() throws {
    let result = try validateExactly(ExactGrid.styles.map { Question($0.model, $0.workload, Self.stored) })
    #expect(result.points == ExactGrid.styles.count)
    #expect(result.mismatchCount == 0, "\(result.mismatches.map(\.description).joined(separator: "\n"))")
  }

  @Test func `explained formulas of every style come to the exact counts`() throws {
    let questions = ExactGrid.styles
    for question in questions + questions.map({ Question($0.model, $0.workload, Self.stored) }) {
      let cost = try price(question)
      for phase in Phase.allCases {
        for node in question.model.nodes {
          let work = cost.work(at: node, in: phase)
          let lines = try explain(node, in: phase, question)
          for (name, value) in work.figures where name != "traffic_bytes" {
            let line = lines.first { $0.quantity == name }
            #expect((line?.value ?? 0) == value, "\(node) \(name): \(line?.symbolic ?? "no formula")")
          }
        }
      }
    }
  }

  /// Published shapes, executed on shapes alone: the biggest terms would hide a wrong small one.
  @Test func `a published model of every new family agrees with the formulas integer by integer`() throws {
    let smallest = [
      "gemma-2b", "gemma-2-2b", "gemma-3-270m", "gemma-3-1b", "phi-3-mini-4k", "phi-4-mini", "falcon-7b", "falcon-40b",
      "falcon-rw-1b", "gpt2", "opt-125m", "opt-350m", "starcoder2-3b", "granite-3.0-2b", "olmo-2-1b", "smollm3-3b",
      "qwen3-1.7b",
      "pythia-1.4b",
    ]
    var points: [Question] = []
    for name in smallest {
      let published = try #require(PublishedModel.all.first { $0.name == name })
      let model = try importHuggingFace(json: published.json, file: "config.json").model
      points.append(
        Question(
          model, Workload(promptLength: 700, generatedLength: 7, batchSize: 2), Precision(weights: .bf16)))
    }
    let result = try validateExactly(points)
    #expect(result.points == smallest.count)
    #expect(result.mismatchCount == 0, "\(result.mismatches.map(\.description).joined(separator: "\n"))")
  }
}
