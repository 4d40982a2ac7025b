import Architectures
import Formulas
import Quantities
import Rendering

/// Points over two lengths of a hierarchy; everything else is equal.
struct LengthGrid {
  let x, y: LevelLength
  let columns, rows: [Int]
  /// `cells[row][column]`; nil where nothing was measured.
  let cells: [[TimedPhasePoint?]]

  /// Nil where the points do not make two columns and two rows with a cell more than a line has.
  init?(_ points: [TimedPhasePoint], _ x: LevelLength, _ y: LevelLength) {
    (self.x, self.y) = (x, y)
    columns = Set(points.map { x.value(of: $0.question.model) }).sorted()
    rows = Set(points.map { y.value(of: $0.question.model) }).sorted()
    let (columns, rows) = (columns, rows)
    cells = rows.map { row in
      columns.map { column in
        points.first { x.value(of: $0.question.model) == column && y.value(of: $0.question.model) == row }
      }
    }
    guard columns.count > 1, rows.count > 1, cells.joined().compactMap(\.self).count > 3 else { return nil }
  }

  var points: [TimedPhasePoint] { cells.joined().compactMap(\.self) }
  var first: TimedPhasePoint { points[0] }
  var title: String { "\(x.name) × \(y.name)" }

  /// The place of the smallest time.
  func best(_ time: (TimedPhasePoint) -> Double) -> (row: Int, column: Int) {
    var best: (row: Int, column: Int, time: Double)?
    for row in rows.indices {
      for column in columns.indices {
        guard let point = cells[row][column], time(point) < best?.time ?? .infinity else { continue }
        best = (row, column, time(point))
      }
    }
    return (best!.row, best!.column)
  }
}

extension TimedSubject {
  /// The maps of a report at most, so that a reader sees all of them. Chosen.
  private static var mostMaps: Int { 6 }

  /// Every map that the points allow, of each pair of lengths, in the order of the points.
  var lengthGrids: [LengthGrid] {
    let pairs: [((LevelLength.Kind, Int), (LevelLength.Kind, Int))] = [
      ((.chunk, 1), (.chunk, 2)), ((.condition, 1), (.condition, 2)), ((.chunk, 1), (.condition, 1)),
    ]
    return pairs.flatMap { pair -> [LengthGrid] in
      let lengths = [pair.0, pair.1].map { LevelLength(kind: $0.0, level: $0.1) }
      let highest = max(pair.0.1, pair.1.1)
      return families { $0.levelCount >= highest ? lengths : [] }
        .filter { $0[0].question.model.levelCount >= highest }
        .compactMap { LengthGrid($0, lengths[0], lengths[1]) }
    }
  }

  /// Those that are drawn: of each model, pair of lengths and phase the one with the most cells, of equally large ones
  /// that of the most tokens; the largest first.
  func drawn(_ grids: [LengthGrid]) -> [LengthGrid] {
    func weight(_ grid: LengthGrid) -> Int {
      grid.first.question.workload.promptLength * grid.first.question.workload.batchSize
    }
    let best = kinds(grids).map { same in
      same.dropFirst().reduce(same[0]) { best, grid in
        (grid.points.count, weight(grid)) > (best.points.count, weight(best)) ? grid : best
      }
    }
    // A stable order: equally large ones stay as the points have them.
    return best.enumerated().sorted { ($1.element.points.count, $0.offset) < ($0.element.points.count, $1.offset) }
      .prefix(Self.mostMaps).map(\.element)
  }

  private func kinds(_ grids: [LengthGrid]) -> [[LengthGrid]] {
    grids.inOrder { ["\($0.first.variant)", $0.title, $0.first.phase.rawValue] }
  }

  func mapSection(_ report: inout ReportBuilder) async throws {
    let grids = lengthGrids
    guard !grids.isEmpty else { return }
    let shown = drawn(grids)
    report.document.heading("Time over C and R")
    report.document.paragraph(
      "`C_l` is how many units of level l − 1 become one unit of level l, `R_l` how many vectors the decoder of level l − 1 is "
        + "given for each of them. In each map all else is equal. Left is what was measured, right what was predicted, with "
        + "its error (predicted ÷ measured − 1) below it; a frame marks the fastest cell of each. Where both frames are "
        + "in the same place, the prediction chose right.")
    for (index, grid) in shown.enumerated() {
      try await report.figure(
        figure(grid), "map-\(index + 1)",
        caption: "\(capitalised(grid.first.phase.tokenTime)) over \(grid.x.name) and \(grid.y.name), "
          + "\(codeSpan(grid.first.variant)), \(grid.first.place).")
    }
    guard grids.count > shown.count else { return }
    report.document.paragraph("The points hold more maps than are drawn:")
    var table = Table([
      .text("model"), .text("phase"), .text("map"), Column("workloads"), Column("cells", "cells of each"),
      Column("drawn"),
    ])
    for same in kinds(grids) {
      let counts = same.map(\.points.count)
      let cells = counts.min() == counts.max() ? "\(counts[0])" : "\(counts.min()!)–\(counts.max()!)"
      let isDrawn = shown.contains {
        $0.title == same[0].title && $0.first.variant == same[0].first.variant
          && $0.first.phase == same[0].first.phase
      }
      table.append([
        Cell(codeSpan(same[0].first.variant)), Cell(same[0].first.phase.rawValue), Cell(same[0].title),
        Cell(same.count),
        Cell(cells), Cell(isDrawn ? 1 : 0),
      ])
    }
    report.document.table(table)
  }

  private func figure(_ grid: LengthGrid) -> HeatMapPair {
    let format = NumberFormat.si(unit: "s")
    func cells<Value>(_ missing: Value, _ value: (TimedPhasePoint) -> Value) -> [[Value]] {
      grid.cells.map { $0.map { $0.map(value) ?? missing } }
    }
    let worst = grid.points.map { abs($0.errorPercent) }.max() ?? 0
    let (measured, predicted) = (grid.best(\.measuredPerToken), grid.best(\.predictedPerToken))
    let times = grid.points.map(\.measuredPerToken)
    let kept = grid.first.question.model.lengths.filter { $0 != grid.x && $0 != grid.y }
      .map { "\($0.name) = \($0.value(of: grid.first.question.model))" }.joined(separator: ", ")
    return HeatMapPair(
      "\(grid.first.phase.title): \(ratio(times.max()! / times.min()!)) between the lengths, predicted within "
        + "\(NumberFormat.percent(decimals: 0).text(worst.rounded(.up)))",
      subtitle: "\(grid.first.variant), \(grid.first.place)" + (kept.isEmpty ? "" : "; \(kept)"), x: grid.x.name,
      columns: grid.columns.map(String.init), y: grid.y.name, rows: grid.rows.map(String.init),
      left: .init(
        "measured", values: cells(nil) { $0.measuredPerToken },
        texts: cells("–") { format.text($0.measuredPerToken) }, highlighted: [measured]),
      right: .init(
        "predicted", values: cells(nil) { $0.predictedPerToken },
        texts: cells("–") { "\(format.text($0.predictedPerToken))\n\(signed($0.errorPercent))" },
        highlighted: [predicted]),
      quantity: grid.first.phase.tokenTime, format: format)
  }
}

/// `+2.1 %`
func signed(_ percent: Double) -> String {
  (percent >= 0 ? "+" : "") + NumberFormat.percent(decimals: 1).text(percent)
}
