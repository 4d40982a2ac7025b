/// Where entries lie.
public enum Placement: CacheChoice {
  /// One behind another in the memory of the device.
  case contiguous

  public enum Method: String, CaseIterable, Sendable { case contiguous }

  public var method: Method {
    switch self {
    case .contiguous: .contiguous
    }
  }

  public init?(_ method: Method, _: (_ key: String, _ accepted: ClosedRange<Int>) -> Int?) {
    switch method {
    case .contiguous: self = .contiguous
    }
  }

  public var settings: [(key: String, value: Int)] {
    switch self {
    case .contiguous: []
    }
  }
}
