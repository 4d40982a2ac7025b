import Architectures
import Quantities
import Testing

@testable import Reference
@testable import Tensors

/// Whole models over caches that let entries go, by a method that only tests have.
struct CacheMethodTests {
  struct Latest: Retaining {
    let count: Int
    let tallies: Bool

    func voters(in pass: PassPlace) -> Voters? {
      tallies ? Voters(queries: 0..<pass.queries, candidates: .attended) : nil
    }

    func survivors(
      of held: Int, behind _: PassPlace, votes mass: UnsafeBufferPointer<Float>?
    ) -> [Range<Int>]? {
      held > count ? [held - count..<held] : nil
    }
  }

  static func latest(_ count: Int, tallies: Bool = false) -> CacheMethods.Factory {
    { run in
      var methods = CacheMethods(run.cache)
      methods.retaining = Latest(count: count, tallies: tallies)
      return methods
    }
  }

  static let vanilla = Model.vanilla(
    vocabulary: 13, layer: LayerShape(width: 12, heads: 4, keyValueHeads: 2, feedForward: 20), layers: 2)
  static let photon = GenerationLaws.model([(2, 2), (2, 1)], .cascade)

  struct Run {
    let session: any Session
    let machine: Machine
    let logits: [[UInt32]]
  }

  /// Logits per sequence, one emitted token behind the other.
  static func run(
    _ model: Model, prompts: [[Int32]], continuations: Int = 1, backend: Backend = .plain,
    methods: @escaping CacheMethods.Factory
  ) -> Run {
    let weights = ModelWeights(model, seed: 3, holdsNumbers: backend != .shapes)
    let workload = Workload(
      promptLength: prompts[0].count, generatedLength: 14, batchSize: prompts.count, continuations: continuations)
    let trace = Trace(levelCount: model.levelCount, precision: .float32, listsOperations: true)
    let machine = Machine(backend: backend, trace: trace)
    let session: any Session =
      model.structure == .hierarchy
      ? HierarchySession(weights, workload: workload, machine: machine, methods: methods)
      : VanillaSession(weights, workload: workload, machine: machine, methods: methods)
    session.prefill(prompts)
    var logits = [[UInt32]](repeating: [], count: workload.batchSize * continuations)
    _ = session.generate { row, sequence, position in
      logits[sequence] += row.map(\.bitPattern)
      return greedy(row, sequence, position)
    }
    return Run(session: session, machine: machine, logits: logits)
  }

  static let prompts = [GenerationLaws.prompt(9), GenerationLaws.prompt(9, seed: 4)]

  @Test(arguments: [vanilla, photon], [Backend.plain, .fast])
  func `continuations that let entries go are sequences of their own`(model: Model, backend: Backend) {
    for needsMass in [false, true] {
      let methods = Self.latest(3, tallies: needsMass)
      let shared = Self.run(model, prompts: Self.prompts, continuations: 3, backend: backend, methods: methods)
      let whole = Self.run(model, prompts: Self.prompts, backend: backend, methods: CacheMethods.ofPlan)
      for sequence in 0..<6 {
        let alone = Self.run(model, prompts: [Self.prompts[sequence / 3]], backend: backend, methods: methods)
        #expect(shared.logits[sequence] == alone.logits[0])
        #expect(shared.logits[sequence] != whole.logits[sequence / 3])
      }
    }
  }

  @Test(arguments: [vanilla, photon])
  func `shapes record what numbers record, and the meter finds what stays`(model: Model) {
    let runs = [Backend.plain, .shapes].map {
      Self.run(model, prompts: Self.prompts, continuations: 2, backend: $0, methods: Self.latest(3, tallies: true))
    }
    let operations = runs.map { run in
      run.machine.trace!.operations.map { entry, count in
        "\(entry.phase) \(entry.layer) \(entry.node) \(entry.operation) × \(count)"
      }
    }
    #expect(operations[0] == operations[1])
    #expect(operations[0].contains { $0.contains("decode") && $0.contains("moveEntries") })
    #expect(operations[0].contains { $0.contains("prefill") && $0.contains("scoreEntries") })
    // Four sequences, three entries of a key and a value, 4 bytes each: two layers of two heads of 3 features, or two
    // levels of one layer of a head of 6.
    for run in runs { #expect(run.session.memory.figures.bytesAtEnd == 4 * 3 * 2 * 2 * 6 * 4) }
  }

  @Test func `a stack of two runs of layers is one stack behind the other`() {
    let machine = Machine(backend: .plain)
    let shapes = [20, 8].map { LayerShape(width: 12, heads: 4, keyValueHeads: 2, feedForward: $0) }
    let model = Self.vanilla
    let kept: [Int] = [2, 30]
    func stack(_ runs: [LayerShape]) -> Stack {
      let layers = runs.map { LayerRun(layers: 1, shape: $0, cache: .full) }
      return Stack(level: 0, side: .decoder, runs: Runs(layers[0], Array(layers.dropFirst())), persists: true)
    }
    let layers = shapes.map { shape in
      var alone = model
      (alone.layer, alone.payload) = (shape, .vanilla(layers: 1))
      return ModelWeights(alone, seed: 9, holdsNumbers: true)
    }
    let both = StackWeights(
      stack(shapes), layers: layers.map { $0.stack.layers[0] }, lastNorm: layers[0].stack.lastNorm)
    var made = 0
    let together = KeyValueCache(
      both.stack, groups: 2, capacity: 9, holdsNumbers: true,
      methods: { run in
        made += 1
        return Self.latest(kept[made - 1])(run)
      })
    let alone = [0, 1].map {
      KeyValueCache(
        stack([shapes[$0]]), groups: 2, capacity: 9, holdsNumbers: true, methods: Self.latest(kept[$0]))
    }
    for queries in [3, 1, 2, 1] {
      let tokens = (0..<2 * queries).map { Int32($0 * 5 % 13) }
      let x = machine.embed(tokens, table: layers[0].table(.decoder)!, at: Node(0, .decoder, .embedding))
      let result = machine.run(both, x, cache: together, queries: queries, readsOnce: false)
      let between = machine.run(layers[0].stack, x, cache: alone[0], queries: queries, readsOnce: false)
      let expected = machine.run(layers[1].stack, between, cache: alone[1], queries: queries, readsOnce: false)
      #expect(result.elements == expected.elements)
    }
    #expect((together.ownHeld(run: 0), together.ownHeld(run: 1)) == (2, 7))
  }

  @Test(arguments: [vanilla, photon])
  func `a full plan has no upkeep`(model: Model) {
    let run = Self.run(model, prompts: Self.prompts, continuations: 2, methods: CacheMethods.ofPlan)
    #expect(run.machine.trace!.operations.allSatisfy { $0.entry.node.component != .upkeep })
    for phase in Phase.allCases {
      #expect(run.machine.trace!.nodes(phase).allSatisfy { $0.node.component != .upkeep })
    }
  }
}
