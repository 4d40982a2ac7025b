import Experiments
import Hardware
import Rendering
import Scenarios

/// Where a command's rows are to go.
struct RowsDestination {
  /// Standard output where nil.
  let path: String?
  /// What the command line asks for.
  let format: OutputFormat?
  /// Above a table.
  let title: String
  /// To be kept beside the file with its first row.
  let newProfile: HardwareProfile?

  /// The profile that the rows of a file were predicted with.
  static func profilePath(_ path: String) -> String { path + ".profile.yaml" }

  /// Nil for a table; a file is as its name says where nobody says otherwise.
  var encoding: RowEncoding? {
    let isJSON = path.map { $0.hasSuffix(".json") || $0.hasSuffix(".jsonl") } ?? false
    return switch format ?? (path == nil ? .table : isJSON ? .json : .csv) {
    case .table: nil
    case .csv: .csv
    case .json: .jsonLines
    }
  }
}

/// Takes measured rows as they come: into a file that has some already, into a stream, or for a table at the end.
final class MeasuredOutput<Row> {
  /// For a table.
  private(set) var rows: [Row] = []
  private let form: RowForm<Row>
  private let destination: RowsDestination
  private let encoding: RowEncoding?
  private let file: MeasuredFile<Row>?
  private var isFirst = true

  /// - Throws: `ScenarioError` where the file's rows are other ones, `FileFailure` where it cannot be written.
  init(_ form: RowForm<Row>, _ destination: RowsDestination) throws {
    (self.form, self.destination, encoding) = (form, destination, destination.encoding)
    file =
      if let path = destination.path, let encoding { try MeasuredFile(path, form, encoding) } else { nil }
  }

  func has(_ subject: MeasuredSubject) -> Bool { file?.has(subject) ?? false }

  func write(_ new: [Row]) throws {
    defer { isFirst = false }
    guard let encoding else { return rows += new }
    guard let file, let path = destination.path else {
      let header = form.header(encoding)
      return printData((isFirst && !header.isEmpty ? header + "\n" : "") + form.lines(new, encoding) + "\n")
    }
    if isFirst, let profile = destination.newProfile {
      try HardwareFile.write(profile, to: RowsDestination.profilePath(path))
    }
    try file.append(new)
  }

  /// Prints the table, if it is to be one.
  func finish(width: Int?) {
    guard encoding == nil, !rows.isEmpty else { return }
    printOutput(form.table(title: destination.title, of: rows).terminalText(width: width))
  }
}
