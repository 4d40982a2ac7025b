import Foundation
import Quantities
import Rendering
import Scenarios

/// A line of a journal: what is written once a run or an answer is finished.
package protocol JournalRecord: Codable {
  /// What a line tells of, as a complaint says it: `a run`.
  static var subject: String { get }
  /// The page that describes a line.
  static var page: String { get }
  /// Whether the figures can be what was measured.
  var isSound: Bool { get }
}

extension JournalRecord {
  package static var page: String { "docs/quality-runs.md" }

  /// One line of JSON, the same for the same record.
  package func line() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// Every record of a file of JSON Lines, which need not exist; a last line without an end
  /// that is no record, which a killed process left, is left where it is, with a word.
  /// - Throws: `ScenarioError` with the line that is no record.
  package static func records(in path: String) throws(ScenarioError) -> [Self] {
    func refuse(_ line: Int, _ found: String, _ accepted: String) -> ScenarioError {
      ScenarioError([Diagnostic(Position(file: path, line: line), path: "", found: found, accepted: accepted)])
    }
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    // Refused whatever the reason is.
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw refuse(1, "found no readable text", "JSON Lines")
    }
    var records: [Self] = []
    let lines = TextLines(text)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      // The line is refused, whatever is wrong with it.
      guard let record = try? JSONDecoder().decode(Self.self, from: Data(line.utf8)), record.isSound else {
        if index == lines.count - 1, !lines.isEnded {
          printError("\(path):\(index + 1): the line has no end and no whole record of \(subject); it does not count")
          continue
        }
        throw refuse(
          index + 1, "found no record of \(Self.subject)", "what \(Self.page) describes; or delete the line")
      }
      records.append(record)
    }
    return records
  }
}
