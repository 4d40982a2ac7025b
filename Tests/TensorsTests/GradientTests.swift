import Architectures
import GSL
import Quantities
import Tensors
import Testing

/// One operation (attention with the projection that fills its cache) behind an embedding, so that the gradient of its
/// input arrives in a table like that of any weight.
struct GradientCase: Sendable, CustomTestStringConvertible {
  let name: String
  /// Runs it with parameters drawn from the arena; the result is what the loss reads.
  let run: @Sendable (Machine, Arena) -> Tensor

  var testDescription: String { name }

  static let node = Node(0, .decoder, .head)

  static func rows(_ machine: Machine, _ arena: Arena, count: Int, width: Int) -> Tensor {
    let table = arena.tensor(rows: 5, columns: width)
    return machine.embed((0..<count).map { Int32($0 * 2 % 5) }, table: table, at: node)
  }

  static func linear(_ arena: Arena, _ outputs: Int, _ inputs: Int, bias: Bool = false) -> Linear {
    Linear(
      weight: arena.tensor(rows: outputs, columns: inputs),
      bias: bias ? arena.tensor(rows: 1, columns: outputs) : nil)
  }

  static func layer(_ arena: Arena, _ shape: LayerShape) -> LayerWeights {
    LayerWeights(
      attentionNorm: arena.tensor(rows: 1, columns: shape.width),
      queryKeyValue: linear(arena, shape.queryWidth + 2 * shape.keyValueWidth, shape.width),
      output: linear(arena, shape.width, shape.queryWidth),
      feedForwardNorm: arena.tensor(rows: 1, columns: shape.width),
      gateUp: linear(arena, (shape.feedForwardKind.matrixCount - 1) * shape.feedForward, shape.width),
      down: linear(arena, shape.width, shape.feedForward))
  }

  /// Passes of so many queries for each group, one after the other; the loss reads the last.
  static func attention(
    _ name: String, _ shape: LayerShape, groups: Int, passes: [Int], projectsOnly: Bool = false
  ) -> GradientCase {
    GradientCase(name: name) { machine, arena in
      let weights = layer(arena, shape)
      let stack = Stack(
        level: 1, side: .decoder, runs: Runs(LayerRun(layers: 2, shape: shape, cache: .full)), persists: false)
      let cache = KeyValueCache(
        stack, groups: groups, capacity: passes.reduce(1, +), holdsNumbers: machine.holdsNumbers)
      var result: Tensor?
      for queries in passes {
        let x = rows(machine, arena, count: groups * queries, width: shape.width)
        let query = machine.project(x, weights, into: cache, layer: 1, queries: queries, at: node)
        let attended = machine.attend(
          query, cache: cache, layer: 1, queries: queries, readsOnce: false, at: node)
        cache.advance(by: queries)
        result = projectsOnly ? query : attended
      }
      return result!
    }
  }

  /// Attention behind sinks under a window, alone or mixed with full attention.
  static func streaming(
    _ name: String, _ shape: LayerShape, queries: Int, sinks: Int, window: Int, isMixed: Bool
  ) -> GradientCase {
    GradientCase(name: name) { machine, arena in
      let weights = layer(arena, shape)
      let stack = Stack(
        level: 0, side: .decoder, runs: Runs(LayerRun(layers: 2, shape: shape, cache: .full)), persists: true)
      let cache = KeyValueCache(stack, groups: 2, capacity: queries, holdsNumbers: machine.holdsNumbers)
      let x = rows(machine, arena, count: 2 * queries, width: shape.width)
      let query = machine.project(x, weights, into: cache, layer: 1, queries: queries, at: node)
      let streaming = machine.attendStreaming(
        query, cache: cache, layer: 1, queries: queries, sinks: sinks, window: window, at: node)
      guard isMixed else { return streaming }
      let full = machine.attend(query, cache: cache, layer: 1, queries: queries, readsOnce: true, at: node)
      let gates = arena.tensor(rows: 1, columns: shape.keyValueHeads)
      return machine.mixHeads(full, streaming, gates: gates, shape: shape, layer: 1, at: node)
    }
  }

