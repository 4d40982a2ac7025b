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

  /// Whether values need a scale to be stored in so few bits.
  @inlinable public var isQuantised: Bool { bits <= 8 }
}

/// What a weight belongs to, as far as checkpoints store it apart.
@frozen
public enum WeightRole: CaseIterable, Hashable, Sendable {
  /// A product inside a stack, a chunker or a converter.
  case matrix
  /// A table of embedding rows; where the head is tied, the head's too.
  case embedding
  /// The vocabulary product.
  case head
  /// A norm, a bias, a start latent.
  case vector
}

/// The scales that quantised weights are stored with.
@frozen
public struct WeightGroups: Hashable, Sendable, Codable {
  /// Neighbouring inputs of an output that share a scale; nil: all inputs of an output do.
  public var size: Int?
  /// Whether each group has a zero point besides, of as many bits as an element.
  public var hasZeroPoints: Bool

  /// Of every scale.
  /// - Unit: bit
  public static let scaleBits = 16

  /// - Parameters:
  ///   - size: neighbouring inputs of an output that share a scale; nil: all of them.
  ///   - hasZeroPoints: whether each group has a zero point besides.
  public init(size: Int?, hasZeroPoints: Bool) { (self.size, self.hasZeroPoints) = (size, hasZeroPoints) }

  /// Scale and zero point of a group of elements.
  /// - Unit: bit
  @inlinable
  public func bits(for element: ElementType) -> Int { Self.scaleBits + (hasZeroPoints ? element.bits : 0) }

  /// Groups of so many inputs, the last one perhaps shorter.
  @inlinable
  public func count(inputs: Int) -> Int { size.map { (inputs + $0 - 1) / $0 } ?? 1 }
}

/// The element types of weights, activations and key–value entries, and the scales that weights are stored with. Scales
/// of entries belong to a cache's method.
@frozen
public struct Precision: Hashable, Sendable, Codable {
  /// Of weight matrices.
  public var weights: ElementType
  /// Of everything that operations hand to one another.
  public var activations: ElementType
  /// Of keys and values, in persistent caches and in windows.
  public var cache: ElementType
  /// Of embedding tables.
  public var embedding: ElementType
  /// Of the vocabulary product.
  public var head: ElementType
  /// Of norms, biases and start latents.
  public var norms: ElementType
  /// Of matrices and tables of 8 bits and fewer; nil where a scale for a whole matrix, which is not counted, suffices.
  public var groups: WeightGroups?

  /// 16-bit brain floats unless told otherwise; tables and norms as the weight matrices.
  @inlinable
  public init(
    weights: ElementType = .bf16, activations: ElementType = .bf16, cache: ElementType = .bf16,
    embedding: ElementType? = nil, head: ElementType? = nil, norms: ElementType? = nil, groups: WeightGroups? = nil
  ) {
    self.weights = weights
    self.activations = activations
    self.cache = cache
    self.embedding = embedding ?? weights
    self.head = head ?? weights
    self.norms = norms ?? weights
    self.groups = groups
  }

  /// What the reference executes.
  public static let float32 = Precision(weights: .fp32, activations: .fp32, cache: .fp32)

  /// Whether all weights are stored alike, without scales.
  @inlinable public var isUniform: Bool {
    embedding == weights && head == weights && norms == weights && groups == nil
  }

  /// In what weights of a role are stored.
  @inlinable
  public func element(of role: WeightRole) -> ElementType {
    switch role {
    case .matrix: weights
    case .embedding: embedding
    case .head: head
    case .vector: norms
    }
  }

  /// The scales of a role's weights; nil where it has none.
  @inlinable
  public func groups(of role: WeightRole) -> WeightGroups? {
    role != .vector && element(of: role).isQuantised ? groups : nil
  }

  /// Weights of one output, of one row of a table or of one vector, with their scales and zero points.
  /// - Unit: bit
  /// - Parameters:
  ///   - role: of the weights.
  ///   - inputs: how many weights there are.
  @inlinable
  public func bits(of role: WeightRole, inputs: Int) -> Int {
    let element = element(of: role)
    guard let groups = groups(of: role) else { return inputs * element.bits }
    return inputs * element.bits + groups.count(inputs: inputs) * groups.bits(for: element)
  }
}
