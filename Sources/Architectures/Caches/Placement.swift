/// Where entries lie.
public enum Placement: CacheChoice {
  /// One behind another in the memory of the device.
  case contiguous

  /// The methods by the names that scenarios give them.
  public enum Method: String, CaseIterable, Sendable { case contiguous }

  /// Which one, without its settings.
  public var method: Method {
    switch self {
    case .contiguous: .contiguous
    }
  }

  /// A method, which asks for no setting yet.
  public init?(_ method: Method, _: some CacheSettings) {
    switch method {
    case .contiguous: self = .contiguous
    }
  }

  /// What a scenario says besides the method.
  public var settings: [(key: String, value: CacheSetting)] {
    switch self {
    case .contiguous: []
    }
  }
}
