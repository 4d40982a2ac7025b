import Architectures
import Quantities
import TestModels
import Testing

@testable import Reference
@testable import Tensors

/// Chunked eviction in which the prompt's last queries look at every chunk (arXiv:2506.17121 §3).
struct PatchedLaws {
  static func model(_ plan: ChunkedEviction, chunk: Int, exempt: ExemptHeads = .none) -> Model {
    CacheModels.vanilla.with(CacheSubject(.chunked(plan), chunk: chunk, exempt: exempt).cache)
  }

  /// A walk over a whole prompt, pass by pass.
  static func walk(_ model: Model, prompt: Int, trace: Trace? = nil) -> CacheWalk {
    let walk = CacheWalk(model, prompt: prompt, trace: trace)
    for pass in CacheWalk.passes(model, prompt: prompt, generated: []) { walk.pass(pass.queries, isPrompt: true) }
    return walk
  }

  /// The operations of a prompt as the trace describes them, those of one layer, in order.
  static func operations(_ plan: ChunkedEviction, prompt: Int, chunk: Int) -> [String] {
    let trace = Trace(levelCount: 0, precision: .float32, listsOperations: true)
    let walk = walk(model(plan, chunk: chunk), prompt: prompt, trace: trace)
    #expect(walk.cache.nextPosition == prompt && walk.cache.lookahead == 0)
    return trace.operations.filter { $0.entry.layer == 0 }.map { "\($0.entry.operation)" }
      .filter { $0.hasPrefix("attention") || $0.hasPrefix("score") || $0.hasPrefix("move") }
  }

