import Architectures
import Formulas
import Hardware
import Quantities
import Reports
import Scenarios

extension ReportSubject {
  /// The costliest operations of both phases under the machine's roof.
  func rooflineSection(_ report: inout ReportBuilder) async throws {
    var table = Table([
      .text("operation"), .text("phase"), Column("intensity", "FLOP per byte", as: .significant(3)),
      Column("rate", "rate", as: .si(unit: "FLOP/s")), Column("time_s", "time", as: .si(unit: "s")), .text("bound"),
      Column("margin", as: .ratio),
    ])
    var operations: [RooflineChart.Operation] = []
    for (phase, limit) in [(Phase.prefill, 7), (.decode, 8)] {
      let estimate = phase == .prefill ? timed.prefill : timed.decode
      let worked = estimate.nodes.filter { $0.figure.flops > 0 && $0.figure.bytes > 0 }
      let costliest = worked.sorted { ($1.figure.time, $0.node) < ($0.figure.time, $1.node) }.prefix(limit)
      for (node, figure) in costliest {
        let name = "\(node.side == .encoder ? "enc" : "dec") \(node.level) "
          + node.component.rawValue.replacing("_", with: "-")
        operations.append(
          .init(name, group: phase.rawValue, intensity: figure.intensity, rate: figure.achieved.perSecond))
        table.append([
          Cell("`\(node)`"), Cell(phase.rawValue), Cell(figure.intensity), Cell(figure.achieved.perSecond),
          Cell(figure.time.value), Cell(figure.bound.rawValue), Cell(figure.margin),
        ])
      }
    }
    report.document.heading("Roofline")
    report.document.paragraph(
      "Operations with the largest time at \(describe(workload)); left of the ridge "
        + "(\(NumberFormat.significant(3).text(roofline.product.perSecond / profile.memoryBandwidth.perSecond)) FLOP per "
        + "byte) memory limits, right of it arithmetic. Element-wise work has a lower roof than the one drawn.")
    try await report.figure(
      RooflineChart(
        "Operations under the roof of \(profile.name)", subtitle: "\(point.name), \(describe(workload))",
        roofs: [
          .init(
            profile.name, bandwidth: profile.memoryBandwidth.perSecond, peak: roofline.product.perSecond)
        ], operations: operations), "roofline",
      caption: "Rate over arithmetic intensity of the costliest operations.")
    report.document.table(table)
  }

  /// Which ceiling holds at every batch and prompt.
  func regimeSection(_ report: inout ReportBuilder) async throws {
    report.document.heading("Regimes over batch and context")
    report.document.paragraph(
      "Each cell names the margin of its bound at \(number(workload.generatedLength)) generated tokens; grey does not fit "
        + "into the \(NumberFormat.binaryBytes.text(Int128(profile.memoryBytes))) of `\(profile.name)` with "
        + "\(percent(profile.reserve)) kept in reserve.")
    for phase in Phase.allCases where timed[phase].time > .zero {
      try await report.figure(
        try regimes(phase), "regime-\(phase.rawValue)",
        caption: "Bound of \(phase.rawValue) and its margin over batch and prompt.")
    }
  }

  private func regimes(_ phase: Phase) throws -> RegimeMap {
    let prompts = stride(from: 7, through: 20, by: 1).map { 1 << $0 }
    let batches = (0...8).map { 1 << $0 }
    let cells = try batches.map { batch in
      try prompts.map { prompt -> RegimeMap.Cell in
        let workload = workload.with(promptLength: prompt).with(batchSize: batch)
        let memory = try MemoryDemand(model, workload, precision)
        guard memory.fits(batchSize: Int128(batch), on: profile) else { return .init(2) }
        let figure = phases(model, workload)[phase].total
        return .init(figure.bound == .compute ? 0 : 1, NumberFormat.significant(2).text(figure.margin))
      }
    }
    let boundary = prompts.compactMap { prompt -> (x: Double, y: Double)? in
      let flips = batchFlips(phase, in: 1...256, model, workload.with(promptLength: prompt), precision, roofline)
      return flips.first.map { (Double(prompt), max(1, $0.root)) }
    }
    return RegimeMap(
      "What bounds \(phase.rawValue)", subtitle: "\(point.name) on \(profile.name); numbers are margins (×)",
      x: "prompt (tokens)", xValues: prompts.map(Double.init), y: "batch (prompts)",
      yValues: batches.map(Double.init), cells: cells, boundary: boundary)
  }
}
