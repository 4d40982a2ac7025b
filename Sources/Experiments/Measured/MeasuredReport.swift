import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Reports
import Scenarios
import Validation

/// What the machine that writes a report executed: the part of the report that another run may change.
package struct MeasuredPart {
  /// Nil where nothing was to be executed.
  package var exact: ExactReport?
  /// Nil where no model was timed.
  package var measured: MeasuredScenario?

  /// Nothing executed unless told otherwise.
  package init(exact: ExactReport? = nil, measured: MeasuredScenario? = nil) {
    self.exact = exact
    self.measured = measured
  }

  /// Adds the section to a report.
  package func write(to report: inout ReportBuilder) async throws {
    report.document.heading("Measured part")
    guard exact != nil || measured != nil else {
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
    document.list(result.mismatches.map { codeSpan($0.description) })
  }

  /// Predicted beside measured times: how well they agree, and every point.
  private func writeTimed(to report: inout ReportBuilder) async throws {
    guard let measured else { return }
    report.document.heading("Predicted against measured time", level: 3)
    report.document.list(measured.leftOut)
    guard !measured.results.isEmpty else { return }
    let profile = measured.profile
    report.document.paragraph(
      "Measured on \(profile.description), in float32, with seeded random weights and prompts. The profile was calibrated "
        + "in rounds between the runs, on operations of other widths"
        + (measured.corrections.isEmpty
          ? " and never on these models: every point is held out."
          : "; then a share of the points, drawn by a seed, corrected a few of its coefficients, and the others are held out.")
    )
    report.document.paragraph(measured.calibrationText)
    // Where every phase was disturbed there is no error to show.
    let isSettled = !timedRows(measured.heldOut).isEmpty
    if isSettled {
      report.document.table(measured.agreementTable)
      report.document.paragraph(
        "Errors are predicted ÷ measured − 1 of each point; the spread is half the distance between the quartiles of the "
          + "repetitions, over their median. *Same bound* is the share of points whose predicted bound is the one that "
          + "at least two signs show and none denies.")
    }
    report.document.list(measured.agreementFindings)
    if isSettled {
      try await report.figure(
        chart(measured.heldOut), "agreement",
        caption: "Predicted against measured time of every held-out phase; the band is ±15 %.")
    }
    report.document.table(measured.pointTable)
    if !measured.corrections.isEmpty {
      report.document.heading("The points that corrected the profile", level: 3)
      report.document.table(measured.fittedTable)
      report.document.table(measured.correctionTable)
    }
  }

  private func chart(_ timed: [TimedPhaseResult]) -> AgreementChart {
    let rows = timedRows(timed)
    let worst = rows.map(\.agreement.mapePercent).max() ?? 0
    let groups = rows.map { row in
      AgreementChart.Group(
        "\(row.architecture) \(row.metric.rawValue)",
        timed.filter { $0.phase == row.metric && $0.point.group == row.architecture }.map {
          (measured: $0.pair.measured, predicted: $0.pair.predicted)
        })
    }
    return AgreementChart(
      "Mean errors are at most \(NumberFormat.percent(decimals: 1).text(worst))",
      subtitle: "each point is one phase of one workload", quantity: "time", unit: "s", groups: groups)
  }
}
