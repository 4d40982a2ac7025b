/// How one element is stored: the one road from elements to bytes.
@frozen
public enum ElementType: String, CaseIterable, Codable, Hashable, Sendable {
  /// Floating point of 32, 16 and 8 bits (`bf16` with the exponent of `fp32`), and integers of 8 and 4 bits.
  case fp32, bf16, fp16, fp8, int8, int4

  /// - Unit: bit
  @inlinable public var bits: Int {
    switch self {
    case .fp32: 32
    case .bf16, .fp16: 16
    case .fp8, .int8: 8
    case .int4: 4
    }
  }
}

/// The element types of weights, activations and key–value entries. Payload only: scales and zero points belong to a
/// quantisation method.
@frozen
public struct Precision: Hashable, Sendable, Codable {
  /// Of weight matrices, norms and embedding tables.
  public var weights: ElementType
  /// Of everything that operations hand to one another.
  public var activations: ElementType
  /// Of keys and values, in persistent caches and in windows.
  public var cache: ElementType

  /// 16-bit brain floats unless told otherwise.
  @inlinable
  public init(weights: ElementType = .bf16, activations: ElementType = .bf16, cache: ElementType = .bf16) {
    self.weights = weights
    self.activations = activations
    self.cache = cache
  }

  /// What the reference executes.
  public static let float32 = Precision(weights: .fp32, activations: .fp32, cache: .fp32)
}
