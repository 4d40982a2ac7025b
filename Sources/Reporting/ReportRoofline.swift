import Architectures
import Formulas
import Hardware
import Quantities
import Reports
import Scenarios

extension ReportSubject {
  /// The costliest operations of both phases under the machine's roof.
  func rooflineSection(_ report: inout ReportBuilder) async throws {
    guard !phasesWithWork.isEmpty else { return }
    let shown = phasesWithWork.flatMap { phase in
      timed.estimate(phase).nodes
        .filter { $0.figure.flops > 0 && $0.figure.bytes > 0 && $0.figure.time.value > 0.01 * timed[phase].time.value }
        .sorted { ($1.figure.time, $0.node) < ($0.figure.time, $1.node) }.prefix(8)
        .map { Plotted(phase: phase, node: $0.node, figure: $0.figure) }
    }
    var table = Table([
      .text("operation"), .text("phase"), Column("intensity", "FLOP per byte", as: .significant(3)),
      Column("rate", "rate", as: .si(unit: "FLOP/s")), Column("time_s", "time", as: .si(unit: "s")), .text("bound"),
      Column("margin", as: .ratio),
    ])
    for operation in shown {
      let figure = operation.figure
      table.append([
        Cell("`\(operation.node)`"), Cell(operation.phase.rawValue), Cell(figure.intensity),
        Cell(figure.achieved.perSecond), Cell(figure.time.value), Cell(figure.bound.rawValue), Cell(figure.margin),
      ])
    }
    let ridge = roofline.product.perSecond / profile.memoryBandwidth.perSecond
    let bounds = phasesWithWork.map { "\($0.rawValue) at \(significant(timed[$0].intensity))" }
    report.document.heading("Roofline")
    report.document.paragraph(
      "The operations that take more than 1 % of their phase at \(describe(workload)). Left of the ridge, \(significant(ridge)) FLOP per byte, memory "
        + "limits; right of it arithmetic. Element-wise work has a lower roof than the one drawn, so attention and norms "
        + "stay below it. A point with a number stands for several operations that lie together; the table has them all."
    )
    try await report.figure(
      RooflineChart(
        "The ridge is at \(significant(ridge)) FLOP per byte, \(bounds.joined(separator: ", "))",
        subtitle: "\(point.name) on \(profile.name), \(describe(workload))",
        roofs: [
          .init(profile.name, bandwidth: profile.memoryBandwidth.perSecond, peak: roofline.product.perSecond)
        ], operations: clusters(shown)), "roofline",
      caption: "Rate over arithmetic intensity of the costliest operations.")
    report.document.table(table)
  }

  private struct Plotted {
    var phase: Phase
    var node: Node
    var figure: TimeFigure

    /// `decoder 1 feed-forward`
    var name: String {
      "\(node.side.rawValue) \(node.level) \(node.component.rawValue.replacing("_", with: "-"))"
    }

    /// Whether two points would lie on each other: within a fifth in both directions.
    func isNear(_ other: Self) -> Bool {
      func near(_ left: Double, _ right: Double) -> Bool { max(left, right) < 1.2 * min(left, right) }
      return phase == other.phase && near(figure.intensity, other.figure.intensity)
        && near(figure.achieved.perSecond, other.figure.achieved.perSecond)
    }
  }

  /// Operations that lie together are drawn once, at the costliest of them.
  private func clusters(_ operations: [Plotted]) -> [RooflineChart.Operation] {
    var clusters: [[Plotted]] = []
    for operation in operations {
      if let index = clusters.firstIndex(where: { $0[0].isNear(operation) }) {
        clusters[index].append(operation)
      } else {
        clusters.append([operation])
      }
    }
    return clusters.map { cluster in
      let first = cluster[0]
      return .init(
        first.name + (cluster.count > 1 ? " + \(cluster.count - 1) alike" : ""), group: first.phase.rawValue,
        intensity: first.figure.intensity, rate: first.figure.achieved.perSecond)
    }
  }
}
