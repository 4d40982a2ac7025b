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

  var fits: Bool { timed.largestBatch.map { $0 >= workload.batchSize } ?? true }
}

extension ServingRow: FigureBearing {
  func value(of figure: PointFigure) -> FigureValue {
    figure == .asked(.parameters) ? .cell(.integer(parameters(of: model).total)) : timed.value(of: figure)
  }
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
    let place: [TableColumn<ServingRow>] =
      varies
      ? [
        TableColumn(Column("prompt")) { Cell($0.workload.promptLength) },
        TableColumn(Column("generated")) { Cell($0.workload.generatedLength) },
        TableColumn(Column("batch")) { Cell($0.workload.batchSize) },
      ] : []
    /// Below one token a second a prefix would read like a million.
    func rate(_ figure: ServingFigure) -> TableColumn<ServingRow> {
      PointFigure.serving(figure).reported().replacing { _, cell in
        cell.number.map { $0 < 1 ? Cell(significant($0)) : cell } ?? cell
      }
    }
    return Table(
      place + [
        TableColumn(.text("model")) { Cell(codeSpan($0.name)) },
        PointFigure.serving(.memoryPerPrompt).reported("memory per prompt"),
        PointFigure.phase(.boundWithMargin, .prefill).reported("prefill bound"),
        PointFigure.timeToFirstToken.reported(),
        PointFigure.phase(.boundWithMargin, .decode).reported("decode bound"),
        rate(.throughput).replacing { $0.fits ? $1 : "does not fit" },
        rate(.throughputPerSampleGibibyte).replacing { $0.fits ? $1 : .missing },
        PointFigure.memory(.largestBatch).reported(), rate(.throughputAtLargestBatch),
        rate(.throughputPerSampleGibibyteAtLargestBatch),
      ] + costColumns, of: rows)
  }

  /// What a million tokens cost at the largest batch, as far as the profile has a price or a power.
  private var costColumns: [TableColumn<ServingRow>] {
    (profile.pricePerHour == nil ? [] : [PointFigure.serving(.costAtLargestBatch).reported()])
      + (profile.boardPower == nil ? [] : [PointFigure.serving(.energyAtLargestBatch).reported()])
  }
}
