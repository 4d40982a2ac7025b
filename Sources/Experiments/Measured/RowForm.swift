import Rendering
import Reports
import Scenarios

/// Rows about measured points in the forms that they leave the program in: a table, and lines that can be told apart again.
package struct RowForm<Row> {
  /// Those that say which point a row is about; they stand first.
  private let identity: [TableColumn<MeasuredSubject>]
  /// What all rows of a file share; it stands next.
  private let origin: [(key: String, value: String)]
  /// All columns in order.
  private let columns: [TableColumn<Row>]
  private let essential: [String]
  private let subject: (Row) -> MeasuredSubject

  init(
    identity: [TableColumn<MeasuredSubject>], origin: [(key: String, value: String)], rest: [TableColumn<Row>],
    essential: [String], subject: @escaping (Row) -> MeasuredSubject
  ) {
    (self.identity, self.origin, self.essential, self.subject) = (identity, origin, essential, subject)
    let shared = origin.map { entry in TableColumn<Row>(.text(entry.key)) { _ in .text(entry.value) } }
    columns = identity.map { $0.of(subject) } + shared + rest
  }

  /// What stands before the first row, without its line break; empty in JSON Lines.
  package func header(_ encoding: RowEncoding) -> String {
    String(decoding: RowSchema(keys(columns)).header(encoding).dropLast(), as: UTF8.self)
  }

  /// For a person: rows in the order of the grid, what is beside the grid after them.
  package func table(title: String, of rows: [Row]) -> Table {
    let sorted = rows.enumerated().sorted { left, right in
      (subject(left.element).place, left.offset) < (subject(right.element).place, right.offset)
    }
    var table = Table(title: title, columns, of: sorted.map(\.element))
    table.essential = essential
    return table
  }

  /// One line for each row, without the last line break.
  package func lines(_ rows: [Row], _ encoding: RowEncoding) -> String { lines(columns, rows, encoding) }

  /// What a line of the subject begins with.
  func point(_ subject: MeasuredSubject, _ encoding: RowEncoding) -> String {
    bare(lines(identity, [subject], encoding), encoding)
  }

  /// What the line's point begins with, where the line is of this form and this origin.
  /// - Throws: `ScenarioError`
  func point(of line: String, _ encoding: RowEncoding, at position: Position) throws(ScenarioError) -> String {
    func refuse(_ path: String, _ found: String, _ accepted: String) -> ScenarioError {
      ScenarioError([
        Diagnostic(position, path: path, found: found, accepted: accepted + "; or name another file with -o")
      ])
    }
    let fields = rowFields(bare(line, encoding), encoding)
    guard fields.count == columns.count else {
      throw refuse("", "found \(fields.count) fields", "the \(columns.count) that this scenario's rows have")
    }
    for (index, entry) in origin.enumerated() {
      let found = fields[identity.count + index]
      let cell = TableColumn<Void>(.text(entry.key)) { .text(entry.value) }
      let expected = bare(lines([cell], [()], encoding), encoding)
      if found != expected { throw refuse(entry.key, "the row is of another one, \(found)", expected) }
    }
    return fields[..<identity.count].joined(separator: ",")
  }

  /// A line of JSON without the braces.
  private func bare(_ line: String, _ encoding: RowEncoding) -> String {
    encoding == .jsonLines && line.hasPrefix("{") && line.hasSuffix("}") ? String(line.dropFirst().dropLast()) : line
  }

  private func keys<Other>(_ columns: [TableColumn<Other>]) -> [String] { Table(columns, of: []).columns.map(\.key) }

  private func lines<Other>(_ columns: [TableColumn<Other>], _ rows: [Other], _ encoding: RowEncoding) -> String {
    var builder = RowBuilder(RowSchema(keys(columns)), encoding)
    for row in rows {
      for column in columns { builder.append(column.cell(row)) }
      builder.endRow()
    }
    return String(decoding: builder.takeChunk().bytes.dropLast(), as: UTF8.self)
  }
}

extension MeasuredSubject {
  /// In the order of a table.
  fileprivate var place: Int { isOfGrid ? point.index : Int.max }
}
