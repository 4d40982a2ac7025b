import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// Which ceiling holds at every batch and prompt, and what a doubling does.
  func regimeSection(_ report: inout ReportBuilder) async throws {
    guard !phasesWithWork.isEmpty else { return }
    report.document.heading("Regimes over batch and context")
    report.document.paragraph(
      "Each cell has the margin of its bound for \(number(workload.generatedLength)) generated tokens; grey does not fit "
        + "into \(codeSpan(profile.name)).")
    for phase in phasesWithWork {
      try await report.figure(
        try regimes(phase), "regime-\(phase.rawValue)",
        caption: "Bound of \(phase.rawValue) and its margin over batch and prompt.")
    }
    report.document.paragraph(
      "Elasticity is the exponent of growth over one doubling, here from \(describe(workload)): 1 where time is "
        + "proportional, 0 where the doubling is free.")
    report.document.table(elasticities)
  }

  private var elasticities: Table {
    var table = Table([
      .text("phase"), Column("batch", "doubled batch", as: .fixed(decimals: 2)),
      Column("prompt", "doubled prompt", as: .fixed(decimals: 2)),
      Column("generated", "doubled generated", as: .fixed(decimals: 2)),
      Column("continuations", "doubled continuations", as: .fixed(decimals: 2)),
    ])
    for phase in phasesWithWork {
      func cell(_ value: Int, _ change: (Int) -> Question) -> Cell {
        guard value > 0 else { return .missing }
        let growth = elasticity(doubling: value) { phases(change($0))[phase].total.time }
        return growth.isFinite ? Cell(growth) : .missing
      }
      table.append([
        Cell(phase.rawValue), cell(workload.batchSize) { question.with(batchSize: $0) },
        cell(workload.promptLength) { question.with(promptLength: $0) },
        cell(workload.generatedLength) { question.with(generatedLength: $0) },
        cell(workload.continuations) { question.with(continuations: $0) },
      ])
    }
    return table
  }

  private func regimes(_ phase: Phase) throws -> RegimeMap {
    let prompts = (7...20).map { 1 << $0 }
    let batches = (0...8).map { 1 << $0 }
    let cells = try batches.map { batch in
      try prompts.map { prompt -> RegimeMap.Cell in
        let question = question.with(promptLength: prompt).with(batchSize: batch)
        let memory = try MemoryDemand(question, devices: profile.devices)
        guard memory.fits(batchSize: Int128(batch), on: profile) else { return .init(2) }
        let figure = phases(question)[phase].total
        guard figure.time.isNumber else { return .init(2, seconds(figure.time)) }
        return .init(figure.bound == .compute ? 0 : 1, NumberFormat.significant(2).text(figure.margin))
      }
    }
    let boundary = prompts.compactMap { prompt -> (x: Double, y: Double)? in
      let flips = batchFlips(phase, in: 1...256, question.with(promptLength: prompt), roofline)
      return flips.first.map { (Double(prompt), max(1, $0.root)) }
    }
    return RegimeMap(
      regimeTitle(phase, cells), subtitle: "\(point.name) on \(profile.name); numbers are margins (×)",
      x: "prompt (tokens)", xValues: prompts.map(Double.init), y: "batch (prompts)",
      yValues: batches.map(Double.init), cells: cells, boundary: boundary)
  }

  private func regimeTitle(_ phase: Phase, _ cells: [[RegimeMap.Cell]]) -> String {
    let fitting = cells.joined().filter { $0.regime < 2 }
    let compute = fitting.count { $0.regime == 0 }
    switch compute {
    case _ where fitting.isEmpty: return "\(phase.title) fits nowhere"
    case 0: return "\(phase.title) is memory-\(point.model.usesHost ? " or link-" : "")bound wherever it fits"
    case fitting.count: return "\(phase.title) is compute-bound wherever it fits"
    default:
      return "\(phase.title) is compute-bound at \(compute) of the \(fitting.count) batches and prompts that fit"
    }
  }

  /// The explained point on the scenario's other machines.
  func machineSection(_ document: inout MarkdownDocument) throws {
    guard !otherProfiles.isEmpty else { return }
    document.heading("Other machines")
    document.paragraph("The explained model at \(describe(workload)) on every profile that the scenario names.")
    let points = try ([profile] + otherProfiles).map { try TimedPoint(question, on: $0) }
    let table = Table(
      [
        TableColumn(.text("hardware")) { Cell(codeSpan($0.profile)) },
        PointFigure.phase(.time, .prefill).reported(),
        PointFigure.phase(.boundWithMargin, .prefill).reported(),
        PointFigure.phase(.timePerToken, .decode).reported(),
        PointFigure.phase(.boundWithMargin, .decode).reported(), PointFigure.memory(.largestBatch).reported(),
        PointFigure.serving(.throughputAtLargestBatch).reported("throughput there", as: .si(unit: "tok/s")),
      ], of: points)
    document.table(table)
  }
}
