import Architectures

/// Attention in the plainest words.
extension PlainKernels {
  /// Attention of all queries of all groups.
  /// - Parameters:
  ///   - query: rows of the shape's heads, as is the result.
  ///   - columns: from one row to the next.
  ///   - segments: what the last query of a group sees, in order of position.
  ///   - weights: scratch for all entries.
  ///   - mass: to which the weights of each entry are added, rows of the group and the key–value head, and the distance
  ///     of two rows.
  ///   - firstHead: position of the first of the shape's heads among the layer's.
  ///   - allHeads: heads of the layer; nil: those of the shape.
  ///   - y: rows as those of the query, overwritten.
  static func attend(
    _ shape: AttentionShape, query: Input, columns: Int, segments: UnsafeBufferPointer<Segment<Scalar>>,
    weights: Output,
    mass: (base: Output, columns: Int)? = nil, firstHead: Int = 0, allHeads: Int? = nil, into y: Output
  ) {
    let (layer, width) = (shape.layer, shape.layer.headWidth)
    for row in 0..<shape.groups * shape.queries {
      let group = row / shape.queries
      let visible = shape.keysBefore + row % shape.queries + 1
      let (sinks, latest) = shape.stretches(of: visible)
      for head in 0..<layer.heads {
        let (at, shared) = (row * columns + head * width, head * layer.keyValueHeads / layer.heads)
        let seen =
          seen(segments, sinks, group: group, head: shared) + seen(segments, latest, group: group, head: shared)
        attend(
          headWidth: width, query: query + at, segments: seen, weights: weights,
          scores: layer.style.scores(ofHead: firstHead + head, of: allHeads ?? layer.heads), into: y + at)
        guard let mass else { continue }
        precondition(sinks.isEmpty, "the mass of sinks")
        let sums = mass.base + (group * layer.keyValueHeads + shared) * mass.columns
        accumulate(latest.count, weights, into: sums + latest.lowerBound)
      }
    }
  }

  /// The pieces of segments in which a range of all entries lies.
  private static func seen(
    _ segments: UnsafeBufferPointer<Segment<Scalar>>, _ range: Range<Int>, group: Int, head: Int
  ) -> [(keys: Input, values: Input, count: Int)] {
    var start = 0
    return segments.map { segment in
      let own = range.clamped(to: start..<start + segment.count)
      let skipped = (own.lowerBound - start) * segment.entries.layout.headWidth
      start += segment.count
      return (
        keys: Input(segment.keys(group: group, head: head)) + skipped,
        values: Input(segment.values(group: group, head: head)) + skipped, count: own.count
      )
    }
  }

  /// Attention of one query of one head over keys in any number of segments.
  /// - Parameters:
  ///   - headWidth: features of the query, of each key and of each value.
  ///   - query: one row, rotated.
  ///   - segments: keys, values and their number, in order of position.
  ///   - weights: scratch for all keys.
  ///   - scores: what they go through before the softmax.
  ///   - y: one row, overwritten.
  public static func attend(
    headWidth: Int, query: Input, segments: [(keys: Input, values: Input, count: Int)], weights: Output,
    scores: ScoreRule = .none, into y: Output
  ) {
    attentionWeights(headWidth: headWidth, query: query, segments: segments, scores: scores, into: weights)
    Scalar.account(as: .matmul)
    for index in 0..<headWidth {
      var value = Scalar(0)
      var position = 0
      for segment in segments {
        for key in 0..<segment.count {
          value = value + weights[position] * segment.values[key * headWidth + index]
          position += 1
        }
      }
      y[index] = value
    }
  }

  /// Softmax over the keys of a query's scaled scores. A bias by distance is the same for all queries but for what a
  /// softmax takes out again, so it grows with the key's place.
  static func attentionWeights(
    headWidth: Int, query: Input, segments: [(keys: Input, values: Input, count: Int)], scores: ScoreRule = .none,
    into weights: Output
  ) {
    let scale = Scalar(1 / Double(headWidth).squareRoot())
    var largest = Scalar(-Double.infinity)
    var position = 0
    for segment in segments {
      for key in 0..<segment.count {
        Scalar.account(as: .matmul)
        var score = Scalar(0)
        for index in 0..<headWidth { score = score + query[index] * segment.keys[key * headWidth + index] }
        Scalar.account(as: .elementwise)
        var scaled = score * scale
        if scores.slope != 0 { scaled = scaled + Scalar(scores.slope * Double(position)) }
        if scores.cap != 0 { scaled = cap(scaled, at: scores.cap) }
        weights[position] = scaled
        largest = Scalar.maximum(largest, weights[position])
        position += 1
      }
    }
    var sum = Scalar(0)
    for key in 0..<position {
      weights[key] = Scalar.exponential(weights[key] - largest)
      sum = sum + weights[key]
    }
    for key in 0..<position { weights[key] = weights[key] / sum }
  }
}
