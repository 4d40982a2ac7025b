/// How a vector is normalised.
public enum NormKind: String, CaseIterable, Codable, Sendable {
  /// By its root mean square, with a weight for each feature (Llama).
  case rms
  /// By its mean and variance, with a weight and a bias for each feature (GPT-2).
  case layer

  /// Learned vectors of the width.
  @inlinable public var vectors: Int { self == .rms ? 1 : 2 }
}

/// Where the norms of a layer stand, for each of its two halves: attention, and the feed-forward network.
public enum NormPlaces: String, CaseIterable, Codable, Sendable {
  /// In front of each half (Llama).
  case before
  /// Behind each half, before the residual is added (OLMo 2, arXiv:2501.00656 §3.2).
  case after
  /// Both (Gemma 2, arXiv:2408.00118 §2).
  case around
  /// Behind each half and the residual that it is added to; the stack then ends in no norm besides (OPT 350M).
  case behind

  /// Whether a half begins with one.
  @inlinable public var areBefore: Bool { self == .before || self == .around }
  /// Whether a half ends with one, in front of the residual or behind it.
  @inlinable public var areAfter: Bool { self != .before }
}

/// Norms of queries and keys before they are rotated; of root mean squares.
public enum HeadNorms: String, CaseIterable, Codable, Sendable {
  case none
  /// Of every head by itself, with weights that all query heads share, and all key heads (Qwen 3, Gemma 3).
  case eachHead = "each-head"
  /// Of all query heads together, and of all key heads together (OLMo 2).
  case allHeads = "all-heads"
}

/// Which products of attention have biases.
public enum AttentionBiases: String, CaseIterable, Codable, Sendable {
  case none
  /// Those of queries, keys and values (Qwen 2).
  case queryKeyValue = "query-key-value"
  /// Those and that of the output (GPT-2).
  case all
}

/// How the two halves of a layer follow one another.
public enum LayerOrder: String, CaseIterable, Codable, Sendable {
  /// The feed-forward network reads what attention has added to (Llama).
  case sequential
  /// Both read the layer's input, each through a norm of its own (GPT-NeoX, Falcon 40B).
  case parallel
  /// Both read one norm of the layer's input (Falcon 7B).
  case parallelOneNorm = "parallel-one-norm"
}

/// The function between the matrices of a feed-forward network.
public enum Activation: String, CaseIterable, Codable, Sendable {
  case silu
  /// In its tanh form, whatever form a model was trained with.
  case gelu
  case relu
}

/// What a layer has beside the layer of Llama: RMSNorm in front of each half, no biases, whole heads rotated, scores as
/// they are. Everything that is not said is as in Llama, and a style that says nothing is `plain`.
///
/// Values only: what a style costs stands in Formulas/Counts, and what it does in Tensors, each by itself.
public struct LayerStyle: Hashable, Sendable {
  /// Of both halves, and of the norm that ends the stack.
  public var norm = NormKind.rms
  /// Where they stand.
  public var norms = NormPlaces.before
  /// Of queries and keys.
  public var headNorms = HeadNorms.none
  /// Of attention's products.
  public var attentionBiases = AttentionBiases.none
  /// Whether all products of the feed-forward network have biases.
  public var feedForwardBiases = false
  /// How the halves follow one another.
  public var order = LayerOrder.sequential
  /// nil: SiLU between three matrices, GELU between two.
  public var activation: Activation?
  /// Features of a head that are rotated, the first ones; nil: all.
  public var rotatedWidth: Int?
  /// Every n-th layer is not rotated, the n-th the first of them (SmolLM3: 4); 0: all are.
  public var unrotatedEvery = 0
  /// Whether scores fall with the distance of query and key, in each head by its own slope (arXiv:2108.12409).
  public var alibi = false
  /// What scores are held below, by c·tanh(score / c); 0: nothing (Gemma 2).
  public var scoreCap = 0.0
  /// What each half is multiplied by before it is added to the residual (Granite); 1: nothing.
  public var residualScale = 1.0

  /// As in Llama.
  public init() {}

  /// Whether the stack ends in a norm of its own.
  @inlinable public var hasLastNorm: Bool { norms != .behind }

  /// As in Llama.
  public static let plain = LayerStyle()
}

extension LayerStyle {
  /// What is wrong with it in a layer of such heads; `prefix` is the path of the section that it stands in.
  func problems(of layer: LayerShape, prefix: String) -> [Problem] {
    var problems: [Problem] = []
    if let rotatedWidth, !(0...layer.headWidth).contains(rotatedWidth) {
      problems.append(
        Problem(
          prefix + "rotated_width", "\(rotatedWidth) of \(layer.headWidth) features of a head",
          accepted: Problem.accepted(0...layer.headWidth)))
    }
    if order == .parallelOneNorm, norms != .before {
      problems.append(
        Problem(
          prefix + "norms", "norms \(norms.rawValue) halves that share one", accepted: "before, or another layer_order")
      )
    } else if order != .sequential, norms == .behind {
      problems.append(
        Problem(
          prefix + "norms", "norms behind the residual of halves that do not follow one another",
          accepted: "another place, or layer_order: sequential"))
    }
    return problems
  }
}
