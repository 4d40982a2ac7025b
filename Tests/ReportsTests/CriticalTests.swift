import Architectures
import Formulas
import Foundation
import Rendering
import Reports
import Scenarios
import Testing

/// A passkey of one digit for a vanilla model and a Block Transformer; one method at four budgets.
private let text = """
  name: c
  model: {architecture: vanilla, vocabulary: 32, width: 16, heads: 2, layers: 2, feed_forward: 32}
  train: {data: {passkey: {digits: 1, distance: 10, filler: 2}}, context: 32, batch: 8, steps: 20}
  quality_sweep:
    seeds: [1, 2]
    variants:
      - {name: vanilla}
      - name: Block
        set: {model.architecture: block, model.layers: null, model.levels: [{chunk: 4, condition: 2, encoder_layers: 1, decoder_layers: 1}]}
  cache_quality:
    sequences: 100
    methods:
      - name: streaming
        cache: {retention: streaming, sinks: 1, window: [3, 7, 11, 15], prefill_chunk: 1}
        official: {retention: streaming, sinks: 4, window: 65536, prefill_chunk: 16384}
  """

struct CriticalTests {
  private func plan() throws -> CriticalPlan { try CriticalPlan(scenario(text)) }

  /// Scores in per cent of a run's cases; everything kept, then the four windows; what is missing is not finished.
  private func results(_ plan: CriticalPlan, _ variant: String, _ scores: [Int: [Int]]) throws -> [CriticalResult] {
    try plan.quality.runs.filter { $0.variant.name == variant }.flatMap { run in
      try zip(plan.cases(of: run), scores[run.seed] ?? []).map { one, score in
        CriticalResult(
          run, kind: one.kind, method: one.method, text: one.text, score: Double(score) / 100, machine: "test")
      }
    }
  }

  private func report(_ plan: CriticalPlan, _ results: [CriticalResult]) async throws -> String {
    try await criticalReport(CriticalSubject(plan, results, command: "photon critical c", journal: "critical.jsonl"))
      .document.text
  }

  /// 31 tokens before the digit, and 16 before the half that is read on.
  @Test func `the prefill leaves a token, or a unit and what is open, for decode`() throws {
    let plan = try plan()
    #expect(plan.quality.runs.prefix(2).map { plan.task(of: $0).workload.promptLength } == [30, 24])
    #expect(plan.quality.runs.prefix(2).allSatisfy { plan.task(of: $0).promptLength == 31 })
    let read = try CriticalPlan(
      scenario(
        text.replacing(
          "passkey: {digits: 1, distance: 10, filler: 2}", with: "zipf_markov: {symbols: 4, successors: 2}")))
    #expect(read.quality.runs.prefix(2).map { read.task(of: $0).workload.promptLength } == [15, 12])
    #expect(read.quality.runs.prefix(2).allSatisfy { read.task(of: $0).isText && read.task(of: $0).promptLength == 16 })
  }

  @Test func `a text is scored by the bits that it saves, and is known where it saves any`() async throws {
    let plan = try CriticalPlan(
      scenario(
        text.replacing(
          "passkey: {digits: 1, distance: 10, filler: 2}", with: "zipf_markov: {symbols: 4, successors: 2}")))
    func results(_ bits: [Double]) throws -> [CriticalResult] {
      try plan.quality.runs.filter { $0.variant.name == "vanilla" }.flatMap { run in
        try zip(plan.cases(of: run), bits).map { one, bits in
          CriticalResult(
            run, kind: one.kind, method: one.method, text: one.text, score: 1 - bits / 4,
            bits: (model: bits, unigram: 4), machine: "test")
        }
      }
    }
    let known = try await report(plan, results([2, 2.6, 2.1, 2, 2]))
    #expect(known.contains("vanilla**: 2.00 bits per token where frequencies alone give 4.00, a score of 50.0"))
    let unknown = try await report(plan, results([4.5]))
    #expect(
      unknown.contains("vanilla**: not learnt. A score of 0 is what the frequencies of tokens alone give; it has"))
  }

  @Test func `official lengths are scaled with the context, shares and kernels are not`() throws {
    let plan = try plan()
    let cases = try plan.cases(of: plan.quality.runs[0])
    #expect(cases.map(\.kind) == [.full, .budget, .budget, .budget, .budget, .official, .scaled])
    // 32/131072 of 65536 and 16384; of 4 sinks none is left.
    #expect(
      cases[6].text
        == "{retention: streaming, sinks: 0, window: 16, positions: cache, evicts: behind, prefill_chunk: 4}")
    #expect(cases[5].keepsEverything && !cases[6].keepsEverything && cases[5].footprint?.footprint == 1)
    let chunked = StackCache(
      CachePlan(retention: .chunked(ChunkedEviction(budgets: .pyramid, sparsity: 0.7, window: 64, kernel: 7))),
      prefillChunk: 32_768)
    let scaled = StackCache(
      CachePlan(retention: .chunked(ChunkedEviction(budgets: .pyramid, sparsity: 0.7, window: 1, kernel: 7))),
      prefillChunk: 32)
    #expect(chunked.scaled(by: 1.0 / 1024) == scaled)
  }

  /// Before token τ ≥ 1 + W of 32 a window W and a sink hold 1 + W; with its own 2 + W.
  @Test func `both readings are read off the footprints of hand-made scores`() async throws {
    let plan = try plan()
    func footprint(_ window: Int) -> Double {
      Double((0..<32).reduce(0) { $0 + min($1, 1 + window) + 1 }) / Double(32 * 33 / 2)
    }
    let run = plan.quality.runs[0]
    #expect(try plan.cases(of: run)[1...4].map { $0.footprint!.footprint } == [3, 7, 11, 15].map(footprint))
    let good = try results(plan, "vanilla", [1: [100, 50, 95, 80, 100], 2: [100, 50, 95, 80, 100]])
    let text = try await report(plan, good)
    // 90 lies 40/45 of the way from the first to the second, and half of the way from the third to the last.
    func fixed(_ value: Double) -> String { String(Int((value * 1000).rounded())) }
    let global = footprint(3) + 40.0 / 45 * (footprint(7) - footprint(3))
    let contiguous = footprint(11) + 0.5 * (footprint(15) - footprint(11))
    let (first, second) = ("0.\(fixed(global))", "0.\(fixed(contiguous))")
    let row = text.split(separator: "\n").first { $0.hasPrefix("| vanilla | streaming") }
    let cells = try #require(row).split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(cells[2...5] == [first, "\(first), \(first)", second, "\(second), \(second)"])
    #expect(text.contains("both readings differ for streaming (\(first) and \(second))"))
    #expect(text.contains("**Unfinished:** 10 of 28 answers"))
  }

  @Test func `a share of nothing learnt is no critical footprint`() async throws {
    let plan = try plan()
    // One seed of two has not learnt the task.
    let text = try await report(plan, results(plan, "Block", [1: [100, 100, 100, 100], 2: [94, 94, 94, 94]]))
    #expect(text.contains("Block**: not solved. With everything kept it finds"))
    #expect(text.contains("means nothing"))
  }
}
