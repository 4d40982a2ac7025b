import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

/// The report about measured critical footprints: findings first, then each task with its tables and its figure.
/// - Throws: `FigureFailure`
public func criticalReport(_ subject: CriticalSubject) async throws -> ReportBuilder {
  var report = ReportBuilder()
  report.document.heading("\(subject.plan.quality.scenario.name): how little of a cache still answers", level: 1)
  report.document.paragraph(
    "Scores are measured (\(subject.machines)): models trained by `photon train` answer by prefill and decode. "
      + "Footprints are computed. Made by \(codeSpan(subject.command)) from [\(subject.journal)](\(subject.journal)).")
  if subject.results.count < subject.asked {
    report.document.paragraph(
      "**Unfinished:** \(number(subject.results.count)) of \(number(subject.asked)) answers are there; the same command "
        + "goes on.")
  }
  report.document.heading("Findings")
  report.document.list(subject.findings())
  for (index, group) in subject.groups.enumerated() {
    report.document.heading(capitalised(group.dataset))
    report.document.paragraph(subject.task(group.outcomes))
    subject.modelTable(group.outcomes, &report.document)
    subject.criticalTable(group.outcomes, &report.document)
    try await subject.modelFigure(group.dataset, group.outcomes, "score-\(index + 1)", &report)
    for (place, outcome) in group.outcomes.enumerated() {
      report.document.heading("\(outcome.name), every budget", level: 3)
      if outcome.isSolved {
        try await subject.methodFigure(group.dataset, outcome, "score-\(index + 1)-\(place + 1)", &report)
      }
      subject.budgetTable(outcome, &report.document)
    }
    subject.officialTable(group.outcomes, &report.document)
  }
  subject.conventionSection(&report.document)
  return report
}

extension CriticalSubject {
  func task(_ outcomes: [CriticalOutcome]) -> String {
    let (run, task) = (outcomes[0].run, outcomes[0].task)
    let data = run.training.data
    let what =
      data.recall.map {
        "\(number($0.pairs)) pairs of a key and a value, then keys that ask with their values; the last value is the answer"
      }
      ?? data.passkey.map {
        "\($0.digits == 1 ? "A digit" : "\(number($0.digits)) digits") behind a marker, \(number($0.distance)) tokens of filler, and a marker that asks"
      } ?? "The second half of sequences is read on, token by token; the score is the share of the bits that it saves"
    let read = outcomes.map { "\(number($0.task.workload.promptLength)) for \($0.name)" }
    return
      "\(what). \(number(task.promptLength)) tokens before the answer, which has \(number(task.answerLength)); prefill reads "
      + "\(read.joined(separator: ", ")). \(number(plan.section.sequences)) sequences for each seed."
  }

  // MARK: Models

  func modelTable(_ outcomes: [CriticalOutcome], _ document: inout MarkdownDocument) {
    let asks: [TableColumn<CriticalOutcome>] =
      outcomes[0].task.isText
      ? [
        TableColumn(Column("bits", "bits per token", as: .fixed(decimals: 3))) { Cell($0.bits?.model) },
        TableColumn(Column("unigram", "of frequencies alone", as: .fixed(decimals: 3))) { Cell($0.bits?.unigram) },
      ] : [TableColumn(.text("solved")) { Cell($0.isSolved ? "yes" : "no") }]
    let own: [TableColumn<CriticalOutcome>] = [
      TableColumn(.text("model")) { Cell($0.name) }, TableColumn(Column("seeds")) { Cell($0.full.scores.count) },
      TableColumn(Column("steps")) { Cell($0.run.training.steps) },
      TableColumn(Column("score", "full score", as: .percent(decimals: 1))) { Cell($0.full.mean.map { 100 * $0 }) },
      TableColumn(Column("range", "range over seeds", as: .percent(decimals: 1))) {
        Cell($0.full.range.map { 100 * $0 })
      },
    ]
    func bytes(_ key: String, _ heading: String, _ value: @escaping (ModelFootprint) -> Int128) -> TableColumn<
      CriticalOutcome
    > {
      TableColumn(Column(key, heading, as: .binaryBytes)) { $0.full.one.footprint.map { Cell(value($0)) } ?? .missing }
    }
    let held: [TableColumn<CriticalOutcome>] = [
      TableColumn(Column("footprint", as: .fixed(decimals: 3))) { Cell($0.full.one.footprint?.footprint) },
      bytes("peak", "peak bytes") { $0.peakBytes },
      bytes("reference", "full attention's bytes") { $0.referencePeakBytes },
    ]
    document.table(Table(own + asks + held, of: outcomes))
  }

