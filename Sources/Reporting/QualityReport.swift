import Architectures
import Foundation
import Hardware
import Reports
import Scenarios

/// The report about a quality sweep: answers first, then figures, tables and every run.
/// - Throws: `FigureFailure`
public func qualityReport(_ subject: QualitySubject) async throws -> ReportBuilder {
  var report = ReportBuilder()
  let main = subject.main
  report.document.heading("\(subject.plan.scenario.name): what a cheaper decoder costs in quality", level: 1)
  report.document.paragraph(
    "Models trained by `photon train` (measured: \(subject.machines)), beside what they cost to decode (computed). Made "
      + "by `\(subject.command)` from [\(subject.journal)](\(subject.journal)).")
  if subject.results.count < subject.plan.runs.count {
    report.document.paragraph(
      "**Unfinished:** \(subject.results.count) of \(subject.plan.runs.count) runs are done; the same command goes on.")
  }
  report.document.heading("Answers")
  report.document.list(subject.findings())
  try await subject.frontSection(&report)
  subject.variantSection(&report.document)
  if main.outcomes.contains(where: { subject.recursion($0) != nil }) { try await subject.recursionSection(&report) }
  try await subject.curveSection(&report)
  for (dataset, outcomes) in subject.groups.dropFirst() { subject.taskSection(dataset, outcomes, &report.document) }
  subject.conventionSection(&report.document)
  subject.runSection(&report.document)
  return report
}

extension QualitySubject {
  var machines: String {
    results.reduce(into: [String]()) { if !$0.contains($1.machine) { $0.append($1.machine) } }.joined(separator: ", ")
  }

  // MARK: The front

  private struct CostAxis {
    let name: String
    let key: String
    let axis: Reports.Axis
    let cost: (DecodeCost) -> Double
  }

  private var costAxes: [CostAxis] {
    [
      CostAxis(
        name: "cache bytes read per token", key: "cache",
        axis: Reports.Axis("persistent cache read per emitted token (byte)", .log10, format: .si(unit: "B")),
        cost: { $0.cacheBytes }),
      CostAxis(
        name: "FLOP per token", key: "flops",
        axis: Reports.Axis("FLOP per emitted token", format: .si(unit: "")), cost: { $0.flops }),
      CostAxis(
        name: "time per token", key: "time",
        axis: Reports.Axis("time per emitted token on \(profile.name) (s)", .log10, format: .si(unit: "s")),
        cost: { $0.time }),
    ]
  }

  func frontSection(_ report: inout ReportBuilder) async throws {
    let (dataset, outcomes) = main
    let spread = spread(outcomes)
    report.document.heading("Quality against decode cost")
    report.document.paragraph(
      "Every point is a model after the same training FLOP; whiskers are 95 % intervals from the pooled spread of seeds. "
        + "The front joins the models that no other equals in cost and quality.")
    for axis in costAxes {
      let (rivals, front) = front(outcomes, by: axis.cost)
      let entries = rivals.map { outcome in
        ParetoChart.Entry(
          outcome.name, group: outcome.variant.factor ?? "centre", x: axis.cost(outcome.cost), y: outcome.mean,
          error: spread.uncertainty(outcome.results.count) ?? 0)
      }
      let names = front.members.reversed().map { rivals[$0].name }
      let chart = ParetoChart(
        names.count == 1
          ? "\(names[0]) is best in quality and \(axis.name)"
          : "Lower left is better: \(names.count) of \(rivals.count) models are on the front of \(axis.name)",
        subtitle: "\(dataset), \(describe(workload)), \(profile.name)", x: axis.axis,
        y: Reports.Axis(unit(outcomes)),
        entries: entries)
      try await report.figure(
        chart, "front-\(axis.key)",
        caption: "\(capitalised(unit(outcomes))) against \(axis.name). On the front: \(names.joined(separator: ", ")).")
    }
    report.document.table(frontTable(outcomes))
    report.document.paragraph(
      "Share of 10 000 draws of the true means, given those observed and their pooled variance, in which a model is on the "
        + "front; models beaten in all draws of all three costs are left out.")
  }

