import Architectures
import Reference
import Tensors

/// The teacher-forced pass of a model of any family over one batch, and what each of its rows should have predicted.
public struct TrainingPass: Sendable {
  /// The model that ran.
  public let model: Model
  /// Sequences of one length.
  public let tokens: [[Int32]]
  /// Sequence × T rows of V.
  public let logits: Tensor
  /// Per row of the logits: the token it predicts; −1 where it is not scored.
  public let targets: [Int32]
  /// Chunks, latents and reconstructions; `nil` for vanilla.
  public let hierarchy: TeacherForced?
  /// The embedding tables that `TokenTarget` names; the encoder's is `nil` for vanilla.
  let decoderTable: Tensor
  let encoderTable: Tensor?

  /// Runs the model.
  /// - Parameters:
  ///   - weights: of a model of any family.
  ///   - tokens: sequences of one length T ≥ 1, each token below V.
  ///   - firstScored: tokens before this position are read and not scored. A hierarchy predicts every token, the first
  ///     one from its start latent alone; a vanilla model cannot predict it.
  ///   - mixing: heads of a vanilla model that are partly full and partly streaming; nil: all of them are full.
  ///   - machine: whose arena holds the results, and whose tape records the pass if it has one.
  public init(
    _ weights: ModelWeights, tokens: [[Int32]], firstScored: Int = 0, mixing: MixedHeads? = nil, machine: Machine
  ) {
    precondition(!tokens.isEmpty && tokens.allSatisfy { $0.count == tokens[0].count }, "sequences of unequal length")
    model = weights.model
    self.tokens = tokens
    switch model.structure {
    case .stack:
      hierarchy = nil
      logits = VanillaSession.teacherForced(weights, tokens: tokens, mixing: mixing, machine: machine)
    case .hierarchy:
      precondition(mixing == nil, "only heads of a stack over the tokens are mixed")
      let pass = HierarchySession.teacherForced(weights, tokens: tokens, machine: machine)
      (hierarchy, logits) = (pass, pass.logits)
    }
    // The first row predicts the token behind the shortest prompt.
    let first = model.family.leastPromptLength
    targets = tokens.flatMap { sequence in
      sequence.indices.map { row in
        let position = first + row
        return position >= firstScored && position < sequence.count ? sequence[position] : -1
      }
    }
    decoderTable = weights.table(.decoder)!
    encoderTable = weights.table(.encoder)
  }

  /// Rows of the logits that have a target.
  public var scoredCount: Int { targets.count { $0 >= 0 } }
}
