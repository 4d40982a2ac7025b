import Architectures

/// Times of a sweep that another machine replayed, which a report sets beside predictions: the scenario's `replayed`
/// section.
public struct ReplayedRows: Sendable {
  static let key = "replayed"

  /// A table of measurements.
  public let rows: String
  /// The times of the parts of its rows; nil where they were not timed.
  public let nodes: String?
  /// The share of the rows, of each family, that the profile is fitted to; the others are held out.
  public let fittedShare: Double
  /// Of the choice of those rows.
  public let seed: Int

  /// - Parameter path: of a file that stands beside the scenario; nil where there is none.
  static func read(_ reader: FieldReader, path: (String) -> String?) -> ReplayedRows? {
    let rows = reader.file("rows", "a table of measurements, .csv, relative to this scenario", path)
    let hasNodes = reader.has("nodes")
    let nodes = hasNodes ? reader.file("nodes", "the table of its parts, .csv, relative to this scenario", path) : nil
    let share = reader.number("fitted_share", default: 0.5, in: 0...0.9)
    let seed = reader.integer("seed", default: 1, in: 0...Int(Int32.max))
    reader.finish()
    guard let rows, let share, let seed, hasNodes == (nodes != nil) else { return nil }
    return ReplayedRows(rows: rows, nodes: nodes, fittedShare: share, seed: seed)
  }
}
