import Architectures
import Formulas
import Quantities
import TestModels
import Testing

@Suite struct CacheTests {
  /// v2 §2.3 and the layer counts of Tables 4–12: T/4 + T/16 or T/16 units in a quarter of vanilla's layers.
  @Test(arguments: PublishedSize.all)
  func `cache ratios to vanilla are 12_8, 64 and 8`(size: PublishedSize) throws {
    let workload = Workload(promptLength: 2048, generatedLength: 128, batchSize: 5)
    func end(_ model: Model) throws -> Int128 { try price(Question(model, workload, Precision())).cache.bytesAtEnd }
    let vanilla = try end(size.vanilla)
    #expect(vanilla == Int128(5 * size.layers * 2 * size.width * 2 * 2176))
    #expect(try end(size.photon()) * 128 == vanilla * 10)
    #expect(try end(size.photon(.cascade, .recursive)) * 64 == vanilla)
    #expect(try end(size.block) * 8 == vanilla)
  }

  /// Sizes and windows at every state between P and P + G, against the four figures.
  @Test func `figures are those of a walk over all states`() throws {
    for chunks in product([1, 2, 3], length: 2) + [[3], [2, 3, 2], [2, 1, 3], [3, 2, 2]] {
      for (reading, generation) in variants(levels: chunks.count) {
        let model = small(chunks: chunks, conditions: chunks.map { 1 + $0 % 2 }, reading, generation)
        let meta = model.metaContextLength
        for prompt in 0...meta {
          for generated in [0, 1, 2, meta - 1, meta, 2 * meta + 1] {
            for (batch, continuations) in [(1, 1), (3, 2)] {
              let workload = Workload(
                promptLength: prompt, generatedLength: generated, batchSize: batch, continuations: continuations)
              let figures = try price(Question(model, workload, Precision(cache: .int4))).cache
              let context = Comment("\(reading) \(generation) \(chunks) \(workload)")
              #expect(figures == walk(Question(model, workload), bits: 4), context)
            }
          }
        }
      }
    }
  }

  /// One state after another: units held, windows open, the drop, chunks side by side.
  func walk(_ question: Question, bits: Int) -> CacheFigures {
    let (prompt, batch, continuations) = (
      question.workload.promptLength, question.workload.batchSize, question.workload.continuations
    )
    let end = prompt + question.workload.generatedLength
    let spans = question.model.levels.reduce(into: [1]) { $0.append($0.last! * $1.chunkLength) }
    let drop = (prompt + spans.last! - 1) / spans.last! * spans.last!
    let recursive = question.model.generation == .recursive
    func persistent(_ state: Int, dropped: Bool) -> Int {
      var total = 0
      for level in 1...question.model.levelCount where !dropped || level == question.model.levelCount {
        let shape = question.model.levels[level]
        let shared = prompt / spans[level]
        let own = state / spans[level] - shared
        total += (shared + continuations * own) * shape.encoderLayers * 2 * shape.layer.keyValueWidth * bits
      }
      return batch * total
    }
    func entry(_ level: Int) -> Int {
      question.model.levels[level].decoderLayers * 2 * question.model.layer(at: level - 1).keyValueWidth * bits
    }
    func full(_ level: Int) -> Int {
      (question.model.levels[level].conditionLength + question.model.levels[level].chunkLength - 1) * entry(level)
    }
    var peak = 0
    var local = 0
    var loop = TokenLoop(question.model, prompt: prompt, generated: question.workload.generatedLength)
    for _ in 0..<prompt { loop.commit() }
    for state in prompt...end {
      if state > prompt { loop.commit() }
      let dropped = recursive && state >= drop
      peak = max(peak, persistent(state, dropped: dropped))
      if recursive && state == drop { peak = max(peak, persistent(state, dropped: false)) }
      let open = (1...question.model.levelCount).reduce(0) { $0 + Int(loop.windows[$1 - 1]) * entry($1) }
      local = max(local, batch * continuations * open)
    }
    let carried = loop.carriedChunks
    for level in 1...question.model.levelCount {
      local = max(local, batch * carried[level - 1].count * full(level))
      if loop.parallelUntil > drop {
        local = max(local, batch * continuations * spans.last! / spans[level] * full(level))
      }
    }
    return CacheFigures(
      bytesAfterPrefill: Int128(bytes(persistent(prompt, dropped: recursive && drop == prompt))),
      bytesAtEnd: Int128(bytes(persistent(end, dropped: recursive && drop <= end))),
      peakBytes: Int128(bytes(peak)), localPeakBytes: Int128(bytes(local)))
  }

  @Test func `an int4 cache rounds up once, on the total`() throws {
    let shape = LayerShape(width: 3, heads: 1, headWidth: 3, feedForward: 5)
    let model = Model.vanilla(vocabulary: 7, layer: shape, layers: 1)
    // 2·3 elements of 4 bits per token: 3 bytes; K and V of one feature would be a byte per token.
    let cache = try price(Question(model, Workload(promptLength: 5, generatedLength: 2), Precision(cache: .int4))).cache
    #expect(cache.bytesAfterPrefill == 15)
    #expect(cache.bytesAtEnd == 21)
    #expect(cache.localPeakBytes == 0)
  }
}
