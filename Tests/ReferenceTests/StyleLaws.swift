import Architectures
import Quantities
import Reference
import Tensors
import Testing

/// What layers of other families owe to their equations and to themselves, on numbers.
struct StyleLaws {
  /// Every value that a style and the ends of a model can take, each beside others.
  static let models: [Model] = {
    var (styles, ends) = ([LayerStyle](), [TokenEnds]())
    func add(_ make: (inout LayerStyle, inout TokenEnds) -> Void) {
      var (style, own) = (LayerStyle(), TokenEnds())
      make(&style, &own)
      styles.append(style)
      ends.append(own)
    }
    add { style, _ in (style.headNorms, style.attentionBiases) = (.eachHead, .queryKeyValue) }
    add { style, _ in (style.headNorms, style.norms, style.unrotatedEvery) = (.allHeads, .after, 2) }
    add { style, ends in
      (style.norms, style.activation, style.scoreCap) = (.around, .gelu, 3)
      (ends.embeddingScale, ends.logitCap) = (2, 5)
    }
    add { style, _ in
      (style.norm, style.order, style.attentionBiases) = (.layer, .parallel, .all)
      (style.feedForwardBiases, style.rotatedWidth) = (true, 2)
    }
    add { style, _ in (style.norm, style.order) = (.layer, .parallelOneNorm) }
    add { style, ends in
      (style.norm, style.activation, style.rotatedWidth) = (.layer, .relu, 0)
      (style.attentionBiases, style.feedForwardBiases, ends.learnedPositions) = (.all, true, 20)
    }
    add { style, _ in (style.norm, style.alibi, style.rotatedWidth) = (.layer, true, 0) }
    add { style, ends in
      (style.residualScale, style.activation) = (0.5, .silu)
      (ends.embeddingScale, ends.logitScale) = (3, 4)
    }
    add { style, _ in (style.norm, style.norms, style.order) = (.layer, .around, .parallel) }
    add { style, ends in
      (style.norm, style.norms, style.attentionBiases) = (.layer, .behind, .all)
      (ends.embeddingWidth, ends.learnedPositions) = (6, 20)
    }
    return zip(styles, ends).flatMap { style, ends in
      [FeedForwardKind.gated, .twoMatrix].map { kind in
        let layer = LayerShape(
          width: 12, heads: 4, keyValueHeads: 2, headWidth: 4, feedForward: 20, feedForwardKind: kind)
        var model = Model.vanilla(
          vocabulary: 13, layer: layer.styled(style), tiedHead: kind == .gated, layers: 2)
        model.ends = ends
        return model
      }
    }
  }()

  @Test(arguments: models)
  func `cached decoding of any style is the uncached pass in every bit`(model: Model) {
    #expect(model.problems.isEmpty)
    let weights = ModelWeights(model, seed: 2, holdsNumbers: true)
    for promptLength in 1...4 {
      let prompts = [GenerationLaws.prompt(promptLength), GenerationLaws.prompt(promptLength, seed: 3)]
      let run = GenerationLaws.run(weights, prompts: prompts, generate: 7)
      let whole = zip(prompts, run.tokens).map { $0 + $1 }
      let logits = VanillaSession.forward(weights, tokens: whole, machine: Machine(backend: .plain))
      for sequence in 0..<2 {
        for position in 0..<7 {
          let start = (sequence * (promptLength + 7) + promptLength + position - 1) * 13
          #expect(
            logits[start..<start + 13].map(\.bitPattern) == run.logits[sequence][position].map(\.bitPattern))
        }
      }
    }
  }

  /// Each of the two layers has four products of at most 20 terms behind one another, and the head one more; a norm scales
  /// what it finds to size 1 before each. An error of 20·2⁻²⁴ of each then grows with what biases, gains and exponentials
  /// of at most e³ multiply it by.
  static let tolerance = 9 * 20 * 0x1p-24 * 20

  @Test(arguments: models)
  func `layers and ends of any style are what their equations say, on both backends`(model: Model) {
    let weights = ModelWeights(model, seed: 5, holdsNumbers: true)
    let tokens = GenerationLaws.prompt(9)
    let expected = StyleOracle(weights).logits(tokens)
    let scale = expected.joined().reduce(1) { max($0, abs($1)) }
    for backend in [Backend.plain, .fast] {
      let logits = VanillaSession.forward(weights, tokens: [tokens], machine: Machine(backend: backend))
      for (found, wanted) in zip(logits, expected.joined()) {
        #expect(abs(Double(found) - wanted) <= Self.tolerance * scale, "\(backend): \(found), \(wanted)")
      }
    }
  }

  @Test func `every style computes something else than the plain one`() {
    let plain = Model.vanilla(
      vocabulary: 13,
      layer: LayerShape(width: 12, heads: 4, keyValueHeads: 2, headWidth: 4, feedForward: 20), layers: 2)
    for model in Self.models {
      var bare = model
      (bare.layer.style, bare.ends) = (.plain, .plain)
      #expect(!model.isPlain && bare.isPlain && plain.isPlain)
      let tokens = [GenerationLaws.prompt(6)]
      let (own, other) = (
        VanillaSession.forward(
          ModelWeights(model, seed: 5, holdsNumbers: true), tokens: tokens, machine: Machine(backend: .plain)),
        VanillaSession.forward(
          ModelWeights(bare, seed: 5, holdsNumbers: true), tokens: tokens, machine: Machine(backend: .plain))
      )
      #expect(own.map(\.bitPattern) != other.map(\.bitPattern))
    }
  }
}
