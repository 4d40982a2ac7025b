import Architectures
import GSL
import Quantities

/// A seeded sample of models and workloads beyond the small grid: L ≤ 4, C_l ≤ 8, R_l ≤ 4, wider and unequal widths,
/// heads whose width is not the model's, prompts and lengths of several meta-contexts; also baselines.
public struct SeededSample: Sendable {
  /// Models and workloads, in the order in which they were drawn.
  public let points: [Question]

  /// - Parameter seed: equal seeds give equal points on every machine.
  public init(seed: UInt64 = 1, count: Int) {
    let stream = RandomStream(seed: seed, name: "exact sample")
    points = (0..<count).map { _ in
      let model = Self.model(stream)
      let precision = Precision(
        weights: stream.element(of: ElementType.allCases), activations: stream.element(of: ElementType.allCases),
        cache: stream.element(of: ElementType.allCases))
      return Question(model, Self.workload(model, stream), precision)
    }
  }

  private static func model(_ stream: RandomStream) -> Model {
    // Three of four are PHOTON: of the others the small grid has nearly everything.
    let family: Family = stream.element(of: [.photon, .photon, .photon, .photon, .photon, .photon, .block, .vanilla])
    let layer = layer(stream)
    var model = Model(
      vocabulary: stream.integer(in: 1..<5000), layer: layer, tiedHead: stream.integer(in: 0..<2) == 0,
      payload: Payload(of: family))
    if family.structure == .stack {
      model.payload = Payload(of: family, layers: stream.integer(in: 1..<6))
      return model
    }
    let levelCount = family.levelCounts.upperBound == 1 ? 1 : stream.integer(in: 1..<5)
    for _ in 0..<levelCount { model.levels.append(level(below: model, stream)) }
    if family.hasReadings {
      model.decoderInput = stream.element(of: DecoderInput.allCases)
      model.generation = levelCount > 1 ? stream.element(of: Generation.allCases) : .hierarchical
      model.retainConditions = stream.integer(in: 0..<2) == 0
    }
    return model
  }

  private static func layer(_ stream: RandomStream) -> LayerShape {
    let keyValueHeads = stream.integer(in: 1..<5)
    let heads = keyValueHeads * stream.integer(in: 1..<5)
    let headWidth = stream.integer(in: 1..<33)
    // One in three has heads that are not the width together.
    let width = stream.integer(in: 0..<3) == 0 ? stream.integer(in: 1..<400) : heads * headWidth
    return possible(
      LayerShape(
        width: width, heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth,
        feedForward: stream.integer(in: 1..<800), feedForwardKind: stream.element(of: FeedForwardKind.allCases)))
  }

  /// The head width that a quotient rounds to is taken for a forgotten one; any other is one of its own.
  private static func possible(_ layer: LayerShape) -> LayerShape {
    var layer = layer
    if layer.width % layer.heads != 0, layer.headWidth == layer.width / layer.heads { layer.headWidth += 1 }
    return layer
  }

  private static func level(below model: Model, _ stream: RandomStream) -> LevelShape {
    let chunk = stream.integer(in: 1..<9)
    let below = model.layer(at: model.levelCount)
    var layer = stream.integer(in: 0..<2) == 0 ? below : Self.layer(stream)
    var chunker = stream.element(of: ChunkerKind.allCases)
    if chunker == .concatenation {
      let inputs = model.levels.isEmpty ? (layer.width + chunk - 1) / chunk : below.width
      if chunk * inputs <= 4096 {
        // A concatenation is as wide as its chunk.
        layer.width = chunk * inputs
        layer = possible(layer)
      } else {
        chunker = .linear
      }
    }
    return LevelShape(
      chunkLength: chunk, conditionLength: stream.integer(in: 1..<5), layer: layer,
      encoderLayers: stream.integer(in: 1..<4), decoderLayers: stream.integer(in: 1..<4), chunker: chunker)
  }

  private static func workload(_ model: Model, _ stream: RandomStream) -> Workload {
    // Up to three meta-contexts each, as long as they are not too long to run in numbers.
    let longest = min(3 * model.metaContextLength, 1500) + 2
    return Workload(
      promptLength: stream.integer(in: (model.family.leastPromptLength)..<longest + 100),
      generatedLength: stream.integer(in: 0..<min(longest, 700)), batchSize: stream.integer(in: 1..<6),
      continuations: stream.integer(in: 1..<5))
  }
}

extension RandomStream {
  fileprivate func element<Element>(of elements: [Element]) -> Element { elements[integer(in: 0..<elements.count)] }
}