  static let all: [GradientCase] = [
    GradientCase(name: "embedding") { rows($0, $1, count: 7, width: 6) },
    attention("projection", LayerShape(width: 6, heads: 2, feedForward: 4), groups: 2, passes: [2], projectsOnly: true),
    attention("attention", LayerShape(width: 6, heads: 2, feedForward: 4), groups: 2, passes: [3]),
    attention(
      "grouped attention in passes", LayerShape(width: 10, heads: 4, keyValueHeads: 2, headWidth: 5, feedForward: 4),
      groups: 3, passes: [2, 1, 3]),
    attention(
      "wide heads, one key", LayerShape(width: 8, heads: 1, headWidth: 35, feedForward: 4), groups: 1, passes: [1]),
    attention(
      "attention over many keys", LayerShape(width: 6, heads: 2, keyValueHeads: 1, headWidth: 4, feedForward: 4),
      groups: 2, passes: [3, 70]),
    streaming(
      "attention behind sinks", LayerShape(width: 6, heads: 2, feedForward: 4), queries: 7, sinks: 1, window: 2,
      isMixed: false),
    streaming(
      "attention behind sinks over blocks",
      LayerShape(width: 6, heads: 2, keyValueHeads: 1, headWidth: 4, feedForward: 4),
      queries: 70, sinks: 3, window: 20, isMixed: false),
    streaming(
      "mixed heads", LayerShape(width: 6, heads: 3, feedForward: 4), queries: 6, sinks: 1, window: 1, isMixed: true),
    streaming(
      "mixed heads, grouped", LayerShape(width: 10, heads: 4, keyValueHeads: 2, headWidth: 5, feedForward: 4),
      queries: 6,
      sinks: 2, window: 1, isMixed: true),
    streaming(
      "mixed heads, one key", LayerShape(width: 6, heads: 3, keyValueHeads: 1, feedForward: 4), queries: 5, sinks: 1,
      window: 1, isMixed: true),
    GradientCase(name: "output") { machine, arena in
      let shape = LayerShape(width: 6, heads: 3, headWidth: 5, feedForward: 4)
      let residual = rows(machine, arena, count: 4, width: 6)
      return machine.output(
        rows(machine, arena, count: 4, width: 15), layer(arena, shape), residual: residual, shape: shape, layer: 0,
        at: node)
    },
    GradientCase(name: "gated") { machine, arena in
      let shape = LayerShape(width: 6, heads: 1, feedForward: 19)
      return machine.gateUp(
        rows(machine, arena, count: 5, width: 6), layer(arena, shape), shape: shape, layer: 0, at: node)
    },
    GradientCase(name: "two matrices") { machine, arena in
      let shape = LayerShape(width: 6, heads: 1, feedForward: 19, feedForwardKind: .twoMatrix)
      return machine.gateUp(
        rows(machine, arena, count: 5, width: 6), layer(arena, shape), shape: shape, layer: 0, at: node)
    },
    GradientCase(name: "down") { machine, arena in
      let shape = LayerShape(width: 6, heads: 1, feedForward: 9)
      let hidden = rows(machine, arena, count: 4, width: 9)
      let residual = rows(machine, arena, count: 4, width: 6)
      let result = machine.arena.tensor(rows: 4, columns: 6)
      machine.down(
        hidden, layer(arena, shape), residual: residual, shape: shape, layer: 0, into: result, at: node)
      return result
    },
    GradientCase(name: "norm") { machine, arena in
      machine.norm(
        rows(machine, arena, count: 4, width: 21), weight: arena.tensor(rows: 1, columns: 21), at: node)
    },
    GradientCase(name: "chunker") { machine, arena in
      machine.chunk(
        rows(machine, arena, count: 6, width: 5).reshaped(rows: 3, columns: 10), linear(arena, 7, 10, bias: true),
        norm: arena.tensor(rows: 1, columns: 10), at: node)
    },
    GradientCase(name: "convolution") { machine, arena in
      machine.chunk(
        rows(machine, arena, count: 6, width: 5).reshaped(rows: 3, columns: 10), linear(arena, 7, 10, bias: true),
        norm: nil, at: node)
    },
    GradientCase(name: "converter") { machine, arena in
      machine.convert(rows(machine, arena, count: 3, width: 5), linear(arena, 12, 5, bias: true), at: node)
    },
    GradientCase(name: "head") { machine, arena in
      machine.head(
        rows(machine, arena, count: 3, width: 6), norm: arena.tensor(rows: 1, columns: 6),
        table: arena.tensor(rows: 11, columns: 6), at: node)
    },
    GradientCase(name: "rows moved, used twice and left out") { machine, arena in
      let (x, start) = (rows(machine, arena, count: 4, width: 6), arena.tensor(rows: 1, columns: 6))
      let moved = machine.assemble(rows: 5, columns: 6) { [(x, 3), nil, (start, 0), (x, 1), (x, 3)][$0] }
      return machine.norm(moved.rows(2..<5), weight: arena.tensor(rows: 1, columns: 6), at: node)
    },
  ]
}

struct GradientTests {
  /// A run on shapes: its tape, the result the loss reads, and the trace of both directions.
  struct Run {
    let tape = Tape()
    let result: Tensor
    let forward = Trace(levelCount: 0, precision: .float32)
    let backward = Trace(levelCount: 0, precision: .float32)
    let parameterCount: Int

    init(_ gradientCase: GradientCase, isFrozen: Bool = false) {
      let (machine, arena) = (Machine(backend: .shapes, trace: forward), Arena(holdsNumbers: false, line: .parameters))
      machine.tape = tape
      let result = gradientCase.run(machine, arena)
      machine.runBackward(
        into: nil, pool: GradientPool(holdsNumbers: false), isFrozen: isFrozen, trace: backward
      ) { _ = $0(result) }
      self.result = result
      parameterCount = arena.liveElements
    }

