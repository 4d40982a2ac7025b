import Architectures
import Formulas
import Quantities
import Reports
import Scenarios

extension ReportSubject {
  /// Rows that a table over the grid shows at most.
  private static let rowLimit = 36

  /// Tables and maps over what the scenario varies.
  func gridSection(_ report: inout ReportBuilder) async throws {
    guard summaries.count > 1 else { return }
    report.document.heading("Over the grid")
    let axes = scenario.grid.axes.map { "`\($0.path)` (\($0.labels.joined(separator: ", ")))" }
    report.document.list(axes)
    if !hierarchies.isEmpty { try await heatMaps(&report) }
    paperTable(&report.document)
    report.document.heading(
      summaries.count > Self.rowLimit ? "The first points" : "All points", level: 3)
    report.document.table(pointTable(summaries.prefix(summaries.count > Self.rowLimit ? 12 : Self.rowLimit)))
    report.document.paragraph(
      "All \(number(summaries.count)) points as data: `photon sweep \(scenario.file) -o \(scenario.name).csv`.")
  }

  func pointTable(_ shown: some Sequence<PointSummary>) -> Table {
    var table = Table([
      .text("model"), .text("hierarchy"), Column("prompt"), Column("generated"), Column("batch"),
      Column("parameters", as: .si(unit: "")),
      Column("cache", "cache GiB/sample", as: .significant(3)), Column("prefill_s", "prefill", as: .si(unit: "s")),
      .text("bound", "bound"), Column("token_s", "decode per token", as: .si(unit: "s")), .text("decode_bound", "bound"),
      Column("throughput", as: .si(unit: "tok/s")), Column("tpm", "TPM", as: .si(unit: "tok/s/GiB")),
      Column("largest", "largest batch"), Column("largest_throughput", "throughput there", as: .si(unit: "tok/s")),
      Column("largest_tpm", "TPM there", as: .si(unit: "tok/s/GiB")),
    ])
    for summary in shown {
      let workload = summary.point.workload
      table.append([
        Cell(summary.point.name), Cell(summary.point.model.hierarchyText), Cell(workload.promptLength),
        Cell(workload.generatedLength), Cell(workload.batchSize), Cell(summary.parameterCount),
        Cell(gibibytes(summary.totals.cache.bytesAtEnd) / Double(workload.batchSize)), Cell(summary.prefill.time.value),
        Cell(summary.prefill.bound.rawValue), Cell(summary.figures.timePerOutputToken?.value),
        Cell(summary.decode.bound.rawValue), Cell(summary.figures.throughput.perSecond),
        Cell(summary.figures.throughputPerSampleGibibyte), summary.largestBatch.map { Cell($0) } ?? .missing,
        Cell(summary.atLargestBatch?.throughput.perSecond), Cell(summary.atLargestBatch?.throughputPerSampleGibibyte),
      ])
    }
    return table
  }

  // MARK: Chunk and condition lengths

  /// The points of the detailed model's family and depth, where chunk or condition lengths differ among them.
  private var hierarchies: [PointSummary] {
    let same = summaries.filter {
      $0.point.name == point.name && $0.point.model.levelCount == model.levelCount && model.levelCount > 0
    }
    return Set(same.map(\.point.model.hierarchyText)).count > 1 ? same : []
  }

  /// The detailed workload, and the longest prompt at the largest batch for which every hierarchy fits.
  private var mappedWorkloads: [Workload] {
    var misfits: Set<Workload> = []
    for summary in hierarchies where !summary.fits { misfits.insert(summary.point.workload) }
    let largest = hierarchies.map(\.point.workload).filter { !misfits.contains($0) }.max {
      ($0.promptLength, $0.batchSize) < ($1.promptLength, $1.batchSize)
    }
    return [workload] + (largest.map { $0 == workload ? [] : [$0] } ?? [])
  }

