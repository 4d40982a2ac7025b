import Architectures
import Formulas
import Hardware
import Quantities
import Reports
import Scenarios

extension ReportSubject {
  /// Maps over the chunk and condition lengths that the grid varies.
  func heatMapSection(_ report: inout ReportBuilder) async throws {
    guard !hierarchies.isEmpty else { return }
    report.document.heading("Chunk and condition lengths over the grid")
    let isShown = objective.member
    report.document.paragraph(
      "Each cell is the hierarchy with the lengths on the axes; the lengths that a map does not vary are those of the "
        + "explained model. The framed cell is the best under the objective, \(objective.text); grey does not fit or "
        + "breaks a condition.")
    for (index, workload) in mappedWorkloads.enumerated() {
      let points = hierarchies.filter { $0.point.workload == workload && $0.point.precision == precision }
      for map in maps where map.isWorthDrawing(points) {
        try await report.figure(
          heatMap(points.filter { map.holds($0.point.model) }, map, isShown, describe(workload)),
          "\(map.name)-\(index + 1)",
          caption: "\(capitalised(objective.label)) over \(map.caption), \(describe(workload)).")
      }
    }
    if let map = maps.first, objective.member != "cache.bytes_at_end" {
      let points = hierarchies.filter { $0.point.workload == workload && $0.point.precision == precision }
      if map.isWorthDrawing(points) {
        try await report.figure(
          heatMap(points.filter { map.holds($0.point.model) }, map, "cache.bytes_at_end", describe(workload)),
          "cache-\(map.name)", caption: "Persistent cache at the end over \(map.caption), \(describe(workload)).")
      }
    }
    guard workloads.count > 1 else { return }
    report.document.paragraph(
      "The best hierarchy under the objective by prompt and batch, and how far ahead of the explained model it is:")
    report.document.table(winners)
  }

  /// The explained workload, and the longest prompt at the largest batch for which every hierarchy fits.
  private var mappedWorkloads: [Workload] {
    var misfits: Set<Workload> = []
    for summary in hierarchies where !summary.fits { misfits.insert(summary.point.workload) }
    let largest = hierarchies.map(\.point.workload).filter { !misfits.contains($0) }.max {
      ($0.promptLength, $0.batchSize) < ($1.promptLength, $1.batchSize)
    }
    return [workload] + (largest.map { $0 == workload ? [] : [$0] } ?? [])
  }

  /// The best hierarchy at the corners of the grid.
  private var winners: Table {
    var table = Table([
      Column("prompt"), Column("generated"), Column("batch"), .text("hierarchy", "best hierarchy"),
      Column("value", objective.label, as: objective.format.format),
      Column("own", "\(model.hierarchyText)", as: objective.format.format), Column("fitting", "hierarchies that fit"),
    ])
    for workload in cornerWorkloads {
      let points = hierarchies.filter { $0.point.workload == workload && $0.point.precision == precision }
      let best = objective.best(points)
      let own = points.first { $0.point.model == model }
      table.append([
        Cell(workload.promptLength), Cell(workload.generatedLength), Cell(workload.batchSize),
        Cell(best?.point.model.hierarchyText ?? "none fits"), Cell(best?.value(objective.member)),
        own?.fits == true ? Cell(own?.value(objective.member)) : .missing,
        Cell("\(points.count(where: \.fits)) of \(points.count)"),
      ])
    }
    return table
  }

  // MARK: Maps

  private struct Length {
    var label: String
    var of: @Sendable (Model) -> Int
  }

  private struct LengthMap {
    var name: String
    var x: Length
    var y: Length
    var caption: String
    /// Whether a hierarchy has the lengths that the map keeps.
    var holds: @Sendable (Model) -> Bool

    func isWorthDrawing(_ points: [PointSummary]) -> Bool {
      let held = points.map(\.point.model).filter(holds)
      return Set(held.map(x.of)).count > 1 || Set(held.map(y.of)).count > 1
    }
  }

