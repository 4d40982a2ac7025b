/// What a cache stores of a position.
public enum EntryForm: CacheChoice {
  /// A rotated key and a value in every key–value head.
  case keyAndValue
  /// The same in few bits, once an entry is old enough.
  case quantised(Quantisation)

  /// The methods by the names that scenarios give them.
  public enum Method: String, CaseIterable, Sendable {
    case keyAndValue = "key-and-value"
    case quantised
  }

  /// Which one, without its settings.
  public var method: Method {
    switch self {
    case .keyAndValue: .keyAndValue
    case .quantised: .quantised
    }
  }

  /// A method with its settings.
  public init?(_ method: Method, _ settings: some CacheSettings) {
    switch method {
    case .keyAndValue: self = .keyAndValue
    case .quantised:
      guard let plan = Quantisation(settings) else { return nil }
      self = .quantised(plan)
    }
  }

  /// What a scenario says besides the method.
  public var settings: [(key: String, value: CacheSetting)] {
    switch self {
    case .keyAndValue: []
    case .quantised(let plan): plan.settings
    }
  }

  /// The newest entries of a head that stay as they came, before they get the form in which they are kept.
  public var residual: Int {
    switch self {
    case .keyAndValue: 0
    case .quantised(let plan): plan.residual
    }
  }
}
