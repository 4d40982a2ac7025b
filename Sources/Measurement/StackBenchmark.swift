import Architectures
import GSL
import Quantities
import Tensors

/// Layers that are run as a model runs them, each operation timed on its own.
///
/// A sequence of all operations, not one operation in a loop: so weights and activations lie in the caches as they do in
/// a model, and the working set between two uses of a weight is that of all layers.
final class StackBenchmark {
  let shape: LayerShape
  let machine: Machine
  private let layers: [LayerWeights]
  private let memory = Arena(holdsNumbers: true, blockCapacity: 1 << 24)
  private let weightBytes: Double

  init(_ shape: LayerShape, layers count: Int, machine: Machine, seed: UInt64) {
    self.shape = shape
    self.machine = machine
    let stream = RandomStream(seed: seed, name: "calibration \(shape.width)")
    // Values matter only in that none is subnormal: a short period keeps the set-up short.
    let period = (0..<1021).map { _ in Float(stream.uniform() - 0.5) / Float(shape.width).squareRoot() }
    let memory = memory
    func matrix(_ rows: Int, _ columns: Int) -> Tensor {
      let result = memory.tensor(rows: rows, columns: columns)
      for index in 0..<result.count { result.base?[index] = period[index % 1021] }
      return result
    }
    let joint = shape.queryWidth + 2 * shape.keyValueWidth
    layers = (0..<count).map { _ in
      LayerWeights(
        attentionNorm: matrix(1, shape.width), queryKeyValue: Linear(weight: matrix(joint, shape.width)),
        output: Linear(weight: matrix(shape.width, shape.queryWidth)), feedForwardNorm: matrix(1, shape.width),
        gateUp: Linear(weight: matrix((shape.feedForwardKind.matrixCount - 1) * shape.feedForward, shape.width)),
        down: Linear(weight: matrix(shape.width, shape.feedForward)))
    }
    let layerElements =
      shape.width * (joint + shape.queryWidth + 2) + shape.feedForwardKind.matrixCount * shape.width * shape.feedForward
    weightBytes = Double(4 * count * layerElements)
  }

  /// Samples of the five operations of a layer.
  /// - Parameters:
  ///   - groups: sequences, each with `queries` consecutive positions after `past` cached ones.
  ///   - prefill: whether each cached entry is read once for all queries of its group.
  func samples(
    groups: Int, queries: Int, past: Int, prefill: Bool, repetitions: Repetitions
  ) -> [CalibrationSample] {
    let rows = groups * queries
    let stack = Stack(
      level: 0, side: .decoder, runs: Runs(LayerRun(layers: layers.count, shape: shape, cache: .full)),
      persists: true)
    let cache = KeyValueCache(stack, groups: groups, capacity: past + queries, holdsNumbers: true)
    defer { cache.release() }
    cache.fill(with: 0.01, count: past)
    let mark = machine.arena.mark
    defer { machine.arena.release(to: mark) }
    let x = machine.arena.tensor(rows: rows, columns: shape.width)
    for index in 0..<x.count { x.base?[index] = Float(index % 17) * 0.1 - 0.8 }

    let runs = repetitions.run { timedPass(x, cache: cache, queries: queries, readsOnce: prefill) }
    let cacheBytes = Double(8 * layers.count * groups * (past + queries) * shape.keyValueWidth)
    let attention = AttentionShape(
      groups: groups, queries: queries, keysBefore: past, layer: shape, store: .persistent, readsOnce: prefill)
    let operations: [(Operation, CalibrationSample.Kind)] = [
      (.queryKeyValue(rows: rows, layer: shape, store: .persistent), .product),
      (.attention(attention), prefill ? .attentionPrefill : .attentionDecode),
      (.output(rows: rows, layer: shape), .product), (.gateUp(rows: rows, layer: shape), .product),
      (.down(rows: rows, layer: shape), .product),
    ]
    return operations.enumerated().map { index, pair in
      CalibrationSample(
        pair.0, kind: pair.1, rows: rows, workingSet: weightBytes + cacheBytes,
        seconds: Statistics.median(runs.map { $0[index] }) / Double(layers.count))
    }
  }

  /// The seconds that each of the five operations took, all layers together.
  private func timedPass(_ x: Tensor, cache: KeyValueCache, queries: Int, readsOnce: Bool) -> [Double] {
    let node = Node(0, .decoder, .projections)
    var spent = [Double](repeating: 0, count: 5)
    let clock = ContinuousClock()
    for (layer, weights) in layers.enumerated() {
      let mark = machine.arena.mark
      defer { machine.arena.release(to: mark) }
      let result = machine.arena.tensor(rows: x.rows, columns: x.columns)
      let start = clock.now
      let query = machine.project(x, weights, into: cache, layer: layer, queries: queries, at: node)
      let projected = clock.now
      let attended = machine.attend(
        query, cache: cache, layer: layer, queries: queries, readsOnce: readsOnce, at: node)
      let attendedAt = clock.now
      let residual = machine.output(attended, weights, residual: x, shape: shape, layer: layer, at: node)
      let output = clock.now
      let hidden = machine.gateUp(residual, weights, shape: shape, layer: layer, at: node)
      let gated = clock.now
      machine.down(hidden, weights, residual: residual, shape: shape, layer: layer, into: result, at: node)
      let times = [start, projected, attendedAt, output, gated, clock.now]
      for index in spent.indices { spent[index] += (times[index + 1] - times[index]) / .seconds(1) }
    }
    return spent
  }
}
