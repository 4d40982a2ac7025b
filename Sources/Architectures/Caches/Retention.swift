/// Which entries of a persistent cache stay once a pass is over.
public enum Retention: CacheChoice {
  /// All of them.
  case everything

  /// The methods by the names that scenarios give them.
  public enum Method: String, CaseIterable, Sendable { case everything }

  /// Which one, without its settings.
  public var method: Method {
    switch self {
    case .everything: .everything
    }
  }

  /// A method, which asks for no setting yet.
  public init?(_ method: Method, _: (_ key: String, _ accepted: ClosedRange<Int>) -> Int?) {
    switch method {
    case .everything: self = .everything
    }
  }

  /// What a scenario says besides the method.
  public var settings: [(key: String, value: Int)] {
    switch self {
    case .everything: []
    }
  }
}
