import Architectures

/// The keys by which a vanilla model differs from Llama's layers and ends; those that are not given are Llama's.
enum StyleKeys {
  static let all = [
    "norm", "norms", "head_norms", "attention_biases", "feed_forward_biases", "layer_order", "activation",
    "rotated_width", "unrotated_every", "alibi", "score_cap", "residual_scale", "learned_positions", "embedding_width",
    "embedding_scale", "logit_scale", "logit_cap",
  ]

  /// - Returns: nil after a diagnostic.
  static func layer(_ reader: FieldReader) -> LayerStyle? {
    var style = LayerStyle()
    let norm: NormKind? = reader.choice("norm", default: style.norm)
    let norms: NormPlaces? = reader.choice("norms", default: style.norms)
    let headNorms: HeadNorms? = reader.choice("head_norms", default: style.headNorms)
    let attentionBiases: AttentionBiases? = reader.choice("attention_biases", default: style.attentionBiases)
    let feedForwardBiases = reader.boolean("feed_forward_biases", default: style.feedForwardBiases)
    let order: LayerOrder? = reader.choice("layer_order", default: style.order)
    var isSound = true
    if reader.has("activation") {
      style.activation = reader.choice("activation")
      isSound = style.activation != nil
    }
    if reader.has("rotated_width") {
      style.rotatedWidth = reader.integer("rotated_width", in: 0...Limits.headWidth)
      isSound = isSound && style.rotatedWidth != nil
    }
    let unrotatedEvery = reader.integer("unrotated_every", default: style.unrotatedEvery, in: 0...Limits.layers)
    let alibi = reader.boolean("alibi", default: style.alibi)
    let scoreCap = reader.number("score_cap", default: style.scoreCap, in: Limits.caps)
    let residualScale = reader.number("residual_scale", default: style.residualScale, in: Limits.scales)
    guard isSound, let norm, let norms, let headNorms, let attentionBiases, let feedForwardBiases, let order,
      let unrotatedEvery, let alibi, let scoreCap, let residualScale
    else { return nil }
    (style.norm, style.norms, style.headNorms, style.order) = (norm, norms, headNorms, order)
    (style.attentionBiases, style.feedForwardBiases) = (attentionBiases, feedForwardBiases)
    (style.unrotatedEvery, style.alibi) = (unrotatedEvery, alibi)
    (style.scoreCap, style.residualScale) = (scoreCap, residualScale)
    return style
  }

  /// - Returns: nil after a diagnostic.
  static func ends(_ reader: FieldReader) -> TokenEnds? {
    var ends = TokenEnds()
    let positions = reader.integer(
      "learned_positions", default: ends.learnedPositions, in: 0...Limits.promptLength)
    let embeddingWidth = reader.integer("embedding_width", default: ends.embeddingWidth, in: 0...Limits.width)
    let embeddingScale = reader.number("embedding_scale", default: ends.embeddingScale, in: Limits.scales)
    let logitScale = reader.number("logit_scale", default: ends.logitScale, in: Limits.scales)
    let logitCap = reader.number("logit_cap", default: ends.logitCap, in: Limits.caps)
    guard let positions, let embeddingWidth, let embeddingScale, let logitScale, let logitCap else { return nil }
    (ends.learnedPositions, ends.embeddingWidth, ends.embeddingScale) = (positions, embeddingWidth, embeddingScale)
    (ends.logitScale, ends.logitCap) = (logitScale, logitCap)
    return ends
  }

  /// What is not Llama's, as keys of a model section.
  static func text(_ model: Model) -> [String] {
    let (style, ends, plain, bare) = (model.layer.style, model.ends, LayerStyle.plain, TokenEnds.plain)
    /// A key whose value is not the usual one.
    func key<Value: Equatable>(_ name: String, _ value: Value, _ usual: Value, _ text: (Value) -> String) -> [String] {
      value == usual ? [] : ["\(name): \(text(value))"]
    }
    func word<Word: RawRepresentable>(_ word: Word) -> String where Word.RawValue == String { word.rawValue }
    func shown(_ number: Double) -> String { Int(exactly: number).map(String.init) ?? "\(number)" }
    var keys = key("norm", style.norm, plain.norm, word) + key("norms", style.norms, plain.norms, word)
    keys += key("head_norms", style.headNorms, plain.headNorms, word)
    keys += key("attention_biases", style.attentionBiases, plain.attentionBiases, word)
    keys += key("feed_forward_biases", style.feedForwardBiases, plain.feedForwardBiases) { "\($0)" }
    keys += key("layer_order", style.order, plain.order, word)
    keys += style.activation.map { ["activation: \($0.rawValue)"] } ?? []
    keys += style.rotatedWidth.map { ["rotated_width: \($0)"] } ?? []
    keys += key("unrotated_every", style.unrotatedEvery, plain.unrotatedEvery) { "\($0)" }
    keys += key("alibi", style.alibi, plain.alibi) { "\($0)" }
    keys += key("score_cap", style.scoreCap, plain.scoreCap, shown)
    keys += key("residual_scale", style.residualScale, plain.residualScale, shown)
    keys += key("learned_positions", ends.learnedPositions, bare.learnedPositions) { "\($0)" }
    keys += key("embedding_width", ends.embeddingWidth, bare.embeddingWidth) { "\($0)" }
    keys += key("embedding_scale", ends.embeddingScale, bare.embeddingScale, shown)
    keys += key("logit_scale", ends.logitScale, bare.logitScale, shown)
    return keys + key("logit_cap", ends.logitCap, bare.logitCap, shown)
  }
}
