/// What one operation, component or phase does, as exact integers for the whole batch.
///
/// Both readings of a model speak this vocabulary: a trace adds up the work of the operations it recorded, a formula
/// states the sum in closed form, and validation compares the two field by field with `==`.
///
/// The integer is generic so that a formula can run in 64 bits where a bound proves that they suffice and in 128 bits
/// otherwise (a 1M-token prefill of a 70B model at batch 256 overflows `Int64`). Traffic is kept in bits, because an
/// int4 element is half a byte; bytes are rounded up once, when a figure leaves the program.
@frozen
public struct Work<Integer: FixedWidthInteger & SignedInteger & Sendable>: Hashable, Sendable {
  /// Multiplications and additions of matrix products and attention; a multiply–accumulate is 2.
  /// - Unit: FLOP
  public var matmulFlops: Integer
  /// Every other scalar + − × ÷ exp √ max.
  /// - Unit: FLOP
  public var elementwiseFlops: Integer
  /// Weights read, once per dispatched operation.
  /// - Unit: bit
  public var weightBits: Integer
  /// Activations read and written, the keys and values of local windows written included.
  /// - Unit: bit
  public var activationBits: Integer
  /// Persistent key–value entries read.
  /// - Unit: bit
  public var cacheReadBits: Integer
  /// Persistent key–value entries written.
  /// - Unit: bit
  public var cacheWriteBits: Integer
  /// Entries of local decoder windows read.
  /// - Unit: bit
  public var localReadBits: Integer
  /// Traffic over the link between host and device: no part of `trafficBits`, which is of the device's memory, and not
  /// among `figures`, whose names are the columns of files.
  /// - Unit: bit
  public var hostBits: Integer
  /// Passes through a stack that cannot overlap; booked on the component that starts a pass, `projections`.
  public var sequentialPasses: Integer
  /// Passes weighted by the layers of their stack.
  public var sequentialLayers: Integer

  /// Every field that is not given is 0.
  @inlinable
  public init(
    matmulFlops: Integer = 0, elementwiseFlops: Integer = 0, weightBits: Integer = 0, activationBits: Integer = 0,
    cacheReadBits: Integer = 0, cacheWriteBits: Integer = 0, localReadBits: Integer = 0, hostBits: Integer = 0,
    sequentialPasses: Integer = 0, sequentialLayers: Integer = 0
  ) {
    self.matmulFlops = matmulFlops
    self.elementwiseFlops = elementwiseFlops
    self.weightBits = weightBits
    self.activationBits = activationBits
    self.cacheReadBits = cacheReadBits
    self.cacheWriteBits = cacheWriteBits
    self.localReadBits = localReadBits
    self.hostBits = hostBits
    self.sequentialPasses = sequentialPasses
    self.sequentialLayers = sequentialLayers
  }

  /// No work.
  @inlinable public static var zero: Self { Self() }

  /// Everything that moves between the device's memory and the processor.
  /// - Unit: bit
  @inlinable public var trafficBits: Integer {
    weightBits + activationBits + cacheReadBits + cacheWriteBits + localReadBits
  }

  /// Adds field by field.
  @inlinable
  public static func += (left: inout Self, right: Self) {
    left.matmulFlops += right.matmulFlops
    left.elementwiseFlops += right.elementwiseFlops
    left.weightBits += right.weightBits
    left.activationBits += right.activationBits
    left.cacheReadBits += right.cacheReadBits
    left.cacheWriteBits += right.cacheWriteBits
    left.localReadBits += right.localReadBits
    left.hostBits += right.hostBits
    left.sequentialPasses += right.sequentialPasses
    left.sequentialLayers += right.sequentialLayers
  }

  /// The sum field by field.
  @inlinable
  public static func + (left: Self, right: Self) -> Self {
    var sum = left
    sum += right
    return sum
  }

  /// The same counts in another integer width.
  /// - Precondition: every field fits.
  @inlinable
  public init<Other>(_ other: Work<Other>) {
    self.init(
      matmulFlops: Integer(other.matmulFlops), elementwiseFlops: Integer(other.elementwiseFlops),
      weightBits: Integer(other.weightBits), activationBits: Integer(other.activationBits),
      cacheReadBits: Integer(other.cacheReadBits), cacheWriteBits: Integer(other.cacheWriteBits),
      localReadBits: Integer(other.localReadBits),
      hostBits: Integer(other.hostBits), sequentialPasses: Integer(other.sequentialPasses),
      sequentialLayers: Integer(other.sequentialLayers))
  }
}

/// Whole bytes that hold `bits`: the one rounding between an element count and a reported figure.
@inlinable
public func bytes<Integer: BinaryInteger>(_ bits: Integer) -> Integer { (bits + 7) / 8 }
