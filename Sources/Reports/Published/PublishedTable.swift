import Architectures
import Foundation
import Quantities
import Scenarios
import ServingRows

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

  /// Where it stands.
  public var position: Position
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
  /// What is allowed and worth a word.
  public let remarks: [Diagnostic]

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
    let collector = DiagnosticCollector()
    let table = DelimitedText(text, file: file, collector)
    if let first = table.header.first, table.header.map(\.name) != Self.columns {
      let found = table.header.map(\.text).joined(separator: ",")
      collector.add(
        Self.complaint(first.position, "columns \"\(found.prefix(80))\"", Self.columns.joined(separator: ",")))
    }
    try collector.throwIfAny()
    guard !table.rows.isEmpty else {
      throw Self.refuse(Position(file: file, line: 1), "no rows", "a header and at least one row")
    }
    var rows: [PublishedRow] = []
    for cells in table.rows { rows.append(try Self.row(cells)) }
    table.reportRepeats("it counts twice", collector)
    remarks = collector.ordered
    self.file = file
    self.rows = rows
  }

  private static func row(_ cells: [TableCell]) throws(ScenarioError) -> PublishedRow {
    func text(_ column: String) -> String { cells[columns.firstIndex(of: column)!].text }
    func refuse(_ column: String, _ accepted: String) -> ScenarioError {
      Self.refuse(
        cells[columns.firstIndex(of: column)!].position, "\(column) \"\(text(column).prefix(80))\"", accepted)
    }
    func tokens(_ column: String, _ limit: Int) throws(ScenarioError) -> Int {
      guard let count = Int(text(column)), (0...limit).contains(count) else {
        throw refuse(column, "tokens, \(Problem.accepted(0...limit))")
      }
      return count
    }
    let (prompt, generated) = (
      try tokens("prompt", Limits.promptLength), try tokens("generated", Limits.generatedLength)
    )
    guard let quantity = PublishedRow.Quantity(rawValue: text("quantity")) else {
      throw refuse("quantity", PublishedRow.Quantity.allCases.map(\.rawValue).joined(separator: ", "))
    }
    guard let value = Double(text("value")), value.isFinite, value > 0 else {
      throw refuse("value", "a number above 0")
    }
    guard let unit = units[quantity]?.first(where: { $0.name == text("unit") }) else {
      throw refuse("unit", (units[quantity] ?? []).map(\.name).joined(separator: ", "))
    }
    let (phase, part) = try place(quantity, text, refuse)
    return PublishedRow(
      position: cells[0].position, source: text("source"), model: text("model"), hardware: text("hardware"),
      prompt: prompt, generated: generated, quantity: quantity, phase: phase, part: part, value: value * unit.scale,
      text: "\(text("value")) \(unit.name)")
  }

  /// Where a time is spent; other quantities are of the whole model.
  private static func place(
    _ quantity: PublishedRow.Quantity, _ text: (_ column: String) -> String,
    _ refuse: (_ column: String, _ accepted: String) -> ScenarioError
  ) throws(ScenarioError) -> (Phase?, PublishedRow.Part?) {
    let parts = PublishedRow.Part.accepted(quantity)
    if parts.isEmpty {
      if let column = ["phase", "part"].first(where: { !text($0).isEmpty }) {
        throw refuse(column, "nothing: a \(quantity.rawValue) has none")
      }
      return (nil, nil)
    }
    guard let phase = Phase(rawValue: text("phase")) else {
      throw refuse("phase", Phase.allCases.map(\.rawValue).joined(separator: ", "))
    }
    guard let part = parts.first(where: { $0.rawValue == text("part") }) else {
      throw refuse("part", parts.map(\.rawValue).joined(separator: ", "))
    }
    return (phase, part)
  }

  private static func refuse(_ position: Position, _ found: String, _ accepted: String) -> ScenarioError {
    ScenarioError([complaint(position, found, accepted)])
  }

  private static func complaint(_ position: Position, _ found: String, _ accepted: String) -> Diagnostic {
    Diagnostic(position, path: "published", found: "found \(found)", accepted: accepted)
  }
}
