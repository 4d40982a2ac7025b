import Foundation
import Scenarios

/// One published number, where it stands, and what was measured.
public struct PublishedRow: Hashable, Sendable {
  public enum Quantity: String, CaseIterable, Sendable {
    case memory, throughput, tpm
    case timePerSample = "time per sample"
    case timePerLayer = "time per layer"
  }

  public var source: String
  public var model: String
  public var hardware: String
  public var prompt: Int
  public var generated: Int
  public var quantity: Quantity
  /// Of a time: the phase and the part of the model that it is spent in.
  public var phase: String
  public var part: String
  /// In units without a prefix: byte, token/s, token/s/GiB, s.
  public var value: Double
  /// As printed, with its unit.
  public var text: String
}

/// Published measurements as CSV; docs/published-tables.md describes the columns.
public struct PublishedTable: Sendable {
  public let file: String
  public let rows: [PublishedRow]

  static let columns = [
    "source", "model", "hardware", "prompt", "generated", "quantity", "phase", "part", "value", "unit",
  ]

  /// What one of each printed unit is in units without a prefix.
  private static let units: [PublishedRow.Quantity: [(name: String, scale: Double)]] = [
    .memory: [("GiB", 0x1p30), ("MiB", 0x1p20)],
    .throughput: [("tok/s", 1), ("k tok/s", 1e3)],
    .tpm: [("tok/s/GiB", 1), ("k tok/s/GiB", 1e3)],
    .timePerSample: [("s", 1), ("ms", 1e-3), ("µs", 1e-6)],
    .timePerLayer: [("s", 1), ("ms", 1e-3), ("µs", 1e-6)],
  ]

  /// - Throws: `ScenarioError`
  public init(file: String) throws(ScenarioError) {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8), text.utf8.count < 10_000_000 else {
      throw Self.refuse(file, 1, "no readable text", "a CSV file")
    }
    try self.init(text: text, file: file)
  }

  /// - Throws: `ScenarioError`
  public init(text: String, file: String) throws(ScenarioError) {
    var hasHeader = false
    var rows: [PublishedRow] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = line.trimmingCharacters(in: .whitespaces)
      guard !line.isEmpty, !line.hasPrefix("#") else { continue }
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      if hasHeader {
        rows.append(try Self.row(fields, file, index + 1))
      } else if fields == Self.columns {
        hasHeader = true
      } else {
        throw Self.refuse(
          file, index + 1, "columns \"\(line.prefix(80))\"", Self.columns.joined(separator: ","))
      }
    }
    guard !rows.isEmpty else { throw Self.refuse(file, 1, "no rows", "a header and at least one row") }
    self.file = file
    self.rows = rows
  }

  private static func row(_ fields: [String], _ file: String, _ line: Int) throws(ScenarioError) -> PublishedRow {
    guard fields.count == columns.count else {
      throw refuse(file, line, "\(fields.count) fields", "\(columns.count) fields")
    }
    guard let prompt = Int(fields[3]), let generated = Int(fields[4]), (0...1 << 30).contains(prompt),
      (0...1 << 30).contains(generated)
    else { throw refuse(file, line, "prompt \"\(fields[3])\" and generated \"\(fields[4])\"", "counts of tokens") }
    guard let quantity = PublishedRow.Quantity(rawValue: fields[5]) else {
      let names = PublishedRow.Quantity.allCases.map(\.rawValue).joined(separator: ", ")
      throw refuse(file, line, "quantity \"\(fields[5])\"", names)
    }
    guard let value = Double(fields[8]), value.isFinite, value > 0 else {
      throw refuse(file, line, "value \"\(fields[8])\"", "a number above 0")
    }
    guard let unit = units[quantity]?.first(where: { $0.name == fields[9] }) else {
      let names = (units[quantity] ?? []).map(\.name).joined(separator: ", ")
      throw refuse(file, line, "unit \"\(fields[9])\"", names)
    }
    return PublishedRow(
      source: fields[0], model: fields[1], hardware: fields[2], prompt: prompt, generated: generated,
      quantity: quantity, phase: fields[6], part: fields[7], value: value * unit.scale,
      text: "\(fields[8]) \(unit.name)")
  }

  private static func refuse(_ file: String, _ line: Int, _ found: String, _ accepted: String) -> ScenarioError {
    ScenarioError([
      Diagnostic(
        Position(file: file, line: line, column: 1), path: "published", found: "found \(found)", accepted: accepted)
    ])
  }
}
