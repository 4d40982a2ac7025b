import Architectures

/// L = L_token + α·L_rec + β·L_context.
///
/// - L_token: mean of −log p(t) over the scored tokens, in nats.
/// - L_rec: Σ_l of the mean dissimilarity of X̂^(l−1) and X^(l−1) over the units of the sequences (v2 §2.2).
/// - L_context: Σ_l of the mean dissimilarity of X^(l)_{g−1}, which has seen A^(l)_1 … A^(l)_{g−1}, and A^(l)_g over
///   g = 2 … M_l (v1; v2 dropped it).
///
/// Source: arXiv:2512.20687. Its main results have α = 0, and where gradients stop it does not say.
public struct Objective: Hashable, Sendable {
  /// `α`
  public var reconstructionWeight: Double
  /// `β`
  public var contextWeight: Double
  /// How the distance of two vectors is measured.
  public var dissimilarity: Dissimilarity
  /// The embedding table that level 1 restores.
  public var tokenTarget: TokenTarget
  /// Whether X^(l−1) and A^(l)_g are constants to their losses. Without it encoders may move towards what is easy to
  /// predict.
  public var stopsTargetGradients: Bool

  /// The token loss alone, α = β = 0, unless told otherwise.
  public init(
    reconstructionWeight: Double = 0, contextWeight: Double = 0, dissimilarity: Dissimilarity = .cosine,
    tokenTarget: TokenTarget = .none, stopsTargetGradients: Bool = true
  ) {
    self.reconstructionWeight = reconstructionWeight
    self.contextWeight = contextWeight
    self.dissimilarity = dissimilarity
    self.tokenTarget = tokenTarget
    self.stopsTargetGradients = stopsTargetGradients
  }

  /// The objective of a training run.
  public init(_ settings: TrainingSettings) {
    self.init(
      reconstructionWeight: settings.reconstructionWeight, contextWeight: settings.contextWeight,
      dissimilarity: settings.dissimilarity, tokenTarget: settings.tokenTarget,
      stopsTargetGradients: settings.stopGradient)
  }

  /// Everything that keeps the objective from being asked of a model, in the order of a scenario's keys.
  public func problems(for model: Model) -> [Problem] {
    var problems: [Problem] = []
    for (key, weight) in [("reconstruction_weight", reconstructionWeight), ("context_weight", contextWeight)] {
      if !(weight >= 0 && weight.isFinite) {
        problems.append(Problem(key, "found \(weight)", accepted: "a number of at least 0"))
      } else if weight > 0, model.levelCount == 0 {
        problems.append(Problem(key, "a \(model.family.rawValue) model has no levels to compare", accepted: "0"))
      }
    }
    if reconstructionWeight > 0, model.levelCount == 1, tokenTarget == .none {
      problems.append(
        Problem(
          "token_target", "one level restores nothing but tokens, and none is compared",
          accepted: "decoder-embedding, encoder-embedding, or reconstruction_weight: 0"))
    }
    if tokenTarget == .encoderEmbedding, model.levelCount > 0, model.encoderEmbeddingWidth != model.layer.width {
      problems.append(
        Problem(
          "token_target",
          "encoder embeddings are \(model.encoderEmbeddingWidth) wide and decoder 1 is \(model.layer.width)",
          accepted: "decoder-embedding, none, or a level-1 chunker that reads rows of width \(model.layer.width)"))
    }
    return problems
  }
}
