import Quantities

/// What PHOTON's decoders consume: the paper's equations leave four readings open (v2 §2.2; the choice is ours to
/// state, never to hide).
public enum DecoderInput: String, CaseIterable, Codable, Sendable {
  /// A: conditions and within-chunk inputs are the decoders' own outputs; no decoder reads a token.
  case reconstruction
  /// A′: as A, but the token decoder reads token embeddings.
  case reconstructionAndTokens = "reconstruction-and-tokens"
  /// B: every decoder is conditioned on the encoder's latent of the chunk before.
  case encoderState = "encoder-state"
  /// C, the default: only the top level shifts by one; below it a chunk is conditioned on its own reconstruction.
  /// The factorisation is exactly left to right.
  case cascade

  /// Whether decoders above level 1 read their own outputs before any drop of recursive generation.
  public var feedsReconstructions: Bool { self == .reconstruction || self == .reconstructionAndTokens }
  /// Whether decoder 1 reads the embeddings of the chunk's earlier tokens.
  public var feedsTokens: Bool { self != .reconstruction }
}

/// HierGen re-encodes every token it emits; RecGen advances the top level from its own reconstructions (v2 §2.3).
public enum Generation: String, CaseIterable, Codable, Sendable { case hierarchical, recursive }

/// How a level makes one vector of a chunk.
public enum ChunkerKind: String, CaseIterable, Codable, Sendable {
  /// A view of C vectors as one; no parameters. At level 1 of C_1 encoder embeddings of width D_1/C_1.
  case concatenation
  /// A norm over the C·D_{l−1} inputs, then a weight and a bias.
  case linear
  /// A strided convolution: the linear map without the input norm.
  case convolution
}

/// The networks between attentions.
public enum FeedForwardKind: String, CaseIterable, Codable, Sendable {
  /// Three matrices, SiLU gate (Llama).
  case gated
  /// Two matrices, GELU (GPT-NeoX).
  case twoMatrix = "two-matrix"

  /// Matrices of D×F.
  @inlinable public var matrixCount: Int { self == .gated ? 3 : 2 }
}

/// The dimensions of one Transformer layer.
public struct LayerShape: Hashable, Sendable {
  /// `D`, features of a vector of this level.
  public var width: Int
  /// Query heads.
  public var heads: Int
  /// Key–value heads; divides `heads`.
  public var keyValueHeads: Int
  /// Features of one head.
  public var headWidth: Int
  /// `F`, hidden features of the feed-forward network.
  public var feedForward: Int
  /// Two matrices or three.
  public var feedForwardKind: FeedForwardKind
  /// nil for that of Llama, which is asked for most: a price is made of tens of these questions.
  @usableFromInline var ownStyle: LayerStyle?

  /// What it has beside the layer of Llama.
  public var style: LayerStyle {
    get { ownStyle ?? .plain }
    set { ownStyle = newValue == .plain ? nil : newValue }
  }

  /// The key–value heads are the heads, and share the width among them, unless told otherwise.
  public init(
    width: Int, heads: Int, keyValueHeads: Int? = nil, headWidth: Int? = nil, feedForward: Int,
    feedForwardKind: FeedForwardKind = .gated
  ) {
    self.width = width
    self.heads = heads
    self.keyValueHeads = keyValueHeads ?? heads
    self.headWidth = headWidth ?? Self.headWidth(width: width, heads: heads)
    self.feedForward = feedForward
    self.feedForwardKind = feedForwardKind
  }

  /// Whether it is the layer of Llama.
  @inlinable public var isPlain: Bool { ownStyle == nil }

  /// The same dimensions with another style.
  public func styled(_ style: LayerStyle) -> LayerShape {
    var shape = self
    shape.style = style
    return shape
  }

  /// What a layer of a stack of these is, counted from 0.
  func at(layer: Int) -> LayerShape {
    guard let period = ownStyle?.unrotatedEvery, period > 0 else { return self }
    var style = style
    style.unrotatedEvery = 0
    if (layer + 1) % period == 0 { style.rotatedWidth = 0 }
    return styled(style)
  }

  /// Whether all layers of a stack of these are the same.
  @inlinable public var hasAlikeLayers: Bool { (ownStyle?.unrotatedEvery ?? 0) == 0 }

  /// Pairs of features of a head that are rotated.
  @inlinable public var rotatedPairs: Int { (ownStyle?.rotatedWidth ?? headWidth) / 2 }

  /// Features of a head where nobody says otherwise: `D / heads`; 0, which no head has, where heads do not divide the width.
  public static func headWidth(width: Int, heads: Int) -> Int { heads > 0 && width % heads == 0 ? width / heads : 0 }

  /// Features of all query heads together; `D` unless `headWidth` says otherwise.
  @inlinable public var queryWidth: Int { heads * headWidth }
  /// `D_kv`, features of all key heads (and of all value heads) together.
  @inlinable public var keyValueWidth: Int { keyValueHeads * headWidth }
}

