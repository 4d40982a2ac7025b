import Quantities
import Reporting
import Reports
import Scenarios
import Validation

/// What an exact validation over a scenario's points found, and how many points there are.
struct ExactSection {
  /// Executing shapes costs time for every generated token: a report takes a fixed spread of a large grid.
  static let pointLimit = 64

  var result: ExactResult
  var total: Int

  /// Runs the grid's models and the baselines on shapes; the sample does not depend on the machine.
  /// - Throws: `CountOverflow`
  init(_ subject: ReportSubject) throws {
    let points = subject.summaries.map(\.point)
    let stride = (points.count + Self.pointLimit - 1) / Self.pointLimit
    // An odd stride runs through the values of every axis, whose lengths are mostly even.
    let step = points.count <= Self.pointLimit ? 1 : stride | 1
    let baselines = subject.scenario.compare.map(\.model)
    var result = ExactResult()
    for index in Swift.stride(from: 0, to: points.count, by: step) {
      let point = points[index]
      let models = [point.model] + baselines
      result += try validateExactly(
        models.map { GridPoint(model: $0, workload: point.workload) }, point.precision)
    }
    self.result = result
    total = points.count * (1 + baselines.count)
  }
}

/// What this machine executed, apart from the computed part.
func measuredSections(_ report: inout ReportBuilder, exact: ExactSection?) {
  report.document.heading("Measured part")
  guard let exact else {
    report.document.paragraph("Nothing was executed for this report: every number above is computed.")
    return
  }
  report.document.paragraph(
    "What follows was executed on the machine that wrote the report; nothing above depends on it.")
  exactSection(&report.document, exact)
}

/// Whether the executed model's integers are those of the formulas.
private func exactSection(_ document: inout MarkdownDocument, _ exact: ExactSection) {
  let result = exact.result
  document.heading("Formulas against the executed model", level: 3)
  document.paragraph(
    "The models ran on shapes: every operation was dispatched and counted, every cache filled. Each level, side, component, "
      + "phase and quantity, the bytes that caches hold and the parameters were compared with the formulas as integers."
  )
  var table = Table([
    .text("quantity"), Column("count"),
  ])
  table.append(["points of the scenario, with its baselines", Cell(exact.total)])
  table.append(["of them executed, evenly spread", Cell(result.points)])
  table.append(["integers compared", Cell(result.checked)])
  table.append(["**mismatches**", Cell(result.mismatchCount)])
  document.table(table)
  guard result.mismatchCount > 0 else { return }
  document.list(result.mismatches.map { "`\($0)`" })
}
