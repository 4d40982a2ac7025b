import Architectures

/// The gradients of shapes: nothing is computed, and no address is read.
enum NoGradients: GradientKernels {
  typealias Scalar = Float

  static func accumulate(_ count: Int, _ x: Input, into y: Output) {}
  static func accumulateRows(rows: Int, width: Int, _ x: Input, into y: Output) {}
  static func linearGradient(
    rows: Int, outputs: Int, inputs: Int, _ x: Input, weight: Input, resultGradient: Input, into inputGradient: Output,
    weightGradient: Output?
  ) {}
  static func norm(rows: Int, width: Int, _ x: Input, weight: Input, into y: Output) {}
  static func normGradient(
    rows: Int, width: Int, _ x: Input, weight: Input, resultGradient: Input, into inputGradient: Output,
    weightGradient: Output?
  ) {}
  static func rotate(
    rows: Int, columns: Int, heads: Int, headWidth: Int, _ x: Output, cosine: Input, sine: Input, first: Int,
    period: Int
  ) {}
  static func activationGradient(
    _ kind: FeedForwardKind, rows: Int, width: Int, hidden: Input, resultGradient: Input, into hiddenGradient: Output
  ) {}
  static func attentionGradient(_ attention: AttentionGradient<Float>) {}
  static func mixHeadsGradient(_ mixture: HeadMixture<Float>, _ gradient: HeadMixtureGradient<Float>) {}
}
