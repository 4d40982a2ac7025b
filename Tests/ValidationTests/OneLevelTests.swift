import Architectures
import Formulas
import Quantities
import Reference
import Tensors
import Testing

/// A PHOTON of one level is a Block Transformer (arXiv:2406.02657): NOTATION.md says which part is which.
struct OneLevelTests {
  static func model(_ family: Family, chunk: Int, condition: Int, _ reading: DecoderInput = .cascade) -> Model {
    let layer = LayerShape(width: 12, heads: 2, keyValueHeads: 1, feedForward: 20)
    let level = LevelShape(
      chunkLength: chunk, conditionLength: condition, layer: layer, encoderLayers: 2, decoderLayers: 1,
      chunker: .concatenation)
    return Model(
      vocabulary: 13, layer: layer, payload: Payload(of: family, levels: [level], decoderInput: reading))
  }

  static func prompt(_ length: Int, seed: Int) -> [Int32] {
    (0..<length).map { position in
      let token = position * 7 + seed * 5 + 3
      return Int32(token % 13)
    }
  }

  struct Executed {
    var tokens: [[Int32]] = []
    var logits: [[UInt32]] = []
    var work: [Work<Int128>] = []
    var cache: CacheFigures

    init(_ question: Question) {
      let trace = Trace(levelCount: 1, precision: .float32)
      let session = makeSession(
        ModelWeights(question.model, seed: 5, holdsNumbers: true), workload: question.workload,
        machine: Machine(backend: .plain, trace: trace))
      let prompts = (0..<question.workload.batchSize).map {
        OneLevelTests.prompt(question.workload.promptLength, seed: $0)
      }
      session.prefill(prompts)
      var rows: [[UInt32]] = []
      tokens = session.generate { row, sequence, position in
        rows.append(row.map(\.bitPattern))
        return greedy(row, sequence, position)
      }
      logits = rows
      work = Phase.allCases.flatMap { phase in
        (0..<Node.tableSize(levelCount: 1)).map { trace.work(phase, at: Node(index: $0)) }
      }
      cache = session.memory.figures
    }
  }

  @Test(arguments: [DecoderInput.cascade, .encoderState, .reconstructionAndTokens])
  func `one level executes and costs what the Block Transformer does, in every reading that reads tokens`(
    reading: DecoderInput
  ) throws {
    for (chunk, condition) in [(1, 1), (2, 1), (3, 2), (4, 2)] {
      let block = Self.model(.block, chunk: chunk, condition: condition)
      let photon = Self.model(.photon, chunk: chunk, condition: condition, reading)
      for prompt in 0...5 {
        let workload = Workload(promptLength: prompt, generatedLength: 7, batchSize: 2, continuations: 2)
        let (left, right) = (Executed(Question(block, workload)), Executed(Question(photon, workload)))
        #expect(left.tokens == right.tokens && left.logits == right.logits)
        #expect(left.work == right.work)
        #expect(Self.agree(left.cache, right.cache, reading))
        for phase in Phase.allCases {
          let priced = try (price(Question(block, workload, .float32)), price(Question(photon, workload, .float32)))
          #expect(priced.0.totals[phase] == priced.1.totals[phase])
          #expect(Self.agree(priced.0.cache, priced.1.cache, reading))
        }
      }
    }
  }

  /// Fed its own reconstructions a whole chunk is one step, and its window counts to its end also where token by token no
  /// state stops there.
  static func agree(_ block: CacheFigures, _ photon: CacheFigures, _ reading: DecoderInput) -> Bool {
    var same = photon
    if reading == .reconstructionAndTokens, photon.localPeakBytes > block.localPeakBytes {
      same.localPeakBytes = block.localPeakBytes
    }
    return block == same
  }

  @Test func `the reading that reads no tokens is another model`() {
    let workload = Workload(promptLength: 5, generatedLength: 7)
    let block = Executed(Question(Self.model(.block, chunk: 4, condition: 2), workload))
    let photon = Executed(Question(Self.model(.photon, chunk: 4, condition: 2, .reconstruction), workload))
    #expect(block.logits != photon.logits)
  }
}
