import Architectures
import Quantities

/// A vanilla model made from a Hugging Face configuration.
public struct ImportedModel: Sendable {
  /// The last part of the path that the model was saved under.
  public var name: String
  /// Its hyper-parameters.
  public var model: Model
  /// How its checkpoint is stored, where the configuration says so.
  public var precision: Precision?
  /// A preset file.
  public var yaml: String
  /// Where the model departs from the configuration.
  public var warnings: [Diagnostic]
}

/// Reads the `config.json` of a model of the families of `HuggingFaceFamily`: Llama, Mistral, Qwen 2 and 3, GPT-NeoX,
/// Gemma 1 to 3, Phi-3, Falcon, GPT-2, OPT, StarCoder2, Granite, OLMo 2, SmolLM3; also where it is the `text_config`
/// of a model that sees or hears.
///
/// What a preset cannot represent is an error at its key.
/// - Parameters:
///   - file: the path of a `config.json`.
///   - name: of the preset; the last part of the configured name or path if nil.
///   - approximate: leaves out what cannot be represented with a warning each, where the matrix work keeps its shape;
///     matrix work of another shape remains an error.
/// - Throws: `ScenarioError`
public func importHuggingFace(
  file: String, name: String? = nil, approximate: Bool = false
) throws(ScenarioError) -> ImportedModel {
  try importHuggingFace(json: YAMLText.text(of: file), file: file, name: name, approximate: approximate)
}

/// The same from text; `file` is the name that diagnostics show.
/// - Throws: `ScenarioError`
public func importHuggingFace(
  json: String, file: String, name: String? = nil, approximate: Bool = false
) throws(ScenarioError) -> ImportedModel {
  try importConfiguration(
    JSONText.parse(json, file: file), name: name, approximate: approximate, source: "a Hugging Face configuration")
}

/// The same from keys and values, wherever they stand.
/// - Parameter source: what the preset says that it was imported from.
func importConfiguration(
  _ root: PositionedValue, name: String?, approximate: Bool, source: String
) throws(ScenarioError) -> ImportedModel {
  let collector = DiagnosticCollector()
  let reader = HuggingFaceReader(root, collector, approximate: approximate)
  let precision = reader.storedPrecision()
  let model = try collector.result(reader.read(), at: root.position)
  let name = name ?? reader.name
  let comments = ["Imported from \(source) (model_type \(reader.modelType ?? ""))."]
  let notes = collector.ordered.map { "\($0.path): \($0.found)." }
  return ImportedModel(
    name: name, model: model, precision: precision,
    yaml: ModelText.render(model, name: name, comments: comments + notes)
      + (precision.map { "precision: \($0.flow)\n" } ?? ""),
    warnings: collector.ordered)
}

struct HuggingFaceReader {
  /// Keys that mean matrix work of another shape, unless they are null, false, 0 or 1.
  static let refusals = [
    ("num_local_experts", "a mixture of experts"), ("num_experts", "a mixture of experts"),
    ("n_routed_experts", "a mixture of experts"), ("kv_lora_rank", "latent attention"),
    ("q_lora_rank", "latent attention"), ("is_encoder_decoder", "an encoder and a decoder"),
    ("text_config", "a model inside another"), ("vision_config", "a vision model"),
    ("num_nextn_predict_layers", "extra layers that predict further tokens"),
    ("cross_attention_layers", "cross-attention"), ("add_cross_attention", "cross-attention"),
  ]

  let reader: FieldReader
  let modelType: String?
  /// Whether what a preset cannot say is left out with a warning.
  let approximate: Bool
  /// As they stand, nulls among them.
  let root: PositionedValue

  init(_ configuration: PositionedValue, _ collector: DiagnosticCollector, approximate: Bool) {
    self.approximate = approximate
    root = Self.textModel(of: configuration, collector)
    // In a configuration null means that the key is absent.
    reader = FieldReader(root, path: "", collector: collector, emptyRemoves: true)
    modelType = root["model_type"]?.scalar
  }

  /// The last part of the path that the model was saved under, if it is a plain word.
  var name: String {
    let last = (reader.value("_name_or_path")?.scalar ?? "").split(separator: "/").last.map { $0.lowercased() } ?? ""
    return ScenarioFiles.isName(last) ? last : modelType ?? "imported"
  }