    func random(_ name: String, _ count: Int) -> [Double] {
      let stream = RandomStream(seed: 1, name: name)
      return (0..<count).map { _ in stream.gaussian() }
    }
    /// Exact in float32, so that a fast run starts from the same numbers.
    var parameters: [Double] { random("parameters", parameterCount).map { Double(Float($0)) } }
    var direction: [Double] { random("direction", parameterCount) }
    /// The loss is Σ coefficient · result.
    var coefficients: [Double] { random("loss", result.count).map { Double(Float($0)) } }

    func gradients() -> [Double] {
      Replay(tape, parameters: parameters).gradients { seed in
        for (index, value) in coefficients.enumerated() { seed(result)[index] += value }
      }
    }
    /// Scalar operations of both directions.
    var flops: Double {
      let work = forward.total(.prefill) + backward.total(.prefill)
      return Double(work.matmulFlops + work.elementwiseFlops)
    }
  }

  /// Each scalar operation of either way rounds once, by at most half an ulp of what it adds to.
  @Test(arguments: GradientCase.all)
  func `a gradient along a direction is the slope that dual numbers find`(gradientCase: GradientCase) {
    let run = Run(gradientCase)
    let duals = zip(run.parameters, run.direction).map { Dual($0, slope: $1) }
    let replay = Replay(run.tape, parameters: duals)
    let slope = run.coefficients.enumerated().reduce(0) {
      $0 + $1.element * replay.numbers(run.result)[$1.offset].slope
    }
    let terms = zip(run.gradients(), run.direction).map { $0 * $1 }
    let size = terms.reduce(0) { $0 + abs($1) }
    #expect(size > 0)
    #expect(abs(terms.reduce(0, +) - slope) <= 0x1p-53 * run.flops * size)
  }

  @Test(arguments: GradientCase.all, [false, true])
  func `a gradient does exactly the work that its rule says`(gradientCase: GradientCase, isFrozen: Bool) {
    let run = Run(gradientCase, isFrozen: isFrozen)
    let replay = Replay(run.tape, parameters: run.parameters.map(CountingScalar.init))
    let meter = CountingScalar.Meter()
    CountingScalar.$meter.withValue(meter) {
      _ = replay.gradients(isFrozen: isFrozen) { seed in
        for index in 0..<run.result.count { seed(run.result)[index] = .init(1) }
      }
    }
    let work = run.backward.total(.prefill)
    // Moving rows is no operation in either direction; here 4 rows of 6 come back, one of them to a parameter.
    let moved: Int128 = gradientCase.name.hasPrefix("rows moved") ? (isFrozen ? 3 : 4) * 6 : 0
    #expect(meter.counts == .init(matmul: work.matmulFlops, elementwise: work.elementwiseFlops + moved))
  }

  @Test func `what the loss does not reach costs nothing`() {
    let (machine, arena) = (Machine(backend: .shapes), Arena(holdsNumbers: false, line: .parameters))
    machine.tape = Tape()
    let trace = Trace(levelCount: 0, precision: .float32)
    let x = GradientCase.rows(machine, arena, count: 3, width: 4)
    _ = machine.head(
      x, norm: arena.tensor(rows: 1, columns: 4), table: arena.tensor(rows: 5, columns: 4), at: GradientCase.node)
    machine.runBackward(into: nil, pool: GradientPool(holdsNumbers: false), trace: trace) { _ = $0(x) }
    #expect(trace.total(.prefill) == Work(elementwiseFlops: 12))
  }
}

/// Here because the number of threads belongs to the process.
extension KernelTests {
  /// A path from a parameter to the loss and back adds at most as many numbers as the sides of its matrices are long,
  /// and a few more for norms, activations and softmax.
  @Test(arguments: GradientCase.all, [Backend.plain, .fast])
  func `gradients in float32 are those in double precision`(gradientCase: GradientCase, backend: Backend) {
    let run = GradientTests.Run(gradientCase)
    let exact = run.gradients()
    for threads in [1, 2] as [Int32] {
      let (machine, arena) = (Machine(backend: backend), Arena(holdsNumbers: true, line: .parameters))
      // The whole line of parameters once, given back, so that the case's tensors are cut from it.
      let mark = arena.mark
      let line = arena.tensor(rows: 1, columns: run.parameterCount)
      for (index, value) in run.parameters.enumerated() { line.base![index] = Float(value) }
      arena.release(to: mark)
      machine.tape = Tape()
      let result = gradientCase.run(machine, arena)
      var gradients = [Float](repeating: 0, count: run.parameterCount)
      gradients.withUnsafeMutableBufferPointer { gradients in
        Self.withThreads(threads) {
          machine.runBackward(into: gradients.baseAddress!, pool: GradientPool()) { seed in
            let memory = seed(result)
            for (index, value) in run.coefficients.enumerated() { memory[index] = Float(value) }
          }
        }
      }
      let largest = exact.reduce(0) { max($0, abs($1)) }
      for (index, value) in gradients.enumerated() {
        #expect(abs(Double(value) - exact[index]) <= 300 * unitRoundoff * largest, "parameter \(index)")
      }
    }
  }
}