  // MARK: Critical footprints

  func criticalTable(_ outcomes: [CriticalOutcome], _ document: inout MarkdownDocument) {
    var table = Table([
      .text("model"), .text("method"), Column("global", "critical, global minimum"),
      Column("global_seeds", "by seed"), Column("contiguous", "critical, contiguous from full"),
      Column("contiguous_seeds", "by seed"), Column("floor", "smallest tried", as: .fixed(decimals: 3)),
      Column("score", "score there", as: .percent(decimals: 1)),
    ])
    for outcome in outcomes {
      for method in methods {
        guard let smallest = outcome.budgets(of: method).first else { continue }
        func cells(_ reading: FootprintCurve.Reading) -> [Cell] {
          guard outcome.isSolved else { return [Cell("means nothing"), .missing] }
          let bySeed = outcome.criticalBySeed(method, reading).map(criticalText)
          return [
            outcome.critical(method, reading).map { Cell(criticalText($0)) } ?? .missing,
            bySeed.count > 1 ? Cell(bySeed.joined(separator: ", ")) : .missing,
          ]
        }
        table.append(
          [Cell(outcome.name), Cell(method)] + cells(.globalMinimum) + cells(.contiguousFromFull)
            + [Cell(smallest.one.footprint!.footprint), Cell(smallest.mean.map { 100 * $0 })])
      }
    }
    document.table(table)
    document.paragraph(
      "The smallest footprint that keeps \(wholePercent(CriticalPlan.fraction)) of the model's own full score, on straight "
        + "lines through the means of the seeds. `<` is below everything that was tried, `>` above everything but full attention."
    )
  }

  // MARK: Figures

  private static func chart(_ subtitle: String, _ series: [LineChart.Series]) -> LineChart {
    LineChart(
      "Score against KV footprint", subtitle: subtitle,
      x: Rendering.Axis("KV footprint, share of full attention", range: 0...1.05),
      // Where frequencies alone say more than a model, its score is negative.
      y: Rendering.Axis("score, %", range: min(0, series.flatMap(\.points).map(\.y).min() ?? 0)...105), series: series)
  }

  /// Every model with the best that any method reaches at a footprint or below.
  func modelFigure(
    _ dataset: String, _ outcomes: [CriticalOutcome], _ name: String, _ report: inout ReportBuilder
  ) async throws {
    let series = outcomes.map { outcome in
      var best = -1.0
      let rows = (methods.flatMap(outcome.budgets) + [outcome.full]).filter { $0.mean != nil }
        .sorted { $0.one.footprint!.footprint < $1.one.footprint!.footprint }
      let points = rows.compactMap { row -> (x: Double, y: Double)? in
        guard row.mean! > best else { return nil }
        best = row.mean!
        return (x: row.one.footprint!.footprint, y: 100 * best)
      }
      return LineChart.Series(outcome.name, points)
    }
    try await report.figure(
      Self.chart("\(dataset), the best method of each model, means over seeds", series), name,
      caption: "Budgets at which no smaller footprint of any method scores as much.")
  }

  /// Every method on one model.
  func methodFigure(
    _ dataset: String, _ outcome: CriticalOutcome, _ name: String, _ report: inout ReportBuilder
  ) async throws {
    let full = outcome.full.one.footprint!.footprint
    let series = methods.compactMap { method -> LineChart.Series? in
      let rows = outcome.budgets(of: method).filter { $0.one.footprint!.footprint < full }
      guard !rows.isEmpty else { return nil }
      return LineChart.Series(
        method,
        (rows + [outcome.full]).compactMap { row in
          row.mean.map { (x: row.one.footprint!.footprint, y: 100 * $0) }
        })
    }
    guard !series.isEmpty else { return }
    try await report.figure(
      Self.chart("\(dataset), \(outcome.name), means over seeds", series), name,
      caption: "Every point is a budget; each line ends at the model with everything kept.")
  }

  // MARK: Budgets

  func budgetTable(_ outcome: CriticalOutcome, _ document: inout MarkdownDocument) {
    var table = Table([
      .text("method"), .text("caches"), Column("footprint", as: .fixed(decimals: 3)),
      Column("active", "entries read", as: .fixed(decimals: 3)), Column("peak", "peak bytes", as: .binaryBytes),
      Column("score", as: .percent(decimals: 1)), Column("range", "range over seeds", as: .percent(decimals: 1)),
    ])
    for row in [outcome.full] + methods.flatMap(outcome.budgets) {
      let footprint = row.one.footprint
      table.append([
        Cell(row.one.method), Cell(Self.code(row.one.text)), Cell(footprint?.footprint),
        Cell(footprint?.activeFraction),
        footprint.map { Cell($0.peakBytes) } ?? .missing, Cell(row.mean.map { 100 * $0 }),
        Cell(row.range.map { 100 * $0 }),
      ])
    }
    document.table(table)
  }

