import Architectures
import Foundation
import Rendering
import Scenarios

/// The report about a quality sweep: answers first, then figures, tables and every run.
/// - Throws: `FigureFailure`
public func qualityReport(_ subject: QualitySubject) async throws -> ReportBuilder {
  var report = ReportBuilder()
  report.document.heading("\(subject.plan.scenario.name): what a cheaper decoder costs in quality", level: 1)
  report.document.paragraph(
    "Models trained by `photon train` (measured: \(subject.machines)), beside what they cost to decode (computed). Made "
      + "by \(codeSpan(subject.command)) from [\(subject.journal)](\(subject.journal)).")
  if subject.results.count < subject.plan.runs.count {
    report.document.paragraph(
      "**Unfinished:** \(subject.results.count) of \(subject.plan.runs.count) runs are done; the same command goes on.")
  }
  report.document.heading("Answers")
  report.document.list(subject.findings())
  try await subject.frontSection(&report)
  subject.variantSection(&report.document)
  try await subject.recursionSection(&report)
  try await subject.curveSection(&report)
  for (dataset, outcomes) in subject.groups where dataset != subject.main.dataset {
    subject.taskSection(dataset, outcomes, &report.document)
  }
  subject.conventionSection(&report.document)
  subject.runSection(&report.document)
  return report
}

extension QualitySubject {
  var machines: String {
    results.reduce(into: [String]()) { if !$0.contains($1.machine) { $0.append($1.machine) } }.joined(separator: ", ")
  }

  // MARK: Variants

  func variantSection(_ document: inout MarkdownDocument) {
    let (dataset, outcomes) = main
    let (centre, spread) = (centre(outcomes), spread(outcomes))
    document.heading("Every model")
    var table = Table([
      .text("model"), .text("factor"), Column("parameters", as: .si(unit: "")),
      Column("tokens", "tokens trained", as: .si(unit: "")), Column("bits", unit(outcomes), as: .fixed(decimals: 3)),
      Column("range", "range over seeds", as: .fixed(decimals: 3)), .text("difference", "against \(centre.name)"),
      Column("cache", "cache read per token", as: .si(unit: "B")),
      Column("persistent", "of it persistent", as: .si(unit: "B")),
      Column("flops", "FLOP per token", as: .si(unit: "")), Column("time", "time per token", as: .si(unit: "s")),
    ])
    for outcome in outcomes {
      let gap = outcome.mean - centre.mean
      let uncertainty = spread.uncertainty(outcome.results.count, centre.results.count)
      let text = (gap < 0 ? "−" : "+") + bits(abs(gap)) + (uncertainty.map { " ± \(bits($0))" } ?? "")
      table.append([
        Cell(outcome.name), Cell(outcome.variant.factor ?? ""), Cell(Double(outcome.parameterCount)),
        Cell(Double(outcome.run.tokens)), Cell(outcome.mean), rangeCell(outcome),
        outcome.name == centre.name ? .missing : Cell(text), Cell(outcome.cost.cacheBytes),
        Cell(outcome.cost.persistentBytes), Cell(outcome.cost.flops), Cell(outcome.cost.time),
      ])
    }
    document.table(table)
    let unigram = outcomes[0].results[0].unigramBits
    document.paragraph(
      "\(capitalised(dataset)), held out and teacher-forced over sequences of "
        + "\(number(centre.run.training.context)) tokens; its unigram entropy is \(bits(unigram)) \(unit(outcomes)).")
  }

  private func rangeCell(_ outcome: QualityOutcome) -> Cell {
    outcome.results.count > 1 ? Cell(outcome.range) : .missing
  }

  // MARK: Curves

  /// The centre, models of other families, and the best.
  func curveSection(_ report: inout ReportBuilder) async throws {
    let centre = centre(main.outcomes)
    let rivals = main.outcomes.filter(\.isMatchedByFlops)
    let best = rivals.min { $0.mean < $1.mean }!
    let chosen = rivals.filter {
      [centre.name, best.name].contains($0.name) || !$0.run.model.isSameFamily(as: centre.run.model)
    }
    let series = chosen.map { outcome -> LineChart.Series in
      let flopsPerToken = Double(outcome.run.trainingFlops) / Double(outcome.run.tokens)
      let points = outcome.results[0].curve.filter { $0.tokens > 0 }
      return LineChart.Series(outcome.name, points.map { (x: Double($0.tokens) * flopsPerToken, y: $0.bits) })
    }
    report.document.heading("While they learn")
    try await report.figure(
      LineChart(
        "Held-out loss while training, by FLOP spent", subtitle: "\(main.dataset), seed \(centre.results[0].run.seed)",
        x: Rendering.Axis("training FLOP", format: .si(unit: "")), y: Rendering.Axis(unit(main.outcomes)),
        series: series),
      "curves", caption: "One seed; evaluations during training, on fewer sequences than the final ones.")
  }

  // MARK: Tasks

  func taskSection(_ dataset: String, _ outcomes: [QualityOutcome], _ document: inout MarkdownDocument) {
    document.heading("Task: \(dataset)")
    let hasAnswers = outcomes.contains { $0.mean(\.accuracy) != nil }
    var columns: [Column] = [
      .text("model"), Column("tokens", "tokens trained", as: .si(unit: "")),
      Column("bits", "bits per token", as: .fixed(decimals: 3)),
      Column("excess", "above the best possible", as: .fixed(decimals: 3)),
      Column("range", "range over seeds", as: .fixed(decimals: 3)),
    ]
    if hasAnswers {
      columns += [
        Column("accuracy", "answers found", as: .percent(decimals: 1)),
        Column("accuracy_range", "range over seeds", as: .percent(decimals: 1)),
        Column("recursive", "by recursive generation", as: .percent(decimals: 1)),
      ]
    }
    var table = Table(columns)
    for outcome in outcomes {
      let excess = outcome.results[0].exactBits.map { outcome.mean - $0 }
      let found = outcome.results.compactMap(\.accuracy)
      let range = found.count > 1 ? 100 * (found.max()! - found.min()!) : nil
      let answers: [Cell] = [
        Cell(outcome.mean(\.accuracy).map { 100 * $0 }), Cell(range),
        Cell(outcome.mean(\.recursiveAccuracy).map { 100 * $0 }),
      ]
      table.append(
        [Cell(outcome.name), Cell(Double(outcome.run.tokens)), Cell(outcome.mean), Cell(excess), rangeCell(outcome)]
          + (hasAnswers ? answers : []))
    }
    document.table(table)
    let run = outcomes[0].run
    let chance = chance(outcomes[0]).map { " A guess among what stands before finds \(percent($0))." } ?? ""
    document.paragraph(
      "Sequences of \(number(run.training.context)) tokens, models \(number(run.model.layer.width)) wide, "
        + "\(NumberFormat.si(unit: "FLOP").text(Double(plan.budgets[dataset] ?? 0))) of training each. A seed draws a "
        + "task of its own.\(chance)")
  }
}
