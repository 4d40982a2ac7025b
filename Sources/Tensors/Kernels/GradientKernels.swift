import Architectures

/// Gradients of one attention: of its queries, keys and values, from the gradient of its result.
struct AttentionGradient<Scalar> {
  let shape: AttentionShape
  /// Rows × D_q.
  let query, resultGradient: UnsafePointer<Scalar>
  /// The keys that are attended are the first ones.
  let entries: Entries<Scalar>
  /// Added to, each of the shape of what it is the gradient of.
  let queryGradient: UnsafeMutablePointer<Scalar>
  let entryGradients: Entries<Scalar>
}

/// What a kind of arithmetic has to offer so that `Backward` can run on it.
///
/// Every gradient is *added* to what its tensor holds: sums start from there, so a weight that is used twice, or over
/// several batches, needs no further addition.
protocol GradientKernels<Scalar> {
  associatedtype Scalar: KernelScalar
  typealias Input = UnsafePointer<Scalar>
  typealias Output = UnsafeMutablePointer<Scalar>

  /// `y += x`.
  static func accumulate(_ count: Int, _ x: Input, into y: Output)
  /// `y[i] += Σ_r x[r][i]`: the gradient of a bias.
  static func accumulateRows(rows: Int, width: Int, _ x: Input, into y: Output)
  /// Of `y = x · wᵀ`: `dx += dy · w`, `dw += dyᵀ · x`, which is left out where nobody asks for it.
  static func linearGradient(
    rows: Int, outputs: Int, inputs: Int, _ x: Input, weight: Input, resultGradient: Input, into inputGradient: Output,
    weightGradient: Output?)
  /// RMSNorm itself, which a gradient computes again instead of keeping its result.
  static func norm(rows: Int, width: Int, _ x: Input, weight: Input, into y: Output)
  static func normGradient(
    rows: Int, width: Int, _ x: Input, weight: Input, resultGradient: Input, into inputGradient: Output,
    weightGradient: Output?)
  /// Rotates rows by the angles of their positions; by their negatives if the sines are negated.
  /// - Parameters:
  ///   - cosine: of position `first + row mod period` at row `position`.
  static func rotate(
    rows: Int, columns: Int, heads: Int, headWidth: Int, _ x: Output, cosine: Input, sine: Input, first: Int,
    period: Int)
  /// Writes the gradient of a layer's hidden product from that of its activation.
  /// - Shape: hidden rows × 2F (gate, up) or rows × F; result rows × F.
  static func activationGradient(
    _ kind: FeedForwardKind, rows: Int, width: Int, hidden: Input, resultGradient: Input, into hiddenGradient: Output)
  static func attentionGradient(_ attention: AttentionGradient<Scalar>)
  static func mixHeadsGradient(_ mixture: HeadMixture<Scalar>, _ gradient: HeadMixtureGradient<Scalar>)
}
