/// Which of the stored entries a query reads.
public enum Lookup: CacheChoice {
  /// All of them, up to its own.
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
  public init?(_ method: Method, _: some CacheSettings) {
    switch method {
    case .everything: self = .everything
    }
  }

  /// What a scenario says besides the method.
  public var settings: [(key: String, value: CacheSetting)] {
    switch self {
    case .everything: []
    }
  }
}
