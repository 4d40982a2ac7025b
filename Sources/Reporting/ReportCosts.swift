import Architectures
import Formulas
import Hardware
import Quantities
import Reports
import Scenarios

extension ReportSubject {
  /// Work and time by level, side and component, for both phases.
  func costSection(_ report: inout ReportBuilder) async throws {
    report.document.heading("Cost by level and component")
    report.document.paragraph(
      "At \(describe(workload)). Time is what each node contributes on `\(profile.name)`; counts are exact.")
    for phase in Phase.allCases where !costTable(phase).rows.isEmpty {
      report.document.heading(phase == .prefill ? "Prefill" : "Decode", level: 3)
      report.document.table(costTable(phase))
      try await report.figure(
        costBars(phase), "cost-\(phase.rawValue)",
        caption: "\(phase == .prefill ? "Prefill" : "Decode") time by level and component, \(describe(workload)).")
    }
  }

  private func estimate(_ phase: Phase) -> PhaseEstimate { phase == .prefill ? timed.prefill : timed.decode }

  private func costTable(_ phase: Phase) -> Table {
    var table = Table([
      .text("node"), Column("matmul_flops", "matrix work", as: .si(unit: "FLOP")),
      Column("elementwise_flops", "element-wise", as: .si(unit: "FLOP")),
      Column("weight_bytes", "weights read", as: .binaryBytes),
      Column("activation_bytes", "activations", as: .binaryBytes),
      Column("cache_bytes", "cache read + written", as: .binaryBytes),
      Column("local_read_bytes", "windows read", as: .binaryBytes), Column("time_s", "time", as: .si(unit: "s")),
      Column("share", "share", as: .percent(decimals: 1)), .text("bound"),
    ])
    let total = estimate(phase).total
    func row(_ name: String, _ work: Work<Int128>, _ figure: TimeFigure) {
      table.append([
        Cell(name), Cell(work.matmulFlops), Cell(work.elementwiseFlops), Cell(bytes(work.weightBits)),
        Cell(bytes(work.activationBits)), Cell(bytes(work.cacheReadBits + work.cacheWriteBits)),
        Cell(bytes(work.localReadBits)), Cell(figure.time.value),
        Cell(total.time == .zero ? 0 : 100 * figure.time.value / total.time.value), Cell(figure.bound.rawValue),
      ])
    }
    for entry in cost[phase] where entry.work != .zero {
      row("`\(entry.node)`", entry.work, estimate(phase)[entry.node])
    }
    if !table.rows.isEmpty { row("**total**", cost.totals[phase], total) }
    return table
  }

  /// One bar per level and side, one colour per component.
  private func costBars(_ phase: Phase) -> BarChart {
    var places: [(level: Int, side: Side)] = []
    for entry in cost[phase] where !places.contains(where: { $0 == (entry.node.level, entry.node.side) }) {
      places.append((entry.node.level, entry.node.side))
    }
    let values = places.map { place in
      Component.allCases.map { component -> Double? in
        let time = estimate(phase)[Node(place.level, place.side, component)].time
        return time == .zero ? nil : time.value
      }
    }
    return BarChart(
      "\(phase == .prefill ? "Prefill" : "Decode") time by level and component", subtitle: point.name,
      axis: Axis("time on \(profile.name) (s)", format: .si(unit: "s")),
      categories: places.map { "level \($0.level) \($0.side.rawValue)" },
      series: Component.allCases.map { $0.rawValue.replacing("_", with: "-") }, values: values,
      format: .si(unit: "s"))
  }
}
