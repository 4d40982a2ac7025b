import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

extension WorkFigure {
  /// Of a whole phase. A row is flat, so its columns carry the phase that is an object of its own in JSON.
  func names(_ phase: Phase) -> FigureNames {
    FigureNames(
      "\(phase.rawValue) \(label)", unit, column: "\(phase.rawValue)_\(rawValue)",
      json: .point("\(phase.rawValue).\(rawValue)"),
      isObjective: isObjective, sense: .minimise)
  }

  /// In sentences, after the phase.
  private var label: String {
    switch self {
    case .matmulFlops: "matmul FLOP"
    case .elementwiseFlops: "element-wise FLOP"
    case .trafficBytes: "traffic"
    case .weightBytes, .activationBytes, .cacheReadBytes, .cacheWriteBytes, .localReadBytes: reportHeading
    case .sequentialPasses: "sequential passes"
    case .sequentialLayers: "sequential layers"
    }
  }

  /// The two sums that one weighs against each other; their parts are for tables.
  private var isObjective: Bool {
    switch self {
    case .matmulFlops, .trafficBytes: true
    case .elementwiseFlops, .weightBytes, .activationBytes, .cacheReadBytes, .cacheWriteBytes, .localReadBytes,
      .sequentialPasses, .sequentialLayers:
      false
    }
  }

  private var unit: FigureUnit {
    switch self {
    case .matmulFlops, .elementwiseFlops: .flops
    case .trafficBytes, .weightBytes, .activationBytes, .cacheReadBytes, .cacheWriteBytes, .localReadBytes: .bytes
    case .sequentialPasses, .sequentialLayers: .count
    }
  }

  private var reportHeading: String {
    switch self {
    case .matmulFlops: "matrix work"
    case .elementwiseFlops: "element-wise"
    case .trafficBytes: "traffic"
    case .weightBytes: "weights read"
    case .activationBytes: "activations"
    case .cacheReadBytes: "cache read"
    case .cacheWriteBytes: "cache written"
    case .localReadBytes: "windows read"
    case .sequentialPasses: "passes"
    case .sequentialLayers: "layers"
    }
  }

  /// A terminal has room for the first word of the name, not for all ten in a sentence each.
  private var terminalHeading: String {
    switch self {
    case .matmulFlops: "matmul"
    case .elementwiseFlops: "elementwise"
    case .trafficBytes: "traffic"
    case .weightBytes: "weight"
    case .activationBytes: "activation"
    case .cacheReadBytes: "cache read"
    case .cacheWriteBytes: "cache write"
    case .localReadBytes: "local read"
    case .sequentialPasses: "passes"
    case .sequentialLayers: "layers"
    }
  }

  /// In a table of a report, of nodes or phases.
  var reportColumn: Column { Column(rawValue, reportHeading, as: unit.format) }

  /// In a table of `photon explain`, of nodes and phases.
  public var terminalColumn: Column { Column(rawValue, terminalHeading, as: unit.format) }
}

/// Key–value memory of the whole batch.
public enum CacheFigure: CaseIterable, Sendable {
  case afterPrefill, atEnd, peak
  /// Of the windows of local decoders.
  case localPeak

  /// A column says that it speaks of the cache; a key stands in the object `cache` and does not repeat it.
  var names: FigureNames {
    switch self {
    case .afterPrefill:
      FigureNames(
        "cache after prefill", .bytes, column: "cache_after_prefill_bytes", json: .point("cache.bytes_after_prefill"),
        isObjective: true, sense: .minimise, terminal: "after prefill")
    case .atEnd:
      FigureNames(
        "cache at the end", .bytes, column: "cache_at_end_bytes", json: .point("cache.bytes_at_end"), isObjective: true,
        sense: .minimise, terminal: "at the end")
    case .peak:
      FigureNames(
        "peak cache", .bytes, column: "cache_peak_bytes", json: .point("cache.peak_bytes"), isObjective: true,
        sense: .minimise, terminal: "peak")
    case .localPeak:
      FigureNames(
        "peak of the local windows", .bytes, column: "local_peak_bytes", json: .point("cache.local_peak_bytes"),
        sense: .minimise, terminal: "local windows, peak")
    }
  }

  /// What `photon explain` calls the state.
  public var terminalHeading: String { names.terminal.text }

  /// - Unit: byte
  public func value(of cache: CacheFigures) -> Int128 {
    switch self {
    case .afterPrefill: cache.bytesAfterPrefill
    case .atEnd: cache.bytesAtEnd
    case .peak: cache.peakBytes
    case .localPeak: cache.localPeakBytes
    }
  }
}
