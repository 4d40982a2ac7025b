import Architectures
import Formulas
import Foundation
import Hardware
import Quantities
import Rendering
import Reports
import Scenarios
import Testing

/// The report's section about cache methods.
struct CacheMethodTests {
  private static let base = "vocabulary: 32, width: 16, heads: 2, feed_forward: 32"
  private static let vanilla = "architecture: vanilla, \(base), layers: 2"
  private static let block =
    "architecture: block, \(base), levels: [{chunk: 4, condition: 2, encoder_layers: 1, decoder_layers: 1}]"

  private static let text = """
    name: c
    model: {\(vanilla)}
    workload: {prompt: 256, generate: 16}
    compare:
      - {name: stream, \(vanilla), cache: {retention: streaming, sinks: 4, window: 60, prefill_chunk: 64}}
      - {name: heads, \(vanilla), cache: {retention: streaming, sinks: 4, window: 60, full_heads: 1, prefill_chunk: 64}}
      - {name: heavy, \(vanilla), cache: {retention: h2o, heavy: 8, recent: 8}}
      - {name: small entries, \(vanilla), cache: {retention: streaming, sinks: 4, window: 60, entry: quantised, format: int4, group: 8}}
      - {name: blocks, \(block)}
    """

  /// Trained models that stream, whatever their windows are.
  private static let tried = """
    name: t
    model: {\(vanilla)}
    train: {data: {passkey: {digits: 1, distance: 10, filler: 2}}, context: 32, batch: 8, steps: 20}
    quality_sweep:
      seeds: [1, 2]
      variants:
        - {name: vanilla}
        - {name: Block, set: {model: {\(block)}}}
    cache_quality:
      sequences: 100
      methods:
        - {name: a window, cache: {retention: streaming, sinks: 1, window: [3, 7], prefill_chunk: 1}}
    """

  /// 100, 50 and 95 % of the answers: everything kept, then the two windows.
  private func answers() throws -> CriticalSubject {
    let plan = try CriticalPlan(scenario(Self.tried))
    let results = try plan.tasks().flatMap { run, cases in
      zip(cases, [1, 0.5, 0.95]).map { one, score in
        CriticalResult(run, kind: one.kind, method: one.method, text: one.text, score: score, machine: "test")
      }
    }
    return try CriticalSubject(plan, results, command: "photon critical t", journal: "reports/t/critical.jsonl")
  }

  private func report(_ profiles: [HardwareProfile] = [machine], _ answers: CriticalSubject? = nil) async throws
    -> String
  {
    let subject = try ReportSubject(scenario(Self.text), on: profiles, command: "photon report c", answers: answers)
    return try await computedReport(subject).document.text
  }

  /// The row of the table about classes whose class or method begins so.
  private func cells(_ text: String, _ name: String) throws -> [String] {
    let rows = text.split(separator: "\n").map { line in
      line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    return try #require(
      rows.first { row in
        CacheClass.allCases.contains { row.first == $0.rawValue } && (row[0] == name || row[1].hasPrefix("`\(name)`"))
      })
  }

  @Test func `one table names class, guide, entries and the critical footprint of a small model kept alike`()
    async throws
  {
    let answers = try answers()
    let text = try await report([machine], answers)
    // 90 is 40/45 of the way from the first window to the second: before token τ a window W and a sink hold 1 + W.
    func footprint(_ window: Int) -> Double {
      Double((0..<32).reduce(0) { $0 + min($1, 1 + window) + 1 }) / Double(32 * 33 / 2)
    }
    let critical = footprint(3) + 40.0 / 45 * (footprint(7) - footprint(3))
    let expected = "0.\(Int((critical * 1000).rounded()))"
    #expect(text.contains("| class "))
    let stream = try cells(text, "stream")
    #expect(stream[0] == "recency eviction" && stream[1] == "`stream`: [streaming](../../docs/caches/streaming.md)")
    #expect(stream[2] == "as they are" && stream[6] == expected, "\(stream)")
    // Nobody tried heads apart, heavy hitters, or entries of other forms.
    for name in ["heads", "heavy", "small entries"] { #expect(try cells(text, name)[6] == "–") }
    #expect(try cells(text, "small entries")[2].hasPrefix("quantised, format int4"))
    #expect(try cells(text, "full attention")[6] == "1.000")
    let plan = try CriticalPlan(scenario(Self.tried))
    let block = try #require(plan.quality.runs.first { $0.variant.name == "Block" })
    let own = try #require(plan.cases(of: block)[0].footprint).footprint
    #expect(try cells(text, "blocks")[6] == "0.\(Int((own * 1000).rounded()))")
    #expect(try cells(text, "heads")[1] == "`heads`: [duo-attention](../../docs/caches/duo-attention.md)")
    #expect(try cells(text, "blocks")[1] == "`blocks`: [block](../../docs/models/block.md)")
    #expect(text.contains("still answers at a footprint of \(expected) (a window); Block holds 0."))
    #expect(text.contains("Of `heads`, `small entries`, `heavy` nothing was measured."))
    #expect(text.contains("[report](../t/report.md), `photon critical t`"))
    // Without answers there is no column.
    #expect(try await !report().contains("critical"))
  }

  /// The map's title says at how many places a hierarchy decodes fastest: counted again from priced points.
  @Test func `each machine has a map, and its title counts what prices say`() async throws {
    var slow = machine
    slow.name = "slow"
    slow.memoryBytes = 20_000_000
    let text = try await report([machine, slow])
    let given = try scenario(Self.text)
    let question = try #require(given.grid.point(at: 0)).question
    for profile in [machine, slow] {
      var (ahead, fitting) = (0, 0)
      for prompt in (11...20).map({ 1 << $0 }) {
        for batch in (0...9).map({ 1 << $0 }) {
          let asked = question.with(promptLength: prompt).with(batchSize: batch)
          func best(_ models: [Model]) throws -> Double? {
            try models.map { try TimedPoint(asked.asked(of: $0), on: profile) }
              .filter { $0.largestBatch.map { $0 >= batch } ?? true }
              .compactMap { $0.figures.timePerOutputToken?.value }.min()
          }
          let transformer = try best([question.model] + given.compare.dropLast().map(\.model))
          let hierarchy = try best([given.compare.last!.model])
          fitting += transformer != nil || hierarchy != nil ? 1 : 0
          if let hierarchy { ahead += transformer.map { hierarchy < $0 } ?? true ? 1 : 0 }
        }
      }
      #expect(
        text.contains(
          "![A hierarchy decodes fastest at \(ahead) of the \(fitting) batches and prompts that fit](fastest-\(profile.name).svg)"
        ),
        "\(profile.name)")
    }
  }
}
