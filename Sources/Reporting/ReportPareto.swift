import Architectures
import Formulas
import Quantities
import Reports
import Scenarios

extension ReportSubject {
  /// Models at the explained workload that no other equals or beats in every figure.
  func paretoSection(_ document: inout MarkdownDocument) {
    let rivals = summaries.filter {
      $0.point.workload == workload && $0.fits && $0.point.precision == precision
        && (quality == nil || $0.quality != nil)
    }
    guard rivals.count > 1 else { return }
    let front = rivals.filter { candidate in !rivals.contains { dominates($0, candidate) } }
      .sorted { ($0.decode.time.value, $0.point.index) < ($1.decode.time.value, $1.point.index) }
    document.heading("Pareto set")
    let figures = "prefill time, decode time, cache and parameters" + (quality.map { " and \($0.figure)" } ?? "")
    let place =
      "\(number(front.count)) of \(number(rivals.count)) models at \(describe(workload)) are not beaten in all of "
      + "\(figures) at once by another."
    if let quality {
      document.paragraph(
        "\(place) `\(quality.figure)` is the scenario's quality table, \(quality.isSmallerBetter ? "smaller" : "larger") "
          + "is better; costs are computed.")
    } else {
      document.paragraph(
        "\(place) **Quality is not in it:** the scenario names no quality table. Longer chunks and shorter conditions cost "
          + "less and predict worse, which no cost model can weigh; a model outside the set may well be the one to build."
      )
    }
    var table = Table(
      [.text("model"), .text("hierarchy")]
        + (quality.map { [Column("quality", $0.figure, as: .significant(4))] } ?? [])
        + [
          Column("decode_s", "decode per token", as: .si(unit: "s")),
          Column("prefill_s", "prefill", as: .si(unit: "s")),
          Column("cache", "cache per prompt", as: .binaryBytes), Column("parameters", as: .si(unit: "")),
        ])
    for summary in front.prefix(24) {
      table.append(
        [Cell("`\(summary.point.name)`"), Cell(summary.point.model.hierarchyText)]
          + (quality == nil ? [] : [Cell(summary.quality)])
          + [
            Cell(summary.figures.timePerOutputToken?.value), Cell(summary.prefill.time.value),
            Cell(summary.totals.cache.bytesAtEnd / Int128(workload.batchSize)), Cell(summary.parameterCount),
          ])
    }
    document.table(table)
    if front.count > 24 { document.paragraph("The first 24 by decode time are shown.") }
  }

  /// Whether a point is at least as good as another in every figure and better in one.
  private func dominates(_ left: PointSummary, _ right: PointSummary) -> Bool {
    func figures(_ summary: PointSummary) -> [Double] {
      let sign = quality?.isSmallerBetter == false ? -1.0 : 1
      return [
        summary.prefill.time.value, summary.decode.time.value, Double(summary.totals.cache.bytesAtEnd),
        Double(summary.parameterCount), sign * (summary.quality ?? 0),
      ]
    }
    let pairs = zip(figures(left), figures(right))
    return pairs.allSatisfy { $0 <= $1 } && pairs.contains { $0 < $1 }
  }
}
