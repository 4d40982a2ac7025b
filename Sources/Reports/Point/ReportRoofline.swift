import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// The costliest operations of both phases under the machine's roof.
  func rooflineSection(_ report: inout ReportBuilder) async throws {
    guard !phasesWithWork.isEmpty else { return }
    func costliest(_ group: String, _ estimate: PhaseEstimate) -> [Plotted] {
      estimate.nodes
        .filter { $0.figure.flops > 0 && $0.figure.bytes > 0 }
        .filter { $0.figure.time.value > 0.01 * estimate.total.time.value }
        .sorted { ($1.figure.time, $0.node) < ($0.figure.time, $1.node) }.prefix(8)
        .map { Plotted(group: group, node: $0.node, figure: $0.figure) }
    }
    var shown = phasesWithWork.flatMap { costliest("\($0.rawValue), batch \(workload.batchSize)", timed.estimate($0)) }
    let batch = min(256, timed.largestBatch ?? 256)
    if workload.generatedLength > 0, batch > workload.batchSize {
      shown += costliest("decode, batch \(batch)", phases(question.with(batchSize: batch)).decode)
    }
    var table = Table([
      .text("operation"), .text("phase"), Column("intensity", "FLOP per byte", as: .significant(3)),
      Column("rate", "rate", as: .si(unit: "FLOP/s")), Column("time_s", "time", as: .si(unit: "s")), .text("bound"),
      Column("margin", as: .ratio),
    ])
    for operation in shown {
      let figure = operation.figure
      table.append([
        Cell("`\(operation.node)`"), Cell(operation.group), Cell(figure.intensity),
        Cell(figure.achieved.perSecond), Cell(figure.time.value), Cell(figure.bound.rawValue), Cell(figure.margin),
      ])
    }
    let ridge = roofline.product.perSecond / profile.memoryBandwidth.perSecond
    let bounds = phasesWithWork.map { "\($0.rawValue) at \(significant(timed[$0].intensity))" }
    report.document.heading("Roofline")
    report.document.paragraph(
      "The costliest operations of each phase, eight at most and none below 1 % of its time, at \(describe(workload)). Left of the ridge, \(significant(ridge)) FLOP per byte, memory "
        + "limits; right of it arithmetic. Element-wise work has a lower roof than the one drawn, so attention and norms "
        + "stay below it. \"+ 3\" stands for three more operations in the same place; the table has them all."
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
    var group: String
    var node: Node
    var figure: TimeFigure

    /// `decoder 1 feed-forward`
    var name: String {
      "\(node.side.rawValue) \(node.level) \(node.component.rawValue.replacing("_", with: "-"))"
    }

    /// Whether two points would lie on each other: within a fifth in both directions.
    func isNear(_ other: Self) -> Bool {
      func near(_ left: Double, _ right: Double) -> Bool { max(left, right) < 1.2 * min(left, right) }
      return group == other.group && near(figure.intensity, other.figure.intensity)
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
        first.name + (cluster.count > 1 ? " + \(cluster.count - 1)" : ""), group: first.group,
        intensity: first.figure.intensity, rate: first.figure.achieved.perSecond)
    }
  }
}
