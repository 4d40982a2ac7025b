/// What a cache stores of a position.
public enum EntryForm: CacheChoice {
  /// A rotated key and a value in every key–value head.
  case keyAndValue

  /// The methods by the names that scenarios give them.
  public enum Method: String, CaseIterable, Sendable { case keyAndValue = "key-and-value" }

  /// Which one, without its settings.
  public var method: Method {
    switch self {
    case .keyAndValue: .keyAndValue
    }
  }

  /// A method, which asks for no setting yet.
  public init?(_ method: Method, _: some CacheSettings) {
    switch method {
    case .keyAndValue: self = .keyAndValue
    }
  }

  /// What a scenario says besides the method.
  public var settings: [(key: String, value: CacheSetting)] {
    switch self {
    case .keyAndValue: []
    }
  }
}
