import Architectures
import Foundation
import Rendering
import Reports
import Scenarios
import Testing

/// Reports about results that were made up, so that what they should say is known.
struct QualityFindingTests {
  private static let sweep = """
    name: q
    model:
      architecture: photon
      vocabulary: 257
      width: 32
      heads: 2
      feed_forward: 88
      levels:
        - {chunk: 2, condition: 2, encoder_layers: 1, decoder_layers: 1}
        - {chunk: 2, condition: 2, encoder_layers: 1, decoder_layers: 1}
    workload: {prompt: 32, generate: 32, batch: 4}
    train: {data: {zipf_markov: {}}, context: 32, batch: 8, steps: 400}
    quality_sweep:
      variants:
        - {name: own}
        - {name: vanilla, factor: family, set: {model.architecture: vanilla, model.layers: 4, model.levels: null}}
        - {name: long, factor: chunks, set: {"model.levels[1].chunk": 8}}
        - {name: deaf, factor: reading, set: {model.decoder_input: reconstruction}}
        - {name: untrained, factor: reading, set: {model.decoder_input: encoder-state}}
        - {name: brief, factor: tokens, tokens_of: vanilla}
    """

  /// A report of which model reaches which bits from two seeds, a hundredth apart.
  private func report(_ bits: [String: Double], divergence: Double = 0.5, seeds: ClosedRange<Int> = 1...2) async throws
    -> String
  {
    let plan = try QualityPlan(scenario(Self.sweep))
    let results = plan.runs.filter { seeds.contains($0.seed) }.compactMap { run -> QualityResult? in
      guard let mean = bits[run.variant.name] else { return nil }
      let stretch = QualityResult.Stretch(
        positions: 0...15, agreement: 0.5, divergence: divergence, hierarchicalBits: mean, recursiveBits: mean + 0.25,
        chunkCosine: 0.5, unrelatedCosine: 0.25)
      let hasTwoLevels = run.model.levelCount == 2
      return QualityResult(
        run, bits: mean + (run.seed == 1 ? 0.005 : -0.005), unigramBits: 4, exactBits: 1, curve: [(1000, mean)],
        stretches: hasTwoLevels ? [stretch] : [], accuracy: nil, recursiveAccuracy: nil, trainingSeconds: 60,
        machine: "made up")
    }
    let subject = try QualitySubject(plan, results, on: machine, command: "photon report q", journal: "runs.jsonl")
    return try await qualityReport(subject).document.text
  }

  private func finding(_ text: String, _ start: String) -> String? {
    text.split(separator: "\n").first { $0.hasPrefix("- **\(start)") }.map(String.init)
  }

  private static let all = ["own": 2.0, "vanilla": 1.5, "long": 2.5, "deaf": 3.99, "untrained": 1.9, "brief": 2.2]

  @Test func `a front leaves out what costs more and predicts worse`() async throws {
    let text = try await report(Self.all)
    let cache = try #require(finding(text, "By cache bytes"))
    // The dear and best first, then the encoder-state model, which runs one decoder less than `own`, then the cheapest.
    let names = ["vanilla (1.500", "untrained (1.900", "long (2.500"]
    let places = names.compactMap { cache.range(of: $0)?.lowerBound }
    #expect(places.count == 3 && places == places.sorted())
    #expect(!cache.contains("own (") && !cache.contains("deaf (") && !cache.contains("brief ("))
  }

  @Test func `differences have the interval of the pooled spread`() async throws {
    let chunks = try #require(finding(try await report(Self.all), "Chunks"))
    // Five models that have learnt, two seeds 0.01 apart each: s = 0.01/√2, and t(0.975; 5) = 2.570582.
    let half = 2.570582 * 0.01 / 2.0.squareRoot()
    #expect(chunks.contains("long is 0.500 ± \(String(format: "%.3f", half)) worse"))
    let close = try #require(finding(try await report(Self.all.merging(["long": 2.01]) { $1 }), "Chunks"))
    #expect(close.contains("0.010 ± 0.018 worse (not beyond the spread of seeds)"))
  }

  @Test func `a model that knows token frequencies alone is named, and neither it nor an untrained decoder is judged`()
    async throws
  {
    let text = try await report(Self.all)
    #expect(try #require(finding(text, "Not learnt")).contains("deaf ends at 3.990"))
    let recursive = try #require(text.components(separatedBy: "## Recursive generation").dropFirst().first)
    let rows = recursive.components(separatedBy: "\n## ")[0].split(separator: "\n").filter { $0.hasPrefix("| ") }
    #expect(rows.map { $0.split(separator: "|")[0].trimmingCharacters(in: .whitespaces) }.contains("own"))
    #expect(!rows.contains { $0.contains("deaf") || $0.contains("untrained") })
    #expect(recursive.contains("Left out: untrained"))
  }

  @Test func `a model that does without its top level is named`() async throws {
    let text = try await report(Self.all, divergence: 1e-9)
    #expect(try #require(finding(text, "Not learnt")).contains("own predicts the same whatever its top level says"))
    #expect(!text.contains("## Recursive generation"))
  }

  @Test func `a model with the tokens of another is held against that one`() async throws {
    let tokens = try #require(finding(try await report(Self.all), "At equal tokens"))
    #expect(tokens.contains("brief is 0.700 ± 0.018 worse than vanilla"))
  }

  @Test func `one seed gives neither intervals nor shares`() async throws {
    let text = try await report(Self.all, seeds: 1...1)
    #expect(!text.contains("±") && !text.contains("of draws") && text.contains("no spread is known"))
    #expect(text.contains("**Unfinished:** 6 of 12 runs"))
  }
}