  func read() -> Model? {
    refuseOtherShapes()
    guard let modelType = reader.text("model_type") else { return nil }
    guard let family = HuggingFaceFamily(named: modelType) else {
      let names = HuggingFaceFamily.allCases.map(\.rawValue)
      reader.report(
        "model_type", "found \"\(modelType.prefix(80))\"", accepted: enumerate(names),
        suggestion: nearMiss(modelType, among: names))
      return nil
    }
    let vocabulary = integer("vocabulary", of: family)
    let layer = readLayer(family)
    let layers = integer("layers", of: family)
    let tiedHead = reader.boolean("tie_word_embeddings", default: family.tiesHead)
    checkSwitches()
    // Parameters and windows are of dimensions that exist: what is wrong with others is said of the model.
    let isSound = layer?.problems(prefix: "").isEmpty ?? false
    var cache: StackCache? = .full
    var styled: (LayerStyle, TokenEnds)?
    if let layer {
      let depth = layers.flatMap { (1...Limits.layers).contains($0) ? $0 : nil }
      styled = readStyle(family, layer, layers: depth)
      if isSound, let depth { cache = readWindows(family, layer, layers: depth) }
    }
    guard let vocabulary, let layer, let layers, let tiedHead, let styled, let cache else { return nil }
    var model = Model.vanilla(
      vocabulary: vocabulary, layer: layer.styled(styled.0), tiedHead: tiedHead, layers: layers)
    model.ends = styled.1
    if model.problems.isEmpty { model.setCaches { _ in cache } }
    for problem in model.problems {
      reader.report(key(problem.key, of: family), problem.found, accepted: problem.accepted)
    }
    return model
  }

  // MARK: Dimensions

  /// What one of our keys is called in this configuration.
  func key(_ key: String, of family: HuggingFaceFamily) -> String {
    let names = family.names[key] ?? [key]
    return names.first(where: reader.has) ?? names[0]
  }

  /// - Parameter usual: where neither the file nor the family's class says it; nil where it is required.
  func integer(_ key: String, of family: HuggingFaceFamily, usual: Int? = nil) -> Int? {
    reader.integer(self.key(key, of: family), default: family.defaults[key] ?? usual)
  }

  private func readLayer(_ family: HuggingFaceFamily) -> LayerShape? {
    let width = integer("width", of: family)
    let heads = integer("heads", of: family)
    let feedForward = integer("feed_forward", of: family, usual: usualFeedForward(family, width: width))
    let keyValueHeads = readKeyValueHeads(family, heads: heads)
    var headWidth: Int?
    let headKey = key("head_width", of: family)
    if reader.has(headKey) || family.defaults["head_width"] != nil {
      headWidth = integer("head_width", of: family)
      // Some files write 0 for what the heads share.
      if headWidth == 0 { headWidth = nil }
    } else if family.statesHeadWidth {
      reader.require(headKey)
    }
    guard let width, let heads, let feedForward, let keyValueHeads else { return nil }
    return LayerShape(
      width: width, heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth, feedForward: feedForward,
      feedForwardKind: family.feedForwardKind)
  }

  /// Four times the width where a family's files usually do not say.
  private func usualFeedForward(_ family: HuggingFaceFamily, width: Int?) -> Int? {
    switch family {
    case .falcon, .gpt2:
      let (product, overflows) = (width ?? 1).multipliedReportingOverflow(by: 4)
      return overflows ? Int.max : product
    case .llama, .mistral, .qwen2, .qwen3, .gptNeoX, .gemma, .gemma2, .gemma3, .phi3, .opt, .starcoder2, .granite,
      .olmo2, .smollm3:
      return nil
    }
  }

  private func readKeyValueHeads(_ family: HuggingFaceFamily, heads: Int?) -> Int? {
    if family.impliesKeyValueHeads { return falconKeyValueHeads(heads: heads) }
    return integer("key_value_heads", of: family, usual: family.mayOmitKeyValueHeads ? heads ?? 1 : nil)
  }

  private func falconKeyValueHeads(heads: Int?) -> Int? {
    // Only the newer architecture reads the number; before it there was one head for all, or one for each.
    if isNewFalcon { return integer("key_value_heads", of: .falcon, usual: heads ?? 1) }
    return reader.boolean("multi_query", default: true).map { $0 ? 1 : heads ?? 1 }
  }

  /// Falcon 40B, 180B and 11B; the first files of 40B say it by their `model_type`.
  var isNewFalcon: Bool {
    reader.value("new_decoder_architecture").map { $0.scalar == "true" } ?? (modelType == "RefinedWeb")
  }

  private func refuseOtherShapes() {
    for (key, meaning) in Self.refusals {
      guard let value = reader.value(key), !["false", "0", "1"].contains(value.scalar ?? "") else { continue }
      reader.report(key, "\(meaning) cannot be represented", accepted: "a dense decoder-only model")
    }
  }
}
