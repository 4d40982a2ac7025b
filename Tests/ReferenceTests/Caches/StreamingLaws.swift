import Architectures
import Quantities
import TestModels
import Testing

@testable import Reference
@testable import Tensors

/// StreamingLLM (arXiv:2309.17453): what it holds, and where keys stand.
struct StreamingLaws {
  static func walk(_ plan: Streaming, prompt: Int, trace: Trace? = nil) -> CacheWalk {
    CacheWalk(CacheModels.vanilla.with(CacheSubject(.streaming(plan)).cache), prompt: prompt, trace: trace)
  }

  /// §3.2, figure 4: tokens 0 … 3 and 6 … 8 are cached while token 9 is decoded, at positions 0 … 7.
  @Test func `the paper's example holds four sinks and three tokens, and counts positions in the cache`() {
    let plan = Streaming(sinks: 4, window: 3, positions: .cache, evicts: .behind)
    let walk = Self.walk(plan, prompt: 9)
    walk.pass(9, isPrompt: true)
    for layer in 0..<3 {
      for head in 0..<2 { #expect(walk.held(layer: layer, head: head) == [0, 1, 2, 3, 6, 7, 8]) }
    }
    // Keys are stored as projected: in the first layer those of a cache in which no position has gone are the same,
    // turned by their positions.
    let whole = CacheWalk(CacheModels.vanilla, prompt: 9)
    whole.pass(9, isPrompt: true)
    let angles = walk.machine.rotaryAngles(headWidth: 4, positions: 16)
    for (index, position) in [0, 1, 2, 3, 6, 7, 8].enumerated() {
      var key = walk.cache.key(position, layer: 0, head: 1)
      PlainKernels<Float>.rotate(
        heads: 1, headWidth: 4, &key, cosine: angles.cosine + position * 2, sine: angles.sine + position * 2)
      #expect(key == whole.cache.key(position, layer: 0, head: 1))
      // While token 9 is decoded it is turned by its index instead.
      let turned = walk.machine.rotatedKeys(walk.cache, run: 0, appended: 0)!
      let entries = Entries(walk.cache.entries(0)!, keys: turned)
      let place = Int(walk.cache.places[0][0].places[index])
      var expected = walk.cache.key(position, layer: 0, head: 1)
      PlainKernels<Float>.rotate(
        heads: 1, headWidth: 4, &expected, cosine: angles.cosine + index * 2, sine: angles.sine + index * 2)
      #expect((0..<4).map { entries.keys(group: 0, head: 1, entry: place)[$0] } == expected)
      walk.machine.arena.release(to: walk.machine.arena.mark)
    }
    // What comes out is what the plain words of the paper give.
    let oracle = CacheOracle(walk.weights, prompt: CacheWalk.tokens(0..<9, group: 0))
    _ = oracle.pass(CacheWalk.tokens(0..<9, group: 0), isPrompt: true)
    let expected = oracle.pass(CacheWalk.tokens(9..<10, group: 0), isPrompt: false)
    for (left, right) in zip(walk.pass(1, isPrompt: false)[0], expected) {
      #expect(abs(Double(left) - right) <= 0x1p-14 * max(abs(right), 1))
    }
    for layer in 0..<3 { #expect(walk.held(layer: layer) == [0, 1, 2, 3, 7, 8, 9]) }
  }

  @Test(arguments: Streaming.Positions.allCases)
  func `a step sees S + W + 1 entries where they go behind it, and S + W where room is made before`(
    positions: Streaming.Positions
  ) {
    for (moment, seen) in [(Streaming.Moment.behind, 7), (.before, 6)] {
      let trace = Trace(levelCount: 0, precision: .float32, listsOperations: true)
      let plan = Streaming(sinks: 2, window: 4, positions: positions, evicts: moment)
      let walk = Self.walk(plan, prompt: 4, trace: trace)
      walk.pass(4, isPrompt: true)
      trace.phase = .decode
      for _ in 0..<8 { walk.pass(1, isPrompt: false) }
      let seenInSteps = trace.operations.compactMap { operation -> Int? in
        guard operation.entry.phase == .decode, case .attention(let shape) = operation.entry.operation else {
          return nil
        }
        return shape.keysBefore + 1
      }
      #expect(seenInSteps == (5...seen).flatMap { [$0, $0, $0] }, "three layers")
      for layer in 0..<3 { #expect(walk.held(layer: layer) == [0, 1, 8, 9, 10, 11]) }
    }
  }

  @Test func `no sinks are a plain window, and sinks do not overlap it`() {
    for moment in Streaming.Moment.allCases {
      for (sinks, window) in [(0, 3), (3, 1), (2, 3)] {
        let walk = Self.walk(
          Streaming(sinks: sinks, window: window, positions: .text, evicts: moment), prompt: 1)
        walk.pass(1, isPrompt: true)
        for end in 2...9 {
          walk.pass(1, isPrompt: false)
          let expected = end <= sinks + window ? Array(0..<end) : Array(0..<sinks) + Array(end - window..<end)
          #expect(walk.held(layer: 1) == expected)
        }
      }
    }
  }
}
