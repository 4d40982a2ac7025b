import Architectures
import Formulas
import Quantities
import TestModels
import Testing

@Suite struct PassGroupTests {
  @Test func `grouped passes add up to the closed forms`() throws {
    for chunks in product([1, 2, 3], length: 2) + [[1], [4], [2, 3, 2], [3, 1, 2], [2, 2, 3]] {
      for (reading, generation) in variants(levels: chunks.count) {
        let model = small(chunks: chunks, conditions: chunks.map { 1 + $0 % 2 }, reading, generation)
        let meta = model.metaContextLength
        for prompt in 0...(meta + 1) {
          for generated in [0, 1, meta - 1, meta, meta + 1, 3 * meta + 1] {
            try compare(Question(model, Workload(promptLength: prompt, generatedLength: generated)))
          }
        }
      }
    }
    try compare(Question(llama, Workload(promptLength: 7, generatedLength: 5)))
  }

  func compare(_ question: Question) throws {
    let levels = try activities(question)
    for phase in Phase.allCases {
      let grouped = try passes(question, in: phase)
      for level in levels {
        for side in Side.allCases {
          let groups = grouped.stacks.filter { $0.level == level.level && $0.side == side }
          var sum = StackActivity<Int128>()
          for group in groups { sum += group.activity }
          let both = side == .encoder ? level.encoder : level.decoder
          let chunks = question.model.levels.map(\.chunkLength)
          let context = Comment(
            "\(question.model.decoderInput) \(question.model.generation) \(chunks) \(question.workload) \(level.level) \(side)"
          )
          #expect(sum == (phase == .prefill ? both.prefill : both.decode), context)
          if side == .decoder {
            let fed = groups.reduce(0) { $0 + $1.fedRows * $1.passes }
            #expect(fed == (phase == .prefill ? level.fedRows.prefill : level.fedRows.decode), context)
          }
        }
      }
      let emitted = grouped.heads.reduce(0) { $0 + $1.rows * $1.dispatches }
      #expect(emitted == (phase == .prefill ? 0 : Int128(question.workload.generatedLength)))
    }
  }

  @Test func `the number of groups does not grow with the context`() throws {
    for (reading, generation) in variants(levels: 2) {
      let model = PublishedSize.all[0].photon(reading, generation)
      let counts = try [2_055, 1_000_007].map { length in
        try passes(Question(model, Workload(promptLength: length, generatedLength: length)), in: .decode).stacks.count
      }
      #expect(counts[0] <= 24)
      #expect(counts[1] <= 24)
    }
  }
}

extension StackActivity<Int128> {
  static func += (sum: inout Self, term: Self) {
    sum.rows += term.rows
    sum.passes += term.passes
    sum.pairs += term.pairs
    sum.cacheReads += term.cacheReads
    sum.localReads += term.localReads
    sum.calls += term.calls
    sum.callDispatches += term.callDispatches
    sum.normRows += term.normRows
    sum.normDispatches += term.normDispatches
  }
}
