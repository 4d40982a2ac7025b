import Architectures
import Quantities
import Testing

@testable import Formulas
@testable import Tensors

/// Cascading KV cache (arXiv:2406.17808): closed forms against what its code would hold, and against StreamingLLM's.
struct CascadeTests {
  @Test func `the entries held without eager filling are those of the executed cascade`() {
    for schedule in Cascading.Schedule.allCases {
      for cascades in 1...8 {
        for window in 1...4 {
          for (sinks, eager) in [(0, false), (3, false), (3, true)] {
            let plan = Cascading(sinks: sinks, window: window, cascades: cascades, schedule: schedule, eager: eager)
            let (counts, cascade) = (CascadeCounts(plan: plan), Cascade(plan: plan))
            var held = 0
            var agree = true
            for tokens in 0..<300 {
              let pass = PassPlace(before: tokens, queries: 1, found: held, prompt: nil)
              held += 1
              if let kept = cascade.survivors(of: held, behind: pass, votes: nil) {
                held = kept.reduce(0) { $0 + $1.count }
              }
              agree = agree && held == counts.held(after: tokens + 1)
            }
            #expect(agree, "\(plan)")
            // Between two bends it grows alike in every period.
            let bends = [0] + counts.bends + [400]
            for (from, to) in zip(bends, bends.dropFirst()) where from < min(to, 400) {
              let period = counts.period(after: from)
              let sizes = (from...min(to, 400)).map(counts.held)
              let growths = sizes.indices.dropFirst(period).map { sizes[$0] - sizes[$0 - period] }
              #expect(Set(growths).count <= 1, "\(plan) from \(from) to \(to)")
            }
          }
        }
      }
    }
  }

  @Test func `one window costs what StreamingLLM costs`() throws {
    let layer = LayerShape(width: 8, heads: 4, keyValueHeads: 2, feedForward: 12)
    for positions in Streaming.Positions.allCases {
      for (prompt, generated, chunk) in [(1, 0, 1), (12, 9, 4), (30, 20, 7)] {
        let costs = try [
          Retention.cascading(Cascading(sinks: 1, window: 5, cascades: 1, positions: positions)),
          .streaming(Streaming(sinks: 1, window: 5, positions: positions)),
        ].map { retention in
          var model = Model.vanilla(vocabulary: 13, layer: layer, layers: 3)
          model.setCaches { _ in StackCache(CachePlan(retention: retention), prefillChunk: chunk) }
          return try price(
            Question(model, Workload(promptLength: prompt, generatedLength: generated), Precision()))
        }
        #expect(costs[0] == costs[1])
      }
    }
  }

  /// F = [Σ over strides C(ℓ) + ℓ·min(a, S + |C|) + Σ over tokens 1 + min(a, S + |C|)] / C(T), with eager filling.
  @Test func `the footprint is that of its closed form`() throws {
    var model = Model.vanilla(
      vocabulary: 100, layer: LayerShape(width: 64, heads: 4, feedForward: 128), layers: 2)
    let plan = Cascading(sinks: 64, window: 512, cascades: 4)
    model.setCaches { _ in StackCache(CachePlan(retention: .cascading(plan)), prefillChunk: 1024) }
    let (prompt, generated) = (131_072, 100)
    let footprint = try ModelFootprint(
      Question(model, Workload(promptLength: prompt, generatedLength: generated), Precision()))
    let strides = stride(from: 0, to: prompt, by: 1024).reduce(0) { $0 + 1024 * 1025 / 2 + 1024 * min($1, 2112) }
    let tokens = (prompt..<prompt + generated).reduce(0) { $0 + 1 + min($1, 2112) }
    #expect(footprint.parts.map(\.stored) == [Int128(strides + tokens)])
    let all = prompt + generated
    #expect(footprint.footprint == Double(strides + tokens) / Double(all * (all + 1) / 2))
  }
}
