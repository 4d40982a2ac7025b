import Architectures
import Quantities
import Reference
import Tensors
import TestModels
import Testing

@testable import Formulas
@testable import Reference
@testable import Tensors

/// Footprints and the passes under them, against executed caches.
struct FootprintTests {
  static let retentions: [Retention] = Retention.Method.allCases.flatMap { method -> [Retention] in
    switch method {
    case .everything: [.everything]
    case .slidingWindow: [.slidingWindow(1), .slidingWindow(4)]
    case .streaming:
      [.streaming(Streaming(sinks: 1, window: 3)), .streaming(Streaming(sinks: 0, window: 2, positions: .text))]
    case .heavyHitters: [.heavyHitters(HeavyHitters(heavy: 2, recent: 2))]
    case .snapKV: [.snapKV(SnapKV(budget: 4, window: 2, kernel: 3))]
    case .pyramidKV: [.pyramidKV(PyramidKV(votes: SnapKV(budget: 5, window: 2, kernel: 3), beta: 2))]
    case .chunked:
      [
        .chunked(ChunkedEviction(sparsity: 0.5, window: 1, kernel: 3)),
        .chunked(ChunkedEviction(budgets: .pyramid, sparsity: 0.25, window: 1, kernel: 3)),
        .chunked(ChunkedEviction(sparsity: 0.75, patched: true, window: 1, kernel: 3)),
        .chunked(ChunkedEviction(budgets: .pyramid, sparsity: 0.5, patched: true, window: 9, kernel: 3)),
      ]
    case .cascading:
      [
        .cascading(Cascading(sinks: 1, window: 1, cascades: 3)),
        .cascading(Cascading(sinks: 0, window: 2, cascades: 3, schedule: .pow3, eager: false, positions: .text)),
      ]
    }
  }

  static let layer = LayerShape(width: 8, heads: 4, keyValueHeads: 2, feedForward: 12)

  static var models: [Model] {
    let vanilla = Model.vanilla(vocabulary: 13, layer: layer, layers: 3)
    func level(_ chunk: Int, _ condition: Int) -> LevelShape {
      LevelShape(
        chunkLength: chunk, conditionLength: condition, layer: layer, encoderLayers: 2, decoderLayers: 1,
        chunker: .linear)
    }
    let photons = [DecoderInput.cascade, .encoderState].flatMap { reading in
      Generation.allCases.map {
        Model.photon(
          vocabulary: 13, layer: layer, levels: [level(2, 1), level(3, 2)], decoderInput: reading, generation: $0)
      }
    }
    return [vanilla, Model.block(vocabulary: 13, layer: layer, levels: [level(3, 2)])] + photons
  }

  static var questions: [Question] {
    models.flatMap { model in
      retentions.flatMap { retention in
        [
          (nil, ExemptHeads.none, EntryForm.keyAndValue), (2, .heads(1), .keyAndValue),
          (3, .everyLayer(2), .keyAndValue),
          (nil, .heads(1), .quantised(Quantisation(format: .int4, group: 1))),
          (3, .none, .quantised(Quantisation(format: .fp8, residual: 1))),
          (2, .everyLayer(2), .quantised(Quantisation(residual: retention.keptLatest ?? 5))),
        ].flatMap { chunk, exempt, entry -> [Question] in
          var model = model
          model.setCaches { _ in
            StackCache(CachePlan(retention: retention, entry: entry), exempt: exempt, prefillChunk: chunk)
          }
          return [(1, 0), (7, 5), (12, 9), (13, 20)].map {
            Question(model, Workload(promptLength: $0.0, generatedLength: $0.1), .float32)
          }
        }
      }
    }
  }

  /// What a persistent attention was given.
  struct Pass: Hashable {
    var phase: Phase
    var node: Node
    var layer, heads, found, rows: Int
    var pairs: Int128
  }

