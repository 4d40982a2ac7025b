import Quantities

/// Operations that reach a similar share of a machine's peaks, so that one efficiency describes them.
public enum OperationClass: String, CaseIterable, Codable, Sendable {
  /// Product of a weight matrix with more rows than `HardwareProfile.fewRows`: blocked, usually bound by arithmetic.
  case matrixProduct = "matrix_product"
  /// Product of a weight matrix with few rows: streams the weights, usually bound by memory.
  case fewRowProduct = "few_row_product"
  /// Attention of a whole prompt over itself.
  case attentionPrefill = "attention_prefill"
  /// Attention of one new position to a cache, and attention inside a local window.
  case attentionDecode = "attention_decode"
  /// Norms of their own and rows read from an embedding table.
  case elementwise
}

/// The share of a peak that `r` rows reach: `limit · r / (r + halfRows)`.
@frozen
public struct SaturatingEfficiency: Hashable, Sendable {
  /// The share that many rows approach; 1 on a data sheet.
  public var limit: Double
  /// The rows that reach half of `limit`; 0 makes the share independent of rows.
  public var halfRows: Double

  @inlinable
  public init(limit: Double = 1, halfRows: Double = 0) {
    self.limit = limit
    self.halfRows = halfRows
  }

  /// - Precondition: `rows` > 0.
  @inlinable public func share(rows: Double) -> Double { limit * (rows / (rows + halfRows)) }
}

/// What keeps one operation class from the machine's peaks.
@frozen
public struct Efficiency: Hashable, Sendable {
  public var compute: SaturatingEfficiency
  /// Share of the bandwidth that the operation reaches.
  public var bandwidth: Double
  /// Time that each dispatched operation costs besides its work.
  public var overhead: Seconds

  @inlinable
  public init(compute: SaturatingEfficiency = .init(), bandwidth: Double = 1, overhead: Seconds = .zero) {
    self.compute = compute
    self.bandwidth = bandwidth
    self.overhead = overhead
  }

  /// What a data sheet promises: every peak is reached and nothing costs besides its work.
  public static let ideal = Efficiency()
}

/// One value for each operation class.
@frozen
public struct PerOperationClass<Value: Hashable & Sendable>: Hashable, Sendable {
  public var matrixProduct: Value
  public var fewRowProduct: Value
  public var attentionPrefill: Value
  public var attentionDecode: Value
  public var elementwise: Value

  @inlinable
  public init(repeating value: Value) {
    matrixProduct = value
    fewRowProduct = value
    attentionPrefill = value
    attentionDecode = value
    elementwise = value
  }

  @inlinable
  public subscript(operation: OperationClass) -> Value {
    get {
      switch operation {
      case .matrixProduct: matrixProduct
      case .fewRowProduct: fewRowProduct
      case .attentionPrefill: attentionPrefill
      case .attentionDecode: attentionDecode
      case .elementwise: elementwise
      }
    }
    set {
      switch operation {
      case .matrixProduct: matrixProduct = newValue
      case .fewRowProduct: fewRowProduct = newValue
      case .attentionPrefill: attentionPrefill = newValue
      case .attentionDecode: attentionDecode = newValue
      case .elementwise: elementwise = newValue
      }
    }
  }
}
