import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// Maps over the chunk and condition lengths that the grid varies.
  func heatMapSection(_ report: inout ReportBuilder) async throws {
    guard !hierarchies.isEmpty else { return }
    report.document.heading("Chunk and condition lengths over the grid")
    report.document.paragraph(
      "Each cell is the hierarchy with the lengths on the axes; lengths that a map does not vary are those of the explained "
        + "model. The framed cell is the best under \(objectiveText); grey does not fit or breaks a "
        + "condition. Maps whose cells differ by less than a twentieth are told in words instead.")
    for (index, workload) in mappedWorkloads.enumerated() {
      report.document.heading(capitalised(describe(workload)), level: 3)
      for map in maps {
        try await draw(map, objective.member, at: workload, "\(map.name)-\(index + 1)", &report)
      }
      let cache = PointFigure.cache(.atEnd).names.objective!
      if index == 0, objective.member != cache {
        try await draw(maps[0], cache, at: workload, "cache-\(maps[0].name)", &report)
      }
    }
    guard workloads.count > 1 else { return }
    report.document.heading("The best hierarchy at the grid's corners", level: 3)
    report.document.table(winners)
  }

  /// The largest value over the smallest below which a map shows nothing but rounding of colours. Chosen.
  private static let leastContrast = 1.05

  private func draw(
    _ map: LengthMap, _ member: String, at workload: Workload, _ name: String, _ report: inout ReportBuilder
  ) async throws {
    let points = hierarchies(at: workload).filter { map.holds($0.point.model) }
    let values = points.compactMap { objective.admits($0) ? $0.number(member) : nil }
    guard map.varies(over: points), let low = values.min(), let high = values.max() else { return }
    let names = FigureNames.named(member)
    let label = capitalised(names.label)
    if high < Self.leastContrast * low {
      report.document.paragraph(
        "\(label) is nearly the same over \(map.caption): \(names.text(low)) to \(names.text(high)), "
          + "\(change(from: low, to: high)).")
    } else {
      try await report.figure(
        heatMap(points, map, member, describe(workload)), name,
        caption: "\(label) over \(map.caption), \(describe(workload)).")
    }
  }

  private func hierarchies(at workload: Workload) -> [PointSummary] {
    hierarchies.filter { $0.point.workload == workload && $0.point.precision == precision }
  }

  /// The explained workload; the largest batch and the longest prompt at which every hierarchy fits.
  private var mappedWorkloads: [Workload] {
    var misfits: Set<Workload> = []
    for summary in hierarchies where !summary.fits { misfits.insert(summary.point.workload) }
    let fitting = workloads.filter { !misfits.contains($0) && $0.generatedLength == workload.generatedLength }
    let largest = fitting.max { ($0.batchSize, $1.promptLength) < ($1.batchSize, $0.promptLength) }
    let longest = fitting.max { ($0.promptLength, $0.batchSize) < ($1.promptLength, $1.batchSize) }
    return [workload, largest, longest].compactMap { $0 }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// How far the best and the worst lengths lie apart in the objective's figure, in words.
  var spreadFindings: [String] {
    guard !hierarchies.isEmpty else { return [] }
    let places = mappedWorkloads.compactMap { workload -> String? in
      let parts = maps.filter { $0.name != "uniform" }.compactMap { map -> String? in
        let points = hierarchies(at: workload).filter { map.holds($0.point.model) && objective.admits($0) }
        let values = points.compactMap { $0.number(objective.member) }
        guard map.varies(over: points), let low = values.min(), let high = values.max(), low > 0 else { return nil }
        return "\(map.subject) \(ratio(high / low))"
      }
      return parts.isEmpty ? nil : "\(parts.joined(separator: ", ")) at \(describe(workload))"
    }
    guard !places.isEmpty else { return [] }
    return [
      "**Best and worst lengths lie apart** in \(objective.names.label), the other lengths as explained: "
        + places.joined(separator: "; ") + "."
    ]
  }

  /// The best hierarchy at the corners of the grid.
  private var winners: Table {
    var table = Table([
      Column("prompt"), Column("generated"), Column("batch"), .text("hierarchy", "best hierarchy"),
      Column("value", objective.names.label, as: objective.names.unit.format),
      Column("own", "\(model.hierarchyText)", as: objective.names.unit.format),
      Column("fitting", "hierarchies that fit"),
    ])
    for workload in cornerWorkloads {
      let points = hierarchies(at: workload)
      let best = objective.best(points)
      let own = points.first { $0.point.model == model }
      table.append([
        Cell(workload.promptLength), Cell(workload.generatedLength), Cell(workload.batchSize),
        Cell(best?.point.model.hierarchyText ?? "none fits"), Cell(best?.number(objective.member)),
        own?.fits == true ? Cell(own?.number(objective.member)) : .missing,
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
    /// `the chunk lengths`
    var subject: String
    var caption: String
    /// The lengths that it keeps, as they stand below its title.
    var kept: String
    /// Whether a hierarchy has the lengths that the map keeps.
    var holds: @Sendable (Model) -> Bool

    func varies(over points: [PointSummary]) -> Bool {
      let models = points.map(\.point.model)
      return Set(models.map(x.of)).count > 1 || Set(models.map(y.of)).count > 1
    }
  }

  /// Chunks of the two lowest levels, their conditions, and both kept equal over all levels.
  private var maps: [LengthMap] {
    let own = model.levels
    func chunk(_ level: Int) -> Length { Length(label: "C_\(level)", of: { $0.levels[level].chunkLength }) }
    func condition(_ level: Int) -> Length { Length(label: "R_\(level)", of: { $0.levels[level].conditionLength }) }
    func keeps(chunks: Bool, conditions: Bool, above level: Int) -> @Sendable (Model) -> Bool {
      { model in
        own.indices.allSatisfy { index in
          let (kept, other) = (own[index], model.levels[index])
          return (!chunks && index <= level || other.chunkLength == kept.chunkLength)
            && (!conditions && index <= level || other.conditionLength == kept.conditionLength)
        }
      }
    }
    guard own.count > 1 else {
      return [
        LengthMap(
          name: "chunk-condition", x: chunk(1), y: condition(1), subject: "lengths",
          caption: "chunk and condition length", kept: "levels alike",
          holds: { _ in true })
      ]
    }
    let conditions = "R = (\(own.map { String($0.conditionLength) }.joined(separator: ", ")))"
    let chunks = "C = (\(own.map { String($0.chunkLength) }.joined(separator: ", ")))"
    return [
      LengthMap(
        name: "chunks", x: chunk(1), y: chunk(2), subject: "chunk lengths",
        caption: "the chunk lengths of two levels with \(conditions)", kept: conditions,
        holds: keeps(chunks: false, conditions: true, above: 2)),
      LengthMap(
        name: "conditions", x: condition(1), y: condition(2), subject: "condition lengths",
        caption: "the condition lengths of two levels with \(chunks)", kept: chunks,
        holds: keeps(chunks: true, conditions: false, above: 2)),
      LengthMap(
        name: "uniform", x: Length(label: "C, the same at every level", of: chunk(1).of),
        y: Length(label: "R, the same at every level", of: condition(1).of), subject: "lengths",
        caption: "chunk and condition length, equal at all levels", kept: "levels alike",
        holds: { model in
          model.levels.allSatisfy {
            $0.chunkLength == model.levels[1].chunkLength && $0.conditionLength == model.levels[1].conditionLength
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
    let values = cells.map { $0.map { $0?.number(member) } }
    let isObjective = member == objective.member
    let best = isObjective ? objective.best(points)?.point.model : nil
    let highlighted = rows.indices.flatMap { row in
      columns.indices.filter { best != nil && cells[row][$0]?.point.model == best }.map { (row: row, column: $0) }
    }
    let names = FigureNames.named(member)
    let label = names.label
    let shown = values.joined().compactMap { $0 }
    let spread = (shown.max() ?? 1) / max(shown.min() ?? 1, .leastNormalMagnitude)
    return HeatMap(
      "\(capitalised(label)): \(ratio(spread)) between the best and the worst lengths",
      subtitle: "\(point.name) on \(profile.name), \(place), \(map.kept)", x: map.x.label,
      columns: columns.map(String.init), y: map.y.label, rows: rows.map(String.init), values: values,
      quantity: "\(label) (\(names.unit.text))", format: names.unit.format, highlighted: highlighted)
  }
}
