import Architectures

/// Every gradient in the plainest possible words, on any scalar: what the fast gradients compute, and what is held
/// against dual numbers.
extension PlainKernels: GradientKernels {
  static func accumulate(_ count: Int, _ x: Input, into y: Output) {
    Scalar.account(as: .elementwise)
    for index in 0..<count { y[index] = y[index] + x[index] }
  }

  static func accumulateRows(rows: Int, width: Int, _ x: Input, into y: Output) {
    for row in 0..<rows { accumulate(width, x + row * width, into: y) }
  }

  static func linearGradient(
    rows: Int, outputs: Int, inputs: Int, _ x: Input, weight: Input, resultGradient: Input, into inputGradient: Output,
    weightGradient: Output?
  ) {
    Scalar.account(as: .matmul)
    for row in 0..<rows {
      for input in 0..<inputs {
        var sum = inputGradient[row * inputs + input]
        for output in 0..<outputs {
          sum = sum + resultGradient[row * outputs + output] * weight[output * inputs + input]
        }
        inputGradient[row * inputs + input] = sum
      }
    }
    guard let weightGradient else { return }
    for output in 0..<outputs {
      for input in 0..<inputs {
        var sum = weightGradient[output * inputs + input]
        for row in 0..<rows { sum = sum + resultGradient[row * outputs + output] * x[row * inputs + input] }
        weightGradient[output * inputs + input] = sum
      }
    }
  }

  /// With s = 1/√(mean x² + ε), x̄ = x·s and t = dy·w: `dw += dy·x̄`, `dx += s·(t − x̄·(Σ t·x̄)/D)`.
  ///
  /// For ds/dx_i = −s³·x_i/D, so that Σ_j t_j·x_j·ds/dx_i = −s·x̄_i·(Σ_j t_j·x̄_j)/D.
  static func normGradient(
    rows: Int, width: Int, _ x: Input, weight: Input, resultGradient: Input, into inputGradient: Output,
    weightGradient: Output?
  ) {
    Scalar.account(as: .elementwise)
    var (scaled, weighted) = (
      [Scalar](repeating: Scalar(0), count: width), [Scalar](repeating: Scalar(0), count: width)
    )
    for row in 0..<rows {
      let (x, dy, dx) = (x + row * width, resultGradient + row * width, inputGradient + row * width)
      var squares = Scalar(0)
      for index in 0..<width { squares = squares + x[index] * x[index] }
      let scale = Scalar(1) / Scalar.squareRoot(squares / Scalar(Double(width)) + Scalar(normEpsilon))
      var sum = Scalar(0)
      for index in 0..<width {
        scaled[index] = x[index] * scale
        if let weightGradient { weightGradient[index] = weightGradient[index] + dy[index] * scaled[index] }
        weighted[index] = dy[index] * weight[index]
        sum = sum + weighted[index] * scaled[index]
      }
      let mean = sum / Scalar(Double(width))
      for index in 0..<width { dx[index] = dx[index] + scale * (weighted[index] - scaled[index] * mean) }
    }
  }

  static func rotate(
    rows: Int, columns: Int, heads: Int, headWidth: Int, _ x: Output, cosine: Input, sine: Input, first: Int,
    period: Int
  ) {
    for row in 0..<rows {
      let angles = (first + row % period) * (headWidth / 2)
      rotate(heads: heads, headWidth: headWidth, x + row * columns, cosine: cosine + angles, sine: sine + angles)
    }
  }

  static func activationGradient(
    _ kind: FeedForwardKind, rows: Int, width: Int, hidden: Input, resultGradient: Input, into hiddenGradient: Output
  ) {
    for row in 0..<rows {
      let dy = resultGradient + row * width
      switch kind {
      case .gated:
        let (gate, to) = (hidden + row * 2 * width, hiddenGradient + row * 2 * width)
        gateGradient(width, gate: gate, up: gate + width, resultGradient: dy, gateGradient: to, upGradient: to + width)
      case .twoMatrix:
        geluGradient(width, hidden + row * width, resultGradient: dy, into: hiddenGradient + row * width)
      }
    }
  }

