import Quantities

/// A precision as tables of measurements write it.
///
/// One type names weights, activations and cache together; `int4` is weight-only quantisation, as engines mean by it, and
/// `int8` quantises the products but not the cache. `WEIGHTS/ACTIVATIONS/CACHE` says each: `fp8/fp8/bf16`.
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
    guard parts.count == 1, let type = parts[0] else { return nil }
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

  static let accepted =
    ElementType.allCases.map(\.rawValue).joined(separator: ", ") + ", WEIGHTS/ACTIVATIONS/CACHE, or nothing for bf16"
}
