import Architectures
import TestModels
import Testing

/// A way to keep a cache, and a way to read the prompt.
struct CacheSubject: Sendable, CustomTestStringConvertible {
  var cache: StackCache
  var retention: Retention { cache.plan.retention }

  init(_ retention: Retention, chunk: Int? = nil, exempt: ExemptHeads = .none) {
    let most = retention.mostRows == .max ? nil : retention.mostRows
    cache = StackCache(
      CachePlan(retention: retention), exempt: exempt, prefillChunk: chunk.map { min($0, most ?? $0) } ?? most)
  }

  var testDescription: String {
    let settings = retention.settings.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    return "\(retention.method.rawValue) \(settings); prompts \(cache.prefillChunk.map { "by \($0)" } ?? "at once")"
  }

  /// Every method, with prompts at once, in chunks that leave a rest, and token by token.
  static let all = Retention.Method.allCases.flatMap { method in
    retentions(method).flatMap { retention in [nil, 4, 1].map { CacheSubject(retention, chunk: $0) } }
  }

  /// Every method with its prompts in fewer passes.
  static let atOnce = Retention.Method.allCases.flatMap { retentions($0).map { CacheSubject($0) } }
}

extension Model {
  /// The same model with every persistent cache kept in one way.
  func with(_ cache: StackCache) -> Model {
    var model = self
    model.setCaches { _ in cache }
    return model
  }
}

/// Models whose laws are those of any: three layers, so that budgets can fall, and two query heads for each key.
enum CacheModels {
  static let layer = LayerShape(width: 16, heads: 4, keyValueHeads: 2, feedForward: 12)
  static let vanilla = Model.vanilla(vocabulary: 13, layer: layer, layers: 3)
  /// All query heads read one key–value head.
  static let single = Model.vanilla(
    vocabulary: 13, layer: LayerShape(width: 16, heads: 4, keyValueHeads: 1, feedForward: 12), layers: 2)
  static let block = Model.block(
    vocabulary: 13, layer: layer,
    levels: [
      LevelShape(
        chunkLength: 2, conditionLength: 2, layer: layer, encoderLayers: 2, decoderLayers: 1, chunker: .concatenation)
    ])

  static func photon(_ reading: DecoderInput, _ generation: Generation) -> Model {
    Model.photon(
      vocabulary: 13, layer: layer,
      levels: [ChunkerKind.concatenation, .linear].map {
        LevelShape(
          chunkLength: 2, conditionLength: 1, layer: layer, encoderLayers: 2, decoderLayers: 1, chunker: $0)
      }, decoderInput: reading, generation: generation)
  }

  static let photons = DecoderInput.allCases.flatMap { reading in
    Generation.allCases.map { photon(reading, $0) }
  }
}
