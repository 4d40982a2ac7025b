import Architectures
import Hardware
import Quantities
import Tensors

/// One timed operation of a calibration: its exact work and the median time that it took.
public struct CalibrationSample: Hashable, Sendable {
  /// A product is one of two classes, by its rows.
  public enum Kind: String, CaseIterable, Sendable { case product, attentionPrefill, attentionDecode, elementwise }

  /// Which class of operations it tells about.
  public var kind: Kind
  /// The operation as a trace describes it.
  public var operation: String
  /// Rows of the operation, of all sequences.
  public var rows: Int
  /// - Unit: FLOP
  public var matmulFlops: Double
  /// - Unit: FLOP
  public var elementwiseFlops: Double
  /// Matrix work of one more row, or of one more key for every query.
  /// - Unit: FLOP
  public var unitFlops: Double
  /// Element-wise work of one more key for every query; 0 for a product.
  /// - Unit: FLOP
  public var unitElementwiseFlops: Double
  /// Consecutive queries of one sequence in a prompt's attention, and the heads that share a key; 1 for all else.
  public var queries, sharing: Double
  /// Queries times heads of an attention; 0 for all else.
  public var queryRows: Double
  /// - Unit: byte
  public var bytes: Double
  /// Bytes touched between two uses of the same weights.
  /// - Unit: byte
  public var workingSet: Double
  /// Measured.
  /// - Unit: s
  public var seconds: Double

  /// Every count is of one dispatch.
  public init(
    kind: Kind, operation: String, rows: Int, matmulFlops: Double, elementwiseFlops: Double, unitFlops: Double,
    unitElementwiseFlops: Double = 0, queries: Double = 1, sharing: Double = 1, queryRows: Double = 0, bytes: Double,
    workingSet: Double,
    seconds: Double
  ) {
    self.kind = kind
    self.operation = operation
    self.rows = rows
    self.matmulFlops = matmulFlops
    self.elementwiseFlops = elementwiseFlops
    self.unitFlops = unitFlops
    self.unitElementwiseFlops = unitElementwiseFlops
    self.queries = queries
    self.sharing = sharing
    self.queryRows = queryRows
    self.bytes = bytes
    self.workingSet = workingSet
    self.seconds = seconds
  }

  /// A timed operation in float32.
  init(_ operation: Operation, kind: Kind, rows: Int, workingSet: Double, seconds: Double) {
    let work = operation.work(in: .float32)
    var (queries, sharing, queryRows, unitElementwise) = (1.0, 1.0, 0.0, 0.0)
    let unitFlops: Double
    switch operation {
    case .attention(let shape):
      unitFlops = 4 * Double(rows * shape.layer.queryWidth)
      unitElementwise = Double(work.elementwiseFlops) / Double(work.matmulFlops) * unitFlops
      if kind == .attentionPrefill { queries = Double(shape.queries) }
      sharing = Double(shape.layer.heads / shape.layer.keyValueHeads)
      queryRows = Double(rows * shape.layer.heads)
    case .embedding, .queryKeyValue, .mixHeads, .output, .gateUp, .down, .norm, .chunker, .converter, .head,
      .moveEntries,
      .scoreEntries, .scanKeys, .rotateEntries, .transferEntries, .quantiseEntries:
      unitFlops = Double(work.matmulFlops) / Double(rows)
    }
    self.init(
      kind: kind, operation: operation.description, rows: rows, matmulFlops: Double(work.matmulFlops),
      elementwiseFlops: Double(work.elementwiseFlops), unitFlops: unitFlops,
      unitElementwiseFlops: unitElementwise, queries: queries, sharing: sharing, queryRows: queryRows,
      bytes: Double(work.trafficBits) / 8,
      workingSet: workingSet, seconds: seconds)
  }

  /// The class whose efficiencies apply on a machine.
  public func operationClass(on profile: HardwareProfile) -> OperationClass {
    switch kind {
    case .product: profile.productClass(rows: Double(rows))
    case .attentionPrefill: .attentionPrefill
    case .attentionDecode: .attentionDecode
    case .elementwise: .elementwise
    }
  }

  /// Time between two uses of the same weights, were all of the working set streamed at this operation's pace.
  /// - Unit: s
  private var cycleSeconds: Double { bytes > 0 ? seconds * workingSet / bytes : 0 }

  /// What the time model says of one dispatch, in float32.
  /// - Precondition: the profile has a rate for fp32.
  public func predicted(on profile: HardwareProfile) -> Seconds {
    let displaced = profile.displacement.perSecond * cycleSeconds
    let rates = profile.rates(
      operationClass(on: profile), peak: profile.peaks[.fp32]!, workingSet: workingSet + displaced)
    let more = rates.halfSize + rates.maskedKeys(queries: queries, sharing: sharing)
    let arithmetic =
      rates.perMatmulFlop * (matmulFlops + more * unitFlops)
      + rates.perElementwiseFlop * (elementwiseFlops + more * unitElementwiseFlops) + rates.perQueryRow * queryRows
    let traffic = rates.perByte * bytes + rates.perFetchedRow * queryRows
    return Seconds(rates.busy(longer: max(arithmetic, traffic), arithmetic: arithmetic, traffic: traffic))
      + rates.overhead
  }
}

/// The rate at which one working set is read again and again, or again after a rest.
public struct BandwidthSample: Hashable, Sendable {
  /// Working set.
  /// - Unit: byte
  public var bytes: Int
  /// How long nothing was read before each pass.
  /// - Unit: s
  public var rest: Double
  /// Bytes read over time.
  public var rate: Rate<Byte>

  /// The bytes are those of the working set.
  public init(bytes: Int, rest: Double = 0, rate: Rate<Byte>) {
    self.bytes = bytes
    self.rest = rest
    self.rate = rate
  }

  /// Time between two reads of the same byte.
  /// - Unit: s
  public var interval: Double { rest + Double(bytes) / rate.perSecond }
}
