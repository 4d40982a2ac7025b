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

  func normRows(_ x: Tensor, weight: Tensor, into y: Tensor) {
    guard let input = x.base, let scale = weight.base, let result = y.base else { return }
    guard backend == .plain else {
      return ck_rms_norm(
        x.rows, x.columns, input, x.columns, scale, Float(normEpsilon), result, y.columns)
    }
    PlainKernels<Float>.norm(rows: x.rows, width: x.columns, input, weight: scale, into: result)
  }

  func activate(_ hidden: Tensor, kind: FeedForwardKind, into y: Tensor) {
    guard let input = hidden.base, let result = y.base else { return }
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

  /// Rotates queries and keys of a joint product and appends keys and values to the cache.
  func appendRotated(_ joint: Tensor, queries: Int, cache: KeyValueCache, layer: Int, query: Tensor) {
    guard let input = joint.base, let result = query.base, let keys = cache.keys(layer),
      let values = cache.values(layer)
    else { return }
    let shape = cache.layer
    let start = cache.positionCount
    // For all that the cache has room for: growing with the context would allocate while tokens are generated.
    let angles = rotaryAngles(
      headWidth: shape.headWidth, positions: (cache.prefix?.capacity ?? 0) + cache.capacity)
    if backend == .fast {
      ck_rotate(
        joint.rows, shape.heads + shape.keyValueHeads, shape.headWidth, input, joint.columns, angles.cosine,
        angles.sine, nil, start, queries)
    } else {
      for row in 0..<joint.rows {
        let position = (start + row % queries) * angles.half
        PlainKernels<Float>.rotate(
          heads: shape.heads + shape.keyValueHeads, headWidth: shape.headWidth, input + row * joint.columns,
          cosine: angles.cosine + position, sine: angles.sine + position)
      }
    }
    let append = Append(
      joint: UnsafePointer(input), columns: joint.columns, queries: queries, shape: shape, capacity: cache.capacity,
      length: cache.length, query: result, keys: keys, values: values)
    Cut.run(append, count: joint.rows, grain: 64) { part, context in
      let (append, rows) = Cut<Append>.part(part, of: context)
      append.run(rows)
    }
  }

  func attendRows(_ query: Tensor, shape: AttentionShape, cache: KeyValueCache, layer: Int, into result: Tensor) {
    guard let input = query.base, let output = result.base, let keys = cache.keys(layer),
      let values = cache.values(layer)
    else { return }
    let dimensions = shape.layer
    guard backend == .plain else {
      return fastAttention(shape, cache: cache, layer: layer, query: query, into: result)
    }
    let headsPerEntry = dimensions.heads / dimensions.keyValueHeads
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let weights = arena.tensor(rows: 1, columns: shape.keysBefore + shape.queries)
    let own = cache.length
    for row in 0..<query.rows {
      let (group, offset) = (row / shape.queries, row % shape.queries)
      for head in 0..<dimensions.heads {
        let entryHead = head / headsPerEntry
        var segments: [(keys: UnsafePointer<Float>, values: UnsafePointer<Float>, count: Int)] = []
        if let prefix = cache.prefix, let sharedKeys = prefix.keys(layer), let sharedValues = prefix.values(layer) {
          let at =
            ((group / cache.share) * dimensions.keyValueHeads + entryHead) * prefix.capacity * dimensions.headWidth
          segments.append((UnsafePointer(sharedKeys + at), UnsafePointer(sharedValues + at), prefix.length))
        }
        let at = (group * dimensions.keyValueHeads + entryHead) * cache.capacity * dimensions.headWidth
        segments.append((UnsafePointer(keys + at), UnsafePointer(values + at), own + offset + 1))
        PlainKernels<Float>.attend(
          headWidth: dimensions.headWidth,
          query: input + row * query.columns + head * dimensions.headWidth, segments: segments,
          weights: weights.base!, into: output + row * result.columns + head * dimensions.headWidth)
      }
    }
  }
}

/// Rows of rotated queries, keys and values: queries to a tensor of their own, keys and values to their cache.
private struct Append {
  let joint: UnsafePointer<Float>
  let columns, queries: Int
  let shape: LayerShape
  let capacity, length: Int
  let query, keys, values: UnsafeMutablePointer<Float>

  func run(_ rows: Range<Int>) {
    for row in rows {
      let (group, offset) = (row / queries, row % queries)
      let from = joint + row * columns
      (query + row * shape.queryWidth).update(from: from, count: shape.queryWidth)
      for head in 0..<shape.keyValueHeads {
        let slot = ((group * shape.keyValueHeads + head) * capacity + length + offset) * shape.headWidth
        let key = from + shape.queryWidth + head * shape.headWidth
        (keys + slot).update(from: key, count: shape.headWidth)
        (values + slot).update(from: key + shape.keyValueWidth, count: shape.headWidth)
      }
    }
  }
}
