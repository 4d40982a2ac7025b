import Architectures
import Quantities
import TestModels
import Testing

@testable import Formulas

private func convention(_ settings: [(String, String)]) throws -> Conventions {
  try settings.reduce(Conventions()) { try #require($0.with($1.0, $1.1)) }
}

private func convention(_ settings: (String, String)...) throws -> Conventions { try convention(settings) }

private func counted(
  _ question: Question, _ conventions: Conventions
) throws -> ExactCost {
  try counted(try price(question), by: conventions, question)
}

/// Prompt 2048 of Llama-2-7B at batch 1, the point at which the tools below were run.
private let llamaPrompt = Workload(promptLength: 2048, generatedLength: 0)

private func prefillFlops(_ settings: (String, String)...) throws -> Int128 {
  try counted(Question(llama, llamaPrompt), convention(settings)).totals.prefill.matmulFlops
}

@Suite struct ConventionTests {
  /// 2·P·S of the linear core; 2·L·d·S(S+1); 4·L·S²·d; 2·V·d and S times as much.
  @Test func `the identities of Llama-2-7B come out to the integer`() throws {
    let linear: Int128 = 26_525_718_020_096
    #expect(try prefillFlops() == linear + 1_100_048_498_688)
    #expect(try prefillFlops(("causal_pairs", "all")) == linear + 2_199_023_255_552)
    #expect(try prefillFlops(("causal_pairs", "half")) == linear + 1_099_511_627_776)
    #expect(try prefillFlops(("head", "once")) == linear + 1_100_048_498_688 + 262_144_000)
    #expect(try prefillFlops(("head", "all")) == linear + 1_100_048_498_688 + 536_870_912_000)
  }

  /// GenZ's total of all operators: matrix work alone, the embedding as a dense product.
  @Test func `GenZ's total is all pairs, a head for every token and a dense embedding`() throws {
    #expect(
      try prefillFlops(("causal_pairs", "all"), ("head", "all"), ("embedding", "dense")) == 29_798_483_099_648)
  }

  /// servcalc adds 2·S for each of the 65·4096 norm parameters.
  @Test func `servcalc's total is exact pairs, one head and its norms`() throws {
    #expect(try prefillFlops(("head", "once")) + 2 * 65 * 4096 * 2048 == 27_627_119_181_824)
  }

  /// LLM-Viewer (model_analyzer.py): softmax 5 for a pair and head, norms 7, additions 1 and the activation 2 for a
  /// feature; its head is one FLOP for a multiply–accumulate.
  @Test func `LLM-Viewer's total is all pairs, half a head and its element-wise work`() throws {
    let elementwise: Int128 = 32 * (2048 * 2048 * 32 * 5 + 2048 * 4096 * (7 + 7 + 1 + 1 + 2))
    #expect(
      try prefillFlops(("causal_pairs", "all"), ("head", "once")) - 32000 * 4096 + elementwise == 28_751_179_022_336)
  }

  /// llm-flops: matrix work is all pairs and a head for every token; the rest of its total is element-wise.
  @Test func `the matrix part of llm-flops is all pairs and a head for every token`() throws {
    #expect(try prefillFlops(("causal_pairs", "all"), ("head", "all")) == 29_261_612_187_648)
    #expect(try prefillFlops(("causal_pairs", "all"), ("head", "all")) < 29_294_260_649_984)
  }

  @Test func `the standard conventions change no count`() throws {
    let precision = Precision(weights: .int4, activations: .fp32, cache: .fp8)
    for (reading, mode) in variants(levels: 2) {
      let model = small(chunks: [2, 3], conditions: [1, 2], reading, mode)
      for prompt in 0...13 {
        let workload = Workload(promptLength: prompt, generatedLength: 7, batchSize: 3, continuations: 2)
        let exact = try price(Question(model, workload, precision))
        #expect(try counted(exact, by: Conventions(), Question(model, workload, precision)) == exact)
      }
    }
  }

  /// n positions side by side have n(n+1)/2, n²/2 or n² pairs among themselves.
  @Test func `all pairs are twice half the pairs, and exact pairs half a pair a position more`() throws {
    for (reading, mode) in variants(levels: 3) {
      let model = small(chunks: [2, 3, 2], conditions: [1, 2, 3], reading, mode)
      for prompt in [0, 1, 5, 12, 13, 30] {
        let workload = Workload(promptLength: prompt, generatedLength: 0, batchSize: 2)
        let exact = try counted(Question(model, workload), Conventions())
        let half = try counted(Question(model, workload), convention(("causal_pairs", "half")))
        let all = try counted(Question(model, workload), convention(("causal_pairs", "all")))
        for level in 1...3 {
          let node = Node(level, .encoder, .attention)
          let units = Int128(prompt / model.metaContextLength(upTo: level)) * 2
          let layer = model.levels[level]
          let perPair = 4 * Int128(layer.layer.queryWidth) * Int128(layer.encoderLayers)
          let flops = [half, exact, all].map { $0.work(at: node, in: .prefill).matmulFlops }
          #expect(2 * (flops[1] - flops[0]) == units * perPair)
          #expect(flops[2] == 2 * flops[0])
        }
      }
    }
  }

  @Test func `a position that decode runs alone attends one key less where the context is t`() throws {
    let precision = Precision(cache: .fp8)
    let workload = Workload(promptLength: 40, generatedLength: 9, batchSize: 2, continuations: 3)
    let exact = try counted(Question(llama, workload, precision), Conventions())
    let before = try counted(Question(llama, workload, precision), convention(("decode_context", "t")))
    // Σ over t = 40 … 48 of t keys instead of t + 1, in 32 layers of 6 sequences.
    let pairs: Int128 = (40...48).reduce(0) { $0 + $1 } * 32 * 6
    #expect(before.work(at: Node(0, .decoder, .attention), in: .decode).matmulFlops == pairs * 4 * 4096)
    #expect(before.totals.decode.cacheReadBits == pairs * 2 * 4096 * 8)
    #expect(exact.totals.decode.cacheReadBits - before.totals.decode.cacheReadBits == 9 * 32 * 6 * 2 * 4096 * 8)
    #expect(before.totals.prefill == exact.totals.prefill)
  }

  @Test func `moving the first head into prefill moves nothing else and keeps the sum of one continuation`() throws {
    for (reading, mode) in variants(levels: 2) {
      let model = small(chunks: [2, 3], conditions: [1, 2], reading, mode)
      for prompt in 1...13 {
        let workload = Workload(promptLength: prompt, generatedLength: 20, batchSize: 3)
        let exact = try counted(Question(model, workload), Conventions())
        let once = try counted(Question(model, workload), convention(("head", "once")))
        let all = try counted(Question(model, workload), convention(("head", "all")))
        let head = Node(0, .decoder, .head)
        let one: Int128 = 2 * 12 * 50 * 3
        #expect(once.work(at: head, in: .prefill).matmulFlops == one)
        #expect(all.work(at: head, in: .prefill).matmulFlops == Int128(prompt) * one)
        #expect(
          once.totals.prefill.matmulFlops + once.totals.decode.matmulFlops
            == exact.totals.prefill.matmulFlops + exact.totals.decode.matmulFlops)
        #expect(once.totals.prefill.matmulFlops - exact.totals.prefill.matmulFlops == one)
        #expect(once.prefill.filter { $0.node != head } == exact.prefill.filter { $0.node != head })
        #expect(once.decode.filter { $0.node != head } == exact.decode.filter { $0.node != head })
      }
    }
  }

  @Test func `without a prompt or an emitted token no head moves`() throws {
    let model = small(chunks: [2, 3], conditions: [1, 2])
    let started = Workload(promptLength: 0, generatedLength: 5)
    let asked = Workload(promptLength: 5, generatedLength: 0)
    for head in ["once", "all"] {
      #expect(
        try counted(Question(model, started), convention(("head", head)))
          == price(Question(model, started, Precision())))
      #expect(
        try counted(Question(model, asked), convention(("head", head))).totals.decode
          == price(Question(model, asked, Precision())).totals.decode)
    }
  }

  /// LLM-Viewer writes and reads scores and weights: 4·S²·H elements of a layer (model_analyzer.py).
  @Test func `unfused attention moves four elements for every pair and head`() throws {
    let fused = try counted(Question(llama, llamaPrompt), convention(("causal_pairs", "all")))
    let unfused = try counted(
      Question(llama, llamaPrompt), convention(("causal_pairs", "all"), ("attention", "unfused")))
    #expect(
      unfused.totals.prefill.activationBits - fused.totals.prefill.activationBits
        == 32 * 4 * 2048 * 2048 * 32 * 16)
    #expect(unfused.totals.prefill.matmulFlops == fused.totals.prefill.matmulFlops)
  }

  @Test func `element-wise work can be left out and nothing else goes with it`() throws {
    let workload = Workload(promptLength: 17, generatedLength: 9)
    let model = small(chunks: [2, 3], conditions: [1, 2])
    let exact = try counted(Question(model, workload), Conventions())
    let off = try counted(Question(model, workload), convention(("elementwise", "off")))
    for phase in Phase.allCases {
      #expect(off.totals[phase].elementwiseFlops == 0)
      var expected = exact.totals[phase]
      expected.elementwiseFlops = 0
      #expect(off.totals[phase] == expected)
    }
  }

  @Test func `a dense embedding reads its table once in every pass that feeds rows`() throws {
    let workload = Workload(promptLength: 17, generatedLength: 9, batchSize: 2)
    let dense = try counted(Question(llama, workload), convention(("embedding", "dense")))
    let node = Node(0, .decoder, .embedding)
    let table: Int128 = 32000 * 4096
    #expect(dense.work(at: node, in: .prefill).matmulFlops == 2 * 17 * 2 * table)
    #expect(dense.work(at: node, in: .prefill).weightBits == table * 16)
    #expect(dense.work(at: node, in: .decode).matmulFlops == 2 * 9 * 2 * table)
    #expect(dense.work(at: node, in: .decode).weightBits == 9 * table * 16)
  }

  @Test func `totals are the sums of the nodes by every convention`() throws {
    for (reading, mode) in variants(levels: 2) {
      let model = small(chunks: [2, 3], conditions: [1, 2], reading, mode)
      let workload = Workload(promptLength: 11, generatedLength: 25, batchSize: 2)
      for setting in Conventions().settings {
        for value in setting.accepted {
          let cost = try counted(Question(model, workload), convention((setting.key, value)))
          for phase in Phase.allCases {
            #expect(cost.totals[phase] == cost[phase].reduce(into: .zero) { $0 += $1.work })
          }
        }
      }
    }
  }

  @Test func `an unknown key or value is refused`() {
    #expect(Conventions().with("pairs", "all") == nil)
    #expect(Conventions().with("head", "twice") == nil)
  }

  @Test func `counts that could leave 128 bits are refused`() {
    let huge = Model.vanilla(
      vocabulary: Limits.vocabulary,
      layer: LayerShape(width: Limits.width, heads: 4096, feedForward: Limits.feedForward), layers: Limits.layers)
    let workload = Workload(
      promptLength: Limits.promptLength, generatedLength: Limits.generatedLength, batchSize: Limits.batchSize,
      continuations: Limits.continuations)
    #expect(throws: CountOverflow.self) {
      let exact = ExactCost(
        totals: PriceTotals(
          prefill: .zero, decode: .zero,
          cache: CacheFigures(bytesAfterPrefill: 0, bytesAtEnd: 0, peakBytes: 0, localPeakBytes: 0)),
        prefill: [], decode: [])
      return try counted(exact, by: convention(("head", "all")), Question(huge, workload))
    }
  }
}
