import Architectures
import Formulas
import Foundation
import GSL
import Hardware
import Quantities
import Rendering
import Scenarios
import ServingRows

extension TimedSubject {
  /// Rows that another machine measured, predicted by a profile that is fitted to a share of them.
  /// - Parameters:
  ///   - scenario: whose `replayed` section it is.
  ///   - source: the section.
  ///   - base: the machine, whose efficiencies are fitted.
  ///   - searchPaths: where presets are looked for.
  ///   - command: what a reader types for the same report.
  /// - Throws: `ScenarioError` for a wrong table, `ServingFitError` as one, `HardwareError`, `CountOverflow`, `GSLError`
  public init(
    _ scenario: Scenario, _ source: ReplayedRows, on base: HardwareProfile, searchPaths: [String], command: String
  ) throws {
    let table = try MeasuredTable(file: source.rows)
    if let row = table.rows.first(where: { !$0.hardware.isEmpty && $0.hardware != ScenarioFiles.canonical(base.name) })
    {
      throw ScenarioError([
        Diagnostic(
          row.position, path: "hardware", found: "the row is of \(row.hardware)",
          accepted: "rows of \(base.name), the scenario's hardware")
      ])
    }
    for row in table.rows { try row.check(on: base) }
    let rows = try ModelNames(files: [:], searchPaths: searchPaths, near: scenario.file).points(table.rows)
    let fitted = fittedRows(rows, source)
    var profile = base
    var notes = [
      "Rows: \(codeSpan(shownPath(source.rows))); " + table.comments.joined(separator: "; ") + ".",
      "A row is a phase that was replayed operation by operation from an exported trace (Tools/replay): prefill of all prompts, "
        + "or decode steps of all sequences at a context, as a mean over whole meta-contexts (the tokens under one unit of the "
        + "highest level).",
    ]
    if !fitted.isEmpty {
      let fit = try Self.fit(rows.filter { fitted.contains($0.row.identifier) }, base, source)
      profile = fit.profile
      let values = fit.values.map { value in
        "\(value.coefficient.rawValue) \(significant(value.value)) ± \(significant(value.standardError))"
      }
      notes.append(
        "The profile \(codeSpan(base.name)) was fitted to \(number(fitted.count)) of the \(number(rows.count)) rows, a share of "
          + "\(wholePercent(source.fittedShare)) of each family drawn by seed \(source.seed): \(values.joined(separator: ", ")). "
          + "The others are held out.")
    }
    notes.append(
      "Two signs tell what a phase waited for. *Elasticity*: to the next larger batch, time grows like arithmetic or like "
        + "traffic, whichever has the nearer exponent. *Ceilings*: it reaches a quarter or more of one ceiling and less than half "
        + "as much of the other. They are sure where both speak and agree.")
    self.init(
      title: "\(scenario.name): a sweep over C and R, measured", command: command,
      machine: base.description.isEmpty ? codeSpan(base.name) : "\(codeSpan(base.name)) (\(base.description))",
      peak: 0,
      bandwidth: base.memoryBandwidth.perSecond, notes: notes, points: [], generatesMetaContexts: true)
    let nodes = try source.nodes.map { try MeasuredNodes(file: $0) }
    remarks = table.remarks + (nodes?.remarks ?? [])
    let parts = Dictionary(grouping: nodes?.nodes ?? [], by: \.row)
    for row in rows {
      let roofline = try Roofline(profile, row.row.precision.precision)
      peak = max(peak, roofline.product.perSecond)
      for phase in Phase.allCases {
        guard var point = TimedPhasePoint(row, phase, roofline) else { continue }
        point.isFitted = fitted.contains(row.row.identifier)
        try point.setNodes(parts[row.row.identifier] ?? [], roofline)
        points.append(point)
      }
    }
    readRegimes()
  }

  private static func fit(
    _ rows: [ServingPoint], _ base: HardwareProfile, _ source: ReplayedRows
  ) throws -> ServingFit {
    do {
      return try chosenFit(rows, base: base)
    } catch let error as ServingFitError {
      throw error.refusal(of: rows, path: "replayed.fitted_share")
    }
  }
}

/// The identifiers of the rows that are fitted: of each family the share with the smallest hashes, so that another order
/// of rows changes nothing.
private func fittedRows(_ rows: [ServingPoint], _ source: ReplayedRows) -> Set<String> {
  func hash(_ row: ServingPoint) -> UInt64 {
    RandomStream.hash(seed: UInt64(source.seed), name: row.row.identifier)
  }
  return rows.inOrder(by: \.model.family).reduce(into: []) { chosen, own in
    let count = Int((source.fittedShare * Double(own.count)).rounded())
    chosen.formUnion(own.sorted { hash($0) < hash($1) }.prefix(count).map(\.row.identifier))
  }
}

extension TimedPhasePoint {
  /// A phase of a row beside its prediction; nil where the row does not have it.
  fileprivate init?(_ point: ServingPoint, _ phase: Phase, _ roofline: Roofline) {
    let row = point.row
    guard let seconds = row.times[phase == .prefill ? .prefill : .decodeStep],
      let prompt = phase == .prefill ? row.prompt : row.context
    else { return nil }
    let generated = phase == .prefill ? 0 : row.generated ?? point.model.metaContextLength
    let question = Question(
      point.model, Workload(promptLength: prompt, generatedLength: generated, batchSize: row.concurrency),
      row.precision.precision)
    let total = TimedPhases(question, roofline)[phase].total
    self.init(
      name: row.model, question: question, phase: phase,
      measured: phase == .prefill ? seconds : seconds * Double(generated), predicted: total.time.value,
      spreadPercent: row.spreadPercent ?? 0, predictedBound: total.bound,
      predictedMargin: total.compute.value / total.memory.value)
  }

  /// Adds the parts that were timed, with their exact work.
  /// - Throws: `ScenarioError` where the row's counts are not those of the formulas: it is about another workload.
  fileprivate mutating func setNodes(_ parts: [MeasuredNode], _ roofline: Roofline) throws {
    guard !parts.isEmpty else { return }
    var pricer = Pricer(keepsNodes: true)
    try pricer.fill(question)
    let estimate = TimedPhases(question, roofline)[phase]
    nodes = try parts.map { part in
      let work = pricer.work(at: part.node, in: phase)
      guard work.matmulFlops == part.matmulFlops, bytes(work.trafficBits) == part.trafficBytes else {
        throw ScenarioError([
          Diagnostic(
            part.position, path: "matmul_flops",
            found: "found \(part.matmulFlops) FLOP and \(part.trafficBytes) bytes of \(part.node)",
            accepted:
              "\(work.matmulFlops) FLOP and \(bytes(work.trafficBits)) bytes, which this version counts of the row")
        ])
      }
      let figure = estimate[part.node]
      return TimedNode(
        node: part.node, measured: part.seconds, predicted: figure.time.value, work: work, predictedBound: figure.bound)
    }
  }
}