  @Test func `every pass of every layer and head finds and reads what the closed forms say`() throws {
    var compared = 0
    for question in Self.questions {
      let trace = Trace(levelCount: question.model.levelCount, precision: .float32, listsOperations: true)
      let session = makeSession(
        ModelWeights(question.model, seed: 1, holdsNumbers: false), workload: question.workload,
        machine: Machine(backend: .shapes, trace: trace))
      session.prefill([[Int32](repeating: 0, count: question.workload.promptLength)])
      _ = session.generate()
      var executed: [Pass: Int128] = [:]
      for (entry, count) in trace.operations {
        guard case .attention(let shape) = entry.operation, shape.store == .persistent else { continue }
        let pass = Pass(
          phase: entry.phase, node: entry.node, layer: entry.layer, heads: shape.layer.keyValueHeads,
          found: shape.keysBefore, rows: shape.queries, pairs: shape.pairsPerGroup)
        executed[pass, default: 0] += Int128(count)
      }

      var formula: [Pass: Int128] = [:]
      for phase in Phase.allCases {
        let groups = question.schedule.passes(in: phase, as: Int128.self).stacks
        for stack in question.model.stacks where stack.persists {
          var layer = 0
          for run in stack.runs {
            for own in run.heads {
              let planned = PlannedHeads(
                own.cache, stack.promptPasses(question.model, prompt: question.workload.promptLength))
              for group in groups where group.isOf(stack) {
                for piece in planned.passes(group) {
                  for index in 0..<piece.indices {
                    let before = Int(piece.before!) + Int(index) * piece.advance * piece.stride
                    let pass = Pass(
                      phase: phase, node: stack.node(.attention), layer: 0, heads: own.count,
                      found: planned.found(after: before, rows: piece.advance), rows: Int(piece.rows),
                      pairs: piece.pairs + index * piece.pairsSlope)
                    for layer in layer..<layer + run.layers {
                      var placed = pass
                      placed.layer = layer
                      formula[placed, default: 0] += piece.repetitions
                    }
                  }
                }
              }
            }
            layer += run.layers
          }
        }
      }
      #expect(formula == executed, "\(question)")
      compared += formula.count
    }
    #expect(compared > 10_000)
  }

