import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

/// One row of the paper's main table, per protocol.
/// - Source: arXiv:2512.20687v2, Table 1 (memory in GiB per sample, throughput in thousand tokens per second)
struct PaperRow {
  let family: Family
  /// As the paper calls it: `600m`.
  let size: String
  let memory: (prefillHeavy: Double, decodeHeavy: Double)
  let throughput: (prefillHeavy: Double, decodeHeavy: Double)

  /// The preset of this model.
  var name: String { "\(family.rawValue)-\(size)" }

  /// The vanilla model of the same size.
  var vanilla: PaperRow? {
    let stacks = Family.comparisonOrder.of(.stack)
    return Self.all.first { stacks.contains($0.family) && $0.size == size }
  }

  static let all = [
    PaperRow(family: .vanilla, size: "600m", memory: (0.275, 0.230), throughput: (0.89, 1.69)),
    PaperRow(family: .vanilla, size: "900m", memory: (0.298, 0.354), throughput: (1.19, 2.34)),
    PaperRow(family: .vanilla, size: "1.2b", memory: (0.439, 0.390), throughput: (0.53, 1.00)),
    PaperRow(family: .block, size: "600m", memory: (0.044, 0.031), throughput: (24.76, 47.39)),
    PaperRow(family: .block, size: "900m", memory: (0.054, 0.038), throughput: (26.23, 52.67)),
    PaperRow(family: .block, size: "1.2b", memory: (0.070, 0.051), throughput: (14.35, 27.55)),
    PaperRow(family: .photon, size: "600m", memory: (0.031, 0.023), throughput: (39.14, 70.43)),
    PaperRow(family: .photon, size: "900m", memory: (0.037, 0.027), throughput: (42.24, 75.52)),
    PaperRow(family: .photon, size: "1.2b", memory: (0.044, 0.036), throughput: (23.93, 43.80)),
  ]
}

/// What the paper prints for one model under one of its protocols.
struct PaperFigures {
  /// - Unit: GiB per sample
  var memory: Double
  /// - Unit: token/s
  var throughput: Double
  /// - Unit: token/s/GiB
  var tpm: Double { throughput / memory }

  /// Nil for a workload that is neither of the paper's protocols.
  init?(_ row: PaperRow, _ workload: Workload) {
    switch (workload.promptLength, workload.generatedLength) {
    case (2048, 128): (memory, throughput) = (row.memory.prefillHeavy, 1000 * row.throughput.prefillHeavy)
    case (128, 2048): (memory, throughput) = (row.memory.decodeHeavy, 1000 * row.throughput.decodeHeavy)
    default: return nil
    }
  }
}

/// A published model under a published protocol: what is computed and what is printed, for it and for vanilla.
struct PaperComparison {
  var row: ServingRow
  var paper: PaperFigures
  var vanilla: ServingRow
  var paperVanilla: PaperFigures

  var memoryGain: Double {
    Double(vanilla.timed.memory.bytesPerSequence) / Double(max(1, row.timed.memory.bytesPerSequence))
  }
  var paperMemoryGain: Double { paperVanilla.memory / paper.memory }
  /// At the scenario's batch.
  var throughputGain: Double { row.timed.figures.throughput.perSecond / vanilla.timed.figures.throughput.perSecond }
  /// At the largest batch that fits.
  var largestGain: Double? { gain { $0.throughput.perSecond } }
  var paperThroughputGain: Double { paper.throughput / paperVanilla.throughput }
  var tpmGain: Double { throughputGain * memoryGain }
  var largestTPMGain: Double? { gain { $0.throughputPerSampleGibibyte } }
  var paperTPMGain: Double { paper.tpm / paperVanilla.tpm }

  private func gain(_ value: (ServingFigures) -> Double?) -> Double? {
    guard let own = row.timed.atLargestBatch.flatMap(value), let other = vanilla.timed.atLargestBatch.flatMap(value),
      other > 0
    else { return nil }
    return own / other
  }

  /// The printed throughput as a share of the roofline's at the largest batch that fits.
  static func share(_ paper: PaperFigures, of row: ServingRow) -> Double? {
    row.timed.atLargestBatch.map { paper.throughput / $0.throughput.perSecond }
  }
}

extension ReportSubject {
  /// The published models of the grid beside what the paper prints, grouped by protocol.
  func paperComparisons() throws -> [[PaperComparison]] {
    let groups = try servingGroups()
    // The first batch of each protocol: the paper states none.
    var protocols: [[Int]] = []
    let first = groups.filter { rows in
      let lengths = rows.first.map { [$0.workload.promptLength, $0.workload.generatedLength] } ?? []
      defer { protocols.append(lengths) }
      return !protocols.contains(lengths)
    }
    return first.map { rows in
      rows.compactMap { row -> PaperComparison? in
        guard let printed = PaperRow.all.first(where: { $0.name == row.name }), let baseline = printed.vanilla,
          let vanilla = rows.first(where: { $0.name == baseline.name }),
          let paper = PaperFigures(printed, row.workload), let paperVanilla = PaperFigures(baseline, vanilla.workload)
        else { return nil }
        return PaperComparison(row: row, paper: paper, vanilla: vanilla, paperVanilla: paperVanilla)
      }
    }.filter { !$0.isEmpty }
  }

