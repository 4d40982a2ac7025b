import Quantities

/// A precision as tables of measurements write it.
///
/// One type names weights, activations and cache together; `int4` is weight-only quantisation, as engines mean by it, and
/// `int8` quantises the products but not the cache. `WEIGHTS/ACTIVATIONS/CACHE` says each: `fp8/fp8/bf16`. The words that names of
/// models have, such as `w4a16`, mean what they mean there.
public struct PrecisionName: Hashable, Sendable {
  /// As written, in lower case; `bf16` where nothing is.
  public let name: String
  /// The element types that the name stands for.
  public let precision: Precision

  /// An empty cell.
  public static let standard = PrecisionName(name: "bf16", precision: Precision())

  private init(name: String, precision: Precision) {
    self.name = name
    self.precision = precision
  }

  /// - Returns: nil for a name that means no element types.
  public init?(_ text: String) {
    let name = text.lowercased()
    if name.isEmpty {
      self = .standard
      return
    }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false).map { Self.type(String($0)) }
    if parts.count == 3, let weights = parts[0], let activations = parts[1], let cache = parts[2] {
      self.init(name: name, precision: Precision(weights: weights, activations: activations, cache: cache))
      return
    }
    guard parts.count == 1 else { return nil }
    guard let type = parts[0] else {
      // The words by which models say it, and nothing else: `w4a16`, `AWQ`, `FP8-dynamic`.
      guard NamedPrecision.withoutStorage("-" + name).isEmpty, let said = NamedPrecision(model: name)?.precision
      else { return nil }
      self = said
      return
    }
    switch type {
    case .int4: self.init(name: name, precision: Precision(weights: .int4))
    case .int8: self.init(name: name, precision: Precision(weights: .int8, activations: .int8))
    case .fp32, .bf16, .fp16, .fp8:
      self.init(name: type.rawValue, precision: Precision(weights: type, activations: type, cache: type))
    }
  }

  private static func type(_ name: String) -> ElementType? {
    switch name {
    case "bfloat16": .bf16
    case "float16", "half": .fp16
    case "float32", "float": .fp32
    case "float8", "fp8_static", "fp8_block": .fp8
    default: ElementType(rawValue: name)
    }
  }

  static let words =
    ElementType.allCases.map(\.rawValue).joined(separator: ", ") + ", WEIGHTS/ACTIVATIONS/CACHE, w4a16, w8a8, w8a16"
  static let accepted = words + ", or nothing for what the model's name says, else bf16"
}

/// What the name of a model says about how its weights are stored: `Qwen3-8B-FP8`, `Llama-2-7B-AWQ`, `quantized.w4a16`.
struct NamedPrecision {
  /// The element types that its weights can have.
  let weights: [ElementType]
  /// What an empty cell means; nil where the name leaves it open.
  let precision: PrecisionName?
  /// Why it does.
  let reason: String

  /// - Returns: nil for a name that says nothing about its weights.
  init?(model: String) {
    let words = Self.words(model)
    let bits = words.compactMap(Self.bits).first
    if let scheme = words.lazy.compactMap({ $0.wholeMatch(of: /w(4|8)a(4|8|16)/)?.output }).first {
      self.init(weights: Int(scheme.1) ?? 0, activations: Int(scheme.2) ?? 0, isFloat: words.contains("fp8"))
    } else if words.contains("gptq") {
      self.init(bits.map { [$0] } ?? [.int4, .int8], bits.map { "\($0.rawValue)/bf16/bf16" }, "GPTQ has 4 or 8 bits")
    } else if words.contains("awq") {
      let type = bits ?? .int4
      self.init([type], "\(type.rawValue)/bf16/bf16")
    } else if let word = words.first(where: Self.widthless.contains)
      ?? words.first(where: { $0.wholeMatch(of: /q[2-8]/) != nil })
    {
      self.init([.int4, .int8], nil, "\(word) stores weights in blocks of several widths")
    } else if let word = words.first(where: { ["nvfp4", "mxfp4", "fp4", "nf4"].contains($0) }) {
      self.init([.int4], nil, "there is no element type \(word); int4 has as many bits")
    } else if words.contains("fp8") {
      self.init([.fp8], words.contains("kv") ? "fp8" : "fp8/fp8/bf16")
    } else if words.contains("int8") {
      self.init([.int8], "int8")
    } else if let bits {
      self.init([bits], "\(bits.rawValue)/bf16/bf16")
    } else if let type = words.lazy.compactMap(ElementType.init).first {
      self.init([type], type.rawValue)
    } else {
      return nil
    }
  }

  private init(_ weights: [ElementType], _ precision: String?, _ reason: String = "") {
    self.weights = weights
    self.precision = precision.flatMap { PrecisionName($0) }
    self.reason = reason
  }

  private init(weights: Int, activations: Int, isFloat: Bool) {
    let type: ElementType = weights == 4 ? .int4 : isFloat ? .fp8 : .int8
    switch activations {
    case 16: self.init([type], "\(type.rawValue)/bf16/bf16")
    case weights where weights == 8: self.init([type], "\(type.rawValue)/\(type.rawValue)/bf16")
    default: self.init([type], nil, "products of \(weights) and \(activations) bits may be integers or floats")
    }
  }

  /// Formats whose name does not say a width.
  private static let widthless: Set<String> = ["gguf", "exl2", "aqlm", "hqq"]

  private static func bits(_ word: String) -> ElementType? {
    switch word {
    case "int4", "4bit": .int4
    case "int8", "8bit": .int8
    default: nil
    }
  }

  /// The words of a name without the folder in front.
  private static func words(_ model: String) -> [String] {
    let last = model.split(separator: "/").last ?? ""
    return last.lowercased().split { "-_.".contains($0) }.map(String.init)
  }

  /// What is left of a name, in lower case, without the words behind it that say how weights are stored.
  static func withoutStorage(_ name: String) -> String {
    let storage =
      /[-_.](fp8|fp16|bf16|fp32|int4|int8|[48]bit|bnb|awq|gptq|gguf|exl2|aqlm|hqq|(nv|mx)?fp4|nf4|w[48]a[0-9]+|quantized|dynamic|static|block|kv|g(32|64|128)|(32|64|128)g|q[2-8](_[0-9a-z]+)*)$/
    var rest = name.lowercased()
    while let match = rest.firstMatch(of: storage) { rest.removeSubrange(match.range) }
    return rest
  }
}
