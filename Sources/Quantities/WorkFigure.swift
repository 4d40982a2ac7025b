/// The figures of `Work`, in the order of every table and file that leaves the program; the raw value is the name there,
/// its unit last.
@frozen
public enum WorkFigure: String, CaseIterable, Sendable {
  case matmulFlops = "matmul_flops"
  case elementwiseFlops = "elementwise_flops"
  /// The five kinds below together.
  case trafficBytes = "traffic_bytes"
  case weightBytes = "weight_bytes"
  case activationBytes = "activation_bytes"
  case cacheReadBytes = "cache_read_bytes"
  case cacheWriteBytes = "cache_write_bytes"
  case localReadBytes = "local_read_bytes"
  case sequentialPasses = "sequential_passes"
  case sequentialLayers = "sequential_layers"
}

extension Work {
  /// A figure as it leaves the program, in the unit of its name. Bits become bytes here.
  @inlinable
  public subscript(figure: WorkFigure) -> Integer {
    switch figure {
    case .matmulFlops: matmulFlops
    case .elementwiseFlops: elementwiseFlops
    case .trafficBytes: bytes(trafficBits)
    case .weightBytes: bytes(weightBits)
    case .activationBytes: bytes(activationBits)
    case .cacheReadBytes: bytes(cacheReadBits)
    case .cacheWriteBytes: bytes(cacheWriteBits)
    case .localReadBytes: bytes(localReadBits)
    case .sequentialPasses: sequentialPasses
    case .sequentialLayers: sequentialLayers
    }
  }

  /// All figures with their names, in order.
  public var figures: [(name: String, value: Integer)] { WorkFigure.allCases.map { ($0.rawValue, self[$0]) } }
}
