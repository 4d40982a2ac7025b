import Architectures

/// Reads a model section whose presets are resolved.
struct ModelReader {
  static let hierarchyKeys = ["levels", "decoder_input", "generation", "retain_conditions"]

  let path: String
  let collector: DiagnosticCollector

  /// - Returns: the model if every key could be read; it may still have problems.
  func read(_ section: PositionedValue) -> Model? {
    let reader = FieldReader(section, path: path, collector: collector, emptyRemoves: true)
    let chosen: Family? = reader.choice("architecture")
    // After a mistyped architecture the other keys are still worth reading.
    let family = chosen ?? (reader.value("levels") == nil ? .vanilla : .photon)
    let vocabulary = reader.integer("vocabulary")
    let layer = readLayer(reader, inherited: nil)
    let tiedHead = reader.boolean("tied_head", default: false)
    // The section's cache is that of the one stack, and of every encoder that does not say otherwise.
    let cache = readCache(reader, usual: .full)
    var layers: Int? = 0
    var levels: [LevelShape]? = []
    var caches = [cache]
    var decoderInput: DecoderInput? = .cascade
    var generation: Generation? = .hierarchical
    var retainConditions: Bool? = false
    var style: LayerStyle? = .plain
    var ends: TokenEnds? = .plain
    switch family.structure {
    case .stack:
      layers = reader.integer("layers")
      (style, ends) = (StyleKeys.layer(reader), StyleKeys.ends(reader))
    case .hierarchy:
      levels = readLevels(
        reader, model: layer, keyValueHeadsGiven: reader.has("key_value_heads"), cache: cache ?? .full, &caches)
    }
    if family.hasReadings {
      decoderInput = reader.choice("decoder_input", default: .cascade)
      generation = reader.choice("generation", default: .hierarchical)
      retainConditions = reader.boolean("retain_conditions", default: false)
    }
    reader.finish { key in
      Self.hierarchyKeys.contains(key) || StyleKeys.all.contains(key) || key == "layers"
        ? "a \(family.rawValue) model has no such key" : nil
    }
    guard chosen != nil, !caches.contains(nil), let vocabulary, let layer, let tiedHead, let layers, let levels,
      let decoderInput, let generation, let retainConditions, let style, let ends
    else { return nil }
    var model = Model(
      vocabulary: vocabulary, layer: layer.styled(style), tiedHead: tiedHead,
      payload: Payload(
        of: family, layers: layers, levels: levels, decoderInput: decoderInput, generation: generation,
        retainConditions: retainConditions))
    model.ends = ends
    model.setCaches { level in caches[level] ?? .full }
    return model
  }

  /// - Parameter inherited: the model section's dimensions for a level; `nil` for the model section itself.
  private func readLayer(_ reader: FieldReader, inherited: (LayerShape, keyValueHeadsGiven: Bool)?) -> LayerShape? {
    let above = inherited?.0
    let width = reader.integer("width", default: above?.width)
    let heads = reader.integer("heads", default: above?.heads)
    let ownShape = reader.has("width") || reader.has("heads")
    let givenAbove = inherited?.keyValueHeadsGiven == true || !reader.has("heads")
    let keyValueHeads = reader.integer(
      "key_value_heads", default: (givenAbove ? above?.keyValueHeads : nil) ?? heads ?? 1)
    var headWidth = above?.headWidth
    if ownShape || above == nil {
      headWidth = width.flatMap { width in heads.map { LayerShape.headWidth(width: width, heads: $0) } }
    }
    if reader.has("head_width") { headWidth = reader.integer("head_width") }
    let feedForward = reader.integer("feed_forward", default: above?.feedForward)
    let kind: FeedForwardKind? = reader.choice("feed_forward_kind", default: above?.feedForwardKind ?? .gated)
    guard let width, let heads, let keyValueHeads, let headWidth, let feedForward, let kind else { return nil }
    return LayerShape(
      width: width, heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth, feedForward: feedForward,
      feedForwardKind: kind)
  }

  private func readLevels(
    _ reader: FieldReader, model: LayerShape?, keyValueHeadsGiven: Bool, cache: StackCache,
    _ caches: inout [StackCache?]
  ) -> [LevelShape]? {
    reader.require("levels", accepted: "a list of levels, from level 1 up")
    guard let elements = reader.list("levels") else { return nil }
    // With a broken model section the levels are read against any shape, for their own mistakes.
    let inherited = model ?? LayerShape(width: 1, heads: 1, feedForward: 1)
    var levels: [LevelShape] = []
    for (index, element) in elements.enumerated() {
      let level = FieldReader(element, path: "\(path).levels[\(index + 1)]", collector: collector, emptyRemoves: true)
      guard element.entries != nil else { continue }
      let chunk = level.integer("chunk")
      let condition = level.integer("condition")
      let encoderLayers = level.integer("encoder_layers")
      let decoderLayers = level.integer("decoder_layers")
      let layer = readLayer(level, inherited: (inherited, keyValueHeadsGiven))
      let chunker: ChunkerKind? = level.choice("chunker", default: index == 0 ? .concatenation : .linear)
      caches.append(readCache(level, usual: cache))
      level.finish()
      guard let chunk, let condition, let encoderLayers, let decoderLayers, let layer, let chunker else { continue }
      levels.append(
        LevelShape(
          chunkLength: chunk, conditionLength: condition, layer: layer, encoderLayers: encoderLayers,
          decoderLayers: decoderLayers, chunker: chunker))
    }
    return levels.count == elements.count && model != nil ? levels : nil
  }

  /// Turns a model's problems into diagnostics at the keys that a person would change.
  /// - Parameters:
  ///   - resolved: the section with its preset's keys.
  ///   - section: as it was written; what it sets is blamed before the keys of its preset.
  func report(
    _ problems: [Problem], in resolved: PositionedValue, of section: PositionedValue, _ presets: PresetResolver,
    file: String, note: String = ""
  ) {
    for problem in problems.map({ ofSection($0, resolved) }) {
      let steps = DottedPath(problem.key)?.steps ?? []
      var diagnostic = Diagnostic(
        resolved.position(of: steps[...]), path: "\(path).\(problem.key)", found: problem.found + note,
        accepted: problem.accepted)
      if let preset = section["preset"]?.scalar, ![file, "--set"].contains(diagnostic.position.file),
        let culprit = presets.culprit(problem, in: section, path: path, file: file)
      {
        diagnostic.position = culprit.value.position
        diagnostic.path = "\(path).\(culprit.key)"
        diagnostic.found += "; \(problem.key) is that of the preset \(preset)"
        diagnostic.accepted = "for \(problem.key) \(problem.accepted)"
      }
      collector.add(diagnostic)
    }
  }

  /// The problem of a level's cache that is the section's, at the section's key.
  private func ofSection(_ problem: Problem, _ section: PositionedValue) -> Problem {
    guard let steps = DottedPath(problem.key)?.steps, steps.count > 3, steps[2] == .key("cache"),
      case .index(let level) = steps[1], let levels = section["levels"]?.elements, level < levels.count,
      levels[level]["cache"] == nil
    else { return problem }
    var inherited = problem
    inherited.key = DottedPath(Array(steps[2...])).description
    return inherited
  }
}
