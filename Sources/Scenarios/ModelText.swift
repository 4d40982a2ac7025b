import Architectures

/// Writes a model as the preset file that reads back as the same model.
public enum ModelText {
  /// - Parameter comments: lines that stand above, without the `#`.
  public static func render(_ model: Model, name: String, comments: [String] = []) -> String {
    var lines = comments.map { "# " + $0 }
    lines += [
      "name: \(name)", "model:", "  architecture: \(model.family.rawValue)", "  vocabulary: \(model.vocabulary)",
    ]
    lines += fields(model.layer).map { "  " + $0 }
    if model.tiedHead { lines.append("  tied_head: true") }
    if model.family == .vanilla { lines.append("  layers: \(model.layers)") }
    if !model.levels.isEmpty { lines.append("  levels:") }
    for (index, level) in model.levels.enumerated() {
      var keys = [
        "chunk: \(level.chunkLength)", "condition: \(level.conditionLength)",
        "encoder_layers: \(level.encoderLayers)", "decoder_layers: \(level.decoderLayers)",
      ]
      if level.layer != model.layer { keys += fields(level.layer) }
      if level.chunker != (index == 0 ? .concatenation : .linear) { keys.append("chunker: \(level.chunker.rawValue)") }
      lines.append("    - {" + keys.joined(separator: ", ") + "}")
    }
    if model.family == .photon {
      lines += ["  decoder_input: \(model.decoderInput.rawValue)", "  generation: \(model.generation.rawValue)"]
      if model.retainConditions { lines.append("  retain_conditions: true") }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func fields(_ layer: LayerShape) -> [String] {
    var fields = ["width: \(layer.width)", "heads: \(layer.heads)", "key_value_heads: \(layer.keyValueHeads)"]
    if layer.queryWidth != layer.width { fields.append("head_width: \(layer.headWidth)") }
    fields.append("feed_forward: \(layer.feedForward)")
    fields.append("feed_forward_kind: \(layer.feedForwardKind.rawValue)")
    return fields
  }
}