  /// With σ = 1/(1 + exp(−g)): `du = dy·g·σ`, `dg = dy·u·(σ + g·σ·(1 − σ))`.
  static func gateGradient(
    _ count: Int, gate: Input, up: Input, resultGradient: Input, gateGradient: Output, upGradient: Output
  ) {
    Scalar.account(as: .elementwise)
    for index in 0..<count {
      let sigmoid = Scalar(1) / (Scalar(1) + Scalar.exponential(Scalar(0) - gate[index]))
      let silu = gate[index] * sigmoid
      upGradient[index] = resultGradient[index] * silu
      gateGradient[index] = resultGradient[index] * up[index] * (sigmoid + silu * (Scalar(1) - sigmoid))
    }
  }

  /// With e = x·(c₀ + c₁·x²), e′ = c₀ + 3·c₁·x² and σ = 1/(1 + exp(−e)): `dx = dy·(σ + x·σ·(1 − σ)·e′)`.
  static func geluGradient(_ count: Int, _ x: Input, resultGradient: Input, into inputGradient: Output) {
    Scalar.account(as: .elementwise)
    let (c0, c1) = (Scalar(geluCoefficients.linear), Scalar(geluCoefficients.cubic))
    for index in 0..<count {
      let value = x[index]
      let cubic = c1 * value * value
      let sigmoid = Scalar(1) / (Scalar(1) + Scalar.exponential(Scalar(0) - value * (c0 + cubic)))
      let slope = c0 + Scalar(3) * cubic
      inputGradient[index] = resultGradient[index] * (sigmoid + value * sigmoid * (Scalar(1) - sigmoid) * slope)
    }
  }

  /// The weights are computed again; then, per query, with dp = dy·v: `dv += p·dy`, `ds = p·(dp − Σ p·dp)/√d`,
  /// `dq += ds·k`, `dk += ds·q`.
  static func attentionGradient(_ attention: AttentionGradient<Scalar>) {
    let (shape, layer) = (attention.shape, attention.shape.layer)
    let width = layer.headWidth
    for row in 0..<shape.groups * shape.queries {
      for head in 0..<layer.heads {
        let (group, shared) = (row / shape.queries, head * layer.keyValueHeads / layer.heads)
        let at = row * layer.queryWidth + head * width
        let (sinks, latest) = shape.stretches(of: shape.keysBefore + row % shape.queries + 1)
        attentionGradient(
          headWidth: width, seen: Array(sinks) + Array(latest), query: attention.query + at,
          keys: attention.entries.keys(group: group, head: shared),
          values: attention.entries.values(group: group, head: shared), resultGradient: attention.resultGradient + at,
          queryGradient: attention.queryGradient + at,
          keyGradient: attention.entryGradients.keys(group: group, head: shared),
          valueGradient: attention.entryGradients.values(group: group, head: shared))
      }
    }
  }

  /// - Parameter seen: the entries that the query attends.
  private static func attentionGradient(
    headWidth: Int, seen: [Int], query: Input, keys: Input, values: Input, resultGradient: Input,
    queryGradient: Output, keyGradient: Output, valueGradient: Output
  ) {
    var weights = [Scalar](repeating: Scalar(0), count: seen.count)
    var gradients = weights
    weights.withUnsafeMutableBufferPointer {
      attentionWeights(
        headWidth: headWidth, query: query,
        segments: seen.map { (keys + $0 * headWidth, values + $0 * headWidth, 1) }, into: $0.baseAddress!)
    }
    Scalar.account(as: .matmul)
    for (key, entry) in seen.enumerated() {
      var sum = Scalar(0)
      for index in 0..<headWidth { sum = sum + resultGradient[index] * values[entry * headWidth + index] }
      gradients[key] = sum
    }
    Scalar.account(as: .elementwise)
    var mean = Scalar(0)
    for key in seen.indices { mean = mean + weights[key] * gradients[key] }
    let scale = Scalar(1 / Double(headWidth).squareRoot())
    for key in seen.indices { gradients[key] = weights[key] * (gradients[key] - mean) * scale }
    Scalar.account(as: .matmul)
    for (key, entry) in seen.enumerated() {
      for index in 0..<headWidth {
        let at = entry * headWidth + index
        queryGradient[index] = queryGradient[index] + gradients[key] * keys[at]
        keyGradient[at] = keyGradient[at] + gradients[key] * query[index]
        valueGradient[at] = valueGradient[at] + weights[key] * resultGradient[index]
      }
    }
  }
}
