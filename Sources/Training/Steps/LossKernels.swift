import Architectures
import CKernels
import Tensors

/// Dissimilarities and cross-entropy of one row, with their gradients where these are asked for: each is added, times
/// `scale`, to the memory given.
enum LossKernels<Scalar: KernelScalar> {
  typealias Input = UnsafePointer<Scalar>
  typealias Output = UnsafeMutablePointer<Scalar>

  /// `log Σ exp(logit) − logit[target]`; gradient `p − 1` at the target, `p` elsewhere.
  static func crossEntropy(
    vocabulary: Int, _ logits: Input, target: Int, scale: Scalar, gradient: Output?
  ) -> Scalar {
    var largest = logits[0]
    for index in 1..<max(vocabulary, 1) { largest = Scalar.maximum(largest, logits[index]) }
    var sum = Scalar(0)
    for index in 0..<vocabulary { sum = sum + Scalar.exponential(logits[index] - largest) }
    if let gradient {
      for index in 0..<vocabulary {
        gradient[index] = gradient[index] + scale * Scalar.exponential(logits[index] - largest) / sum
      }
      gradient[target] = gradient[target] - scale
    }
    return Scalar.logarithm(sum) + largest - logits[target]
  }

  static func dissimilarity(
    _ kind: Dissimilarity, width: Int, _ prediction: Input, target: Input, scale: Scalar, gradient: Output?,
    targetGradient: Output?
  ) -> Scalar {
    switch kind {
    case .meanSquare:
      meanSquare(
        width: width, prediction, target: target, scale: scale, gradient: gradient, targetGradient: targetGradient)
    case .cosine:
      cosine(
        width: width, prediction, target: target, scale: scale, gradient: gradient, targetGradient: targetGradient)
    }
  }

  /// `Σ (a − b)² / D`; gradient `2·(a − b)/D` by a, its negative by b.
  private static func meanSquare(
    width: Int, _ a: Input, target b: Input, scale: Scalar, gradient: Output?, targetGradient: Output?
  ) -> Scalar {
    let count = Scalar(Double(width))
    var sum = Scalar(0)
    for index in 0..<width {
      let difference = a[index] - b[index]
      sum = sum + difference * difference
      let slope = scale * Scalar(2) * difference / count
      if let gradient { gradient[index] = gradient[index] + slope }
      if let targetGradient { targetGradient[index] = targetGradient[index] - slope }
    }
    return sum / count
  }

  /// `1 − a·b / (|a|·|b|)` with |x| = √(Σx² + ε); gradient `cos·a/|a|² − b/(|a|·|b|)` by a, and by b likewise.
  private static func cosine(
    width: Int, _ a: Input, target b: Input, scale: Scalar, gradient: Output?, targetGradient: Output?
  ) -> Scalar {
    var (aa, bb, ab) = (Scalar(cosineEpsilon), Scalar(cosineEpsilon), Scalar(0))
    for index in 0..<width {
      aa = aa + a[index] * a[index]
      bb = bb + b[index] * b[index]
      ab = ab + a[index] * b[index]
    }
    let lengths = Scalar.squareRoot(aa) * Scalar.squareRoot(bb)
    let cosine = ab / lengths
    for index in 0..<width {
      if let gradient {
        gradient[index] = gradient[index] + scale * (cosine * a[index] / aa - b[index] / lengths)
      }
      if let targetGradient {
        targetGradient[index] = targetGradient[index] + scale * (cosine * b[index] / bb - a[index] / lengths)
      }
    }
    return Scalar(1) - cosine
  }
}

/// ε under the roots of the cosine dissimilarity: a vector of zeros has a gradient too.
let cosineEpsilon = 1e-12

/// Cross-entropy of many rows on the kernels' threads.
struct FastCrossEntropy {
  let vocabulary: Int
  let logits: UnsafePointer<Float>
  /// Per row; negative where none is scored.
  let targets: UnsafePointer<Int32>
  let scale: Float
  let gradient: UnsafeMutablePointer<Float>?
  /// Per row.
  let losses: UnsafeMutablePointer<Double>

  /// - Returns: the sum over the rows that are scored.
  static func run(
    rows: Int, vocabulary: Int, _ logits: UnsafePointer<Float>, targets: [Int32], scale: Float,
    gradient: UnsafeMutablePointer<Float>?
  ) -> Double {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: rows) { losses in
      targets.withUnsafeBufferPointer { targets in
        let job = FastCrossEntropy(
          vocabulary: vocabulary, logits: logits, targets: targets.baseAddress!, scale: scale, gradient: gradient,
          losses: losses.baseAddress!)
        Cut.run(job, count: rows, grain: 1) { part, context in
          let (job, rows) = Cut<FastCrossEntropy>.part(part, of: context)
          job.run(rows)
        }
      }
      return losses.reduce(0, +)
    }
  }

  private func run(_ rows: Range<Int>) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * vocabulary) { scratch in
      let (weights, unused) = (scratch.baseAddress!, scratch.baseAddress! + vocabulary)
      for row in rows {
        losses[row] = targets[row] < 0 ? 0 : run(row, Int(targets[row]), weights, unused)
      }
    }
  }

  private func run(
    _ row: Int, _ target: Int, _ weights: UnsafeMutablePointer<Float>, _ unused: UnsafeMutablePointer<Float>
  ) -> Double {
    let logits = logits + row * vocabulary
    weights.update(from: logits, count: vocabulary)
    unused.update(repeating: 0, count: vocabulary)
    ck_softmax_gradient(vocabulary, 1, weights, unused)
    var best = 0
    for index in 0..<vocabulary where weights[index] > weights[best] { best = index }
    if let gradient {
      let gradient = gradient + row * vocabulary
      for index in 0..<vocabulary { gradient[index] += scale * weights[index] }
      gradient[target] -= scale
    }
    // log Σ exp = logit − log p of any token; the likeliest one's p, at least 1/V, loses no digits.
    return Double(logits[best]) - Double.logarithm(Double(weights[best])) - Double(logits[target])
  }
}
