/// What a cache stores of a position.
public enum EntryForm: CacheChoice {
  /// A rotated key and a value in every key–value head.
  case keyAndValue

  public enum Method: String, CaseIterable, Sendable { case keyAndValue = "key-and-value" }

  public var method: Method {
    switch self {
    case .keyAndValue: .keyAndValue
    }
  }

  public init?(_ method: Method, _: (_ key: String, _ accepted: ClosedRange<Int>) -> Int?) {
    switch method {
    case .keyAndValue: self = .keyAndValue
    }
  }

  public var settings: [(key: String, value: Int)] {
    switch self {
    case .keyAndValue: []
    }
  }
}
