import Architectures

/// What the vectors of an operation — norms, biases, scales, residuals — cost: element-wise FLOP of a row, and weights.
struct VectorWork {
  var flops: Int128 = 0
  var weights: Int128 = 0

  init() {}

  /// A norm of so many features. Of root mean squares: squares and their sum, four more, two products a feature. With
  /// the mean: a sum, a difference and a bias a feature, and a quotient, besides.
  init(_ kind: NormKind, of features: Int) {
    let d = Int128(features)
    switch kind {
    case .rms: (flops, weights) = (2 * d + 4 + 2 * d, d)
    case .layer: (flops, weights) = (d + 1 + d + 2 * d + 4 + 2 * d + d, 2 * d)
    }
  }

  mutating func add(_ other: VectorWork) {
    flops += other.flops
    weights += other.weights
  }

  /// A learned vector that is added.
  mutating func addBias(of features: Int) {
    flops += Int128(features)
    weights += Int128(features)
  }
}

// The work rules of NOTATION.md for layers of every style.
extension LayerShape {
  /// In front of and behind the product of queries, keys and values, without their rotation.
  var vectorsOfInput: VectorWork {
    var work = style.norms.areBefore ? VectorWork(style.norm, of: width) : VectorWork()
    if style.attentionBiases != .none { work.addBias(of: queryWidth + 2 * keyValueWidth) }
    switch style.headNorms {
    case .none: break
    case .eachHead:
      // Every head's arithmetic, with one weight for the heads of each kind.
      let head = VectorWork(.rms, of: headWidth)
      work.flops += Int128(heads + keyValueHeads) * head.flops
      work.weights += 2 * head.weights
    case .allHeads:
      work.add(VectorWork(.rms, of: queryWidth))
      work.add(VectorWork(.rms, of: keyValueWidth))
    }
    return work
  }

  /// In front of and behind the product of gate and up, without the activation.
  var vectorsOfHidden: VectorWork {
    var work = VectorWork()
    // Halves that share a norm have it computed once, with the queries.
    if style.norms.areBefore, style.order != .parallelOneNorm { work = VectorWork(style.norm, of: width) }
    if style.feedForwardBiases { work.addBias(of: (feedForwardKind.matrixCount - 1) * feedForward) }
    return work
  }

  /// Behind the product that ends a half: its bias, its norm, its scale, and the residual.
  func vectorsOfResult(hasBias: Bool) -> VectorWork {
    var work = style.norms.areAfter ? VectorWork(style.norm, of: width) : VectorWork()
    if hasBias { work.addBias(of: width) }
    if style.residualScale != 1 { work.flops += Int128(width) }
    work.flops += Int128(width)
    return work
  }

  /// Element-wise FLOP of a hidden feature.
  var activationFlops: Int128 {
    let gate: Int128 = feedForwardKind == .gated ? 1 : 0
    switch activation {
    case .silu: return 4 + gate
    case .gelu: return 8 + gate
    case .relu: return 1 + gate
    }
  }

  /// The function between its matrices.
  public var activation: Activation { style.activation ?? (feedForwardKind == .gated ? .silu : .gelu) }

  /// Element-wise FLOP of a score: softmax, bias by distance, cap.
  var scoreFlops: Int128 { 6 + (style.alibi ? 1 : 0) + (style.scoreCap == 0 ? 0 : 5) }
}
