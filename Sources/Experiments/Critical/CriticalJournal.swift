import Foundation
import Reports
import Scenarios

/// How a trained model answered with its caches kept in one way: a line of critical.jsonl, docs/quality-runs.md.
package struct CriticalRecord: Codable {
  /// Names of the dataset and of the variant.
  package var data, variant: String
  /// Of weights and task.
  package var seed: Int
  /// The folder of the run, which changes with everything that it was trained by.
  package var run: String
  /// The method's name in the scenario; `full` where everything is kept.
  package var method: String
  /// Whether everything, a budget, or the authors' settings.
  package var kind: CriticalCase.Kind
  /// The caches on one line.
  package var caches: String
  /// Tokens of the prompt and of the answer.
  package var prompt, generated: Int
  /// Sequences with a right answer, right tokens of all answers, and sequences.
  package var found, tokensFound, asked: Int
  /// Of all sequences together; measured.
  /// - Unit: s
  package var seconds: Double
  /// The processor that answered.
  package var machine: String

  package enum CodingKeys: String, CodingKey {
    case data, variant, seed, run, method, kind, caches, prompt, generated, found, asked, machine
    case tokensFound = "tokens_found"
    case seconds = "answers_s"
  }

  /// Which answers it is about: all records with one key are equal but for the time.
  package var key: String { "\(run)\n\(method)\n\(kind.rawValue)\n\(caches)\n\(asked)" }

  /// The key of answers that are asked for.
  package static func key(_ run: QualityRun, _ one: CriticalCase, _ sequences: Int) -> String {
    "\(run.folderName)\n\(one.method)\n\(one.kind.rawValue)\n\(one.text)\n\(sequences)"
  }

  /// One line of JSON, the same for the same record.
  package func line() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// Whether the figures can be what a run wrote.
  package var isSound: Bool {
    asked > 0 && (0...asked).contains(found) && generated > 0 && prompt > 0 && (0...1e9).contains(seconds)
      && (0...asked).contains(tokensFound / generated)
  }
}

/// The log of answers, a line for every model and every way of keeping its caches.
package struct CriticalJournal {
  /// The file of JSON Lines.
  package let path: String

  /// - Parameter path: the file of JSON Lines; it need not exist.
  package init(path: String) { self.path = path }

  /// Every record by its key; a last line without an end, which a killed process left, is none.
  /// - Throws: `ScenarioError` with the line that is no record.
  package func records() throws(ScenarioError) -> [String: CriticalRecord] {
    guard FileManager.default.fileExists(atPath: path) else { return [:] }
    // Refused whatever the reason is.
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw refuse(1, "found no readable text", "JSON Lines")
    }
    var records: [String: CriticalRecord] = [:]
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    for (index, line) in lines.enumerated() where !line.isEmpty {
      // The line is refused, whatever is wrong with it.
      guard let record = try? JSONDecoder().decode(CriticalRecord.self, from: Data(line.utf8)), record.isSound else {
        throw refuse(index + 1, "found no record of answers", "what docs/quality-runs.md describes; or delete the line")
      }
      records[record.key] = record
    }
    return records
  }

  private func refuse(_ line: Int, _ found: String, _ accepted: String) -> ScenarioError {
    ScenarioError([Diagnostic(Position(file: path, line: line), path: "", found: found, accepted: accepted)])
  }
}
