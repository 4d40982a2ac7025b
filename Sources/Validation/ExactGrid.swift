import Architectures
import Quantities

/// A model, what is asked of it, and how its numbers are stored.
public struct GridPoint: Hashable, Sendable {
  /// Element types that differ from one another, so that no figure agrees in the wrong unit.
  public static let unequalTypes = Precision(weights: .int8, activations: .bf16, cache: .int4)

  public var model: Model
  public var workload: Workload
  public var precision: Precision

  public init(model: Model, workload: Workload, precision: Precision = unequalTypes) {
    self.model = model
    self.workload = workload
    self.precision = precision
  }
}

/// The small grid that leaves nothing out: every hierarchy with L ≤ 3, C_l ≤ 3, R_l ≤ 2; every residue of the prompt
/// modulo the meta-context B with G ∈ {0, 1, B−1, B, B+1}; readings × modes in full. Batch, grouped queries, unequal
/// widths, chunker kinds, continuations and retained conditions vary along with the hierarchy and the prompt, so that
/// every pair of their values occurs.
public struct ExactGrid: Sendable {
  /// Hierarchies in ascending order of levels, chunk lengths and condition lengths.
  public let hierarchies: [[(chunk: Int, condition: Int)]]

  public init(maximumLevels: Int = 3) {
    var all: [[(chunk: Int, condition: Int)]] = []
    var longest: [[(chunk: Int, condition: Int)]] = [[]]
    for _ in 0..<maximumLevels {
      longest = longest.flatMap { shorter in
        (1...3).flatMap { chunk in (1...2).map { shorter + [(chunk, $0)] } }
      }
      all += longest
    }
    hierarchies = all
  }

  /// The points of one hierarchy.
  /// - Parameter index: position in `hierarchies`.
  public func points(of index: Int) -> [GridPoint] {
    let levels = hierarchies[index]
    let metaContext = levels.reduce(1) { $0 * $1.chunk }
    var points: [GridPoint] = []
    var variant = index
    for reading in DecoderInput.allCases {
      for generation in Generation.allCases where generation == .hierarchical || levels.count > 1 {
        for residue in 0..<metaContext {
          for generated in Set([0, 1, metaContext - 1, metaContext, metaContext + 1]).sorted() {
            variant += 1
            // 0, 1 or 2 whole meta-contexts before the residue.
            let prompt = residue + variant % 3 * metaContext
            points.append(
              GridPoint(
                model: Self.model(levels, reading, generation, variant: variant),
                workload: Workload(
                  promptLength: prompt, generatedLength: generated, batchSize: 1 + variant / 2 % 2,
                  continuations: 1 + variant / 4 % 3)))
          }
        }
      }
    }
    return points
  }

  /// The baselines: Block Transformers of every chunk and condition length, vanilla Transformers with full, grouped and
  /// multi-query attention, over prompts and lengths up to two blocks.
  public static var baselines: [GridPoint] {
    var points: [GridPoint] = []
    for prompt in 0...7 {
      for generated in 0...7 {
        for chunk in 1...3 {
          for condition in 1...2 {
            let variant = points.count
            var model = model([(chunk, condition)], .cascade, .hierarchical, variant: variant)
            model.family = .block
            model.retainConditions = false
            points.append(point(model, prompt, generated, variant))
          }
        }
        for keyValueHeads in [1, 2, 4] where prompt > 0 {
          let variant = points.count
          let layer = LayerShape(
            width: 12, heads: 4, keyValueHeads: keyValueHeads, headWidth: 3 + variant % 2, feedForward: 10,
            feedForwardKind: variant % 3 == 0 ? .twoMatrix : .gated)
          let model = Model(
            family: .vanilla, vocabulary: 17, layer: layer, tiedHead: variant % 2 == 0, layers: 1 + variant % 3)
          points.append(point(model, prompt, generated, variant))
        }
      }
    }
    return points
  }

  private static func point(_ model: Model, _ prompt: Int, _ generated: Int, _ variant: Int) -> GridPoint {
    GridPoint(
      model: model,
      workload: Workload(
        promptLength: prompt, generatedLength: generated, batchSize: 1 + variant % 2, continuations: 1 + variant / 2 % 3
      ))
  }

  /// A hierarchy with small dimensions that differ from one another, so that no two formulas agree by accident.
  static func model(
    _ levels: [(chunk: Int, condition: Int)], _ reading: DecoderInput, _ generation: Generation, variant: Int
  ) -> Model {
    func layer(_ width: Int, _ salt: Int) -> LayerShape {
      let grouped = (variant / 3 + salt) % 2 == 1
      return LayerShape(
        width: width, heads: 4, keyValueHeads: grouped ? 2 : 4, feedForward: width + 4 + salt,
        feedForwardKind: (variant / 5 + salt) % 2 == 0 ? .gated : .twoMatrix)
    }
    let kinds: [ChunkerKind] = [.linear, .convolution, .concatenation]
    var below = 12
    let unequal = variant / 2 % 2 == 1
    let shapes = levels.enumerated().map { index, level in
      var kind = index == 0 ? kinds[(variant / 7 + 2) % 3] : kinds[(variant / 7 + index) % 3]
      let width = unequal ? 12 * (index + 2) : 12
      if index > 0, kind == .concatenation, level.chunk * below != width { kind = .linear }
      defer { below = width }
      return LevelShape(
        chunkLength: level.chunk, conditionLength: level.condition, layer: layer(width, index + 1),
        encoderLayers: 1 + (variant + index) % 2, decoderLayers: 1 + (variant / 2 + index) % 2, chunker: kind)
    }
    return Model(
      family: .photon, vocabulary: 17, layer: layer(12, 0), tiedHead: variant % 3 == 0, levels: shapes,
      decoderInput: reading, generation: generation, retainConditions: variant % 5 < 2)
  }
}
