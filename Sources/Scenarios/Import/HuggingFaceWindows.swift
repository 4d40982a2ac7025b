import Architectures

/// Which layers of a configuration attend through a window, as transformers decides it.
extension HuggingFaceReader {
  /// - Parameter layers: at least 1.
  /// - Returns: how the cache is kept; nil after a diagnostic.
  func readWindows(_ family: HuggingFaceFamily, _ layer: LayerShape, layers: Int) -> StackCache? {
    let types = readTypes(layers: layers)
    if types == nil, reader.has("layer_types") { return nil }
    guard let window = readWindow(family) else {
      // A width of 0 is none, as null is.
      guard let types, types.contains(true), reader.value("sliding_window")?.scalar != "0" else { return .full }
      reader.report(
        "layer_types", "windows of no width in \(listed(types.indices.filter { types[$0] }))",
        accepted: "a sliding_window, or full_attention in every layer")
      return nil
    }
    guard let slides = types ?? usual(family, layers: layers), slides.contains(true) else { return .full }
    // A window as long as all that the model was made for masks nothing.
    if reader.has("max_position_embeddings"), let context = reader.integer("max_position_embeddings"),
      window >= context
    {
      return .full
    }
    guard (1...Limits.promptLength).contains(window) else {
      reader.report("sliding_window", "found \(window)", accepted: Problem.accepted(1...Limits.promptLength))
      return nil
    }
    return StackCache(
      CachePlan(retention: .slidingWindow(window)), exempt: exempt(slides.map { !$0 }, heads: layer.keyValueHeads))
  }

  /// `layer_types`: whether each layer slides; nil where it is absent or wrong.
  private func readTypes(layers: Int) -> [Bool]? {
    guard let types = reader.list("layer_types") else { return nil }
    let words = ["full_attention", "sliding_attention"]
    let others = types.indices.filter { !words.contains(types[$0].scalar ?? "") }
    if let first = others.first {
      reader.report(
        "layer_types", "\(types[first].summary) in \(listed(others)) cannot be represented", accepted: enumerate(words))
      return nil
    }
    guard types.count == layers else {
      reader.report("layer_types", "\(types.count) of \(layers) layers", accepted: "a word for each layer")
      return nil
    }
    return types.map { $0.scalar == words[1] }
  }

  /// The width of windows; nil where there are none.
  private func readWindow(_ family: HuggingFaceFamily) -> Int? {
    var usual: Int?
    switch family {
    case .gemma, .llama, .granite, .olmo2, .falcon, .gpt2, .opt, .gptNeoX: return nil
    case .qwen2, .qwen3, .smollm3:
      guard reader.boolean("use_sliding_window", default: false) ?? false else { return nil }
    // Their classes have one where a file does not say.
    case .mistral, .gemma2, .gemma3: usual = root["sliding_window"] == nil ? 4096 : nil
    case .phi3, .starcoder2: break
    }
    // Some files of other families carry the switch as well.
    if reader.value("use_sliding_window")?.scalar == "false" { return nil }
    guard reader.has("sliding_window") || usual != nil else { return nil }
    let window = reader.integer("sliding_window", default: usual)
    return window == 0 ? nil : window
  }

  /// The family's pattern where no list says it; nil after a diagnostic.
  private func usual(_ family: HuggingFaceFamily, layers: Int) -> [Bool]? {
    switch family {
    case .gemma, .llama, .granite, .olmo2, .falcon, .gpt2, .opt, .gptNeoX:
      return Array(repeating: false, count: layers)
    case .mistral, .phi3, .starcoder2: return Array(repeating: true, count: layers)
    case .gemma2: return (0..<layers).map { ($0 + 1) % 2 != 0 }
    case .gemma3:
      let key = reader.has("_sliding_window_pattern") ? "_sliding_window_pattern" : "sliding_window_pattern"
      return reader.integer(key, default: 6, in: 1...Limits.layers).map { period in
        (0..<layers).map { ($0 + 1) % period != 0 }
      }
    case .qwen2, .qwen3:
      return reader.integer("max_window_layers", default: 28).map { first in (0..<layers).map { $0 >= first } }
    case .smollm3:
      let period = reader.integer("no_rope_layer_interval", default: 4, in: 0...Limits.layers) ?? 0
      let signs = reader.list("no_rope_layers") ?? []
      return (0..<layers).map { index in
        signs.isEmpty ? period > 0 && (index + 1) % period == 0 : index < signs.count && signs[index].scalar == "0"
      }
    }
  }

  /// The shortest way of saying which layers see everything.
  private func exempt(_ isFull: [Bool], heads: Int) -> ExemptHeads {
    guard let first = isFull.firstIndex(of: true) else { return .none }
    if isFull.indices.allSatisfy({ isFull[$0] == (($0 + 1) % (first + 1) == 0) }) { return .everyLayer(first + 1) }
    let count = isFull.prefix { $0 }.count
    if count > 0, !isFull.dropFirst(count).contains(true) { return .firstLayers(count) }
    return .roles(isFull.map { String(repeating: $0 ? "1" : "0", count: heads) })
  }
}
