import Architectures
import Quantities
import TestModels
import Testing

@testable import Reference
@testable import Tensors

/// Cascading KV cache (arXiv:2406.17808): what its windows hold.
struct CascadeLaws {
  /// Positions that are held after so many tokens, which come in strides, with scores that do not change.
  static func held(
    _ plan: Cascading, tokens: Int, stride: Int = 1, score: (_ position: Int) -> Float = { _ in 1 }
  ) -> [Int] {
    let cascade = Cascade(plan: plan)
    var held: [Int] = []
    for start in Swift.stride(from: 0, to: tokens, by: stride) {
      let end = min(start + stride, tokens)
      let pass = PassPlace(before: start, queries: end - start, found: held.count, prompt: nil)
      held += start..<end
      let kept = held.map(score).withUnsafeBufferPointer {
        cascade.survivors(of: held.count, behind: pass, votes: $0)
      }
      if let kept { held = kept.flatMap { held[$0] } }
    }
    return held
  }

  /// The windows that are full, the first one first, as the method's listings have them.
  static func listing(_ plan: Cascading, _ held: [Int]) -> String {
    let windows = (0..<plan.cascades).map { index in
      held[(held.count - (index + 1) * plan.window)..<held.count - index * plan.window]
    }
    return windows.map { $0.map(String.init).joined(separator: ",") }.joined(separator: "|")
  }

  /// Listings that were made with the rules of `cascading_cache.py`, by hand and by a script of their own.
  static let equal: [(tokens: Int, listing: String)] = [
    (7, "5,6|3,4|1,2"), (8, "6,7|4,5|2,3"), (9, "7,8|4,6|2,3"), (12, "10,11|8,9|3,6"), (16, "14,15|12,13|6,10"),
    (24, "22,23|20,21|14,18"), (32, "30,31|28,29|22,26"),
  ]

  @Test func `where scores are equal the newest of a window is replaced, and windows hold what listings say`() {
    let plan = Cascading(sinks: 1, window: 2, cascades: 3)
    for (tokens, listing) in Self.equal {
      let held = Self.held(plan, tokens: tokens)
      #expect(held.first == 0 && Self.listing(plan, held) == listing, "\(tokens) tokens")
    }
    for (tokens, listing) in [(16, "14,15|11,13|4,7"), (32, "30,31|27,29|19,23")] {
      #expect(
        Self.listing(plan, Self.held(plan, tokens: tokens) { -Float($0) }) == listing, "falling scores, \(tokens)")
    }
    for eager in [true, false] {
      let plan = Cascading(sinks: 4, window: 4, cascades: 4, eager: eager)
      let held = Self.held(plan, tokens: 64)
      #expect(Array(held.prefix(4)) == [0, 1, 2, 3])
      #expect(Self.listing(plan, held) == "60,61,62,63|53,55,57,59|39,43,47,51|15,23,31,35")
    }
  }

  /// A model that attends evenly, with β = 0: the last query gives all that it sees the same score.
  @Test(arguments: [Backend.plain, .fast])
  func `an executed model whose attention is even holds what the listings say`(backend: Backend) {
    let plan = Cascading(sinks: 1, window: 2, cascades: 3, beta: 0)
    let model = CacheModels.vanilla.with(CacheSubject(.cascading(plan)).cache)
    let walk = CacheWalk(model, prompt: 1, backend: backend) { weights in
      for layer in weights.stack.layers {
        let (map, shape) = (layer.queryKeyValue.weight, CacheModels.layer)
        map.base!.update(repeating: 0, count: (shape.queryWidth + shape.keyValueWidth) * map.columns)
      }
    }
    walk.pass(1, isPrompt: true)
    for (tokens, listing) in Self.equal {
      while walk.cache.nextPosition < tokens { walk.pass(1, isPrompt: false) }
      for layer in 0..<3 {
        for head in 0..<2 { #expect(Self.listing(plan, walk.held(layer: layer, head: head)) == listing, "\(tokens)") }
      }
    }
  }

  @Test func `one window is StreamingLLM, in every bit`() {
    for positions in Streaming.Positions.allCases {
      for chunk in [nil, 1, 3] {
        let logits = [
          Retention.cascading(Cascading(sinks: 2, window: 4, cascades: 1, positions: positions)),
          .streaming(Streaming(sinks: 2, window: 4, positions: positions)),
        ].map { BudgetLaws.logits(CacheModels.vanilla.with(CacheSubject($0, chunk: chunk).cache)) }
        #expect(logits[0] == logits[1])
      }
    }
  }

  /// Let every window be full. An entry stays w tokens in the first. Window i takes one of every 2^i tokens; it is given
  /// entries at multiples of 2^(i−1), of which those in between replace the newest. So an entry stays w·2^i tokens, or
  /// 2^(i−1) fewer if it was such one. The oldest in the last window has been there for (w − 1)·2^(N−1) tokens or more,
  /// or 2^(N−2) fewer, and fewer than w·2^(N−1). In sum its age lies between (w − 1)(2^N − 1) and w·(2^N − 1), whatever
  /// the scores are.
  @Test func `the history that is kept reaches back by the window times two to the number of windows`() {
    for (window, cascades) in [(1, 2), (2, 3), (3, 3), (5, 2), (4, 4), (7, 4)] {
      for eager in [true, false] {
        for seed in 0..<3 {
          let plan = Cascading(sinks: 3, window: window, cascades: cascades, eager: eager)
          let reach = window * ((1 << cascades) - 1)
          for tokens in 4 * reach..<4 * reach + (1 << cascades) {
            let held = Self.held(plan, tokens: tokens) { Float(($0 * 7919 + seed * 104_729) % 31) }
            let age = tokens - 1 - held[3]
            #expect(reach - reach / window <= age && age <= reach, "w \(window), N \(cascades), \(tokens) tokens")
            #expect(held.count == plan.budget)
          }
        }
      }
    }
  }

  @Test func `heads keep entries of their own, unless their scores are reduced to one`() {
    for homogeneous in [false, true] {
      let plan = Cascading(sinks: 0, window: 2, cascades: 3, beta: 0.9, homogeneous: homogeneous)
      let walk = CacheWalk(CacheModels.vanilla.with(CacheSubject(.cascading(plan)).cache), groups: 2, prompt: 24)
      walk.pass(24, isPrompt: true)
      let heads = walk.positions.map { layer in layer.map { Set($0).count } }
      // Two groups of two heads in each of three layers.
      #expect(heads.joined().contains(2) == !homogeneous)
      #expect(Set(walk.positions.joined()).count > 1, "sequences that keep the same prove little")
    }
  }

  /// Strides differ in when scores are compared, not in how many entries there are.
  @Test func `how many entries are held depends on the tokens alone`() {
    for method in retentions(.cascading) {
      guard case .cascading(let plan) = method else { continue }
      for tokens in 0...40 {
        let counts = [1, 3, 8].flatMap { stride in
          (0..<2).map { sign in
            Self.held(plan, tokens: tokens, stride: stride) { Float($0 * 37 % 11) * Float(1 - 2 * sign) }.count
          }
        }
        #expect(Set(counts).count == 1, "\(plan), \(tokens)")
        if plan.eager || plan.cascades == 1 { #expect(counts[0] == min(tokens, plan.budget)) }
      }
    }
  }
}
