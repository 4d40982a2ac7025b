import Architectures
import Formulas
import Quantities
import Reports
import Scenarios

extension ReportSubject {
  /// Points at the detailed workload that no other beats in cache and in decode time at once.
  func paretoSection(_ document: inout MarkdownDocument) {
    let rivals = summaries.filter { $0.point.workload == workload && $0.fits && $0.point.precision == precision }
    guard rivals.count > 1 else { return }
    var front: [PointSummary] = []
    var least = Double.infinity
    let ordered = rivals.sorted {
      ($0.decode.time.value, $0.cacheBytesPerToken, $0.point.index)
        < ($1.decode.time.value, $1.cacheBytesPerToken, $1.point.index)
    }
    for summary in ordered where summary.cacheBytesPerToken < least {
      least = summary.cacheBytesPerToken
      front.append(summary)
    }
    document.heading("Pareto set of cache and decode time")
    document.paragraph(
      "\(front.count) of \(number(rivals.count)) points at \(describe(workload)) are not beaten in both figures by another. "
        + "**Quality is not in it:** longer chunks and shorter conditions cost less and predict worse, which no cost model "
        + "can weigh; read the set as the candidates that a quality measurement has to decide between.")
    var table = Table([
      .text("model"), .text("hierarchy"), Column("parameters", as: .si(unit: "")),
      Column("cache", "cache per token", as: .binaryBytes), Column("token_s", "decode per token", as: .si(unit: "s")),
      Column("prefill_s", "prefill", as: .si(unit: "s")),
    ])
    for summary in front.prefix(20) {
      table.append([
        Cell(summary.point.name), Cell(summary.point.model.hierarchyText), Cell(summary.parameterCount),
        Cell(summary.cacheBytesPerToken), Cell(summary.figures.timePerOutputToken?.value),
        Cell(summary.prefill.time.value),
      ])
    }
    document.table(table)
  }
}
