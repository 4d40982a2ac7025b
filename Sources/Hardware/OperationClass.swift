import Quantities

/// Operations that reach a similar share of a machine's peaks, so that one efficiency describes them.
public enum OperationClass: String, CaseIterable, Codable, Sendable {
  /// Product of a weight matrix with more rows than `HardwareProfile.fewRows`: blocked, usually bound by arithmetic.
  case matrixProduct = "matrix_product"
  /// Product of a weight matrix with few rows: streams the weights, usually bound by memory.
  case fewRowProduct = "few_row_product"
  /// Product of a weight matrix with one row, a vector: every weight is used once, and a sum waits for itself.
  case oneRowProduct = "one_row_product"
  /// Attention of a whole prompt over itself.
  case attentionPrefill = "attention_prefill"
  /// Attention of one new position to a cache, and attention inside a local window.
  case attentionDecode = "attention_decode"
  /// Norms of their own and rows read from an embedding table.
  case elementwise
}

/// The share of a peak that an operation of size s reaches: `limit · s / (s + halfSize)`.
///
/// The size is the rows of a product, and the keys of each query of an attention. Solved for time, every dispatch costs
/// its own work and that of `halfSize` more rows or keys, the exponentials of the keys included.
@frozen
public struct SaturatingEfficiency: Hashable, Sendable {
  /// The share that large operations approach; 1 on a data sheet.
  public var limit: Double
  /// The size that reaches half of `limit`; 0 makes the share independent of size.
  public var halfSize: Double

  /// The peak at every size unless told otherwise.
  @inlinable
  public init(limit: Double = 1, halfSize: Double = 0) {
    self.limit = limit
    self.halfSize = halfSize
  }
}

/// What keeps one operation class from the machine's peaks.
@frozen
public struct Efficiency: Hashable, Sendable {
  /// Share of the peak of products and attention, by size.
  public var compute: SaturatingEfficiency
  /// Share of the element-wise rate that what is fused into the operation reaches; nil for the limit of `compute`.
  /// An exponential takes longer than the multiplications and additions that the rate is measured with.
  public var elementwise: Double?
  /// Share of the bandwidth that the operation reaches.
  public var bandwidth: Double
  /// Share of the shorter of arithmetic and traffic that hides behind the longer: 1 is a roofline, 0 runs one after the
  /// other, as a product does that packs its operands first.
  public var overlap: Double
  /// The same of traffic that main memory serves rather than a cache; nil for `overlap`. What is fetched ahead hides a
  /// cache's latency and not memory's.
  public var memoryOverlap: Double?
  /// Time that each dispatched operation costs besides its work.
  public var overhead: Seconds
  /// Query rows of an attention, queries times the heads that share a key, that are worked on together. Each query
  /// computes scores with all keys that one of its tile sees, (tile ÷ sharing heads − 1)/2 more on average than it
  /// attends, and an entry is fetched once for all of them; 1 computes none that a causal mask takes away, and fetches an
  /// entry for every query, as exact counts do.
  public var tile: Double
  /// Time that each query row of an attention, a query of one head, costs besides its keys.
  public var rowOverhead: Seconds
  /// Time until the keys of a query row that come from main memory stream: nobody fetched ahead what it starts with.
  public var memoryRowOverhead: Seconds

  /// Ideal unless told otherwise.
  @inlinable
  public init(
    compute: SaturatingEfficiency = .init(), elementwise: Double? = nil, bandwidth: Double = 1, overlap: Double = 1,
    memoryOverlap: Double? = nil, overhead: Seconds = .zero, tile: Double = 1, rowOverhead: Seconds = .zero,
    memoryRowOverhead: Seconds = .zero
  ) {
    self.compute = compute
    self.elementwise = elementwise
    self.bandwidth = bandwidth
    self.overlap = overlap
    self.memoryOverlap = memoryOverlap
    self.overhead = overhead
    self.tile = tile
    self.rowOverhead = rowOverhead
    self.memoryRowOverhead = memoryRowOverhead
  }

  /// What a data sheet promises: every peak is reached and nothing costs besides its work.
  public static let ideal = Efficiency()
}

/// One value for each operation class.
@frozen
public struct PerOperationClass<Value: Hashable & Sendable>: Hashable, Sendable {
  /// Of `OperationClass.matrixProduct`.
  public var matrixProduct: Value
  /// Of `OperationClass.fewRowProduct`.
  public var fewRowProduct: Value
  /// Of `OperationClass.oneRowProduct`.
  public var oneRowProduct: Value
  /// Of `OperationClass.attentionPrefill`.
  public var attentionPrefill: Value
  /// Of `OperationClass.attentionDecode`.
  public var attentionDecode: Value
  /// Of `OperationClass.elementwise`.
  public var elementwise: Value

  /// The same value for every class.
  @inlinable
  public init(repeating value: Value) {
    matrixProduct = value
    fewRowProduct = value
    oneRowProduct = value
    attentionPrefill = value
    attentionDecode = value
    elementwise = value
  }

  /// The value of one class.
  @inlinable
  public subscript(operation: OperationClass) -> Value {
    get {
      switch operation {
      case .matrixProduct: matrixProduct
      case .fewRowProduct: fewRowProduct
      case .oneRowProduct: oneRowProduct
      case .attentionPrefill: attentionPrefill
      case .attentionDecode: attentionDecode
      case .elementwise: elementwise
      }
    }
    set {
      switch operation {
      case .matrixProduct: matrixProduct = newValue
      case .fewRowProduct: fewRowProduct = newValue
      case .oneRowProduct: oneRowProduct = newValue
      case .attentionPrefill: attentionPrefill = newValue
      case .attentionDecode: attentionDecode = newValue
      case .elementwise: elementwise = newValue
      }
    }
  }
}
