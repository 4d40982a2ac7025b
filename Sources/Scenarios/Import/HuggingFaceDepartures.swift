import Architectures

/// What a configuration asks for and a vanilla preset cannot say, although the matrix work keeps its shape.
extension HuggingFaceReader {
  /// - Parameters:
  ///   - layer: `nil` where a dimension could not be read or is none; then no parameters are given.
  ///   - layers: the same.
  func checkDepartures(_ modelType: String, _ layer: LayerShape?, layers: Int?) {
    /// Parameters of so many in every layer.
    func times(_ perLayer: (LayerShape) -> Int) -> Int? {
      guard let layer, let layers else { return nil }
      return perLayer(layer) * layers
    }
    if modelType == "gpt_neox" {
      checkNeoX(layer, times)
    } else if modelType == "qwen2" {
      depart(
        "model_type", "biases of the query, key and value products",
        parameters: times { $0.queryWidth + 2 * $0.keyValueWidth }, accepted: "a family without them")
    } else if modelType == "qwen3" {
      depart(
        "model_type", "a norm of every query and key head", parameters: times { 2 * $0.headWidth },
        accepted: "a family without them")
    }
    if modelType != "gpt_neox", isTrue("attention_bias") {
      depart(
        "attention_bias", "biases of the query, key, value and output products",
        parameters: times { $0.queryWidth + 2 * $0.keyValueWidth + $0.width }, accepted: "false")
    }
    if isTrue("mlp_bias") {
      depart(
        "mlp_bias", "biases of the feed-forward products", parameters: times { 2 * $0.feedForward + $0.width },
        accepted: "false")
    }
    if let share = reader.value("partial_rotary_factor"), !isOne(share) {
      depart("partial_rotary_factor", "the rotation of whole heads is counted", accepted: "1")
    }
    let counted = modelType == "gpt_neox" ? ["gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh"] : ["silu", "swish"]
    if let activation = reader.value("hidden_act"), !counted.contains(activation.scalar ?? "") {
      depart("hidden_act", "\(counted[0]) is counted", accepted: enumerate(counted))
    }
  }

  private func checkNeoX(_ layer: LayerShape?, _ times: ((LayerShape) -> Int) -> Int?) {
    depart(
      "model_type", "LayerNorm, with a mean and a bias, where RMSNorm is counted",
      parameters: times { 2 * $0.width }.flatMap { inLayers in layer.map { inLayers + $0.width } },
      accepted: "a family with RMSNorm")
    depart(
      "model_type", "biases of the feed-forward products", parameters: times { $0.feedForward + $0.width },
      accepted: "a family without them")
    if reader.value("attention_bias")?.scalar != "false" {
      depart(
        "attention_bias", value: reader.has("attention_bias") ? nil : "nothing, which means true",
        "biases of the query, key, value and output products",
        parameters: times { $0.queryWidth + 2 * $0.keyValueWidth + $0.width }, accepted: "false")
    }
    if reader.value("use_parallel_residual")?.scalar != "false" {
      depart(
        "use_parallel_residual", value: reader.has("use_parallel_residual") ? nil : "nothing, which means true",
        "attention and feed-forward side by side; one after the other is counted", accepted: "false")
    }
    if !(reader.value("rotary_pct").map(isOne) ?? false) {
      depart(
        "rotary_pct", value: reader.has("rotary_pct") ? nil : "nothing, which means 0.25",
        "the rotation of whole heads is counted", accepted: "1")
    }
  }

  /// Reports what is not represented: an error, or a warning of an approximate import.
  /// - Parameters:
  ///   - value: what was found, where it is not the key's value.
  ///   - parameters: how many the imported model has too few.
  func depart(_ key: String, value: String? = nil, _ meaning: String, parameters: Int? = nil, accepted: String) {
    let value = value ?? reader.value(key)?.summary ?? "nothing"
    let missing = parameters.map { ", \($0) parameters" } ?? ""
    if approximate {
      add(.warning, key, "found \(value), not represented: \(meaning)\(missing)")
    } else {
      add(
        .error, key, "found \(value), which cannot be represented: \(meaning)\(missing)",
        accepted: "\(accepted), or --approximate to import without it")
    }
  }

  private func add(_ severity: Diagnostic.Severity, _ key: String, _ found: String, accepted: String? = nil) {
    reader.collector.add(
      .init(reader.position(of: key), severity: severity, path: key, found: found, accepted: accepted))
  }

  private func isTrue(_ key: String) -> Bool { reader.value(key)?.scalar == "true" }

  private func isOne(_ value: PositionedValue) -> Bool { value.scalar.flatMap(Double.init) == 1 }
}