  private func heatMaps(_ report: inout ReportBuilder) async throws {
    report.document.heading("Chunk and condition lengths", level: 3)
    report.document.paragraph(
      "Colours show `\(objective.member)`, the best over everything the axes do not name; the framed cell is the best.")
    for (index, workload) in mappedWorkloads.enumerated() {
      let points = hierarchies.filter { $0.point.workload == workload }
      guard let best = objective.best(points)?.point.model else { continue }
      for map in maps(points, best) {
        let figure = heatMap(map.points, map.x, map.y, subtitle: "\(point.name), \(describe(workload))")
        try await report.figure(
          figure, "\(map.name)-\(index + 1)", caption: "\(map.caption), \(describe(workload)).")
      }
    }
    report.document.table(winners)
    report.document.paragraph(
      "How often each hierarchy is the best for a prompt and batch of the grid, among those that fit.")
  }

  private typealias Length = (label: String, of: @Sendable (Model) -> Int)

  private func maps(_ points: [PointSummary], _ best: Model) -> [(
    name: String, points: [PointSummary], x: Length, y: Length, caption: String
  )] {
    func chunk(_ level: Int) -> Length { ("C_\(level)", { $0.levels[level - 1].chunkLength }) }
    func condition(_ level: Int) -> Length { ("R_\(level)", { $0.levels[level - 1].conditionLength }) }
    let chunks = best.levels.map(\.chunkLength)
    let conditions = best.levels.map(\.conditionLength)
    let bestChunks = points.filter { $0.point.model.levels.map(\.chunkLength) == chunks }
    guard best.levelCount > 1 else {
      return [("chunk-condition", points, chunk(1), condition(1), "Chunk length over condition length")]
    }
    let uniform = points.filter { summary in
      let levels = summary.point.model.levels
      return levels.allSatisfy {
        $0.chunkLength == levels[0].chunkLength && $0.conditionLength == levels[0].conditionLength
      }
    }
    return [
      ("chunks", points, chunk(1), chunk(2), "Chunk lengths of two levels, each at its best conditions \(conditions)"),
      (
        "conditions", bestChunks, condition(1), condition(2),
        "Condition lengths of two levels at the best chunks \(chunks)"
      ),
      (
        "uniform", uniform, (label: "C, the same at every level", of: chunk(1).of),
        (label: "R, the same at every level", of: condition(1).of), "Chunk over condition length, equal at all levels"
      ),
    ]
  }

  private func heatMap(_ points: [PointSummary], _ x: Length, _ y: Length, subtitle: String) -> HeatMap {
    let columns = Set(points.map { x.of($0.point.model) }).sorted()
    let rows = Set(points.map { y.of($0.point.model) }).sorted()
    let cells = rows.map { row in
      columns.map { column in
        objective.best(points.filter { x.of($0.point.model) == column && y.of($0.point.model) == row })
      }
    }
    let best = objective.best(points)?.point.model
    let highlighted = rows.indices.flatMap { row in
      columns.indices.filter { best != nil && cells[row][$0]?.point.model == best }.map { (row: row, column: $0) }
    }
    return HeatMap(
      "\(objective.member) over \(x.label) and \(y.label)", subtitle: subtitle, x: x.label,
      columns: columns.map(String.init), y: y.label, rows: rows.map(String.init),
      values: cells.map { $0.map { $0?.value(objective.member) } },
      quantity: "\(objective.member) (\(objective.format.unit))", format: objective.format.format,
      highlighted: highlighted)
  }

  /// Hierarchies by the number of workloads at which they are the best.
  private var winners: Table {
    var order: [Workload] = []
    var groups: [Workload: [PointSummary]] = [:]
    for summary in hierarchies {
      if groups[summary.point.workload] == nil { order.append(summary.point.workload) }
      groups[summary.point.workload, default: []].append(summary)
    }
    var wins: [(name: String, count: Int)] = []
    for workload in order {
      guard let name = objective.best(groups[workload] ?? [])?.point.model.hierarchyText else { continue }
      if let index = wins.firstIndex(where: { $0.name == name }) { wins[index].count += 1 } else { wins.append((name, 1)) }
    }
    var table = Table([.text("hierarchy", "best hierarchy"), Column("workloads", "workloads of \(order.count)")])
    for win in wins.sorted(by: { ($1.count, $0.name) < ($0.count, $1.name) }).prefix(8) {
      table.append([Cell(win.name), Cell(win.count)])
    }
    return table
  }
}
