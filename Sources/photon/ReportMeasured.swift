import Architectures
import Formulas
import Quantities
import Reporting
import Reports
import Scenarios
import Validation

/// What the machine that writes a report executed: the part of the report that another run may change.
struct MeasuredPart {
  /// Nil where nothing was to be executed.
  var exact: ExactReport?
  /// Empty where no model was timed.
  var timed: [TimedPhaseResult] = []
  /// The machine and its profile, or why nothing was timed; a sentence.
  var timing = "No model was timed."

  /// Adds the section to a report.
  func write(to report: inout ReportBuilder) async throws {
    report.document.heading("Measured part")
    guard exact != nil || !timed.isEmpty else {
      report.document.paragraph("Nothing was executed for this report: every number above is computed.")
      return
    }
    report.document.paragraph(
      "What follows was executed on the machine that wrote the report; nothing above depends on it.")
    if let exact { write(exact, to: &report.document) }
    try await writeTimed(to: &report)
  }

  /// Whether the executed model's integers are those of the formulas.
  private func write(_ exact: ExactReport, to document: inout MarkdownDocument) {
    let result = exact.result
    document.heading("Formulas against the executed model", level: 3)
    document.paragraph(
      "The models ran on shapes: every operation was dispatched and counted, every cache filled. Each level, side, "
        + "component, phase and quantity, the bytes that caches hold and the parameters were compared with the formulas "
        + "as integers.")
    var table = Table([.text("quantity"), Column("count")])
    table.append(["points of the scenario", Cell(exact.scenarioPoints)])
    table.append(["of them executed, evenly spaced", Cell(exact.executedPoints)])
    table.append(["runs, baselines included", Cell(result.points)])
    table.append(["integers compared", Cell(result.checked)])
    table.append(["**mismatches**", Cell(result.mismatchCount)])
    document.table(table)
    document.list(result.mismatches.map { "`\($0)`" })
  }

  /// Predicted beside measured times: how well they agree, and every point.
  private func writeTimed(to report: inout ReportBuilder) async throws {
    report.document.heading("Predicted against measured time", level: 3)
    report.document.paragraph(timing)
    guard !timed.isEmpty else { return }
    report.document.table(agreement)
    report.document.paragraph(
      "Errors are predicted ÷ measured − 1 of each point; the spread is half the distance between the quartiles of the "
        + "repetitions, over their median. *Regime* is the share of points whose predicted bound is the one that doubling "
        + "the batch showed.")
    try await report.figure(
      chart, "agreement", caption: "Predicted against measured time of every executed phase; the band is ±15 %.")
    report.document.table(points)
  }

  private var agreement: Table {
    var table = Table([
      .text("architecture"), .text("phase"), Column("points"),
      Column("mape_percent", "mean error", as: .percent(decimals: 1)),
      Column("median_percent", "median", as: .percent(decimals: 1)),
      Column("worst_percent", "worst", as: .percent(decimals: 1)),
      Column("bias_percent", "bias", as: .percent(decimals: 1)), Column("r2", "R²", as: .fixed(decimals: 4)),
      Column("spread_percent", "spread", as: .percent(decimals: 1)),
      Column("regime", "regime", as: .percent(decimals: 0)),
    ])
    for row in timedRows(timed) {
      let agreement = row.agreement
      table.append([
        Cell(row.architecture), Cell(row.metric.rawValue), Cell(agreement.points), Cell(agreement.mapePercent),
        Cell(agreement.medianPercent), Cell(agreement.worstPercent), Cell(agreement.biasPercent), Cell(agreement.r2),
        Cell(agreement.spreadPercent), Cell(agreement.regimeAgreement.map { 100 * $0 }),
      ])
    }
    return table
  }

  private var points: Table {
    var table = Table([
      .text("model"), Column("prompt"), Column("generated"), Column("batch"), .text("phase"),
      Column("measured_s", "measured", as: .si(unit: "s")), Column("predicted_s", "predicted", as: .si(unit: "s")),
      Column("error", as: .percent(decimals: 1)), Column("spread", as: .percent(decimals: 1)),
      .text("predicted_bound", "predicted bound"), .text("measured_bound", "measured regime"),
    ])
    for result in timed {
      let (pair, workload) = (result.pair, result.point.workload)
      table.append([
        Cell(result.point.name), Cell(workload.promptLength), Cell(workload.generatedLength), Cell(workload.batchSize),
        Cell(result.phase.rawValue), Cell(pair.measured), Cell(pair.predicted), Cell(pair.errorPercent),
        Cell(pair.spreadPercent), Cell(pair.predictedBound.rawValue),
        pair.measuredBound.map { Cell($0.rawValue) } ?? .missing,
      ])
    }
    return table
  }

  private var chart: AgreementChart {
    let rows = timedRows(timed)
    let worst = rows.map(\.agreement.mapePercent).max() ?? 0
    let groups = rows.map { row in
      AgreementChart.Group(
        "\(row.architecture) \(row.metric.rawValue)",
        timed.filter { $0.phase == row.metric && $0.point.model.family.rawValue == row.architecture }.map {
          (measured: $0.pair.measured, predicted: $0.pair.predicted)
        })
    }
    return AgreementChart(
      "Mean errors are at most \(NumberFormat.percent(decimals: 1).text(worst))",
      subtitle: "each point is one phase of one workload", quantity: "time", unit: "s", groups: groups)
  }
}
