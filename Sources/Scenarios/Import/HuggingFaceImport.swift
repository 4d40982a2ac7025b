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

/// Reads the `config.json` of a Llama, Mistral, Qwen 2, Qwen 2.5, Qwen 3 or GPT-NeoX model.
///
/// What a preset cannot represent is an error at its key.
/// - Parameters:
///   - file: the path of a `config.json`.
///   - name: of the preset; the last part of the configured name or path if nil.
///   - approximate: leaves out biases, norms of another kind, windows and the like with a warning each; matrix work of
///     another shape remains an error.
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
  let root = try JSONText.parse(json, file: file)
  let collector = DiagnosticCollector()
  let reader = HuggingFaceReader(root, collector, approximate: approximate)
  let precision = reader.storedPrecision()
  let model = try collector.result(reader.read(), at: root.position)
  let name = name ?? reader.name
  let comments = ["Imported from a Hugging Face configuration (model_type \(reader.modelType ?? ""))."]
  let notes = collector.ordered.map { "\($0.path): \($0.found)." }
  return ImportedModel(
    name: name, model: model, precision: precision,
    yaml: ModelText.render(model, name: name, comments: comments + notes)
      + (precision.map { "precision: \($0.flow)\n" } ?? ""),
    warnings: collector.ordered)
}

struct HuggingFaceReader {
  static let modelTypes = ["llama", "mistral", "qwen2", "qwen3", "gpt_neox"]
  /// Keys of our models and what they are called here.
  static let keys = [
    "vocabulary": "vocab_size", "width": "hidden_size", "heads": "num_attention_heads",
    "key_value_heads": "num_key_value_heads", "head_width": "head_dim", "feed_forward": "intermediate_size",
    "layers": "num_hidden_layers",
  ]
  /// Keys that mean matrix work of another shape, unless they are null, false, 0 or 1.
  static let refusals = [
    ("num_local_experts", "a mixture of experts"), ("num_experts", "a mixture of experts"),
    ("n_routed_experts", "a mixture of experts"), ("kv_lora_rank", "latent attention"),
    ("q_lora_rank", "latent attention"), ("is_encoder_decoder", "an encoder and a decoder"),
    ("text_config", "a model inside another"), ("vision_config", "a vision model"),
    ("num_nextn_predict_layers", "extra layers that predict further tokens"),
    ("cross_attention_layers", "cross-attention"),
  ]

  let reader: FieldReader
  let modelType: String?
  /// Whether what a preset cannot say is left out with a warning.
  let approximate: Bool

  init(_ root: PositionedValue, _ collector: DiagnosticCollector, approximate: Bool) {
    self.approximate = approximate
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
    guard Self.modelTypes.contains(modelType) else {
      reader.report(
        "model_type", "found \"\(modelType.prefix(80))\"", accepted: enumerate(Self.modelTypes),
        suggestion: nearMiss(modelType, among: Self.modelTypes))
      return nil
    }
    refuseWindow(modelType)
    let vocabulary = reader.integer("vocab_size")
    let width = reader.integer("hidden_size")
    let heads = reader.integer("num_attention_heads")
    let layers = reader.integer("num_hidden_layers")
    let feedForward = reader.integer("intermediate_size")
    // Only in Llama and GPT-NeoX a missing key means that every head has its own keys and values.
    let mayOmit = modelType == "llama" || modelType == "gpt_neox"
    let keyValueHeads = reader.integer("num_key_value_heads", default: mayOmit ? heads ?? 1 : nil)
    var headWidth: Int?
    if reader.has("head_dim") {
      headWidth = reader.integer("head_dim")
    } else if modelType == "qwen3" {
      reader.require("head_dim")
    }
    let tiedHead = reader.boolean("tie_word_embeddings", default: false)
    var layer: LayerShape?
    if let width, let heads, let feedForward, let keyValueHeads {
      layer = LayerShape(
        width: width, heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth, feedForward: feedForward,
        feedForwardKind: modelType == "gpt_neox" ? .twoMatrix : .gated)
    }
    // Parameters are counted of dimensions that exist: what is wrong with others is said of the model.
    let isSound = layer?.problems(prefix: "").isEmpty ?? false
    checkDepartures(
      modelType, isSound ? layer : nil, layers: layers.flatMap { (1...Limits.layers).contains($0) ? $0 : nil })
    guard let vocabulary, let layer, let layers, let tiedHead else { return nil }
    let model = Model.vanilla(vocabulary: vocabulary, layer: layer, tiedHead: tiedHead, layers: layers)
    for problem in model.problems {
      reader.report(Self.keys[problem.key] ?? problem.key, problem.found, accepted: problem.accepted)
    }
    return model
  }

  private func refuseOtherShapes() {
    for (key, meaning) in Self.refusals {
      guard let value = reader.value(key), !["false", "0", "1"].contains(value.scalar ?? "") else { continue }
      reader.report(key, "\(meaning) cannot be represented", accepted: "a dense decoder-only model")
    }
  }

  /// Attention that does not see the whole context.
  private func refuseWindow(_ modelType: String) {
    if let types = reader.value("layer_types")?.elements {
      if let other = types.first(where: { $0.scalar != "full_attention" }) {
        depart(
          "layer_types", value: other.summary, "attention to the whole context is counted in every layer",
          accepted: "full_attention in every layer")
      }
      return
    }
    guard reader.has("sliding_window"), reader.value("use_sliding_window")?.scalar != "false" else { return }
    // Qwen 2 and 3 slide only where they say so.
    if modelType.hasPrefix("qwen"), !reader.has("use_sliding_window") { return }
    guard let window = reader.integer("sliding_window") else { return }
    if reader.has("max_position_embeddings"), let context = reader.integer("max_position_embeddings"),
      window >= context
    {
      return
    }
    depart(
      "sliding_window", "a window of tokens; attention to the whole context is counted",
      accepted: "null, or the whole context")
  }
}
