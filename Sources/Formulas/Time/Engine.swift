import Architectures
import Quantities

/// How a serving stack runs the operations that a model dispatches: what it costs beyond the fused kernels, written in
/// place, that a roofline takes for granted.
///
/// It changes dispatch groups and the memory of a sequence, never the exact counts of a model.
public struct Engine: Hashable, Sendable {
  /// As reports write it.
  public var name: String
  /// Time that each dispatched operation costs before its work.
  public var launchOverhead: Seconds
  /// Bytes that move for each byte of keys and values that decode attends: 1 where they are appended in place, 3 where
  /// a concatenation first reads the whole cache and writes it anew.
  public var cacheTraffic: Double
  /// Bytes that move for each attention score between the product with the keys and that with the values: 0 where
  /// attention is fused.
  /// - Unit: byte
  public var scoreTraffic: Double
  /// How many times the caches of a sequence are held.
  public var heldCaches: Double
  /// Bytes that prefill holds of each score of one layer: 0 where attention is fused.
  /// - Unit: byte
  public var heldScores: Double
  /// Whether prefill keeps the head's output at every position of the prompt.
  public var holdsPromptLogits: Bool

  public init(
    name: String, launchOverhead: Seconds = .zero, cacheTraffic: Double = 1, scoreTraffic: Double = 0,
    heldCaches: Double = 1, heldScores: Double = 0, holdsPromptLogits: Bool = false
  ) {
    self.name = name
    self.launchOverhead = launchOverhead
    self.cacheTraffic = cacheTraffic
    self.scoreTraffic = scoreTraffic
    self.heldCaches = heldCaches
    self.heldScores = heldScores
    self.holdsPromptLogits = holdsPromptLogits
  }

  /// Fused kernels, caches in place, no launch that the device waits for.
  public static let ideal = Engine(name: "ideal")

  /// An eager framework with 16-bit activations, from what it dispatches and not from any measured time.
  ///
  /// - A fused operation of ours is about 9 kernels there (a norm alone is 6, a rotation 8), launched in about 5 µs each.
  /// - The cache is concatenated: read, written anew, then read by attention; the old and the new one live until the
  ///   step ends.
  /// - Scores are written (2 B), masked (2 + 2), widened (2 + 4), normalised (4 + 4), narrowed (4 + 2) and read (2);
  ///   two 16-bit copies of them live at once, and so do the logits of the whole prompt.
  public static let eager = Engine(
    name: "eager", launchOverhead: Seconds(45e-6), cacheTraffic: 3, scoreTraffic: 28, heldCaches: 2, heldScores: 4,
    holdsPromptLogits: true)

  /// The work of one dispatch with the traffic that this engine adds to it.
  func work(of group: DispatchGroup) -> DispatchWork {
    var work = group.work
    if group.kind == .attentionDecode {
      let copied = (cacheTraffic - 1) * work.entryBytes
      work.entryBytes = work.entryBytes + copied
      work.bytes = work.bytes + copied
    }
    if group.kind == .attentionDecode || group.kind == .attentionPrefill {
      work.bytes = work.bytes + scoreTraffic * work.scores
    }
    return work
  }

  /// What each prompt with its continuations occupies at the peak: copies of its caches and what prefill materialises.
  /// - Unit: byte
  package func bytesPerSequence(
    cacheBytes: Int128, _ question: Question
  ) -> Int128 {
    let prompt = Double(question.workload.promptLength)
    let activationBytes = Double(question.precision.activations.bits) / 8
    let (squares, logitRows): ([Double], Double) =
      switch question.model.structure {
      case .stack: ([Double(question.model.layer.heads) * prompt * prompt], prompt)
      // Decoders and head of a hierarchy do not run over the prompt.
      case .hierarchy:
        (
          question.model.hierarchy.map { level in
            let units = Double(question.workload.promptLength / level.span)
            return Double(level.layer.heads) * units * units
          }, 0
        )
      }
    let logits = holdsPromptLogits ? logitRows * Double(question.model.vocabulary) * activationBytes : 0
    let extra = (heldCaches - 1) * Double(cacheBytes) + heldScores * (squares.max() ?? 0) + logits
    return cacheBytes + Int128(extra.rounded(.up))
  }
}
