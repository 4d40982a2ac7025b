import Architectures

/// What the layers and the ends of a family have beside those of Llama. Where a rule is not in a configuration it is that
/// of the family's model in transformers.
extension HuggingFaceReader {
  /// - Parameters:
  ///   - family: whose rules hold.
  ///   - layer: its dimensions, sound or not.
  ///   - layers: nil where they could not be read or are none.
  /// - Returns: nil after a diagnostic.
  func readStyle(_ family: HuggingFaceFamily, _ layer: LayerShape, layers: Int?) -> (LayerStyle, TokenEnds)? {
    var (style, ends) = (LayerStyle(), TokenEnds())
    readActivation(family, layer.feedForwardKind, into: &style)
    readBiases(family, into: &style)
    readRotation(family, layer, into: &style)
    switch family {
    case .llama, .mistral, .phi3: break
    case .qwen2: style.attentionBiases = .queryKeyValue
    case .qwen3: style.headNorms = .eachHead
    case .gemma: ends.embeddingScale = Double(max(layer.width, 1)).squareRoot()
    case .gemma2: readGemma(family, layer, &style, &ends)
    case .gemma3:
      style.headNorms = .eachHead
      readGemma(family, layer, &style, &ends)
    case .granite:
      ends.embeddingScale = reader.number("embedding_multiplier", default: 1, in: Limits.scales) ?? 1
      ends.logitScale = reader.number("logits_scaling", default: 1, in: Limits.scales) ?? 1
      style.residualScale = reader.number("residual_multiplier", default: 1, in: Limits.scales) ?? 1
    case .olmo2: (style.norms, style.headNorms) = (.after, .allHeads)
    case .smollm3: readUnrotatedLayers(layers, into: &style)
    case .gptNeoX: readNeoX(into: &style)
    case .falcon: readFalcon(into: &style)
    case .gpt2:
      (style.norm, style.attentionBiases, style.feedForwardBiases) = (.layer, .all, true)
      ends.learnedPositions = integer("learned_positions", of: family) ?? 0
    case .opt:
      guard readOPT(layer, into: &style, &ends) else { return nil }
      // Two rows in front of the first position are never read for one.
      ends.learnedPositions = integer("learned_positions", of: family).map { $0 < Int.max - 2 ? $0 + 2 : $0 } ?? 0
    case .starcoder2: readStarCoder(into: &style)
    }
    return (style, ends)
  }

  private func readGemma(
    _ family: HuggingFaceFamily, _ layer: LayerShape, _ style: inout LayerStyle, _ ends: inout TokenEnds
  ) {
    style.norms = .around
    ends.embeddingScale = Double(max(layer.width, 1)).squareRoot()
    style.scoreCap = cap("attn_logit_softcapping", family.usualCaps.scores) ?? 0
    ends.logitCap = cap("final_logit_softcapping", family.usualCaps.logits) ?? 0
  }

  /// A cap on scores or logits; null is none.
  private func cap(_ key: String, _ usual: Double) -> Double? {
    if root[key]?.isNull == true { return 0 }
    return reader.number(key, default: usual, in: Limits.caps)
  }

  private func readActivation(_ family: HuggingFaceFamily, _ kind: FeedForwardKind, into style: inout LayerStyle) {
    let key = key("activation", of: family)
    var activation = family.activation
    if let value = reader.value(key) {
      guard let named = value.scalar.flatMap(Activation.init(configured:)) else {
        return depart(
          key, "\(family.activation.rawValue) is counted", accepted: enumerate(Activation.configured))
      }
      activation = named
    }
    // Usual for the kind: said by no key.
    style.activation = activation == (kind == .gated ? .silu : .gelu) ? nil : activation
  }

  private func readBiases(_ family: HuggingFaceFamily, into style: inout LayerStyle) {
    let reads = family.readsBiases
    if reads.attention {
      if reader.boolean("attention_bias", default: family.usualAttentionBias) ?? false { style.attentionBiases = .all }
    } else if isTrue("attention_bias") {
      depart("attention_bias", "the family has none besides its own", accepted: "false")
    }
    if isTrue("mlp_bias") {
      if reads.feedForward {
        style.feedForwardBiases = true
      } else {
        depart("mlp_bias", "the family has none besides its own", accepted: "false")
      }
    }
  }

  /// The share of each head that is rotated, the first features of it.
  private func readRotation(_ family: HuggingFaceFamily, _ layer: LayerShape, into style: inout LayerStyle) {
    switch family {
    case .gpt2, .opt: style.rotatedWidth = 0
    case .gptNeoX: style.rotatedWidth = rotated("rotary_pct", usual: 0.25, layer)
    case .llama, .mistral, .qwen2, .qwen3, .gemma, .gemma2, .gemma3, .phi3, .falcon, .starcoder2, .granite, .olmo2,
      .smollm3:
      style.rotatedWidth = rotated("partial_rotary_factor", usual: 1, layer)
    }
  }