  /// Chunks of the two lowest levels, their conditions, and both kept equal over all levels.
  private var maps: [LengthMap] {
    let own = model.levels
    func chunk(_ level: Int) -> Length { Length(label: "C_\(level)", of: { $0.levels[level - 1].chunkLength }) }
    func condition(_ level: Int) -> Length { Length(label: "R_\(level)", of: { $0.levels[level - 1].conditionLength }) }
    func keeps(chunks: Bool, conditions: Bool, above level: Int) -> @Sendable (Model) -> Bool {
      { model in
        own.indices.allSatisfy { index in
          let (kept, other) = (own[index], model.levels[index])
          return (!chunks && index < level || other.chunkLength == kept.chunkLength)
            && (!conditions && index < level || other.conditionLength == kept.conditionLength)
        }
      }
    }
    guard own.count > 1 else {
      return [
        LengthMap(
          name: "chunk-condition", x: chunk(1), y: condition(1), caption: "chunk and condition length",
          holds: { _ in true })
      ]
    }
    let conditions = own.map { String($0.conditionLength) }.joined(separator: ", ")
    let chunks = own.map { String($0.chunkLength) }.joined(separator: ", ")
    return [
      LengthMap(
        name: "chunks", x: chunk(1), y: chunk(2), caption: "the chunk lengths of two levels with R = (\(conditions))",
        holds: keeps(chunks: false, conditions: true, above: 2)),
      LengthMap(
        name: "conditions", x: condition(1), y: condition(2),
        caption: "the condition lengths of two levels with C = (\(chunks))",
        holds: keeps(chunks: true, conditions: false, above: 2)),
      LengthMap(
        name: "uniform", x: Length(label: "C, the same at every level", of: chunk(1).of),
        y: Length(label: "R, the same at every level", of: condition(1).of),
        caption: "chunk and condition length, equal at all levels",
        holds: { model in
          model.levels.allSatisfy {
            $0.chunkLength == model.levels[0].chunkLength && $0.conditionLength == model.levels[0].conditionLength
          }
        }),
    ]
  }

  private func heatMap(_ points: [PointSummary], _ map: LengthMap, _ member: String, _ place: String) -> HeatMap {
    let columns = Set(points.map { map.x.of($0.point.model) }).sorted()
    let rows = Set(points.map { map.y.of($0.point.model) }).sorted()
    let cells = rows.map { row in
      columns.map { column in
        points.first {
          map.x.of($0.point.model) == column && map.y.of($0.point.model) == row && objective.admits($0)
        }
      }
    }
    let values = cells.map { $0.map { $0?.value(member) } }
    let isObjective = member == objective.member
    let best = isObjective ? objective.best(points)?.point.model : nil
    let highlighted = rows.indices.flatMap { row in
      columns.indices.filter { best != nil && cells[row][$0]?.point.model == best }.map { (row: row, column: $0) }
    }
    let format = NumberFormatOfMember(member)
    let label = NumberFormatOfMember.label(member)
    let shown = values.joined().compactMap { $0 }
    let span = (shown.min() ?? 0, shown.max() ?? 0)
    return HeatMap(
      "\(capitalised(label)) from \(format.text(span.0)) to \(format.text(span.1))",
      subtitle: "\(point.name) on \(profile.name), \(place), \(kept(map))", x: map.x.label,
      columns: columns.map(String.init), y: map.y.label, rows: rows.map(String.init), values: values,
      quantity: "\(label) (\(format.unit))", format: format.format, highlighted: highlighted)
  }

  private func kept(_ map: LengthMap) -> String {
    switch map.name {
    case "chunks": "R = (\(model.levels.map { String($0.conditionLength) }.joined(separator: ", ")))"
    case "conditions": "C = (\(model.levels.map { String($0.chunkLength) }.joined(separator: ", ")))"
    default: "levels alike"
    }
  }
}
