import Formulas
import Scenarios

/// What one run of a quality sweep reached.
public struct QualityResult: Sendable {
  /// Recursive beside hierarchical generation at some distances from a prompt; docs/evaluate-json.md.
  public struct Stretch: Sendable {
    /// Distances from the prompt's end, from 0.
    public let positions: ClosedRange<Int>
    /// Share of positions at which both prefer the same token.
    public let agreement: Double
    /// - Unit: nat
    public let divergence: Double
    /// - Unit: bit per token
    public let hierarchicalBits: Double
    /// Of recursive generation on the same tokens.
    /// - Unit: bit per token
    public let recursiveBits: Double
    /// Of Â and A at the top level, and of A with a chunk elsewhere.
    public let chunkCosine: Double?
    /// What a cosine is worth between chunks that have nothing to do with each other.
    public let unrelatedCosine: Double?

    /// The divergence is in nats, losses are in bits per token.
    public init(
      positions: ClosedRange<Int>, agreement: Double, divergence: Double, hierarchicalBits: Double,
      recursiveBits: Double, chunkCosine: Double?, unrelatedCosine: Double?
    ) {
      (self.positions, self.agreement, self.divergence) = (positions, agreement, divergence)
      (self.hierarchicalBits, self.recursiveBits) = (hierarchicalBits, recursiveBits)
      (self.chunkCosine, self.unrelatedCosine) = (chunkCosine, unrelatedCosine)
    }
  }

  /// Which run.
  public let run: QualityRun
  /// Held-out and teacher-forced; per byte where a token is one.
  /// - Unit: bit per token
  public let bits: Double
  /// Entropy of the training tokens one by one.
  /// - Unit: bit per token
  public let unigramBits: Double
  /// What no model can be better than, where that is known.
  public let exactBits: Double?
  /// Evaluations during training, in bits per token.
  public let curve: [(tokens: Int, bits: Double)]
  /// Recursive beside hierarchical generation; empty where they were not compared.
  public let stretches: [Stretch]
  /// Share of a task's answers that hierarchical generation finds.
  public let accuracy: Double?
  /// Share that recursive generation finds.
  public let recursiveAccuracy: Double?
  /// Measured.
  public let trainingSeconds: Double
  /// The processor that trained.
  public let machine: String

  /// Every loss is in bits per token, the time in s.
  public init(
    _ run: QualityRun, bits: Double, unigramBits: Double, exactBits: Double?, curve: [(tokens: Int, bits: Double)],
    stretches: [Stretch], accuracy: Double?, recursiveAccuracy: Double?, trainingSeconds: Double, machine: String
  ) {
    (self.run, self.bits, self.unigramBits, self.exactBits) = (run, bits, unigramBits, exactBits)
    (self.curve, self.stretches) = (curve, stretches)
    (self.accuracy, self.recursiveAccuracy) = (accuracy, recursiveAccuracy)
    (self.trainingSeconds, self.machine) = (trainingSeconds, machine)
  }
}
