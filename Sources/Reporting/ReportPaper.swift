import Architectures
import Formulas
import Quantities
import Reports
import Scenarios

/// One row of the paper's main table, per protocol.
/// - Source: arXiv:2512.20687v2, Table 1 (memory in GiB per sample, throughput in thousand tokens per second)
private struct PaperRow {
  let name: String
  let memory: (prefillHeavy: Double, decodeHeavy: Double)
  let throughput: (prefillHeavy: Double, decodeHeavy: Double)
}

private let paperRows = [
  PaperRow(name: "vanilla-600m", memory: (0.275, 0.230), throughput: (0.89, 1.69)),
  PaperRow(name: "vanilla-900m", memory: (0.298, 0.354), throughput: (1.19, 2.34)),
  PaperRow(name: "vanilla-1.2b", memory: (0.439, 0.390), throughput: (0.53, 1.00)),
  PaperRow(name: "block-600m", memory: (0.044, 0.031), throughput: (24.76, 47.39)),
  PaperRow(name: "block-900m", memory: (0.054, 0.038), throughput: (26.23, 52.67)),
  PaperRow(name: "block-1.2b", memory: (0.070, 0.051), throughput: (14.35, 27.55)),
  PaperRow(name: "photon-600m", memory: (0.031, 0.023), throughput: (39.14, 70.43)),
  PaperRow(name: "photon-900m", memory: (0.037, 0.027), throughput: (42.24, 75.52)),
  PaperRow(name: "photon-1.2b", memory: (0.044, 0.036), throughput: (23.93, 43.80)),
]

extension ReportSubject {
  /// Ratios to the vanilla model of the same size: ours at the scenario's batch and at the largest, and the paper's.
  func paperTable(_ document: inout MarkdownDocument) {
    var table = Table([
      .text("model"), Column("prompt"), Column("generated"),
      Column("memory", "memory, exact", as: .ratio), Column("paper_memory", "memory, paper", as: .ratio),
      Column("throughput", "throughput, this batch", as: .ratio),
      Column("largest_throughput", "throughput, largest batch", as: .ratio),
      Column("paper_throughput", "throughput, paper", as: .ratio),
      Column("largest_tpm", "TPM, largest batch", as: .ratio), Column("paper_tpm", "TPM, paper", as: .ratio),
    ])
    for summary in summaries {
      guard let paper = printed(summary.point), let size = summary.point.name.split(separator: "-").last,
        summary.point.model.family != .vanilla,
        let vanilla = summaries.first(where: {
          $0.point.name == "vanilla-\(size)" && $0.point.workload == summary.point.workload
        }), let printedVanilla = printed(vanilla.point)
      else { continue }
      func over(_ left: Double?, _ right: Double?) -> Cell {
        guard let left, let right, right > 0 else { return .missing }
        return Cell(left / right)
      }
      table.append([
        Cell(summary.point.name), Cell(summary.point.workload.promptLength),
        Cell(summary.point.workload.generatedLength),
        over(vanilla.cacheBytesPerToken, summary.cacheBytesPerToken), over(printedVanilla.memory, paper.memory),
        over(summary.figures.throughput.perSecond, vanilla.figures.throughput.perSecond),
        over(summary.atLargestBatch?.throughput.perSecond, vanilla.atLargestBatch?.throughput.perSecond),
        over(paper.throughput, printedVanilla.throughput),
        over(
          summary.atLargestBatch?.throughputPerSampleGibibyte, vanilla.atLargestBatch?.throughputPerSampleGibibyte),
        over(paper.throughput / paper.memory, printedVanilla.throughput / printedVanilla.memory),
      ])
    }
    guard !table.rows.isEmpty else { return }
    document.heading("Gains over vanilla beside the paper's", level: 3)
    document.paragraph(
      "Ratios to the vanilla model of the same size (memory: vanilla over model; the rest: model over vanilla). The paper "
        + "(arXiv:2512.20687v2, Table 1) measured on an H200 and states neither batch nor kernels; ours are rooflines at the "
        + "scenario's batch and at the largest batch that fits. TPM at the largest batch counts memory twice: it "
        + "sets the batch and divides the throughput.")
    document.table(table)
  }

  private func printed(_ point: ScenarioPoint) -> (memory: Double, throughput: Double)? {
    guard let row = paperRows.first(where: { $0.name == point.name }) else { return nil }
    switch (point.workload.promptLength, point.workload.generatedLength) {
    case (2048, 128): return (row.memory.prefillHeavy, row.throughput.prefillHeavy)
    case (128, 2048): return (row.memory.decodeHeavy, row.throughput.decodeHeavy)
    default: return nil
    }
  }
}
