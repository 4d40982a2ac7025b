import Quantities

/// One value of a table. Integers are exact to 128 bits.
public enum Cell: Hashable, Sendable {
  /// As it is.
  case text(String)
  /// Written by the column's format for a person, in full for a program.
  case integer(Int128)
  /// Written by the column's format for a person, in full for a program.
  case number(Double)
  /// `yes` or `no` for a person.
  case flag(Bool)
  /// Does not apply: an empty field in CSV, `null` in JSON, a dash for a person.
  case missing
}

extension Cell: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
  /// Text.
  public init(stringLiteral value: String) { self = .text(value) }
  /// An integer.
  public init(integerLiteral value: Int) { self = .integer(Int128(value)) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }

  /// An integer that fits 128 bits.
  public init(_ value: some BinaryInteger) { self = .integer(Int128(value)) }
  /// A number.
  public init(_ value: Double) { self = .number(value) }
  /// A number, or a missing value.
  public init(_ value: Double?) { self = value.map(Cell.number) ?? .missing }
  /// Text.
  public init(_ value: String) { self = .text(value) }
}

/// One column: the key of data files (its unit is the key's last part) and the heading and format for a person.
public struct Column: Hashable, Sendable {
  /// Of a column in text for a person.
  public enum Alignment: Hashable, Sendable { case left, right, centre }

  /// The column's name in CSV and JSON: `matmul_flops`.
  public var key: String
  /// The heading in a terminal and in Markdown: `matrix work`.
  public var heading: String
  /// For a person.
  public var alignment: Alignment
  /// Of the column's numbers, for a person.
  public var format: NumberFormat

  /// - Parameters:
  ///   - key: the name of the column in files.
  ///   - heading: the key if nil.
  ///   - alignment: of the cells in text.
  ///   - format: of the numbers in text.
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
    case .text(let text): visible(text)
    case .integer(let value): format.text(value)
    case .number(let value): format.text(value)
    case .flag(let value): value ? "yes" : "no"
    case .missing: "–"
    }
  }
}

/// The four forms in which one table leaves the program.
public enum TableFormat: String, CaseIterable, Sendable {
  /// Aligned columns for a terminal, Markdown's pipes, and exact values as CSV and as JSON.
  case table, markdown, csv, json
}

/// Typed columns and rows that render as text for a person or as exact values for a program.
public struct Table: Hashable, Sendable {
  /// Above the table in a terminal; nil for none.
  public var title: String?
  /// In order.
  public let columns: [Column]
  /// Keys of the columns that a narrow terminal shows before others, the most needed first; the others follow from the
  /// left.
  public var essential: [String] = []
  /// One cell per column each.
  public private(set) var rows: [[Cell]] = []

  /// No rows.
  public init(title: String? = nil, _ columns: [Column]) {
    self.title = title
    self.columns = columns
  }

  /// - Precondition: one cell per column.
  public mutating func append(_ row: [Cell]) {
    precondition(row.count == columns.count, "a row has \(columns.count) cells, not \(row.count)")
    rows.append(row)
  }

  /// The whole table in one of its forms.
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
