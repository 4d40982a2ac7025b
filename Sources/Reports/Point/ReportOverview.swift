import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

/// The most models that a reader can compare in one table. Chosen.
private let mostModels = 24

extension ReportSubject {
  /// Every model of the grid and of `compare:`, once, where there are several and no objective singles one out.
  var overviewModels: [NamedModel] {
    guard scenario.objective == nil else { return [] }
    var models: [NamedModel] = []
    let all = scenario.grid.models.compactMap { $0 } + scenario.compare
    for named in all where !models.contains(where: { $0.model == named.model }) {
      models.append(named)
      if models.count > mostModels { return [] }
    }
    guard models.count > 1 else { return [] }
    // One preset at several lengths: the name alone does not tell its models apart.
    return models.map { named in
      let isAlone = models.count { $0.name == named.name } == 1
      return isAlone ? named : NamedModel(name: "\(named.name) \(named.model.hierarchyText)", model: named.model)
    }
  }

  /// All models side by side at each workload, in words and in tables.
  func overview(_ document: inout MarkdownDocument) throws {
    guard !overviewModels.isEmpty else { return }
    document.heading("All \(number(overviewModels.count)) models", level: 3)
    let groups = try cornerWorkloads.map { try rows(overviewModels, $0) }
    document.list(groups.map(overviewFinding))
    for group in groups {
      document.heading(capitalised(describe(group[0].workload)), level: 4)
      document.table(overviewTable(group))
    }
    document.paragraph(
      "Cache per prompt has the local windows in it and is what TPM (tok/s/GiB) divides by. The last columns say how many "
        + "times sooner, faster, smaller and higher than the vanilla model nearest in parameters.")
    document.heading("\(codeSpan(point.name)) in detail", level: 3)
  }

  private func rows(_ models: [NamedModel], _ workload: Workload) throws -> [ServingRow] {
    try models.map {
      ServingRow(
        name: $0.name, model: $0.model, workload: workload,
        timed: try TimedPoint(Question($0.model, workload, precision), on: profile))
    }
  }

  /// Who is first in what at one workload, what binds, and how the families stand to vanilla.
  private func overviewFinding(_ rows: [ServingRow]) -> String {
    let workload = rows[0].workload
    func least(_ title: String, _ value: (ServingRow) -> Double?, _ text: (Double) -> String) -> String? {
      let valued = rows.compactMap { row in value(row).map { (row, $0) } }
      guard let best = valued.min(by: { $0.1 < $1.1 }) else { return nil }
      return "\(title) \(codeSpan(best.0.name)) (\(text(best.1)))"
    }
    func time(_ value: Double) -> String { seconds(Seconds(value)) }
    let firsts = [
      least("the first token comes soonest from", { $0.timed.figures.timeToFirstToken.value }, time),
      least("decode is fastest with", { $0.timed.figures.timePerOutputToken?.value }, time),
      least(
        "the cache is smallest with", { Double($0.timed.memory.bytesPerSequence) }, { byteText(Int128($0)) }),
    ].compactMap { $0 }
    func bounds(_ phase: Phase) -> String? {
      let busy = rows.filter { $0.timed[phase].time > .zero }
      guard !busy.isEmpty else { return nil }
      let compute = busy.count { $0.timed[phase].bound == .compute }
      let link = busy.count { $0.timed[phase].bound == .link }
      switch compute {
      case _ where link > 0:
        return "\(phase.rawValue) is link-bound in \(link) of \(busy.count) and compute-bound in \(compute)"
      case 0: return "\(phase.rawValue) is memory-bound in all"
      case busy.count: return "\(phase.rawValue) is compute-bound in all"
      default: return "\(phase.rawValue) is compute-bound in \(compute) of \(busy.count)"
      }
    }
    let bound = Phase.allCases.compactMap(bounds).joined(separator: ", ")
    let gains = Family.comparisonOrder.of(.hierarchy).compactMap { gain(of: $0, rows) }
    return "**\(capitalised(describe(workload))):** " + firsts.joined(separator: ", ") + "; \(bound)."
      + (gains.isEmpty ? "" : " Over vanilla of the same size, \(gains.joined(separator: "; ")).")
  }

