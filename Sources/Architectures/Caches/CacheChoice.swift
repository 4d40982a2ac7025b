/// A choice that a scenario makes by naming a method; its settings stand beside the name.
public protocol CacheChoice: Hashable, Sendable {
  /// The methods by name.
  associatedtype Method: RawRepresentable & CaseIterable & Hashable & Sendable where Method.RawValue == String
  /// Which one, without its settings.
  var method: Method { get }
  /// A method with the settings that it asks for, in their order; nil where one of them is missing or wrong.
  init?(_ method: Method, _ settings: some CacheSettings)
  /// What `init` asks for.
  var settings: [(key: String, value: CacheSetting)] { get }
  /// What keeps the settings from working together.
  var problems: [Problem] { get }
}

extension CacheChoice {
  /// Most methods work with any settings that could be read.
  public var problems: [Problem] { [] }
}

/// Where a method reads its settings from: it asks for each by its key, whether given or not, and says the usual value.
public protocol CacheSettings {
  /// An integer within a range.
  /// - Returns: nil after a complaint, or where there is neither a value nor a usual one.
  func integer(_ key: String, in accepted: ClosedRange<Int>, usual: Int?) -> Int?
  /// A number from 0 to 1.
  func fraction(_ key: String, usual: Double?) -> Double?
  /// `true` or `false`.
  func flag(_ key: String, usual: Bool?) -> Bool?
  /// One of some words.
  func word<Word: RawRepresentable & CaseIterable>(_ key: String, usual: Word?) -> Word? where Word.RawValue == String
}

/// The value of a setting, as scenarios write it.
public enum CacheSetting: Hashable, Sendable, CustomStringConvertible {
  case integer(Int)
  case fraction(Double)
  case flag(Bool)
  case word(String)

  public var description: String {
    switch self {
    case .integer(let value): "\(value)"
    case .fraction(let value): "\(value)"
    case .flag(let value): "\(value)"
    case .word(let value): value
    }
  }
}
