import Architectures
import CKernels

/// The one place where a machine chooses between plain and fast arithmetic.
extension Machine {
  func product(_ x: Tensor, _ map: Linear, residual: Tensor? = nil, into y: Tensor) {
    guard let input = x.base, let weight = map.weight.base, let result = y.base else { return }
    precondition(x.columns == map.inputs && y.columns == map.outputs && x.rows == y.rows, "a product of unequal shapes")
    guard backend == .plain else {
      return fastProduct(x, map, input: input, weight: weight, residual: residual?.base, into: result)
    }
    PlainKernels<Float>.linear(
      rows: x.rows, outputs: map.outputs, inputs: map.inputs, input, weight: weight, bias: map.bias?.base,
      residual: residual?.base, into: result)
  }

  /// - Parameter bias: of a norm with the mean; nil for one of root mean squares.
  func normRows(_ x: Tensor, weight: Tensor, bias: Tensor? = nil, into y: Tensor) {
    guard let input = x.base, let scale = weight.base, let result = y.base, probe != .reading else { return }
    if let bias = bias?.base {
      return PlainKernels<Float>.layerNorm(
        rows: x.rows, width: x.columns, input, weight: scale, bias: bias, into: result)
    }
    guard backend == .plain else {
      return ck_rms_norm(
        x.rows, x.columns, input, x.columns, scale, Float(normEpsilon), result, y.columns)
    }
    PlainKernels<Float>.norm(rows: x.rows, width: x.columns, input, weight: scale, into: result)
  }

  func activate(_ hidden: Tensor, kind: FeedForwardKind, into y: Tensor) {
    guard let input = hidden.base, let result = y.base, probe != .reading else { return }
    guard backend == .plain else {
      switch kind {
      case .gated:
        ck_silu_gate(
          hidden.rows, y.columns, input, hidden.columns, input + y.columns, hidden.columns, result, y.columns)
      case .twoMatrix: ck_gelu(hidden.rows, y.columns, input, hidden.columns, result, y.columns)
      }
      return
    }
    for row in 0..<hidden.rows {
      let from = input + row * hidden.columns
      let to = result + row * y.columns
      switch kind {
      case .gated: PlainKernels<Float>.gate(y.columns, gate: from, up: from + y.columns, into: to)
      case .twoMatrix: PlainKernels<Float>.gelu(y.columns, from, into: to)
      }
    }
  }

  func mixRows(_ full: Tensor, _ streaming: Tensor, gates: Tensor, shape: LayerShape, into y: Tensor) {
    guard let a = full.base, let b = streaming.base, let gates = gates.base, let result = y.base else { return }
    let mixture = HeadMixture(rows: full.rows, layer: shape, gates: gates, full: a, streaming: b)
    guard backend == .plain else { return FastGradients.mixHeads(mixture, into: result) }
    PlainKernels<Float>.mixHeads(mixture, into: result)
  }

  /// Rotates queries and keys of a joint product and appends keys and values to the cache.
  func appendRotated(_ joint: Tensor, queries: Int, cache: KeyValueCache, layer: Int, query: Tensor) {
    guard let input = joint.base, let result = query.base, let entries = cache.entries(layer) else { return }
    let shape = cache.shapes[layer]
    let start = cache.nextPosition
    // For all that the cache has room for: growing with the context would allocate while tokens are generated.
    let rotated = shape.style.rotatedWidth ?? shape.headWidth
    let angles = rotaryAngles(headWidth: rotated, positions: max(cache.positionRoom, start + queries))
    func rotate(_ first: Int, heads: Int, from start: Int) {
      let input = input + first * shape.headWidth
      if backend == .fast, rotated == shape.headWidth {
        ck_rotate(
          joint.rows, heads, shape.headWidth, input, joint.columns, angles.cosine, angles.sine, nil, start, queries)
        return
      }
      for row in 0..<joint.rows {
        let position = (start + row % queries) * angles.half
        PlainKernels<Float>.rotate(
          heads: heads, headWidth: shape.headWidth, rotated: rotated, input + row * joint.columns,
          cosine: angles.cosine + position, sine: angles.sine + position)
      }
    }
    let runs = cache.runs(of: layer)
    if runs.contains(where: { cache.runs[$0].methods.retaining?.rotatesByPlace == true }) {
      for index in runs {
        let run = cache.runs[index]
        let byPlace = run.methods.retaining?.rotatesByPlace == true
        rotate(
          run.queryColumns.lowerBound / shape.headWidth, heads: run.shape.heads,
          from: byPlace ? cache.ownHeld(run: index) : start)
        // Keys that are rotated as they are read are stored as they are.
        if !byPlace { rotate(shape.heads + run.heads.lowerBound, heads: run.heads.count, from: start) }
      }
    } else {
      rotate(0, heads: shape.heads + shape.keyValueHeads, from: start)
    }
    for index in runs {
      let run = cache.runs[index]
      let append = Append(
        joint: UnsafePointer(input), columns: joint.columns, queries: queries, queryWidth: shape.queryWidth,
        heads: run.heads, queryColumns: run.queryColumns, firstEntry: cache.ownHeld(run: index), query: result,
        entries: entries)
      Cut.run(append, count: joint.rows, grain: 64) { part, context in
        let (append, rows) = Cut<Append>.part(part, of: context)
        append.run(rows)
      }
    }
  }

  /// Attention of the query heads of one run, whose columns in queries and results are among those of all heads.
  func attendRows(
    _ query: Tensor, shape: AttentionShape, run: CacheRun, mass: Tensor?, segments: UnsafeBufferPointer<Segment<Float>>,
    into result: Tensor
  ) {
    guard let input = query.base, let output = result.base, !segments.isEmpty else { return }
    let (first, columns) = (run.queryColumns.lowerBound, query.columns)
    if backend == .fast, shape.sinks > 0 {
      precondition(segments.count == 1 && columns == shape.layer.queryWidth, "sinks are for training on whole caches")
      return FastStreaming(shape: shape, query: input, result: output, entries: segments[0].entries).run()
    }
    guard backend == .plain || shape.layer.style.needsPlainAttention else {
      return fastAttention(
        shape, segments: segments, query: input + first, columns: columns, mass: mass, into: output + first)
    }
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let weights = arena.tensor(rows: 1, columns: shape.keysBefore + shape.queries)
    PlainKernels<Float>.attend(
      shape, query: input + first, columns: columns, segments: segments, weights: weights.base!,
      mass: mass.flatMap { mass in mass.base.map { ($0, mass.columns) } }, firstHead: first / shape.layer.headWidth,
      allHeads: columns / shape.layer.headWidth, into: output + first)
  }
}

/// Rows of rotated queries, keys and values of a run of heads: queries to a tensor of their own, keys and values to
/// their cache.
private struct Append {
  let joint: UnsafePointer<Float>
  let columns, queries, queryWidth: Int
  let heads, queryColumns: Range<Int>
  let firstEntry: Int
  let query: UnsafeMutablePointer<Float>
  let entries: Entries<Float>

  func run(_ rows: Range<Int>) {
    for row in rows {
      let from = joint + row * columns
      (query + row * queryWidth + queryColumns.lowerBound)
        .update(from: from + queryColumns.lowerBound, count: queryColumns.count)
      entries.store(from + queryWidth, of: heads, group: row / queries, entry: firstEntry + row % queries)
    }
  }
}
