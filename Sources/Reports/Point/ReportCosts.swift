import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// Work and time by level, side and component, for both phases.
  func costSection(_ report: inout ReportBuilder) async throws {
    guard !phasesWithWork.isEmpty else { return }
    report.document.heading("Cost by level and component")
    report.document.paragraph(
      "At \(describe(workload)). Counts are exact; time is what each node contributes on \(codeSpan(profile.name)).")
    for phase in phasesWithWork {
      report.document.heading(phase.title, level: 3)
      if let bars = costBars(phase) {
        try await report.figure(
          bars, "cost-\(phase.rawValue)",
          caption: "\(phase.title) time by level and component, \(describe(workload)); below a thousandth left out.")
      } else {
        report.document.paragraph("No operation takes a thousandth of the time: overheads of steps and tokens take it.")
      }
      report.document.table(costTable(phase))
    }
  }

  private func costTable(_ phase: Phase) -> Table {
    var table = Table([
      .text("node"), WorkFigure.matmulFlops.reportColumn, WorkFigure.elementwiseFlops.reportColumn,
      WorkFigure.weightBytes.reportColumn, WorkFigure.activationBytes.reportColumn,
      Column("cache_bytes", "cache read + written", as: .binaryBytes), WorkFigure.localReadBytes.reportColumn,
      Column("time_s", "time", as: .si(unit: "s")),
      Column("share", "share", as: .percent(decimals: 1)), .text("bound"),
    ])
    let total = timed[phase]
    func row(_ name: String, _ work: Work<Int128>, _ figure: TimeFigure) {
      func cell(_ count: Int128) -> Cell { count == 0 ? .missing : Cell(count) }
      table.append([
        Cell(name), cell(work.matmulFlops), cell(work.elementwiseFlops), cell(bytes(work.weightBits)),
        cell(bytes(work.activationBits)), cell(bytes(work.cacheReadBits + work.cacheWriteBits)),
        cell(bytes(work.localReadBits)), Cell(figure.time.value),
        Cell(total.time == .zero ? 0 : 100 * figure.time.value / total.time.value),
        Cell(boundText(figure)),
      ])
    }
    for entry in cost[phase] where entry.work != .zero {
      row("`\(entry.node)`", entry.work, timed.estimate(phase)[entry.node])
    }
    row("**total**", cost.totals[phase], total)
    return table
  }

  /// One bar per level and side, one colour per component; the title says which part is the largest.
  private func costBars(_ phase: Phase) -> BarChart? {
    let estimate = timed.estimate(phase)
    var places: [(level: Int, side: Side)] = []
    let threshold = 0.001 * estimate.total.time.value
    for entry in cost[phase] where estimate[entry.node].time.value > threshold {
      if !places.contains(where: { $0 == (entry.node.level, entry.node.side) }) {
        places.append((entry.node.level, entry.node.side))
      }
    }
    // A component of cache methods is shown where the model has one.
    let components = Component.allCases.filter { $0 != .upkeep || !model.hasFullCaches }
    let values = places.map { place in
      components.map { component -> Double? in
        let time = estimate[Node(place.level, place.side, component)].time
        return time.value > threshold ? time.value : nil
      }
    }
    let sums = values.map { $0.reduce(0) { $0 + ($1 ?? 0) } }
    guard let largest = sums.indices.max(by: { sums[$0] < sums[$1] }) else { return nil }
    func name(_ place: (level: Int, side: Side)) -> String { "level \(place.level) \(place.side.rawValue)" }
    let share = sums[largest] / estimate.total.time.value
    return BarChart(
      "\(phase.title): \(name(places[largest])) takes \(NumberFormat.percent(decimals: 0).text(100 * share)) of the time",
      subtitle: "\(point.name) on \(profile.name), \(describe(workload))",
      axis: Axis("time (s)", format: .si(unit: "s")), categories: places.map(name),
      series: components.map { $0.rawValue.replacing("_", with: "-") }, values: values,
      format: .si(unit: "s"))
  }
}