  @Test func `the memory held over the tokens that are generated is that of the executed caches`() throws {
    for question in Self.questions where question.workload.generatedLength > 0 {
      let trace = Trace(levelCount: question.model.levelCount, precision: .float32)
      let session = makeSession(
        ModelWeights(question.model, seed: 1, holdsNumbers: false), workload: question.workload,
        machine: Machine(backend: .shapes, trace: trace))
      session.prefill([[Int32](repeating: 0, count: question.workload.promptLength)])
      var (executed, windows): (Int128, Int128) = (0, 0)
      _ = session.generate { _, _, _ in
        // Before a token is processed: what has closed, and the open windows.
        if let hierarchy = session as? HierarchySession {
          executed += hierarchy.encoderCaches.reduce(0) { $0 + $1.bitsHeld(in: .fp32) }
          windows += hierarchy.windows.reduce(0) { $0 + $1.bitsHeld(in: .fp32) }
        } else if let vanilla = session as? VanillaSession {
          // Its own entry too.
          let cache = vanilla.caches[0]
          for (index, run) in cache.runs.enumerated() {
            let held = cache.ownHeld(run: index) + 1
            let fresh = min(run.methods.form.residual, held)
            executed += (run.traffic(formed: held - fresh, fresh: fresh) ?? run.plainTraffic(held)).bits(in: 32)
          }
        }
        return 0
      }
      let parts = zip(
        try ModelFootprint(question).parts, try ModelFootprint(question.with(generatedLength: 0)).parts)
      func held(persistent: Bool) -> Int128 {
        parts.reduce(0) { sum, part in
          let persists = question.model.stack(part.0.node.level, part.0.node.side).persists
          return persists == persistent ? sum + part.0.storedBits - part.1.storedBits : sum
        }
      }
      #expect(held(persistent: true) == executed, "\(question)")
      // Chunks of a meta-context that run side by side have windows of their own, which count as if one were open.
      if question.model.generation == .hierarchical { #expect(held(persistent: false) == windows, "\(question)") }
    }
  }

  /// What is listed once for a model serves no other.
  @Test func `a pricer that has priced other points prices a point alike`() throws {
    var pricer = Pricer()
    for question in Self.questions {
      #expect(try pricer.footprint(question) == ModelFootprint(question), "\(question)")
      let wider = Question(
        question.model, question.workload, Precision(weights: .fp32, activations: .fp32, cache: .fp32))
      #expect(try pricer.price(question) == price(question).totals, "\(question)")
      #expect(try pricer.price(wider) == price(wider).totals, "\(wider)")
    }
  }

  /// Σ over the tokens of the prompt, one by one, from its passes.
  @Test func `the memory held over the prompt is that of a walk over its tokens`() throws {
    for question in Self.questions where question.workload.generatedLength == 0 || question.workload.promptLength > 7 {
      let question = question.with(generatedLength: 0)
      let prompt = question.workload.promptLength
      for part in try ModelFootprint(question).parts {
        let stack = question.model.stack(part.node.level, part.node.side)
        guard stack.persists else {
          #expect(part.stored == 0)
          continue
        }
        let span = question.model.metaContextLength(upTo: stack.level)
        let planned = PlannedHeads(part.plan, stack.promptPasses(question.model, prompt: prompt))
        let (units, chunk) = (prompt / span, stack.prefillChunk ?? max(prompt / span, 1))
        var (stored, fresh) = (0, 0)
        for token in 0..<prompt {
          let unit = token / span
          let start = unit / chunk * chunk
          let rows = min(chunk, units - start)
          let (found, residual) = (planned.found(after: start, rows: rows), part.plan.entry.residual)
          let held = unit == units ? planned.held(after: units) + 1 : found + unit - start + 1
          stored += held
          // Inside a pass all that its rows make old enough has its form.
          fresh += unit == units ? min(residual, held) : max(held - max(found + rows - residual, 0), 0)
        }
        #expect(part.stored == Int128(stored), "\(part)")
        #expect(part.freshStored == (part.plan.entry.residual > 0 ? Int128(fresh) : 0), "\(part)")
      }
    }
  }

  /// kv-methods of the Block Transformer: 12 + 12 layers, blocks of 4 tokens, R = 2; and a stack that streams.
  @Test func `footprints that were computed by hand`() throws {
    let layer = LayerShape(width: 64, heads: 4, feedForward: 128)
    let block = Model.block(
      vocabulary: 100, layer: layer,
      levels: [
        LevelShape(
          chunkLength: 4, conditionLength: 2, layer: layer, encoderLayers: 12, decoderLayers: 12,
          chunker: .concatenation)
      ])
    for (prompt, generated, encoder, decoder, share) in [
      (2048, 128, 592_832, 448, 0.1252398), (128, 2048, 590_912, 7168, 0.1262531),
    ] {
      let footprint = try ModelFootprint(
        Question(block, Workload(promptLength: prompt, generatedLength: generated), Precision()))
      #expect(footprint.parts.map(\.stored) == [Int128(encoder), Int128(decoder)])
      #expect(abs(footprint.footprint - share) < 5e-8)
    }
    // The official formula's streaming head, at 131072 + 100 tokens in chunks of 32768.
    var vanilla = Model.vanilla(vocabulary: 100, layer: layer, layers: 2)
    vanilla.setCaches { _ in
      StackCache(
        CachePlan(retention: .streaming(Streaming(sinks: 128, window: 1024, positions: .text))), prefillChunk: 32_768)
    }
    let workload = Workload(promptLength: 131_072, generatedLength: 100)
    let streaming = try ModelFootprint(Question(vanilla, workload, Precision()))
    #expect(streaming.parts.map(\.stored) == [2_260_910_692])
    #expect(streaming.footprint == 0.26280148307508255)
    // Its evicting head at a sparsity of 0.7: ⌊0.3·32768⌋ + 64 entries of every chunk are what the patched form keeps, but
    // of the last one, whose 64 the official code counts over 100 tokens. Its peak is 62450/131172.
    vanilla.setCaches { _ in
      StackCache(
        CachePlan(retention: .chunked(ChunkedEviction(sparsity: 0.7, patched: true))), prefillChunk: 32_768)
    }
    let patched = try ModelFootprint(Question(vanilla, workload, Precision()))
    #expect(patched.parts.map(\.stored) == [4_096_751_386 - 64 * 100] && patched.peak == 62_450.0 / 131_172)
    vanilla.setCaches { _ in StackCache() }
    let full = try ModelFootprint(Question(vanilla, workload, Precision()))
    #expect(full.parts.map(\.stored) == [8_603_112_378] && full.footprint == 1 && full.activeFraction == 1)
  }
}
