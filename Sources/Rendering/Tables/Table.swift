/// One value of a table. Integers are exact to 128 bits.
public enum Cell: Hashable, Sendable {
  case text(String)
  case integer(Int128)
  case number(Double)
  case flag(Bool)
  /// Does not apply: an empty field in CSV, `null` in JSON, a dash for a person.
  case missing
}

extension Cell: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
  public init(stringLiteral value: String) { self = .text(value) }
  public init(integerLiteral value: Int) { self = .integer(Int128(value)) }
  public init(floatLiteral value: Double) { self = .number(value) }

  public init(_ value: some BinaryInteger) { self = .integer(Int128(value)) }
  public init(_ value: Double) { self = .number(value) }
  public init(_ value: Double?) { self = value.map(Cell.number) ?? .missing }
  public init(_ value: String) { self = .text(value) }
}

/// One column: the key of data files (its unit is the key's last part) and the heading and format for a person.
public struct Column: Hashable, Sendable {
  public enum Alignment: Hashable, Sendable { case left, right, centre }

  /// The column's name in CSV and JSON: `matmul_flops`.
  public var key: String
  /// The heading in a terminal and in Markdown: `matrix work`.
  public var heading: String
  public var alignment: Alignment
  public var format: NumberFormat

  public init(
    _ key: String, _ heading: String? = nil, _ alignment: Alignment = .right, as format: NumberFormat = .exact
  ) {
    self.key = key
    self.heading = heading ?? key
    self.alignment = alignment
    self.format = format
  }

  /// A column of words.
  public static func text(_ key: String, _ heading: String? = nil) -> Column { Column(key, heading, .left) }

  func text(_ cell: Cell) -> String {
    switch cell {
    case .text(let text): text
    case .integer(let value): format.text(value)
    case .number(let value): format.text(value)
    case .flag(let value): value ? "yes" : "no"
    case .missing: "–"
    }
  }
}

/// The four forms in which one table leaves the program.
public enum TableFormat: String, CaseIterable, Sendable {
  case table, markdown, csv, json
}

/// Typed columns and rows that render as text for a person or as exact values for a program.
public struct Table: Hashable, Sendable {
  public var title: String?
  public let columns: [Column]
  public private(set) var rows: [[Cell]] = []

  public init(title: String? = nil, _ columns: [Column]) {
    self.title = title
    self.columns = columns
  }

  /// - Precondition: one cell per column.
  public mutating func append(_ row: [Cell]) {
    precondition(row.count == columns.count, "a row has \(columns.count) cells, not \(row.count)")
    rows.append(row)
  }

  public func text(as format: TableFormat) -> String {
    switch format {
    case .table: terminalText()
    case .markdown: markdown()
    case .csv: data(.csv)
    case .json: json.text() + "\n"
    }
  }

  /// An array of one object per row, keys in column order.
  public var json: JSON {
    .array(
      rows.map { row in
        .object(zip(columns, row).map { column, cell in (column.key, JSON(cell)) })
      })
  }

  /// The exact values, as `RowBuilder` streams them.
  private func data(_ encoding: RowEncoding) -> String {
    var builder = RowBuilder(RowSchema(columns.map(\.key)), encoding)
    for row in rows {
      for cell in row { builder.append(cell) }
      builder.endRow()
    }
    return String(decoding: builder.schema.header(encoding) + builder.takeChunk().bytes, as: UTF8.self)
  }
}