  /// `PHOTON has 2.63× to 2.73× the decode rate, a first token 7.2× sooner and a cache 12.6× smaller`.
  private func gain(of family: Family, _ rows: [ServingRow]) -> String? {
    let pairs = rows.of(family).compactMap { row in vanilla(like: row, rows).map { (row, $0) }
    }
    func range(_ values: [Double]) -> String? {
      guard let low = values.min(), let high = values.max() else { return nil }
      return ratio(low) == ratio(high) ? ratio(low) : "\(ratio(low)) to \(ratio(high))"
    }
    /// What is later everywhere is not `0.8× sooner`.
    func sooner(_ values: [Double]) -> String? {
      guard let low = values.min(), let high = values.max() else { return nil }
      if high < 1 { return range(values.map { 1 / $0 }).map { "\($0) later" } }
      return range(values).map { "\($0) \(low < 1 ? "as soon" : "sooner")" }
    }
    let first = sooner(pairs.map { $1.timed.figures.timeToFirstToken.value / $0.timed.figures.timeToFirstToken.value })
    let caches = range(pairs.compactMap { smaller($0, than: $1) })
    guard let first, let caches else { return nil }
    let decode = range(pairs.compactMap { decodeGain($0, over: $1) })
    return "\(family.title) has \(decode.map { "\($0) the decode rate, " } ?? "")a first token \(first) and a "
      + "cache \(caches) smaller"
  }

  /// The vanilla model nearest in parameters; nil for a vanilla model.
  private func vanilla(like row: ServingRow, _ rows: [ServingRow]) -> ServingRow? {
    switch row.model.structure {
    case .stack: return nil
    case .hierarchy:
      let own = parameters(of: row.model).total
      return rows.of(.stack).min { left, right in
        (parameters(of: left.model).total - own).magnitude < (parameters(of: right.model).total - own).magnitude
      }
    }
  }

  private func decodeGain(_ row: ServingRow, over other: ServingRow) -> Double? {
    guard let own = row.timed.figures.timePerOutputToken, let time = other.timed.figures.timePerOutputToken else {
      return nil
    }
    return time.value / own.value
  }

  private func smaller(_ row: ServingRow, than other: ServingRow) -> Double? {
    guard row.timed.memory.bytesPerSequence > 0 else { return nil }
    return Double(other.timed.memory.bytesPerSequence) / Double(row.timed.memory.bytesPerSequence)
  }

  private func overviewTable(_ rows: [ServingRow]) -> Table {
    let comparesVanilla = rows.contains { vanilla(like: $0, rows) != nil }
    let own: [TableColumn<ServingRow>] =
      [TableColumn(.text("model")) { Cell(codeSpan($0.name)) }]
      + (quality.map { [TableColumn(Column("quality", $0.figure, as: .significant(4)), qualityCell)] } ?? [])
      + [
        PointFigure.asked(.parameters).reported(), PointFigure.serving(.memoryPerPrompt).reported(),
        PointFigure.phase(.time, .prefill).reported(), PointFigure.phase(.boundWithMargin, .prefill).reported(),
        PointFigure.timeToFirstToken.reported(), PointFigure.phase(.timePerToken, .decode).reported(),
        PointFigure.phase(.boundWithMargin, .decode).reported(),
        PointFigure.serving(.throughputPerSampleGibibyte).reported(),
      ]
    return Table(own + (comparesVanilla ? gains(rows) : []), of: rows)
  }

  private func qualityCell(_ row: ServingRow) -> Cell {
    Cell(summaries.first { $0.point.model == row.model }?.quality)
  }

  /// How many times sooner, faster, smaller and higher than the vanilla model nearest in parameters.
  private func gains(_ rows: [ServingRow]) -> [TableColumn<ServingRow>] {
    func gain(
      _ key: String, _ heading: String, _ value: @escaping (ServingRow, ServingRow) -> Double?
    ) -> TableColumn<ServingRow> {
      TableColumn(Column(key, heading, as: .ratio)) { row in
        Cell(vanilla(like: row, rows).flatMap { value(row, $0) })
      }
    }
    return [
      gain("first_token_gain", "first token over vanilla") {
        $1.timed.figures.timeToFirstToken.value / $0.timed.figures.timeToFirstToken.value
      },
      gain("decode_gain", "decode over vanilla") { decodeGain($0, over: $1) },
      gain("cache_gain", "cache under vanilla") { smaller($0, than: $1) },
      gain("tpm_gain", "TPM over vanilla") { row, other in
        guard let own = row.timed.figures.throughputPerSampleGibibyte,
          let old = other.timed.figures.throughputPerSampleGibibyte, old > 0
        else { return nil }
        return own / old
      },
    ]
  }

  /// Components as rows in the order of first appearance, models as columns; nil where one model is the subject.
  var componentTable: Table? {
    let models = overviewModels
    guard !models.isEmpty else { return nil }
    let inventories = models.map { parameters(of: $0.model) }
    var names: [String] = []
    for component in inventories.flatMap(\.components) where !names.contains(component.name) {
      names.append(component.name)
    }
    var table = Table([.text("component")] + models.map { Column($0.name, codeSpan($0.name)) })
    for name in names {
      table.append(
        [Cell(name)]
          + inventories.map { inventory in
            inventory.components.first { $0.name == name }.map { Cell($0.count) } ?? .missing
          })
    }
    table.append(["**total**"] + inventories.map { Cell($0.total) })
    return table
  }
}
