import Architectures
import GSL
import Quantities

/// A seeded sample of models and workloads beyond the small grid: L ≤ 4, C_l ≤ 8, R_l ≤ 4, wider and unequal widths,
/// heads whose width is not the model's, prompts and lengths of several meta-contexts; also baselines.
public struct SeededSample: Sendable {
  /// Models and workloads, in the order in which they were drawn.
  public let points: [Question]

  /// What is drawn from. Chosen: beyond the small grid in every dimension, and small enough that hundreds of points run
  /// in seconds.
  private enum Drawn {
    static let vocabulary = 1..<5000
    static let keyValueHeads = 1..<5
    static let queryHeadsPerKeyValueHead = 1..<5
    static let headWidth = 1..<33
    /// Of layers whose heads are not the width together.
    static let otherWidth = 1..<400
    static let feedForward = 1..<800
    static let stackLayers = 1..<6
    static let levels = 1..<5
    static let chunk = 1..<9
    static let condition = 1..<5
    /// Of one side of a level.
    static let layers = 1..<4
    static let batch = 1..<6
    static let continuations = 1..<5
    /// Past the largest; 0 is a scale for each output.
    static let groupSize = 130
  }

  /// Inputs of the widest concatenation: a chunk of 8 units of the widest layer, 16 heads of 32. Where the layer below
  /// is itself a concatenation, the product may be larger, and the chunker is linear.
  private static let widestConcatenation = 4096
  /// Meta-contexts of the longest prompt and of the longest generation: one between the first and the last.
  private static let metaContexts = 3
  /// Tokens at which they are cut off: a meta-context of four levels may have thousands.
  private static let longestMetaContexts = 1500
  /// Up to one token past the end of a meta-context; the other is because ranges are half-open.
  private static let pastTheEnd = 2
  /// By how much prompts may be longer still: a vanilla model has no meta-context. Chosen.
  private static let longerPrompt = 100
  /// The bound of generated lengths, below that of prompts because each token is a pass of its own. Chosen.
  private static let longestGeneration = 700

  /// - Parameters:
  ///   - seed: equal seeds give equal points on every machine.
  ///   - count: of points.
  public init(seed: UInt64 = 1, count: Int) {
    let stream = RandomStream(seed: seed, name: "exact sample")
    let storage = RandomStream(seed: seed, name: "storage of the exact sample")
    points = (0..<count).map { _ in
      let model = Self.model(stream)
      var precision = Precision(
        weights: stream.element(of: ElementType.allCases), activations: stream.element(of: ElementType.allCases),
        cache: stream.element(of: ElementType.allCases))
      Self.storeApart(&precision, of: model, storage)
      return Question(model, Self.workload(model, stream), precision)
    }
  }

  /// Of every second point: tables, head and norms in types of their own, and matrices in groups of some size.
  private static func storeApart(_ precision: inout Precision, of model: Model, _ stream: RandomStream) {
    guard stream.integer(in: 0..<2) == 0 else { return }
    precision.embedding = stream.element(of: ElementType.allCases)
    precision.head = stream.element(of: ElementType.allCases)
    // One table is stored once.
    if model.tiedHead { precision.head = precision.embedding }
    precision.norms = stream.element(of: ElementType.allCases)
    let size = stream.integer(in: 0..<Drawn.groupSize)
    let groups = WeightGroups(size: size == 0 ? nil : size, hasZeroPoints: stream.integer(in: 0..<2) == 0)
    let stored = [precision.weights, precision.embedding, precision.head]
    if stored.contains(where: \.isQuantised) { precision.groups = groups }
  }

  private static func model(_ stream: RandomStream) -> Model {
    // Three of four are PHOTON: of the others the small grid has nearly everything.
    let family: Family = stream.element(of: [.photon, .photon, .photon, .photon, .photon, .photon, .block, .vanilla])
    let layer = layer(stream)
    var model = Model(
      vocabulary: stream.integer(in: Drawn.vocabulary), layer: layer, tiedHead: stream.integer(in: 0..<2) == 0,
      payload: Payload(of: family))
    switch family.structure {
    case .stack: model.payload = Payload(of: family, layers: stream.integer(in: Drawn.stackLayers))
    case .hierarchy:
      let levelCount = family.levelCounts.upperBound == 1 ? 1 : stream.integer(in: Drawn.levels)
      for _ in 0..<levelCount { model.levels.append(level(below: model, stream)) }
      if family.hasReadings {
        model.decoderInput = stream.element(of: DecoderInput.allCases)
        model.generation = levelCount > 1 ? stream.element(of: Generation.allCases) : .hierarchical
        model.retainConditions = stream.integer(in: 0..<2) == 0
      }
    }
    return model
  }

  private static func layer(_ stream: RandomStream) -> LayerShape {
    let keyValueHeads = stream.integer(in: Drawn.keyValueHeads)
    let heads = keyValueHeads * stream.integer(in: Drawn.queryHeadsPerKeyValueHead)
    let headWidth = stream.integer(in: Drawn.headWidth)
    // One in three has heads that are not the width together.
    let width = stream.integer(in: 0..<3) == 0 ? stream.integer(in: Drawn.otherWidth) : heads * headWidth
    return LayerShape(
      width: width, heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth,
      feedForward: stream.integer(in: Drawn.feedForward),
      feedForwardKind: stream.element(of: FeedForwardKind.allCases))
  }

  private static func level(below model: Model, _ stream: RandomStream) -> LevelShape {
    let chunk = stream.integer(in: Drawn.chunk)
    let below = model.layer(at: model.levelCount)
    var layer = stream.integer(in: 0..<2) == 0 ? below : Self.layer(stream)
    var chunker = stream.element(of: ChunkerKind.allCases)
    if chunker == .concatenation {
      let inputs = model.levels.isEmpty ? (layer.width + chunk - 1) / chunk : below.width
      if chunk * inputs <= widestConcatenation {
        // A concatenation is as wide as its chunk.
        layer.width = chunk * inputs
      } else {
        chunker = .linear
      }
    }
    return LevelShape(
      chunkLength: chunk, conditionLength: stream.integer(in: Drawn.condition), layer: layer,
      encoderLayers: stream.integer(in: Drawn.layers), decoderLayers: stream.integer(in: Drawn.layers), chunker: chunker
    )
  }

  private static func workload(_ model: Model, _ stream: RandomStream) -> Workload {
    let longest = min(metaContexts * model.metaContextLength, longestMetaContexts) + pastTheEnd
    return Workload(
      promptLength: stream.integer(in: (model.family.leastPromptLength)..<longest + longerPrompt),
      generatedLength: stream.integer(in: 0..<min(longest, longestGeneration)),
      batchSize: stream.integer(in: Drawn.batch),
      continuations: stream.integer(in: Drawn.continuations))
  }
}

extension RandomStream {
  fileprivate func element<Element>(of elements: [Element]) -> Element { elements[integer(in: 0..<elements.count)] }
}
