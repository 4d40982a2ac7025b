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
    func file(_ key: String, _ accepted: String) -> String? {
      reader.require(key, accepted: accepted)
      guard reader.has(key), let name = reader.text(key) else { return nil }
      guard let found = path(name) else {
        reader.report(key, "there is no file \"\(name)\"", accepted: accepted)
        return nil
      }
      return found
    }
    let scenario = file("scenario", "the scenario of photon critical, relative to this one")
    let journal = file("journal", "the critical.jsonl of its report, relative to this scenario")
    let names = reader.list("data")?.map(\.scalar)
    if names?.contains(nil) ?? false { reader.report("data", "found no names", accepted: "names of datasets") }
    reader.finish()
    guard let scenario, let journal else { return nil }
    return CriticalAnswers(scenario: scenario, journal: journal, data: names?.compactMap(\.self))
  }
}
