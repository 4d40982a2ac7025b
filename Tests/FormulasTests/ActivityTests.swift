import Architectures
import Formulas
import Quantities
import TestModels
import Testing

@Suite struct ActivityTests {
  /// L ≤ 3, C_l ≤ 3, R_l ∈ {1, 2}, every reading and mode, every residue of P, G around the meta-context.
  @Test(arguments: 1...3)
  func `closed forms equal a loop over tokens`(levels: Int) throws {
    var compared = 0
    for chunks in product([1, 2, 3], length: levels) {
      let conditions = chunks.indices.map { 1 + ($0 + chunks[0]) % 2 }
      for (reading, generation) in variants(levels: levels) {
        let model = small(chunks: chunks, conditions: conditions, reading, generation)
        let meta = model.metaContextLength
        for prompt in 0...(meta + 1) {
          for generated in Set([0, 1, meta - 1, meta, meta + 1]) {
            try compare(model, prompt, generated)
            compared += 1
          }
        }
      }
    }
    #expect(compared > 100)
  }

  /// Longer contexts: many carried chunks, several parallel meta-contexts.
  @Test func `closed forms equal a loop over tokens on longer contexts`() throws {
    for chunks in [[2, 3, 2], [4, 4], [5, 2, 2, 3], [1, 3, 1, 2]] {
      let conditions = chunks.map { 1 + $0 % 3 }
      for (reading, generation) in variants(levels: chunks.count) {
        let model = small(chunks: chunks, conditions: conditions, reading, generation)
        for prompt in stride(from: 0, to: 70, by: 3) {
          for generated in [17, 40, 61] { try compare(model, prompt, generated) }
        }
      }
    }
  }

  func compare(_ model: Model, _ prompt: Int, _ generated: Int) throws {
    let workload = Workload(promptLength: prompt, generatedLength: generated)
    let activity = try activities(Question(model, workload))
    var loop = TokenLoop(model, prompt: prompt, generated: generated)
    for _ in 0..<prompt { loop.commit() }
    let before = loop.state
    let windows = loop.windows
    let runs = (1...model.levelCount).map { $0 == 1 || model.decoderInput != .encoderState }
    for _ in 0..<generated { loop.commit() }
    let after = loop.state
    let context = Comment(
      "\(model.decoderInput) \(model.generation) \(model.levels.map(\.chunkLength)) P \(prompt) G \(generated)")
    for level in activity {
      let index = level.level - 1
      // Prefill: the whole encoder in one pass, every entry read once; open and carried chunks of the decoder.
      let units = before.encoder[index].rows
      #expect(level.encoder.prefill.rows == units, context)
      #expect(level.encoder.prefill.pairs == before.encoder[index].pairs, context)
      #expect(level.encoder.prefill.cacheReads == units, context)
      #expect(level.encoder.prefill.passes == (units > 0 ? 1 : 0), context)
      let chunk = Int128(model.levels[index + 1].conditionLength + model.levels[index + 1].chunkLength - 1)
      let carried = Int128(loop.carriedChunks[index].count)
      let open = runs[index] ? windows[index] : 0
      #expect(level.decoder.prefill.rows == carried * chunk + open, context)
      #expect(level.decoder.prefill.localReads == (carried * chunk * (chunk + 1) + open * (open + 1)) / 2, context)
      #expect(level.decoder.prefill.calls == carried + (open > 0 ? 1 : 0), context)
      #expect(level.decoder.prefill.callDispatches == (carried + open > 0 ? 1 : 0), context)

      // Decode: the difference of states.
      #expect(level.encoder.decode == difference(after.encoder[index], before.encoder[index]), context)
      var decoder = difference(after.decoder[index], before.decoder[index])
      let fed = after.fed[index] - before.fed[index]
      #expect(level.fedRows.decode == fed, context)
      if level.level > 1 {
        decoder.normRows = decoder.rows
        decoder.normDispatches = decoder.passes
      } else if model.decoderInput == .reconstruction {
        decoder.normRows = fed
        decoder.normDispatches = decoder.passes - decoder.callDispatches
      }
      #expect(level.decoder.decode == decoder, context)
    }
  }

  func difference(_ left: StackActivity<Int128>, _ right: StackActivity<Int128>) -> StackActivity<Int128> {
    var result = StackActivity<Int128>()
    result.rows = left.rows - right.rows
    result.passes = left.passes - right.passes
    result.pairs = left.pairs - right.pairs
    result.cacheReads = left.cacheReads - right.cacheReads
    result.localReads = left.localReads - right.localReads
    result.calls = left.calls - right.calls
    result.callDispatches = left.callDispatches - right.callDispatches
    result.normRows = left.normRows - right.normRows
    result.normDispatches = left.normDispatches - right.normDispatches
    return result
  }

  /// L = 2, C = 4. Chunks in parallel: 4 + 4 passes of the decoders and one per encoder that runs; otherwise 16 + 4 and
  /// 4 + 1.
  @Test(arguments: [
    (DecoderInput.cascade, Generation.hierarchical, Int128(25)), (.encoderState, .hierarchical, 21),
    (.reconstruction, .hierarchical, 10), (.reconstructionAndTokens, .hierarchical, 10),
    (.cascade, .recursive, 9), (.encoderState, .recursive, 9), (.reconstruction, .recursive, 9),
    (.reconstructionAndTokens, .recursive, 9),
  ])
  func `a meta-context takes 25, 21, 10 or 9 passes`(
    reading: DecoderInput, generation: Generation, passes: Int128
  ) throws {
    let model = PublishedSize.all[0].photon(reading, generation)
    for metaContexts in [1, 2, 7] {
      let workload = Workload(promptLength: 2048, generatedLength: 16 * metaContexts, batchSize: 3)
      let decode = try price(Question(model, workload, Precision())).totals.decode
      #expect(decode.sequentialPasses == passes * Int128(metaContexts))
      #expect(decode.sequentialLayers == 4 * passes * Int128(metaContexts))
    }
  }
}
