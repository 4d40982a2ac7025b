import Architectures

/// Writes a model as the preset file that reads back as the same model.
public enum ModelText {
  /// - Parameters:
  ///   - model: what the preset says.
  ///   - name: of the preset.
  ///   - comments: lines that stand above, without the `#`.
  public static func render(_ model: Model, name: String, comments: [String] = []) -> String {
    var lines = comments.map { "# " + $0 } + ["name: \(name)", "model:"]
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
    if !model.isHierarchy { keys.append("layers: \(model.layers)") }
    return keys + cache(model.cache)
  }

  /// The choices that are not the trivial ones, on one line.
  private static func cache(_ plan: CachePlan) -> [String] {
    func choice<Choice: CacheChoice>(_ key: String, _ path: KeyPath<CachePlan, Choice>) -> String? {
      let chosen = plan[keyPath: path]
      guard chosen != CachePlan.full[keyPath: path] else { return nil }
      let settings = chosen.settings.map { "\($0.key): \($0.value)" }
      return "\(key): {\((["method: \(chosen.method.rawValue)"] + settings).joined(separator: ", "))}"
    }
    let choices = [
      choice("retention", \.retention), choice("lookup", \.lookup), choice("entry", \.entry),
      choice("placement", \.placement),
    ].compactMap { $0 }
    return choices.isEmpty ? [] : ["cache: {\(choices.joined(separator: ", "))}"]
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