/// One level of the hierarchy, l = 1 … L.
public struct LevelShape: Hashable, Sendable {
  /// `C_l`, level-(l−1) units in one level-l unit.
  public var chunkLength: Int
  /// `R_l`, condition vectors that the converter makes from one level-l latent.
  public var conditionLength: Int
  /// The encoder's layers run with this level's dimensions; its decoder runs with those of the level below.
  public var layer: LayerShape
  /// Layers of the stack that reads the units of this level. At least 1.
  public var encoderLayers: Int
  /// Layers of the stack that restores the units of the level below. At least 1.
  public var decoderLayers: Int
  /// What makes a unit of C_l units of the level below.
  public var chunker: ChunkerKind

  public init(
    chunkLength: Int, conditionLength: Int, layer: LayerShape, encoderLayers: Int, decoderLayers: Int,
    chunker: ChunkerKind
  ) {
    self.chunkLength = chunkLength
    self.conditionLength = conditionLength
    self.layer = layer
    self.encoderLayers = encoderLayers
    self.decoderLayers = decoderLayers
    self.chunker = chunker
  }
}

/// The hyper-parameters of a model of any family, in the form that formulas and executed models share.
///
/// A Block Transformer is the one-level hierarchy with the `cascade` reading (with one level, B, A′ and C coincide);
/// a vanilla Transformer is level 0 alone.
public struct Model: Hashable, Sendable {
  /// `V`
  public var vocabulary: Int
  /// Level 0, the model section: the vanilla stack, or decoder 1 of a hierarchy.
  public var layer: LayerShape
  /// Whether the head is the decoder-side embedding table, and no matrix of its own.
  public var tiedHead: Bool
  /// What the family has beside the model section.
  public var payload: Payload
  /// What a stack over tokens has at its two ends.
  public var ends = TokenEnds.plain
  /// How its persistent caches are kept, by level: 0 is the stack over the tokens, l encoder l. Empty where all of them
  /// keep and read everything, so that the usual model carries nothing along.
  public private(set) var caches: [StackCache] = []

  /// A model of the family whose payload it is.
  public init(vocabulary: Int, layer: LayerShape, tiedHead: Bool = false, payload: Payload) {
    self.vocabulary = vocabulary
    self.layer = layer
    self.tiedHead = tiedHead
    self.payload = payload
  }

  /// How the persistent cache of a level is kept.
  public func cache(at level: Int) -> StackCache { caches.isEmpty ? .full : caches[level] }

  /// Decides for every persistent cache.
  /// - Parameter cache: of the stack over the tokens (level 0), or of encoder l.
  public mutating func setCaches(_ cache: (_ level: Int) -> StackCache) {
    let caches =
      switch structure {
      case .stack: [cache(0)]
      // There is no stack over the tokens.
      case .hierarchy: [.full] + levels.indices.map(cache)
      }
    // Who is exempt from nothing is not told apart.
    self.caches = caches.allSatisfy(\.isFull) ? [] : caches.map { $0.isFull ? .full : $0 }
  }

  /// Whether every persistent cache keeps and reads everything, and prompts are read in one pass.
  @inlinable public var hasFullCaches: Bool { caches.isEmpty }

  /// `L`
  @inlinable public var levelCount: Int { levels.count }

  /// The dimensions at a level: 0 is the model section.
  @inlinable public func layer(at level: Int) -> LayerShape { level == 0 ? layer : levels[level].layer }

  /// `C_{≤l}`, tokens under one unit of a level; 1 at level 0.
  @inlinable public func metaContextLength(upTo level: Int) -> Int {
    let levels = levels
    var product = 1
    for index in levels.indices.prefix(level) { product *= levels[index].chunkLength }
    return product
  }

  /// `B = C_{≤L}`, the paper's meta-context; never the batch.
  @inlinable public var metaContextLength: Int { metaContextLength(upTo: levelCount) }

  /// Width of the encoder-side embedding rows that the level-1 chunker reads: D_1/C_1 for a concatenation, D_0 else.
  @inlinable public var encoderEmbeddingWidth: Int { levels.encoderEmbeddingWidth(below: layer) }

  /// Whether decoder `level` runs in generation, at some prompt and length.
  public func decoderRuns(at level: Int) -> Bool {
    level == 1 || decoderInput != .encoderState || generation == .recursive
  }
}

extension PerLevel<LevelShape> {
  /// What `Model.encoderEmbeddingWidth` is over these levels; 0 where there are none.
  @inlinable public func encoderEmbeddingWidth(below layer: LayerShape) -> Int {
    guard let first else { return 0 }
    return first.chunker == .concatenation ? first.layer.width / first.chunkLength : layer.width
  }
}