  /// - Returns: nil for whole heads.
  private func rotated(_ key: String, usual: Double, _ layer: LayerShape) -> Int? {
    guard let share = reader.number(key, default: usual, in: 0...1), share < 1 else { return nil }
    return Int(Double(layer.headWidth) * share)
  }

  /// Layers of SmolLM3 without rotation, every fourth: a list of signs, or the distance of one to the next.
  private func readUnrotatedLayers(_ layers: Int?, into style: inout LayerStyle) {
    guard let signs = reader.list("no_rope_layers"), !signs.isEmpty else {
      style.unrotatedEvery = reader.integer("no_rope_layer_interval", default: 4, in: 0...Limits.layers) ?? 0
      return
    }
    let unrotated = signs.indices.filter { signs[$0].scalar == "0" }
    let period = unrotated.first.map { $0 + 1 } ?? 0
    let isRegular = period == 0 || unrotated == Array(stride(from: period - 1, to: signs.count, by: period))
    if isRegular, signs.count == layers ?? signs.count {
      style.unrotatedEvery = period
    } else {
      reader.report(
        "no_rope_layers", "\(signs.count) signs, not rotated: \(listed(unrotated))",
        accepted: "a sign for each of \(layers ?? signs.count) layers, 0 for every n-th")
    }
  }

  private func readNeoX(into style: inout LayerStyle) {
    style.norm = .layer
    style.feedForwardBiases = true
    if reader.value("use_parallel_residual")?.scalar != "false" { style.order = .parallel }
  }

  private func readFalcon(into style: inout LayerStyle) {
    style.norm = .layer
    if isTrue("bias") { (style.attentionBiases, style.feedForwardBiases) = (.all, true) }
    if isTrue("alibi") { (style.alibi, style.rotatedWidth) = (true, 0) }
    let isParallel = reader.boolean("parallel_attn", default: true) ?? true
    let norms = reader.integer("num_ln_in_parallel_attn", default: isNewFalcon ? 2 : 1, in: 1...2)
    guard isParallel || isNewFalcon else { return }
    style.order = isNewFalcon && norms == 2 ? .parallel : .parallelOneNorm
  }

  /// - Returns: whether a preset can say it.
  private func readOPT(_ layer: LayerShape, into style: inout LayerStyle, _ ends: inout TokenEnds) -> Bool {
    style.norm = .layer
    let hasBiases = reader.boolean("enable_bias", default: true) ?? true
    if hasBiases { (style.attentionBiases, style.feedForwardBiases) = (.all, true) }
    if let width = reader.integer("word_embed_proj_dim", default: layer.width), width != layer.width {
      ends.embeddingWidth = width
    }
    if reader.value("do_layer_norm_before")?.scalar == "false" { style.norms = .behind }
    var isSound = true
    func refuse(_ key: String, _ found: String, _ accepted: String) {
      reader.report(key, found, accepted: accepted)
      isSound = false
    }
    if isTrue("_remove_final_layer_norm"), style.hasLastNorm {
      refuse("_remove_final_layer_norm", "a stack that ends in no norm cannot be represented", "false")
    }
    if reader.value("layer_norm_elementwise_affine")?.scalar == "false" {
      refuse("layer_norm_elementwise_affine", "norms without weights cannot be represented", "true")
    }
    return isSound
  }

  private func readStarCoder(into style: inout LayerStyle) {
    style.norm = .layer
    if let kind = reader.value("norm_type"), kind.scalar != "layer_norm" {
      reader.report("norm_type", "found \(kind.summary)", accepted: "layer_norm")
    }
    if let kind = reader.value("mlp_type"), kind.scalar != "default" {
      reader.report("mlp_type", "found \(kind.summary)", accepted: "default")
    }
    if reader.boolean("use_bias", default: true) ?? true {
      (style.attentionBiases, style.feedForwardBiases) = (.all, true)
    }
  }

  func isTrue(_ key: String) -> Bool { reader.value(key)?.scalar == "true" }

  /// Positions of layers in words, counted from 0 as transformers does.
  func listed(_ layers: [Int]) -> String {
    guard !layers.isEmpty else { return "no layer" }
    let shown = layers.prefix(8).map(String.init).joined(separator: ", ")
    return (layers.count == 1 ? "layer " : "layers ") + shown + (layers.count > 8 ? ", … of \(layers.count)" : "")
  }
}
