/// What stands between tokens and a stack over them beside a table, the last norm and a head; a model that says nothing
/// has nothing.
public struct TokenEnds: Hashable, Sendable {
  /// Rows of a table of learned positions that are added to embeddings (GPT-2); 0: there is none.
  public var learnedPositions = 0
  /// Features of embeddings, which are projected to the width, and back in front of the head (OPT 350M); 0: the width.
  public var embeddingWidth = 0
  /// What embeddings are multiplied by (Gemma: √D); 1: nothing.
  public var embeddingScale = 1.0
  /// What logits are divided by (Granite); 1: nothing.
  public var logitScale = 1.0
  /// What logits are held below, by c·tanh(logit / c); 0: nothing (Gemma 2).
  public var logitCap = 0.0

  /// Nothing.
  public init() {}

  /// Nothing.
  public static let plain = TokenEnds()
}

extension Model {
  /// Whether its layers and ends are Llama's: the only ones that hierarchies are made of and that can be trained.
  public var isPlain: Bool { ends == .plain && layer.isPlain && levels.allSatisfy(\.layer.isPlain) }

  /// Features of a row of the table, and of the head's.
  @inlinable public var tableWidth: Int { ends.embeddingWidth == 0 ? layer.width : ends.embeddingWidth }

  /// What is wrong with styles and ends of a model whose dimensions are sound.
  var styleProblems: [Problem] {
    switch structure {
    case .hierarchy:
      guard !isPlain else { return [] }
      return [
        Problem(
          "architecture", "a \(family.rawValue) model of layers that are not Llama's",
          accepted: "vanilla, or plain layers")
      ]
    case .stack: return scoreProblems
    }
  }

  /// Votes are counted from scores as they are.
  private var scoreProblems: [Problem] {
    let (style, retention) = (layer.style, cache(at: 0).plan.retention)
    guard retention.votes, style.alibi || style.scoreCap != 0 else { return [] }
    return [
      Problem(
        "cache.retention", "\(retention.method.rawValue) where scores are \(style.alibi ? "biased" : "capped")",
        accepted: "a retention that does not score entries")
    ]
  }
}
