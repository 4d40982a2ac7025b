import Quantities

/// What the parts of one dispatch cost on a machine: how efficiencies turn exact work into time.
@frozen
public struct DispatchRates: Hashable, Sendable {
  /// - Unit: s per FLOP of a matrix product
  public var perMatmulFlop: Double
  /// - Unit: s per element-wise FLOP
  public var perElementwiseFlop: Double
  /// - Unit: s per byte
  public var perByte: Double
  /// Rows (of a product) or keys of each query (of an attention) that each dispatch costs besides its own.
  public var halfSize: Double
  /// Share of the shorter of arithmetic and traffic that hides behind the longer.
  public var overlap: Double
  /// Query rows of an attention that are worked on together.
  public var tile: Double
  /// Time of each query row of an attention besides its keys.
  /// - Unit: s
  public var perQueryRow: Double
  /// Traffic time of each query row of an attention besides its bytes: the part of its keys that main memory serves begins
  /// late.
  /// - Unit: s
  public var perFetchedRow: Double
  /// Time of one dispatch besides its work.
  public var overhead: Seconds

  /// Keys that each query of a causal attention computes scores with besides those that it sees.
  /// - Parameters:
  ///   - queries: of one sequence, consecutive.
  ///   - sharing: heads that share a key.
  @inlinable
  public func maskedKeys(queries: Double, sharing: Double) -> Double {
    max(0, (min(queries, tile / sharing) - 1) / 2)
  }

  /// How often an entry is fetched for each of the queries that attend it: once for all queries of a tile.
  /// - Parameters:
  ///   - queries: of one sequence, consecutive.
  ///   - sharing: heads that share a key, which is read once for all of them.
  @inlinable
  public func readsPerQuery(queries: Double, sharing: Double) -> Double {
    1 / max(1, min(queries, tile / sharing))
  }

  /// max(arithmetic, traffic), and the part of the other that does not hide behind it.
  ///
  /// Linear in both, so that it holds for sums of dispatches too where `longer` is the sum of their larger ones.
  @inlinable
  public func busy(longer: Double, arithmetic: Double, traffic: Double) -> Double {
    overlap * longer + (1 - overlap) * (arithmetic + traffic)
  }
}

extension HardwareProfile {
  /// What one dispatch of a class costs.
  /// - Parameters:
  ///   - operation: the class, whose efficiencies apply.
  ///   - peak: of the product's element type, or of the element-wise work.
  ///   - workingSet: bytes touched between two uses of the same weights.
  public func rates(_ operation: OperationClass, peak: Rate<Flop>, workingSet: Double) -> DispatchRates {
    let efficiency = efficiency[operation]
    let streaming = streaming(workingSet: workingSet)
    let perByte = streaming.caches + streaming.memory
    let fromMemory = streaming.memory / perByte
    return DispatchRates(
      perMatmulFlop: numbered(1 / (efficiency.compute.limit * peak.perSecond)),
      perElementwiseFlop: numbered(1 / ((efficiency.elementwise ?? efficiency.compute.limit) * elementwise.perSecond)),
      perByte: numbered(perByte / efficiency.bandwidth), halfSize: efficiency.compute.halfSize,
      overlap: (1 - fromMemory) * efficiency.overlap + fromMemory * (efficiency.memoryOverlap ?? efficiency.overlap),
      tile: efficiency.tile, perQueryRow: efficiency.rowOverhead.value,
      perFetchedRow: fromMemory * efficiency.memoryRowOverhead.value, overhead: efficiency.overhead)
  }
}

/// A time of one thing that is a number, so that none of it takes no time: 0 · ∞ would be neither.
func numbered(_ seconds: Double) -> Double { min(seconds, .greatestFiniteMagnitude) }
