import Architectures
import Foundation
import Scenarios

/// One published number, where it stands, and what was measured.
public struct PublishedRow: Hashable, Sendable {
  /// What was measured; the raw value is the word in the table.
  public enum Quantity: String, CaseIterable, Sendable {
    /// Of one sequence, of the batch, and their quotient.
    case memory, throughput, tpm
    /// Of a part of the model, per sequence of the batch.
    case timePerSample = "time per sample"
    /// Of the attention of one layer.
    case timePerLayer = "time per layer"
  }

  /// What a time is spent in, as tables name it.
  public enum Part: String, CaseIterable, Sendable {
    /// Attention with its projections, in half of a vanilla stack.
    case halfStackAttention = "half the stack/attention"
    /// Feed-forward networks of half of a vanilla stack.
    case halfStackFeedForward = "half the stack/feed-forward"
    /// Attention with its projections, in a Block Transformer's block decoder.
    case blockDecoderAttention = "block decoder/attention"
    /// Feed-forward networks of the block decoder.
    case blockDecoderFeedForward = "block decoder/feed-forward"
    /// Attention with its projections, in a Block Transformer's token decoder.
    case tokenDecoderAttention = "token decoder/attention"
    /// Feed-forward networks of the token decoder.
    case tokenDecoderFeedForward = "token decoder/feed-forward"
    /// Of one layer and one decoded token.
    case layerAttention = "attention"
    /// Of one layer and the end of a prompt.
    case lastQueriesAttention = "attention of the last 32768 queries"

    /// The queries at the end of a prompt that `lastQueriesAttention` is the time of.
    static let lastQueries = 32_768

    /// The parts that a quantity can be about; empty where it is about no part.
    static func accepted(_ quantity: Quantity) -> [Part] {
      switch quantity {
      case .memory, .throughput, .tpm: []
      case .timePerSample: allCases.filter { $0 != .layerAttention && $0 != .lastQueriesAttention }
      case .timePerLayer: [.layerAttention, .lastQueriesAttention]
      }
    }
  }

  /// Paper and table.
  public var source: String
  /// The name of a model in the scenario.
  public var model: String
  /// The name of a profile.
  public var hardware: String
  /// - Unit: token of one sequence
  public var prompt: Int
  /// - Unit: token of one sequence
  public var generated: Int
  /// What the value is of.
  public var quantity: Quantity
  /// The phase that a time is of; nil for other quantities.
  public var phase: Phase?
  /// The part of the model that a time is spent in; nil for other quantities.
  public var part: Part?
  /// In units without a prefix: byte, token/s, token/s/GiB, s.
  public var value: Double
  /// As printed, with its unit.
  public var text: String
}

/// Published measurements as CSV; docs/published-tables.md describes the columns.
public struct PublishedTable: Sendable {
  /// The path that it was read from.
  public let file: String
  /// In the order of the text.
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
    try self.init(text: YAMLText.text(of: file, limit: largestTableBytes), file: file)
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
    let (phase, part) = try place(quantity, phase: fields[6], part: fields[7], file, line)
    return PublishedRow(
      source: fields[0], model: fields[1], hardware: fields[2], prompt: prompt, generated: generated,
      quantity: quantity, phase: phase, part: part, value: value * unit.scale,
      text: "\(fields[8]) \(unit.name)")
  }

  /// Where a time is spent; other quantities are of the whole model.
  private static func place(
    _ quantity: PublishedRow.Quantity, phase: String, part: String, _ file: String, _ line: Int
  ) throws(ScenarioError) -> (Phase?, PublishedRow.Part?) {
    let parts = PublishedRow.Part.accepted(quantity)
    if parts.isEmpty {
      guard phase.isEmpty, part.isEmpty else {
        throw refuse(
          file, line, "phase \"\(phase)\" and part \"\(part)\"", "empty fields: a \(quantity.rawValue) has none")
      }
      return (nil, nil)
    }
    guard let known = Phase(rawValue: phase) else {
      throw refuse(file, line, "phase \"\(phase)\"", Phase.allCases.map(\.rawValue).joined(separator: ", "))
    }
    guard let named = parts.first(where: { $0.rawValue == part }) else {
      throw refuse(file, line, "part \"\(part)\"", parts.map(\.rawValue).joined(separator: ", "))
    }
    return (known, named)
  }

  private static func refuse(_ file: String, _ line: Int, _ found: String, _ accepted: String) -> ScenarioError {
    ScenarioError([
      Diagnostic(
        Position(file: file, line: line, column: 1), path: "published", found: "found \(found)", accepted: accepted)
    ])
  }
}
