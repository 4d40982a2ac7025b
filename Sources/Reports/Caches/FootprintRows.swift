import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

/// The numbers of a footprint by the names that they have in tables and objects.
public enum FootprintFigure: String, CaseIterable, Sendable {
  /// Memory held over all tokens, as a share of full attention's.
  case footprint
  /// The parts of it in the memory of the device and of the host.
  case device = "device_footprint"
  case host = "host_footprint"
  /// Entries read by all queries, as a share of what full attention reads.
  case activeFraction = "active_fraction"
  /// The most memory of the device held at once, as a share of full attention's at the end.
  case peak
  /// Memory held, added up over all tokens, and that of full attention with the same layers.
  case stored = "stored_bit_tokens"
  case reference = "reference_bit_tokens"
  /// Entries read by all queries.
  case read = "read_bits"
  /// The most memory held at once, open windows included, and full attention's at the end.
  case peakBytes = "peak_bytes"
  case referencePeakBytes = "reference_peak_bytes"

  /// Whether it is a share of full attention.
  var isShare: Bool {
    switch self {
    case .footprint, .device, .host, .activeFraction, .peak: true
    case .stored, .reference, .read, .peakBytes, .referencePeakBytes: false
    }
  }

  /// Whether it says something only where entries lie in the memory of the host.
  private var isOfHost: Bool { self == .device || self == .host }

  /// Those of a table of rows, with the sums under the shares or without.
  static func all(of rows: [FootprintRow], withSums: Bool) -> [FootprintFigure] {
    let usesHost = rows.contains { $0.question.model.usesHost }
    return allCases.filter { (withSums || $0.isShare || $0 == .peakBytes) && (usesHost || !$0.isOfHost) }
  }

  func value(of footprint: ModelFootprint) -> Cell {
    switch self {
    case .footprint: Cell(footprint.footprint)
    case .device: Cell(footprint.deviceFootprint)
    case .host: Cell(footprint.hostFootprint)
    case .activeFraction: Cell(footprint.activeFraction)
    case .peak: Cell(footprint.peak)
    case .stored: .integer(footprint.stored)
    case .reference: .integer(footprint.reference)
    case .read: .integer(footprint.read)
    case .peakBytes: .integer(footprint.peakBytes)
    case .referencePeakBytes: .integer(footprint.referencePeakBytes)
    }
  }
}

/// The footprint of one model at one workload, as tables and objects state it.
public struct FootprintRow: Sendable {
  /// As reports write it.
  public let name: String
  /// What it is of.
  public let question: Question
  /// In token time, of one sequence.
  public let footprint: ModelFootprint

  /// - Throws: `CountOverflow`
  public init(_ name: String, _ question: Question) throws(CountOverflow) {
    self.name = name
    self.question = question
    footprint = try ModelFootprint(question)
  }

  /// One row for each model; the sums under the shares only where programs read.
  public static func table(_ rows: [FootprintRow], withSums: Bool) -> Table {
    let figures = FootprintFigure.all(of: rows, withSums: withSums)
    var table = Table(
      [.text("model"), Column("prompt"), Column("generated")] + figures.map { Column($0.rawValue) } + [.text("caches")])
    for row in rows {
      let workload = row.question.workload
      table.append(
        [.text(row.name), Cell(workload.promptLength), Cell(workload.generatedLength)]
          + figures.map { $0.value(of: row.footprint) }
          + [.text(ModelText.caches(of: row.question.model) ?? "keep everything")])
    }
    return table
  }

  /// The parts of one model: its stacks, by layers and heads that are alike.
  public var parts: Table {
    var table = Table(
      title: "\(name): one head of each part",
      [
        .text("stack"), Column("layers"), Column("heads"), .text("retention"), Column("stored, entries · tokens"),
        Column("read, entries"), Column("held at the end"),
      ])
    for part in footprint.parts {
      table.append([
        .text("level\(part.node.level)/\(part.node.side.rawValue)"), .text(numbers(part.layers)),
        .text(numbers(part.heads)), .text(part.plan.retention.method.rawValue), .integer(part.stored),
        .integer(part.read), Cell(part.heldAtEnd),
      ])
    }
    return table
  }

  /// `0` or `0–31`.
  private func numbers(_ range: Range<Int>) -> String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)–\(range.upperBound - 1)"
  }

  /// Figures and parts.
  public var json: JSON {
    .object(
      [
        ("name", .string(name)), ("prompt_length", JSON(question.workload.promptLength)),
        ("generated_length", JSON(question.workload.generatedLength)),
        ("caches", ModelText.caches(of: question.model).map(JSON.string) ?? .null),
      ] + FootprintFigure.allCases.map { ($0.rawValue, JSON($0.value(of: footprint))) } + [
        (
          "parts",
          .array(
            footprint.parts.map { part in
              .object([
                ("level", JSON(part.node.level)), ("side", .string(part.node.side.rawValue)),
                ("first_layer", JSON(part.layers.lowerBound)), ("layers", JSON(part.layers.count)),
                ("first_head", JSON(part.heads.lowerBound)), ("heads", JSON(part.heads.count)),
                ("retention", .string(part.plan.retention.method.rawValue)), ("stored", .integer(part.stored)),
                ("read", .integer(part.read)), ("held_at_end", JSON(part.heldAtEnd)),
              ])
            })
        )
      ])
  }
}