  /// Published models beside what the paper prints, a pair of tables for each protocol.
  func paperTables(_ document: inout MarkdownDocument) throws {
    let groups = try paperComparisons()
    guard !groups.isEmpty else { return }
    document.heading("Beside what the paper prints", level: 3)
    document.paragraph(
      "arXiv:2512.20687v2, Table 1, measured on an H200; it states neither batch, nor element type, nor kernels. Ours: "
        + "exact cache bytes (windows included), and rooflines on \(codeSpan(profile.name)) at the scenario's batch and at the "
        + "largest batch that fits, in brackets. *Share* is the printed throughput over the roofline's at the largest "
        + "batch. Ratios are to the vanilla model of the same size.")
    for group in groups {
      document.heading(capitalised(describe(group[0].row.workload)), level: 4)
      document.table(absolute(group))
      document.table(relative(group))
    }
  }

  private func absolute(_ group: [PaperComparison]) -> Table {
    var table = Table([
      .text("model"), Column("memory", "GiB per sample", as: .fixed(decimals: 4)),
      Column("paper_memory", "paper", as: .fixed(decimals: 3)),
      .text("prefill_bound", "prefill bound"), .text("decode_bound", "decode bound"),
      Column("throughput", "tok/s at batch \(group[0].row.workload.batchSize)", as: .si(unit: "")),
      .text("largest_throughput", "at largest batch"),
      Column("paper_throughput", "paper", as: .si(unit: "")), Column("share", "share", as: .percent(decimals: 1)),
      Column("tpm", "TPM at batch \(group[0].row.workload.batchSize)", as: .si(unit: "")),
      Column("largest_tpm", "at largest batch", as: .si(unit: "")), Column("paper_tpm", "paper", as: .si(unit: "")),
    ])
    func largest(_ timed: TimedPoint) -> Cell {
      guard let batch = timed.largestBatch, let figures = timed.atLargestBatch else { return .missing }
      return Cell("\(NumberFormat.si(unit: "").text(figures.throughput.perSecond)) (\(number(batch)))")
    }
    for comparison in group {
      let (timed, paper) = (comparison.row.timed, comparison.paper)
      table.append([
        Cell(codeSpan(comparison.row.name)), Cell(gibibytes(timed.memory.bytesPerSequence)), Cell(paper.memory),
        Cell(boundText(timed.prefill.total)), Cell(boundText(timed.decode.total)),
        Cell(timed.figures.throughput.perSecond), largest(timed),
        Cell(paper.throughput), Cell(PaperComparison.share(paper, of: comparison.row).map { 100 * $0 }),
        Cell(timed.figures.throughputPerSampleGibibyte), Cell(timed.atLargestBatch?.throughputPerSampleGibibyte),
        Cell(paper.tpm),
      ])
    }
    return table
  }

  private func relative(_ group: [PaperComparison]) -> Table {
    var table = Table([
      .text("over vanilla"), Column("memory", "less memory", as: .ratio), Column("paper_memory", "paper", as: .ratio),
      Column("throughput", "throughput at batch \(group[0].row.workload.batchSize)", as: .ratio),
      Column("largest_throughput", "at largest batch", as: .ratio), Column("paper_throughput", "paper", as: .ratio),
      Column("tpm", "TPM at batch \(group[0].row.workload.batchSize)", as: .ratio),
      Column("largest_tpm", "at largest batch", as: .ratio), Column("paper_tpm", "paper", as: .ratio),
    ])
    for comparison in group where comparison.row.name != comparison.vanilla.name {
      table.append([
        Cell(codeSpan(comparison.row.name)), Cell(comparison.memoryGain), Cell(comparison.paperMemoryGain),
        Cell(comparison.throughputGain), Cell(comparison.largestGain), Cell(comparison.paperThroughputGain),
        Cell(comparison.tpmGain), Cell(comparison.largestTPMGain), Cell(comparison.paperTPMGain),
      ])
    }
    return table
  }

  /// The paper's claims in words, at the model with its largest printed gain.
  func paperFindings() throws -> [String] {
    let all = try paperComparisons().flatMap { $0 }.filter { $0.row.model.family.isSubject }
    guard let top = all.max(by: { $0.paperTPMGain < $1.paperTPMGain }), let largest = top.largestTPMGain,
      let gain = top.largestGain, let share = PaperComparison.share(top.paper, of: top.row),
      let vanillaShare = PaperComparison.share(top.paperVanilla, of: top.vanilla)
    else { return [] }
    let memory = all.map(\.paperMemoryGain)
    let isMany = Set(all.map(\.row.workload)).count > 1
    let printed =
      isMany ? "\(ratio(memory.min()!)) to \(ratio(memory.max()!)), different for the two" : ratio(memory[0])
    return [
      "**The paper's \(ratio(top.paperTPMGain))** (TPM of \(codeSpan(top.row.name)) over vanilla, \(describe(top.row.workload))) is "
        + "\(ratio(top.tpmGain)) by these rooflines at that batch and \(ratio(largest)) at the largest batches that fit, of "
        + "which throughput is \(ratio(gain)) and memory, counted once more, the rest.",
      "**Its throughput is far from the roof, vanilla's farthest:** \(percent(vanillaShare)) of the roofline's largest batch "
        + "for vanilla, \(percent(share)) for PHOTON. Part of the printed \(ratio(top.paperThroughputGain)) in throughput is "
        + "that distance, not the architecture.",
      "**Its memory is not the cache alone:** exact caches with windows are \(ratio(all[0].memoryGain)) smaller than "
        + "vanilla's\(isMany ? " under both protocols, which end at the same length" : ""); the paper prints \(printed).",
    ]
  }
}