  func officialTable(_ outcomes: [CriticalOutcome], _ document: inout MarkdownDocument) {
    guard plan.section.methods.contains(where: { $0.official != nil }) else { return }
    document.heading("At the official budgets, as they are and scaled", level: 3)
    var table = Table([
      .text("model"), .text("method"), .text("budget"), .text("caches"), Column("footprint", as: .fixed(decimals: 3)),
      Column("score", as: .percent(decimals: 1)), Column("range", "range over seeds", as: .percent(decimals: 1)),
      .text("remark"),
    ])
    for outcome in outcomes {
      for method in methods {
        for kind in [CriticalCase.Kind.official, .scaled] {
          guard let row = outcome.row(kind, of: method) else { continue }
          let remark = row.one.problem ?? (row.one.keepsEverything ? "keeps everything: no budget is reached" : "")
          table.append([
            Cell(outcome.name), Cell(method), Cell(kind == .official ? "official" : "scaled"),
            Cell(Self.code(row.one.text)), Cell(row.one.footprint?.footprint), Cell(row.mean.map { 100 * $0 }),
            Cell(row.range.map { 100 * $0 }), Cell(remark),
          ])
        }
      }
    }
    document.table(table)
    let context = outcomes[0].run.training.context
    document.paragraph(
      "Scaled: every length times T/131072 = \(number(context))/131 072, rounded, at least what the method accepts. Official "
        + "budgets are made for contexts as long as that; these rows are no points of the curves above.")
  }

  private static func code(_ text: String) -> String { text == "everything" ? text : codeSpan(text) }

  // MARK: Conventions

  func conventionSection(_ document: inout MarkdownDocument) {
    document.heading("Conventions")
    let precision = plan.quality.runs[0].scenario.grid.point(at: 0)!.question.precision
    var conventions = [
      "Footprint: memory held, added up over the tokens of prompt and answer, as a share of what a Transformer of the same "
        + "layers and widths holds with full attention; hierarchies in token time, with the windows of their decoders "
        + "(`photon footprint`, docs/footprint.md). In bytes, at \(precision.cache.bits) bits an element; executed in 32.",
      "A budget of a hierarchy counts units of each encoder, not tokens.",
      "The score of a task is the share of sequences whose whole answer is right; the answer is generated greedily and read "
        + "for what comes next. That of a text is 1 − bits/unigram bits over the second half of each sequence, which decode "
        + "is fed: 0 says no more than how frequent tokens are, 1 is certainty.",
      "A full model below \(wholePercent(CriticalPlan.solved)) (a text: 0) from any seed has not learnt it: a share of its "
        + "score says nothing about caches, and no critical footprint is given.",
      "Critical footprint: PruLong (arXiv:2506.17121) §2.1, in both readings where the curve is not monotone. A hierarchy's "
        + "curve ends at its own footprint with everything kept, and its threshold is of its own score.",
      "Prefill reads the prompt without its last token, which decode is fed first: whatever is evicted behind the prompt is "
        + "gone when the answer is chosen. In a hierarchy the last whole unit of the top level, and what is open behind it, "
        + "is fed to decode, so that every encoder reads its cache once more. Footprints are of that question.",
      "Models are trained with full attention; no method was trained for. A seed draws weights, data order and task.",
      "Eviction waits for the end of a pass. A prompt read in one pass has a footprint near 1 whatever is evicted "
        + "behind it; `prefill_chunk` makes passes short.",
    ]
    let rates = Set(plan.quality.runs.map(\.training.learningRate))
    if rates.count == 1, let rate = rates.first {
      conventions.append("Every run has the learning rate \(significant(rate)); it was not tuned for any of them.")
    }
    document.list(conventions)
  }

  /// `0.354`, `<0.021`, `>0.934`.
  func criticalText(_ critical: CriticalFootprint) -> String {
    func text(_ value: Double) -> String { NumberFormat.fixed(decimals: 3).text(value) }
    return switch critical {
    case .below(let footprint): "<" + text(footprint)
    case .value(let footprint): text(footprint)
    case .above(let footprint): ">" + text(footprint)
    }
  }
}
