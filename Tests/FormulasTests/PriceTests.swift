import Architectures
import Quantities
import TestModels
import Testing

@testable import Formulas

@Suite struct PriceTests {
  /// Llama-2-7B at S = 2048: 2·P·S over the linear core of 6 476 005 376 parameters, exact causal pairs
  /// 2·L·d·S(S + 1), one head 2·V·d, cache 2·L·d·2·S bytes; all closed forms.
  @Test func `a 7B Llama has the matrix work and the cache of its closed forms`() throws {
    let cost = try price(Question(llama, Workload(promptLength: 2048, generatedLength: 1), Precision()))
    let prefill = Dictionary(uniqueKeysWithValues: cost.prefill.map { ($0.node.component, $0.work) })
    let linear = prefill[.projections]!.matmulFlops + prefill[.feedForward]!.matmulFlops
    #expect(linear == 2 * 6_476_005_376 * 2048)
    #expect(linear == 26_525_718_020_096)
    #expect(prefill[.attention]!.matmulFlops == 1_100_048_498_688)
    #expect(prefill[.head]! == .zero)
    #expect(cost.work(at: Node(0, .decoder, .head), in: .decode).matmulFlops == 262_144_000)
    #expect(cost.cache.bytesAfterPrefill == 1_073_741_824)
    #expect(parameters(of: llama).total == 6_738_415_616)
  }

  /// Llama-3.1-8B has a quarter of the key–value heads: a quarter of the cache.
  @Test func `grouped queries shrink the cache and the entries read, not the scores`() throws {
    var grouped = llama
    grouped.layer.keyValueHeads = 8
    let workload = Workload(promptLength: 2048, generatedLength: 16)
    let full = try price(Question(llama, workload, Precision()))
    let few = try price(Question(grouped, workload, Precision()))
    #expect(few.cache.bytesAfterPrefill == 268_435_456)
    #expect(4 * few.totals.decode.cacheReadBits == full.totals.decode.cacheReadBits)
    let attention = Node(0, .decoder, .attention)
    #expect(few.work(at: attention, in: .decode).matmulFlops == full.work(at: attention, in: .decode).matmulFlops)
  }

  @Test func `totals are the sums of the nodes, and only listed nodes have work`() throws {
    for (reading, generation) in variants(levels: 3) {
      let model = small(chunks: [2, 3, 2], conditions: [2, 1, 3], reading, generation)
      var pricer = Pricer(keepsNodes: true)
      // A point of another family and size first: the tables are used again.
      _ = try pricer.price(Question(llama, Workload(promptLength: 3, generatedLength: 2), Precision()))
      let workload = Workload(promptLength: 17, generatedLength: 41, batchSize: 3, continuations: 2)
      let question = Question(
        model, workload, Precision(weights: .int4, activations: .fp16, cache: .int8))
      let totals = try pricer.price(question)
      var alone = Pricer()
      #expect(try alone.price(question) == totals)
      for phase in Phase.allCases {
        var sum = Work<Int128>.zero
        for index in 0..<Node.tableSize(levelCount: 3) {
          let work = pricer.work(at: Node(index: index), in: phase)
          #expect(model.nodes.contains(Node(index: index)) || work == .zero)
          sum += work
        }
        #expect(sum == totals[phase])
      }
      #expect(model.nodes == model.nodes.sorted())
    }
  }

  /// Recursive generation included: the states share E as long as P lies in one meta-context.
  @Test func `decoding in two parts costs what decoding at once costs`() throws {
    for chunks in [[4, 4], [2, 3, 2]] {
      for (reading, generation) in variants(levels: chunks.count) {
        let model = small(chunks: chunks, conditions: chunks.map { 1 + $0 % 2 }, reading, generation)
        let meta = model.metaContextLength
        for prompt in 1...meta {
          // Parallel meta-contexts are the same if the cut lies on a boundary.
          let first = generation == .recursive ? meta - prompt : 2 * meta - prompt
          let second = 2 * meta + 3
          func decode(_ prompt: Int, _ generated: Int) throws -> Work<Int128> {
            try price(Question(model, Workload(promptLength: prompt, generatedLength: generated), Precision())).totals
              .decode
          }
          #expect(try decode(prompt, first) + decode(prompt + first, second) == decode(prompt, first + second))
        }
      }
    }
    for (first, second) in [(1, 1), (5, 9), (0, 3)] {
      func decode(_ prompt: Int, _ generated: Int) throws -> Work<Int128> {
        try price(Question(llama, Workload(promptLength: prompt, generatedLength: generated), Precision())).totals
          .decode
      }
      #expect(try decode(6, first) + decode(6 + first, second) == decode(6, first + second))
    }
  }

