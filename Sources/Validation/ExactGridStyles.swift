import Architectures
import Quantities

extension ExactGrid {
  /// Layers and ends as published families have them, by the name of one.
  public static var families: [(name: String, style: LayerStyle, ends: TokenEnds, kind: FeedForwardKind)] {
    var all: [(name: String, style: LayerStyle, ends: TokenEnds, kind: FeedForwardKind)] = []
    func add(
      _ name: String, _ kind: FeedForwardKind = .gated, _ make: (inout LayerStyle, inout TokenEnds) -> Void
    ) {
      var (style, ends) = (LayerStyle(), TokenEnds())
      make(&style, &ends)
      all.append((name, style, ends, kind))
    }
    add("qwen2") { style, _ in style.attentionBiases = .queryKeyValue }
    add("qwen3") { style, _ in style.headNorms = .eachHead }
    add("gpt-neox", .twoMatrix) { style, _ in
      (style.norm, style.attentionBiases, style.feedForwardBiases) = (.layer, .all, true)
      (style.order, style.rotatedWidth) = (.parallel, 1)
    }
    add("gemma") { style, ends in (style.activation, ends.embeddingScale) = (.gelu, 2.5) }
    add("gemma2") { style, ends in
      (style.activation, style.norms, style.scoreCap) = (.gelu, .around, 50)
      (ends.embeddingScale, ends.logitCap) = (2.5, 30)
    }
    add("gemma3") { style, ends in
      (style.activation, style.norms, style.headNorms, ends.embeddingScale) = (.gelu, .around, .eachHead, 2.5)
    }
    add("phi3") { style, _ in style.rotatedWidth = 2 }
    add("falcon-7b", .twoMatrix) { style, _ in (style.norm, style.order) = (.layer, .parallelOneNorm) }
    add("falcon-40b", .twoMatrix) { style, _ in (style.norm, style.order) = (.layer, .parallel) }
    add("falcon-rw", .twoMatrix) { style, _ in
      (style.norm, style.attentionBiases, style.feedForwardBiases) = (.layer, .all, true)
      (style.alibi, style.rotatedWidth) = (true, 0)
    }
    add("gpt2", .twoMatrix) { style, ends in
      (style.norm, style.attentionBiases, style.feedForwardBiases) = (.layer, .all, true)
      (style.rotatedWidth, ends.learnedPositions) = (0, 64)
    }
    add("opt", .twoMatrix) { style, ends in
      (style.norm, style.attentionBiases, style.feedForwardBiases) = (.layer, .all, true)
      (style.activation, style.rotatedWidth, ends.learnedPositions) = (.relu, 0, 64)
    }
    add("starcoder2", .twoMatrix) { style, _ in
      (style.norm, style.attentionBiases, style.feedForwardBiases) = (.layer, .all, true)
    }
    add("granite") { style, ends in
      (style.residualScale, ends.embeddingScale, ends.logitScale) = (0.22, 12, 8)
    }
    add("olmo2") { style, _ in (style.norms, style.headNorms) = (.after, .allHeads) }
    add("smollm3") { style, _ in style.unrotatedEvery = 2 }
    return all
  }

  /// Vanilla models of every family, and of as many styles again that no family has, with their caches whole, and with
  /// windows in some of their layers.
  public static var styles: [Question] {
    var points: [Question] = []
    let windows: [ExemptHeads?] = [nil, ExemptHeads.none, .everyLayer(2), .firstLayers(1), .roles(["11", "00", "11"])]
    for (index, family) in families.enumerated() {
      for isDrawn in [false, true] {
        for exempt in windows {
          for (prompt, generated) in [(1, 0), (2, 5), (6, 1), (7, 9)] {
            var draw = Draw(index: points.count, of: index)
            let layer = LayerShape(
              width: 12, heads: 4, keyValueHeads: 2, headWidth: 3 + draw.below(2), feedForward: 10,
              feedForwardKind: isDrawn ? draw.oneOf([.gated, .twoMatrix]) : family.kind)
            let (style, ends) = isDrawn ? drawn(&draw) : (family.style, family.ends)
            var model = Model.vanilla(
              vocabulary: 17, layer: layer.styled(style), tiedHead: draw.flag(), layers: 3)
            model.ends = ends
            if let exempt {
              let window = 1 + draw.below(5)
              let chunk: Int? = draw.oneOf([nil, 3])
              model.setCaches { _ in
                StackCache(CachePlan(retention: .slidingWindow(window)), exempt: exempt, prefillChunk: chunk)
              }
            }
            precondition(model.problems.isEmpty, "\(model.problems)")
            points.append(point(model, prompt, generated, &draw))
          }
        }
      }
    }
    return points
  }

  private static func drawn(_ draw: inout Draw) -> (LayerStyle, TokenEnds) {
    var (style, ends) = (LayerStyle(), TokenEnds())
    style.norm = draw.oneOf(NormKind.allCases)
    style.norms = draw.oneOf(NormPlaces.allCases)
    style.headNorms = draw.oneOf(HeadNorms.allCases)
    style.attentionBiases = draw.oneOf(AttentionBiases.allCases)
    style.feedForwardBiases = draw.flag()
    // Halves share a norm in front of both alone, and follow one another where norms stand behind residuals.
    switch style.norms {
    case .before: style.order = draw.oneOf(LayerOrder.allCases)
    case .after, .around: style.order = draw.oneOf([.sequential, .parallel])
    case .behind: style.order = .sequential
    }
    style.activation = draw.oneOf([nil] + Activation.allCases)
    style.rotatedWidth = draw.oneOf([nil, 0, 1, 2, 3])
    style.unrotatedEvery = draw.below(4)
    style.alibi = draw.flag()
    style.scoreCap = draw.oneOf([0, 50])
    style.residualScale = draw.oneOf([1, 0.5])
    ends.learnedPositions = draw.oneOf([0, 16])
    ends.embeddingWidth = draw.oneOf([0, 5])
    ends.embeddingScale = draw.oneOf([1, 2.5])
    ends.logitScale = draw.oneOf([1, 8])
    ends.logitCap = draw.oneOf([0, 30])
    return (style, ends)
  }
}
