/// The text model inside a configuration of a model that sees or hears.
extension HuggingFaceReader {
  /// Keys that are read where the text model's own section has none.
  private static let outerKeys = [
    "tie_word_embeddings", "torch_dtype", "dtype", "quantization_config", "_name_or_path",
  ]
  /// Parts beside the text model, which are not counted.
  private static let otherParts = [
    "vision_config", "audio_config", "speech_config", "encoder_config", "projector_config",
  ]

  /// The configuration itself, or its `text_config` where that names a `model_type` or the outer one does: everything
  /// that is counted stands there. What the model has beside its text is said.
  static func textModel(of configuration: PositionedValue, _ collector: DiagnosticCollector) -> PositionedValue {
    guard let text = configuration["text_config"], let own = text.entries,
      let name = text["model_type"] ?? configuration["model_type"].flatMap(inner), name.scalar != nil
    else { return configuration }
    var entries = own.filter { $0.key != "model_type" || !$0.value.isNull }
    if text["model_type"] == nil, let position = configuration["model_type"]?.position {
      entries.append(.init(key: "model_type", keyPosition: position, value: name))
    }
    for outer in configuration.entries ?? [] where outerKeys.contains(outer.key) {
      if text[outer.key] == nil || text[outer.key]?.isNull == true {
        entries.removeAll { $0.key == outer.key }
        entries.append(outer)
      }
    }
    for part in otherParts {
      guard let value = configuration[part], !value.isNull else { continue }
      collector.add(
        Diagnostic(
          value.position, severity: .warning, path: part, found: "not counted: the model beside the one of text"))
    }
    return PositionedValue(.mapping(entries), at: text.position)
  }

  /// What the text of a model is where its section does not say.
  private static func inner(_ outer: PositionedValue) -> PositionedValue? {
    let types = ["gemma3": "gemma3_text", "mistral3": "mistral", "llava": "llama", "granite_speech": "granite"]
    guard let name = outer.scalar.flatMap({ types[$0] }) else { return nil }
    return PositionedValue(.scalar(name, quoted: true), at: outer.position)
  }
}
