import Foundation
import Rendering
import Scenarios

/// A file of measured rows that grows point by point, and goes on where an earlier run ended.
package final class MeasuredFile<Row> {
  private let form: RowForm<Row>
  private let encoding: RowEncoding
  private let path: String
  private var journal: JournalFile?
  /// The points that the file has, as what their lines begin with.
  private var points: Set<String> = []

  /// Reads a file that exists; one that does not is made with its first row. Who measures for it has claimed it.
  /// - Parameters:
  ///   - path: the file.
  ///   - form: of its rows.
  ///   - encoding: of its lines.
  /// - Throws: `ScenarioError` where it has rows of other columns, or of another scenario, machine or profile, and
  ///   `FileFailure`; the file is as it was then.
  package init(_ path: String, _ form: RowForm<Row>, _ encoding: RowEncoding) throws {
    (self.path, self.form, self.encoding) = (path, form, encoding)
    guard FileManager.default.fileExists(atPath: path) else { return }
    let header = form.header(encoding)
    var found: [String] = []
    var isEmpty = true
    let journal = try JournalFile(path) { line, number in
      isEmpty = false
      if number > 1 || line != header {
        found.append(try form.point(of: line, encoding, at: Position(file: path, line: number)))
      }
      return true
    }
    if isEmpty, !header.isEmpty { try journal.append(header) }
    self.journal = journal
    points = Set(found)
  }

  /// Whether the file has a subject's rows.
  package func has(_ subject: MeasuredSubject) -> Bool {
    !points.isEmpty && points.contains(form.point(subject, encoding))
  }

  /// Adds the rows of some points, all in one piece.
  /// - Throws: `FileFailure`
  package func append(_ rows: [Row]) throws {
    guard !rows.isEmpty else { return }
    if journal == nil {
      let new = try JournalFile(path) { _, _ in true }
      if case let header = form.header(encoding), !header.isEmpty { try new.append(header) }
      journal = new
    }
    try journal?.append(form.lines(rows, encoding))
  }
}
