import Architectures
import Quantities

/// Writes a model as the preset file that reads back as the same model.
public enum ModelText {
  /// - Parameters:
  ///   - model: what the preset says.
  ///   - name: of the preset.
  ///   - comments: lines that stand above, without the `#`; whatever is in them, each is one line.
  public static func render(_ model: Model, name: String, comments: [String] = []) -> String {
    var lines = comments.map { "# " + visible($0) } + ["name: \(YAMLText.scalar(name))", "model:"]
    lines += head(model).map { "  " + $0 }
    if !model.levels.isEmpty { lines.append("  levels:") }
    lines += levels(model).map { "    - " + $0 }
    lines += reading(model).map { "  " + $0 }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The model section on one line.
  public static func flow(_ model: Model) -> String {
    let levels = model.levels.isEmpty ? [] : ["levels: [" + levels(model).joined(separator: ", ") + "]"]
    return "{" + (head(model) + levels + reading(model)).joined(separator: ", ") + "}"
  }

  private static func head(_ model: Model) -> [String] {
    var keys = ["architecture: \(model.family.rawValue)", "vocabulary: \(model.vocabulary)"] + fields(model.layer)
    if model.tiedHead { keys.append("tied_head: true") }
    switch model.structure {
    case .stack: return keys + ["layers: \(model.layers)"] + StyleKeys.text(model) + cache(model.cache(at: 0))
    case .hierarchy: return keys
    }
  }

  /// How the persistent caches are kept, on one line; nil where all of them keep and read everything.
  public static func caches(of model: Model) -> String? {
    let levels = model.caches.indices.filter { !model.caches[$0].isFull }
    let texts = levels.flatMap { level in cache(model.caches[level]).map { (level, $0) } }
    guard !texts.isEmpty else { return nil }
    return texts.map { level, text in level == 0 ? text : "level \(level) \(text)" }.joined(separator: "; ")
  }

  /// A cache section on one line; nil where everything is kept and read as usual.
  public static func flow(_ cache: StackCache) -> String? {
    Self.cache(cache).first.map { String($0.dropFirst("cache: ".count)) }
  }

  /// What is not as it usually is, on one line.
  private static func cache(_ cache: StackCache) -> [String] {
    func choice<Choice: CacheChoice>(_ key: String, _ path: KeyPath<CachePlan, Choice>) -> [String] {
      let chosen = cache.plan[keyPath: path]
      guard chosen != CachePlan.full[keyPath: path] else { return [] }
      return ["\(key): \(chosen.method.rawValue)"] + chosen.settings.map { "\($0.key): \($0.value)" }
    }
    var keys =
      choice("retention", \.retention) + choice("lookup", \.lookup) + choice("entry", \.entry)
      + choice("placement", \.placement)
    switch cache.exempt {
    case .none: break
    case .heads(let count): keys.append("full_heads: \(count)")
    case .firstLayers(let count): keys.append("full_layers: \(count)")
    case .everyLayer(let period): keys.append("full_every: \(period)")
    case .roles(let rows): keys.append("roles: [\(rows.map { "\"\($0)\"" }.joined(separator: ", "))]")
    }
    if let chunk = cache.prefillChunk { keys.append("prefill_chunk: \(chunk)") }
    return keys.isEmpty ? [] : ["cache: {\(keys.joined(separator: ", "))}"]
  }

  private static func levels(_ model: Model) -> [String] {
    model.hierarchy.map { level in
      var keys = [
        "chunk: \(level.chunkLength)", "condition: \(level.conditionLength)",
        "encoder_layers: \(level.encoderLayers)", "decoder_layers: \(level.decoderLayers)",
      ]
      if level.layer != model.layer { keys += fields(level.layer) }
      if level.chunker != (level.number == 1 ? .concatenation : .linear) {
        keys.append("chunker: \(level.chunker.rawValue)")
      }
      keys += cache(model.cache(at: level.number))
      return "{" + keys.joined(separator: ", ") + "}"
    }
  }

  private static func reading(_ model: Model) -> [String] {
    guard model.family.hasReadings else { return [] }
    var keys = ["decoder_input: \(model.decoderInput.rawValue)", "generation: \(model.generation.rawValue)"]
    if model.retainConditions { keys.append("retain_conditions: true") }
    return keys
  }

  private static func fields(_ layer: LayerShape) -> [String] {
    var fields = ["width: \(layer.width)", "heads: \(layer.heads)", "key_value_heads: \(layer.keyValueHeads)"]
    if layer.queryWidth != layer.width { fields.append("head_width: \(layer.headWidth)") }
    fields.append("feed_forward: \(layer.feedForward)")
    fields.append("feed_forward_kind: \(layer.feedForwardKind.rawValue)")
    return fields
  }
}
