/// Which entries of a persistent cache stay once a pass is over.
public enum Retention: CacheChoice {
  /// All of them.
  case everything

  public enum Method: String, CaseIterable, Sendable { case everything }

  public var method: Method {
    switch self {
    case .everything: .everything
    }
  }

  public init?(_ method: Method, _: (_ key: String, _ accepted: ClosedRange<Int>) -> Int?) {
    switch method {
    case .everything: self = .everything
    }
  }

  public var settings: [(key: String, value: Int)] {
    switch self {
    case .everything: []
    }
  }
}