  /// P = 10, chunks of 6, s = 0.5, k = 2: the example of docs/caches/chunked-eviction.md.
  @Test func `a chunk has more rows than it moves on by, which vote for it and leave nothing`() {
    #expect(
      Self.operations(ChunkedEviction(sparsity: 0.5, patched: true, window: 2, kernel: 3), prompt: 10, chunk: 6) == [
        "attention 1 × 8 queries after 0 keys, 4 heads of 4 (persistent)",
        "scoreEntries 1 × 2 queries behind 6 entries, 4 heads (weights: own)", "moveEntries 1 of 2 × 8",
        "attention 1 × 4 queries after 5 keys, 4 heads of 4 (persistent)",
        "scoreEntries 1 × 2 queries for 4 entries, 4 heads (weights: own)", "moveEntries 2 of 2 × 8",
      ])
  }

  /// Rows of each pass, and how many entries are held at the end.
  @Test func `short chunks and prompts are what the definition makes of them`() {
    let cases: [(name: String, prompt: Int, chunk: Int, window: Int, rows: [Int], held: Int)] = [
      // ⌊0.5 · 6⌋ + 2 = 5 of the first six; the last chunk has one of its own to lose and keeps its window.
      ("a last chunk shorter than the window", 7, 6, 2, [8, 1], 5 + 1),
      // 5 of six, then max(⌊0.5 · 6⌋, 2) = 3 of the last six.
      ("a whole last chunk", 12, 6, 2, [8, 6], 5 + 3),
      ("one chunk", 6, 6, 2, [6], 3), ("one chunk that is longer than the prompt", 5, 9, 2, [5], 2),
      // ⌊0.5 · 3⌋ + 4 is more than three: all stay, but for the last chunk, which is naive: max(1, 4).
      ("chunks shorter than the window", 9, 3, 4, [7, 7, 3], 9),
      // All five tokens of the prompt look ahead, eight there are not.
      ("a prompt shorter than the window", 5, 2, 8, [7, 7, 1], 5),
    ]
    for one in cases {
      let plan = ChunkedEviction(sparsity: 0.5, patched: true, window: one.window, kernel: 3)
      let trace = Trace(levelCount: 0, precision: .float32, listsOperations: true)
      let walk = Self.walk(Self.model(plan, chunk: one.chunk), prompt: one.prompt, trace: trace)
      let rows = trace.operations.compactMap { operation -> [Int]? in
        guard operation.entry.layer == 0, case .attention(let shape) = operation.entry.operation else { return nil }
        return Array(repeating: shape.queries, count: operation.count)
      }
      #expect(rows.flatMap(\.self) == one.rows, "\(one.name)")
      #expect(walk.held(layer: 0).count == one.held, "\(one.name)")
    }
  }

  @Test func `heads that are exempt look ahead too and keep nothing of it`() {
    let plan = ChunkedEviction(sparsity: 0.5, patched: true, window: 2, kernel: 3)
    for exempt in [ExemptHeads.heads(1), .heads(2), .firstLayers(1)] {
      let walk = Self.walk(Self.model(plan, chunk: 4, exempt: exempt), prompt: 11)
      #expect(walk.held(layer: 0) == Array(0..<11))
      #expect(walk.cache.nextPosition == 11)
    }
  }

  /// The same votes for all: the lower positions of equal averages stay, in the middle of the candidates.
  @Test func `where attention is even the patched form keeps the window beside its share`() {
    let plan = ChunkedEviction(sparsity: 0.5, patched: true, window: 1, kernel: 3)
    let walk = VoteLaws.evenly(.chunked(plan), prompt: 13, chunk: 6)
    for queries in [6, 6, 1] { walk.pass(queries, isPrompt: true) }
    // ⌊0.5 · 6⌋ of the candidates 0 … 4, whose ends are averaged with nothing, and the window.
    VoteLaws.expect(walk, holds: [1, 2, 3, 5, 7, 8, 9, 11, 12])
  }

  /// Seven entries of twelve stay either way: ⌊0.6 · 12⌋ of them, or ⌊0.45 · 12⌋ and a window of two.
  @Test func `who votes decides what stays`() {
    let sets = [
      ChunkedEviction(sparsity: 0.4, window: 2, kernel: 1),
      ChunkedEviction(sparsity: 0.55, patched: true, window: 2, kernel: 1),
    ].map { plan in
      Self.walk(Self.model(plan, chunk: 12), prompt: 24).positions.flatMap { $0[0].map { $0.filter { $0 < 12 } } }
    }
    #expect(sets.allSatisfy { $0.allSatisfy { $0.count == 7 } })
    #expect(sets[0] != sets[1])
  }

  // MARK: Whose softmax

  /// Positions that are held once a prompt of 24 has been read in eights: six of each eight, three of them voted for.
  static func held(patched: Bool, window: Int, of plain: Model, _ softmax: CacheOracle.ChunkSoftmax) -> [[[Int]]] {
    let share = patched ? 6 - window : 6
    let plan = ChunkedEviction(
      sparsity: 1 - (Double(share) + 0.5) / 8, patched: patched, window: window, kernel: 1)
    let model = plain.with(CacheSubject(.chunked(plan), chunk: 8).cache)
    let tokens = CacheWalk.tokens(0..<24, group: 0)
    let weights = ModelWeights(model, seed: 3, holdsNumbers: true)
    // Queries so long that their attention is uneven.
    for layer in weights.stack.layers {
      for index in 0..<CacheModels.layer.queryWidth * 16 { layer.queryKeyValue.weight.base![index] *= 32 }
    }
    let oracle = CacheOracle(weights, prompt: tokens, chunkSoftmax: softmax)
    for start in stride(from: 0, to: 24, by: 8) {
      _ = oracle.pass(Array(tokens[start..<start + 8]), isPrompt: true)
    }
    #expect(oracle.closest > 0x1p-16, "votes so close that rounding decides")
    return oracle.positions
  }

  /// A common denominator changes no order, so one voter of one head votes alike in both forms; each of several has a
  /// denominator of its own.
  @Test(arguments: [false, true])
  func `a softmax over the keys of a chunk is not one over all keys`(patched: Bool) {
    let grouped = CacheModels.vanilla
    var single = grouped
    single.layer.keyValueHeads = single.layer.heads
    func agree(_ model: Model, window: Int) -> Bool {
      Self.held(patched: patched, window: window, of: model, .chunk)
        == Self.held(patched: patched, window: window, of: model, .everything)
    }
    #expect(agree(single, window: 1))
    #expect(!agree(single, window: 3))
    #expect(!agree(grouped, window: 3))
  }
}
