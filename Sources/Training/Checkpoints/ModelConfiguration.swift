import Architectures

/// A model as a checkpoint's JSON writes it, under the keys of a scenario's `model` section, nothing left to a default.
struct ModelConfiguration: Codable, Hashable {
  struct Layer: Codable, Hashable {
    var width, heads, keyValueHeads, headWidth, feedForward: Int
    var feedForwardKind: String

    enum CodingKeys: String, CodingKey {
      case width, heads
      case keyValueHeads = "key_value_heads"
      case headWidth = "head_width"
      case feedForward = "feed_forward"
      case feedForwardKind = "feed_forward_kind"
    }

    init(_ layer: LayerShape) {
      (width, heads, keyValueHeads) = (layer.width, layer.heads, layer.keyValueHeads)
      (headWidth, feedForward) = (layer.headWidth, layer.feedForward)
      feedForwardKind = layer.feedForwardKind.rawValue
    }

    func shape() throws(CheckpointError) -> LayerShape {
      LayerShape(
        width: width, heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth, feedForward: feedForward,
        feedForwardKind: try word(feedForwardKind, "feed_forward_kind"))
    }
  }

  struct Level: Codable, Hashable {
    var chunk, condition, encoderLayers, decoderLayers: Int
    var chunker: String
    var layer: Layer
    var cache: CacheConfiguration?

    enum CodingKeys: String, CodingKey {
      case chunk, condition, chunker, layer, cache
      case encoderLayers = "encoder_layers"
      case decoderLayers = "decoder_layers"
    }
  }

  var architecture: String
  var vocabulary: Int
  var layer: Layer
  var tiedHead: Bool
  var layers: Int
  var levels: [Level]
  var decoderInput: String
  var generation: String
  var retainConditions: Bool
  /// Of the stack over the tokens; nil where it keeps and reads everything, as a level's encoder may.
  var cache: CacheConfiguration?

  enum CodingKeys: String, CodingKey {
    case architecture, vocabulary, layer, layers, levels, generation, cache
    case tiedHead = "tied_head"
    case decoderInput = "decoder_input"
    case retainConditions = "retain_conditions"
  }

  init(_ model: Model) {
    architecture = model.family.rawValue
    vocabulary = model.vocabulary
    layer = Layer(model.layer)
    tiedHead = model.tiedHead
    layers = model.layers
    levels = zip(model.levels.indices, model.levels).map { number, level in
      Level(
        chunk: level.chunkLength, condition: level.conditionLength, encoderLayers: level.encoderLayers,
        decoderLayers: level.decoderLayers, chunker: level.chunker.rawValue, layer: Layer(level.layer),
        cache: CacheConfiguration(model.cache(at: number)))
    }
    cache = CacheConfiguration(model.cache(at: 0))
    decoderInput = model.decoderInput.rawValue
    generation = model.generation.rawValue
    retainConditions = model.retainConditions
  }

  /// The same parameters, whatever is kept of keys and values.
  var withoutCaches: ModelConfiguration {
    var plain = self
    plain.cache = nil
    for index in plain.levels.indices { plain.levels[index].cache = nil }
    return plain
  }

  /// - Throws: where a word is unknown or no such model can be built.
  func model() throws(CheckpointError) -> Model {
    var shapes: [LevelShape] = []
    for level in levels {
      shapes.append(
        LevelShape(
          chunkLength: level.chunk, conditionLength: level.condition, layer: try level.layer.shape(),
          encoderLayers: level.encoderLayers, decoderLayers: level.decoderLayers,
          chunker: try word(level.chunker, "chunker")))
    }
    let family: Family = try word(architecture, "architecture")
    var model = Model(
      vocabulary: vocabulary, layer: try layer.shape(), tiedHead: tiedHead,
      payload: Payload(
        of: family, layers: layers, levels: shapes, decoderInput: try word(decoderInput, "decoder_input"),
        generation: try word(generation, "generation"), retainConditions: retainConditions))
    var caches: [StackCache] = []
    for cache in [cache] + levels.map(\.cache) { caches.append(try cache?.cache() ?? .full) }
    model.setCaches { caches[$0] }
    guard ModelConfiguration(model) == self else {
      throw CheckpointError("model: found settings that a \(family.rawValue) model does not have; accepted: its own")
    }
    if let problem = model.problems.first { throw CheckpointError("model.\(problem)") }
    return model
  }
}

private func word<Word: RawRepresentable & CaseIterable>(_ text: String, _ key: String) throws(CheckpointError) -> Word
where Word.RawValue == String {
  if let word = Word(rawValue: text) { return word }
  throw CheckpointError(
    "model.\(key): found \"\(text)\"; accepted: \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
}
