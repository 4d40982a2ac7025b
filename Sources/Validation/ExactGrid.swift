import Architectures
import Quantities

extension Precision {
  /// Element types that differ from one another, and groups that divide no dimension of the grid, so that no figure agrees
  /// in the wrong unit. A tied head is stored as the embedding's table.
  static func unequal(for model: Model) -> Precision {
    Precision(
      weights: .int8, activations: .bf16, cache: .int4, embedding: .fp16, head: model.tiedHead ? .fp16 : .int4,
      norms: .fp32, groups: WeightGroups(size: 13, hasZeroPoints: true))
  }
}

/// The small grid that leaves nothing out: every hierarchy with L ≤ 3, C_l ≤ 3, R_l ≤ 2; every residue of the prompt
/// modulo the meta-context B with G ∈ {0, 1, B−1, B, B+1}; readings × modes in full. Batch, continuations, grouped
/// queries, unequal widths, chunker and feed-forward kinds, layers, tied heads, retained conditions and whole
/// meta-contexts before the residue are drawn independently of one another, so that every pair of their values occurs.
public struct ExactGrid: Sendable {
  /// Hierarchies in ascending order of levels, chunk lengths and condition lengths.
  public let hierarchies: [[(chunk: Int, condition: Int)]]

  /// C_l of a level: nothing to gather, an even and an odd number of units.
  private static let chunkLengths = 1...3
  /// R_l of a level: a single condition vector, and several.
  private static let conditionLengths = 1...2
  /// V, a prime, so that no other dimension is a factor of it.
  private static let vocabulary = 17
  /// D of level 0: its four heads are three features wide, an odd number, which rotation treats apart.
  private static let width = 12
  /// Heads of a query, which both groupings of the grid divide.
  private static let heads = 4
  /// By how much more features than its width a hierarchy's feed-forward network has, before the level is added: no two
  /// dimensions agree.
  private static let feedForwardExcess = 4
  /// That of a vanilla model is narrower than the model, as in no hierarchy.
  private static let vanillaFeedForward = 10
  /// Prompts and lengths of a baseline, which end at every residue of two blocks of the longest chunk length and past
  /// them.
  private static let baselineLengths = 0...7

  /// - Parameter maximumLevels: L of the deepest hierarchies.
  public init(maximumLevels: Int = 3) {
    var all: [[(chunk: Int, condition: Int)]] = []
    var longest: [[(chunk: Int, condition: Int)]] = [[]]
    for _ in 0..<maximumLevels {
      longest = longest.flatMap { shorter in
        Self.chunkLengths.flatMap { chunk in Self.conditionLengths.map { shorter + [(chunk, $0)] } }
      }
      all += longest
    }
    hierarchies = all
  }

  /// The points of one hierarchy.
  /// - Parameter index: position in `hierarchies`.
  public func points(of index: Int) -> [Question] {
    let levels = hierarchies[index]
    let metaContext = levels.reduce(1) { $0 * $1.chunk }
    var points: [Question] = []
    for reading in DecoderInput.allCases {
      for generation in Generation.allCases where generation == .hierarchical || levels.count > 1 {
        for residue in 0..<metaContext {
          for generated in Set([0, 1, metaContext - 1, metaContext, metaContext + 1]).sorted() {
            var draw = Draw(index: points.count, of: index)
            let model = Self.model(levels, reading, generation, &draw)
            let workload = Workload(
              promptLength: residue + draw.below(3) * metaContext, generatedLength: generated,
              batchSize: 1 + draw.below(2), continuations: 1 + draw.below(3))
            points.append(Question(model, workload, .unequal(for: model)))
          }
        }
      }
    }
    return points
  }

  /// The baselines: Block Transformers of every chunk and condition length, vanilla Transformers with full, grouped and
  /// multi-query attention, over prompts and lengths up to two blocks.
  public static var baselines: [Question] {
    var points: [Question] = []
    for prompt in baselineLengths {
      for generated in baselineLengths {
        for chunk in chunkLengths {
          for condition in conditionLengths {
            var draw = Draw(index: points.count, of: 0)
            var model = model([(chunk, condition)], .cascade, .hierarchical, &draw)
            model.payload = .block(model.levels)
            points.append(point(model, prompt, generated, &draw))
          }
        }
        for keyValueHeads in [1, 2, 4] where prompt > 0 {
          var draw = Draw(index: points.count, of: 0)
          let layer = LayerShape(
            width: width, heads: heads, keyValueHeads: keyValueHeads, headWidth: width / heads + draw.below(2),
            feedForward: vanillaFeedForward,
            feedForwardKind: draw.oneOf([.gated, .twoMatrix]))
          let model = Model.vanilla(
            vocabulary: vocabulary, layer: layer, tiedHead: draw.flag(), layers: 1 + draw.below(3))
          points.append(point(model, prompt, generated, &draw))
        }
      }
    }
    return points
  }

  static func point(_ model: Model, _ prompt: Int, _ generated: Int, _ draw: inout Draw) -> Question {
    let workload = Workload(
      promptLength: prompt, generatedLength: generated, batchSize: 1 + draw.below(2), continuations: 1 + draw.below(3))
    return Question(model, workload, .unequal(for: model))
  }

  /// A hierarchy with small dimensions that differ from one another, so that no two formulas agree by accident.
  private static func model(
    _ levels: [(chunk: Int, condition: Int)], _ reading: DecoderInput, _ generation: Generation, _ draw: inout Draw
  ) -> Model {
    func layer(_ width: Int, _ salt: Int, _ draw: inout Draw) -> LayerShape {
      LayerShape(
        width: width, heads: heads, keyValueHeads: draw.oneOf([heads, heads / 2]),
        feedForward: width + feedForwardExcess + salt,
        feedForwardKind: draw.oneOf([.gated, .twoMatrix]))
    }
    var below = Self.width
    let unequal = draw.flag()
    var shapes: [LevelShape] = []
    for (index, level) in levels.enumerated() {
      let width = unequal ? Self.width * (index + 2) : Self.width
      var kind = draw.oneOf(ChunkerKind.allCases)
      if index > 0, kind == .concatenation, level.chunk * below != width { kind = .linear }
      below = width
      shapes.append(
        LevelShape(
          chunkLength: level.chunk, conditionLength: level.condition, layer: layer(width, index + 1, &draw),
          encoderLayers: 1 + draw.below(2), decoderLayers: 1 + draw.below(2), chunker: kind))
    }
    return Model.photon(
      vocabulary: vocabulary, layer: layer(Self.width, 0, &draw), tiedHead: draw.flag(), levels: shapes,
      decoderInput: reading, generation: generation, retainConditions: draw.flag())
  }
}

/// Small numbers that do not depend on one another: SplitMix64, one stream per point.
struct Draw {
  private var state: UInt64

  init(index: Int, of hierarchy: Int) { state = UInt64(hierarchy) << 32 | UInt64(index) }

  mutating func below(_ count: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((mixed ^ (mixed >> 31)) % UInt64(count))
  }

  mutating func flag() -> Bool { below(2) == 1 }

  mutating func oneOf<Value>(_ values: [Value]) -> Value { values[below(values.count)] }
}