  private func frontTable(_ outcomes: [QualityOutcome]) -> Table {
    let fronts = costAxes.map { front(outcomes, by: $0.cost) }
    var table = Table(
      [.text("model"), Column("bits", unit(outcomes), as: .fixed(decimals: 3))]
        + costAxes.map { Column($0.key, "on the front of \($0.name)", as: .percent(decimals: 0)) })
    let rivals = fronts[0].rivals
    let order = rivals.indices.sorted { (rivals[$0].mean, $0) < (rivals[$1].mean, $1) }
    for index in order where fronts.contains(where: { $0.front.probabilities[index] > 0 }) {
      table.append(
        [Cell(rivals[index].name), Cell(rivals[index].mean)]
          + fronts.map { Cell(100 * $0.front.probabilities[index]) })
    }
    return table
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
      Column("cache", "cache read per token", as: .si(unit: "B")), Column("flops", "FLOP per token", as: .si(unit: "")),
      Column("time", "time per token", as: .si(unit: "s")), Column("tpm", "tok/s/GiB", as: .si(unit: "")),
    ])
    for outcome in outcomes {
      let gap = outcome.mean - centre.mean
      let uncertainty = spread.uncertainty(outcome.results.count, centre.results.count)
      let text = (gap < 0 ? "−" : "+") + bits(abs(gap)) + (uncertainty.map { " ± \(bits($0))" } ?? "")
      table.append([
        Cell(outcome.name), Cell(outcome.variant.factor ?? ""), Cell(Double(outcome.parameterCount)),
        Cell(Double(outcome.run.tokens)), Cell(outcome.mean), Cell(outcome.range),
        outcome.name == centre.name ? .missing : Cell(text), Cell(outcome.cost.cacheBytes), Cell(outcome.cost.flops),
        Cell(outcome.cost.time), Cell(outcome.cost.throughputPerMemory),
      ])
    }
    document.table(table)
    let unigram = outcomes[0].results[0].unigramBits
    document.paragraph(
      "\(capitalised(dataset)), held out and teacher-forced over sequences of \(number(centre.run.training.context)) tokens; its "
        + "unigram entropy is \(bits(unigram)) \(unit(outcomes)).")
  }

  // MARK: Recursive generation

  func recursionSection(_ report: inout ReportBuilder) async throws {
    let outcomes = main.outcomes.filter { recursion($0) != nil }
    report.document.heading("Recursive generation")
    var table = Table([
      .text("model"), Column("hierarchical", "hierarchical, \(unit(outcomes))", as: .fixed(decimals: 3)),
      Column("recursive", "recursive", as: .fixed(decimals: 3)), Column("loss", "lost", as: .fixed(decimals: 3)),
      Column("agreement", as: .percent(decimals: 1)), Column("kl", "KL, nat", as: .significant(3)),
      Column("cosine", "cos Â A", as: .fixed(decimals: 3)),
      Column("cache", "cache read per token, recursive", as: .si(unit: "B")),
      Column("cache_ratio", "of hierarchical", as: .percent(decimals: 0)),
    ])
    for outcome in outcomes {
      let recursion = recursion(outcome)!
      let cache = outcome.recursiveCost?.cacheBytes
      table.append([
        Cell(outcome.name), Cell(recursion.hierarchicalBits), Cell(recursion.recursiveBits), Cell(recursion.loss),
        Cell(100 * recursion.agreement), Cell(recursion.divergence), Cell(recursion.chunkCosine), Cell(cache),
        Cell(cache.map { 100 * $0 / outcome.cost.cacheBytes }),
      ])
    }
    report.document.paragraph(
      "Both ways are given the text behind the same prompts, \(number(recursion(outcomes[0])!.positions)) tokens of it within "
        + "the trained context; means over seeds. `photon evaluate` defines the figures (docs/evaluate-json.md).")
    report.document.table(table)
    let context = outcomes[0].run.training.context
    let levels = (outcomes.first { $0.variant.factor == nil } ?? outcomes[0]).run.model.levels
    let drifting = outcomes.filter { $0.run.model.levels == levels && $0.isMatchedByFlops }
    try await report.figure(
      LineChart(
        "What recursive generation loses with the distance from the prompt",
        subtitle: "\(main.dataset), trained on \(number(context)) tokens, prompts of \(number(context / 2))",
        x: Reports.Axis("tokens behind the prompt", .log2),
        y: Reports.Axis("recursive − hierarchical (\(unit(outcomes)))"),
        series: drifting.map { LineChart.Series($0.name, drift($0)) },
        size: FigureSize(width: 980, height: 560)),
      "drift",
      caption: "Recursive minus hierarchical loss by distance, each stretch as long as all before it; models with the "
        + "levels of the scenario's own.")
  }

  /// Per stretch, its last position and the mean loss over seeds.
  private func drift(_ outcome: QualityOutcome) -> [(x: Double, y: Double)] {
    let counts = outcome.results.map(\.stretches.count)
    return (0..<(counts.min() ?? 0)).map { index in
      let stretches = outcome.results.map { $0.stretches[index] }
      let loss = stretches.reduce(0) { $0 + $1.recursiveBits - $1.hierarchicalBits } / Double(stretches.count)
      return (Double(stretches[0].positions.upperBound + 1), loss)
    }
  }

  // MARK: Curves

  func curveSection(_ report: inout ReportBuilder) async throws {
    let centre = centre(main.outcomes)
    let chosen = main.outcomes.filter {
      $0.isMatchedByFlops && ($0.name == centre.name || $0.run.model.family != centre.run.model.family)
    }
    let series = chosen.map { outcome -> LineChart.Series in
      let result = outcome.results[0]
      let flopsPerToken = Double(outcome.run.trainingFlops) / Double(outcome.run.tokens)
      let points = result.curve.filter { $0.tokens > 0 }.map { (x: Double($0.tokens) * flopsPerToken, y: $0.bits) }
      return LineChart.Series(outcome.name, points, colour: outcome.run.model.family.colour)
    }
    report.document.heading("While they learn")
    try await report.figure(
      LineChart(
        "Held-out loss while training, by FLOP spent", subtitle: "\(main.dataset), seed \(centre.results[0].run.seed)",
        x: Reports.Axis("training FLOP", format: .si(unit: "")), y: Reports.Axis(unit(main.outcomes)), series: series),
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
        Column("recursive", "by recursive generation", as: .percent(decimals: 1)),
      ]
    }
    var table = Table(columns)
    for outcome in outcomes {
      let excess = outcome.results[0].exactBits.map { outcome.mean - $0 }
      table.append(
        [Cell(outcome.name), Cell(Double(outcome.run.tokens)), Cell(outcome.mean), Cell(excess), Cell(outcome.range)]
          + (hasAnswers
            ? [
              Cell(outcome.mean(\.accuracy).map { 100 * $0 }), Cell(outcome.mean(\.recursiveAccuracy).map { 100 * $0 }),
            ] : []))
    }
    document.table(table)
    let run = outcomes[0].run
    document.paragraph(
      "Sequences of \(number(run.training.context)) tokens, models \(number(run.model.layer.width)) wide, "
        + "\(NumberFormat.si(unit: "FLOP").text(Double(plan.budgets[dataset] ?? 0))) of training each.")
  }
}
