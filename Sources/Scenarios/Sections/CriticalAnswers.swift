import Architectures

/// Measured answers of small models that a report sets beside cache methods: the scenario's `critical` section.
public struct CriticalAnswers: Sendable {
  static let key = "critical"

  /// The file of the scenario that `photon critical` measured.
  public let scenario: String
  /// The journal with its answers.
  public let journal: String
  /// Names of datasets, in the order of the columns; nil for all of them.
  public let data: [String]?

  /// - Parameter path: of a file that stands beside the scenario; nil where there is none.
  static func read(_ reader: FieldReader, path: (String) -> String?) -> CriticalAnswers? {
    let scenario = reader.file("scenario", "the scenario of photon critical, relative to this one", path)
    let journal = reader.file("journal", "the critical.jsonl of its report, relative to this scenario", path)
    let names = reader.list("data")?.map(\.scalar)
    if names?.contains(nil) ?? false { reader.report("data", "found no names", accepted: "names of datasets") }
    reader.finish()
    guard let scenario, let journal else { return nil }
    return CriticalAnswers(scenario: scenario, journal: journal, data: names?.compactMap(\.self))
  }
}

/// Times that a machine measured of small models, which a report sets beside cache methods: the scenario's `timed`
/// section.
public struct TimedAnswers: Sendable {
  static let key = "timed"

  /// The file of the scenario that `photon measure` ran.
  public let scenario: String
  /// Its rows, JSON Lines.
  public let rows: String

  /// - Parameter path: of a file that stands beside the scenario; nil where there is none.
  static func read(_ reader: FieldReader, path: (String) -> String?) -> TimedAnswers? {
    let scenario = reader.file("scenario", "the scenario of photon measure, relative to this one", path)
    let rows = reader.file("rows", "the file of its --output, .jsonl, relative to this scenario", path)
    reader.finish()
    guard let scenario, let rows else { return nil }
    return TimedAnswers(scenario: scenario, rows: rows)
  }
}

extension FieldReader {
  /// A required file.
  func file(_ key: String, _ accepted: String, _ path: (String) -> String?) -> String? {
    require(key, accepted: accepted)
    guard has(key), let name = text(key) else { return nil }
    guard let found = path(name) else {
      report(key, "there is no file \"\(name)\"", accepted: accepted)
      return nil
    }
    return found
  }
}
