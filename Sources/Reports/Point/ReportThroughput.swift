import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

/// One model at one workload, as the tables of throughput list it.
struct ServingRow: ModelBearing {
  var name: String
  var model: Model
  var workload: Workload
  var timed: TimedPoint
}

extension ReportSubject {
  /// Throughput and TPM at the scenario's batch and at the largest that fits.
  func throughputSection(_ report: inout ReportBuilder) async throws {
    guard workload.generatedLength > 0 else { return }
    report.document.heading("Throughput and TPM")
    report.document.paragraph(
      "TPM (tok/s/GiB) divides throughput by the GiB of one prompt's caches. At the largest batch that fits, memory counts twice: it "
        + "sets the batch and divides the throughput, so read TPM there beside plain throughput. Throughput counts "
        + "emitted tokens over prefill and decode time.")
    let groups = try servingGroups()
    if groups.first.map({ $0.count > 4 }) ?? false {
      for group in groups {
        report.document.heading(capitalised(describe(group[0].workload)), level: 3)
        report.document.table(servingTable(group))
      }
    } else {
      report.document.table(servingTable(Array(groups.joined())))
    }
    try paperTables(&report.document)
    guard summaries.count > 1 else { return }
    report.document.paragraph(
      "All \(number(summaries.count)) points as data: `photon sweep \(file) -o \(scenario.name).csv`. Its times are "
        + "plain rooflines of whole phases, the larger of all arithmetic and all traffic at the peaks, so that millions of "
        + "points are priced in seconds. A time of this report is a sum over operations, for each the larger of its own "
        + "arithmetic and traffic, because one operation does not use what another leaves idle; it is larger where "
        + "some operations wait for arithmetic and others for memory.")
  }

  /// The most models of a grid that are listed beside each other. Chosen: a grid of more is a search, whose front and maps
  /// show its models.
  private static let mostListed = 12

  /// One group per workload: the grid's own models where they are few, else the explained one and its rivals.
  func servingGroups() throws -> [[ServingRow]] {
    var listed: [NamedModel] = []
    for summary in summaries where !listed.contains(where: { $0.model == summary.point.model }) {
      listed.append(NamedModel(name: summary.point.name, model: summary.point.model))
      if listed.count > Self.mostListed { break }
    }
    if listed.count > Self.mostListed { listed = [contenders[0]] }
    listed += contenders.filter { contender in !listed.contains { $0.model == contender.model } }
    return try cornerWorkloads.filter { $0.generatedLength > 0 }.map { workload in
      try listed.map {
        ServingRow(
          name: $0.name, model: $0.model, workload: workload,
          timed: try TimedPoint(Question($0.model, workload, precision), on: profile))
      }
    }
  }

  private func servingTable(_ rows: [ServingRow]) -> Table {
    let first = rows.first?.workload
    let varies = rows.contains { $0.workload != first }
    let place = varies ? [Column("prompt"), Column("generated"), Column("batch")] : []
    var table = Table(
      place + [
        .text("model"), Column("memory", "memory per prompt", as: .binaryBytes),
        .text("prefill_bound", "prefill bound"), Column("first_token", "time to first token", as: .si(unit: "s")),
        .text("decode_bound", "decode bound"), Column("throughput", "tok/s", as: .si(unit: "")),
        Column("tpm", "TPM", as: .si(unit: "")), Column("largest", "largest batch"),
        Column("largest_throughput", "tok/s there", as: .si(unit: "")),
        Column("largest_tpm", "TPM there", as: .si(unit: "")),
      ] + costColumns)
    /// Below one token a second a prefix would read like a million.
    func rate(_ value: Double?) -> Cell {
      guard let value else { return .missing }
      return value < 1 ? Cell(significant(value)) : Cell(value)
    }
    for row in rows {
      let (timed, workload) = (row.timed, row.workload)
      let fits = timed.largestBatch.map { $0 >= workload.batchSize } ?? true
      func bound(_ figure: TimeFigure) -> Cell { figure.time == .zero ? .missing : Cell(boundText(figure)) }
      let lead: [Cell] =
        varies ? [Cell(workload.promptLength), Cell(workload.generatedLength), Cell(workload.batchSize)] : []
      table.append(
        lead + [
          Cell("`\(row.name)`"), Cell(timed.memory.bytesPerSequence), bound(timed.prefill.total),
          Cell(timed.figures.timeToFirstToken.value), bound(timed.decode.total),
          fits ? rate(timed.figures.throughput.perSecond) : "does not fit",
          fits ? rate(timed.figures.throughputPerSampleGibibyte) : .missing,
          timed.largestBatch.map { Cell($0) } ?? .missing, rate(timed.atLargestBatch?.throughput.perSecond),
          rate(timed.atLargestBatch?.throughputPerSampleGibibyte),
        ] + costCells(timed.costAtLargestBatch))
    }
    return table
  }

  /// What a million tokens cost at the largest batch, as far as the profile has a price or a power.
  private var costColumns: [Column] {
    (profile.pricePerHour == nil ? [] : [Column("cost", "$ per M tok there", as: .significant(3))])
      + (profile.boardPower == nil ? [] : [Column("energy", "J per M tok there", as: .si(unit: "J"))])
  }

  private func costCells(_ cost: TokenCost) -> [Cell] {
    (profile.pricePerHour == nil ? [] : [Cell(cost.dollars)]) + (profile.boardPower == nil ? [] : [Cell(cost.joules)])
  }
}