  @Test func `batch and continuations multiply rows and cache, never weights of products`() throws {
    let model = PublishedSize.all[0].photon(.reconstruction)
    func totals(_ batch: Int, _ continuations: Int) throws -> PriceTotals {
      let workload = Workload(
        promptLength: 71, generatedLength: 45, batchSize: batch, continuations: continuations)
      return try price(Question(model, workload, Precision())).totals
    }
    let one = try totals(1, 1)
    let many = try totals(6, 1)
    let shared = try totals(2, 3)
    #expect(many.prefill.matmulFlops == 6 * one.prefill.matmulFlops)
    #expect(many.decode.matmulFlops == 6 * one.decode.matmulFlops)
    #expect(shared.prefill.matmulFlops == 2 * one.prefill.matmulFlops)
    #expect(shared.decode == many.decode)
    // Encoder embedding rows of width 416 are the only weights read per row.
    #expect(many.decode.weightBits - one.decode.weightBits == 5 * (116 / 4 - 71 / 4) * 4 * 416 * 16)
    #expect(many.decode.sequentialPasses == one.decode.sequentialPasses)
    #expect(many.cache.bytesAtEnd == 6 * one.cache.bytesAtEnd)
    #expect(
      shared.cache.bytesAtEnd
        == 2 * (one.cache.bytesAfterPrefill + 3 * (one.cache.bytesAtEnd - one.cache.bytesAfterPrefill)))
  }

  @Test func `work never shrinks when a token is added`() throws {
    for (reading, generation) in variants(levels: 2) {
      let model = small(chunks: [3, 2], conditions: [2, 2], reading, generation)
      var before = Work<Int128>.zero
      for generated in 0...25 {
        let workload = Workload(promptLength: 5, generatedLength: generated)
        let decode = try price(Question(model, workload, Precision())).totals.decode
        #expect(decode.matmulFlops >= before.matmulFlops + (generated == 0 ? 0 : 2 * 12 * 50))
        #expect(decode.elementwiseFlops >= before.elementwiseFlops)
        #expect(decode.localReadBits >= before.localReadBits)
        #expect(decode.cacheReadBits >= before.cacheReadBits)
        before = decode
      }
    }
  }

  @Test func `one level of PHOTON costs what the Block Transformer costs`() throws {
    let block = PublishedSize.all[0].block
    for reading in [DecoderInput.cascade, .reconstructionAndTokens, .encoderState] {
      var photon = block
      photon.payload = .photon(Hierarchy(levels: block.levels, decoderInput: reading))
      for prompt in 0...5 {
        let workload = Workload(promptLength: prompt, generatedLength: 7, batchSize: 2)
        let left = try price(Question(block, workload, Precision()))
        let right = try price(Question(photon, workload, Precision()))
        #expect(left.totals.prefill == right.totals.prefill)
        #expect(left.totals.decode.matmulFlops == right.totals.decode.matmulFlops)
        #expect(left.cache == right.cache)
      }
    }
  }

  @Test func `64-bit and 128-bit tables agree`() throws {
    var generator = CongruentialGenerator(state: 7)
    for _ in 0..<200 {
      let levels = Int.random(in: 1...3, using: &generator)
      let chunks = (0..<levels).map { _ in Int.random(in: 1...4, using: &generator) }
      let conditions = chunks.map { _ in Int.random(in: 1...3, using: &generator) }
      let (reading, generation) = variants(levels: levels).randomElement(using: &generator)!
      let model = small(chunks: chunks, conditions: conditions, reading, generation)
      let workload = Workload(
        promptLength: Int.random(in: 0...5000, using: &generator),
        generatedLength: Int.random(in: 0...5000, using: &generator),
        batchSize: Int.random(in: 1...9, using: &generator),
        continuations: Int.random(in: 1...4, using: &generator))
      var narrow = CostTable<Int64>(keepsNodes: true)
      var wide = CostTable<Int128>(keepsNodes: true)
      narrow.fill(Question(model, workload, Precision()))
      wide.fill(Question(model, workload, Precision()))
      #expect(narrow.totals == wide.totals)
      for node in model.nodes {
        #expect(narrow.work(at: node, in: .decode) == wide.work(at: node, in: .decode))
        #expect(narrow.work(at: node, in: .prefill) == wide.work(at: node, in: .prefill))
      }
      // The bound that decides between them lies above every field.
      let bound = try CountBound.estimate(Question(model, workload, Precision()))
      let all = wide.totals.prefill + wide.totals.decode
      let cache = wide.totals.cache
      let fields = [all.matmulFlops, all.elementwiseFlops, all.trafficBits, all.sequentialLayers]
      #expect(fields.allSatisfy { Double($0) <= bound })
      #expect([cache.peakBytes, cache.localPeakBytes].allSatisfy { Double($0) * 8 <= bound })
    }
  }

  @Test func `a point beyond 64 bits is priced in 128`() throws {
    let model = PublishedSize.all[2].photon()
    let workload = Workload(promptLength: 1 << 20, generatedLength: 1 << 20, batchSize: 1 << 20)
    var pricer = Pricer()
    let large = try pricer.price(Question(model, workload, Precision()))
    #expect(pricer.narrowTotals == nil)
    #expect(large.prefill.matmulFlops > Int128(Int64.max))
    let one = try pricer.price(
      Question(model, Workload(promptLength: 1 << 20, generatedLength: 1 << 20), Precision()))
    #expect(large.prefill.matmulFlops == one.prefill.matmulFlops << 20)
  }

  @Test func `counts beyond 128 bits are an error, not a number`() {
    let model = PublishedSize.all[0].photon()
    let long = Workload(promptLength: 1 << 55, generatedLength: 0, batchSize: 1 << 40)
    #expect(throws: CountOverflow.counts) { try price(Question(model, long, Precision())) }
    let longer = Workload(promptLength: .max, generatedLength: .max)
    #expect(throws: CountOverflow.positions) { try price(Question(model, longer, Precision())) }
    #expect(throws: CountOverflow.positions) { try activities(Question(model, longer)) }
  }

  @Test func `the widest activation of a Llama prefill is its gate and residual`() throws {
    // down + residual reads F and D and writes D: 11008 + 2·4096 features of 2 bytes.
    let bits = try widestPrefillActivationBits(llama, promptLength: 100, Precision())
    #expect(bits == 100 * (11008 + 2 * 4096) * 16)
  }
}

/// A 64-bit linear congruential generator (Knuth, MMIX): the same points in every run.
struct CongruentialGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 32)
  }
}
