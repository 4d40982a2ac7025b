import Architectures
import Foundation
import GSL
import Hardware
import Rendering
import Scenarios

/// Quality against what decoding costs.
extension QualitySubject {
  struct CostAxis {
    let name: String
    /// Of the figure's file.
    let key: String
    let axis: Rendering.Axis
    let format: NumberFormat
    let cost: (DecodeCost) -> Double
  }

  var costAxes: [CostAxis] {
    let bound = profile.isTypical ? ", expected of a data sheet" : ""
    return [
      CostAxis(
        name: "cache bytes read per token", key: "cache",
        axis: Rendering.Axis("keys and values read per emitted token (byte)", .log10, format: .si(unit: "B")),
        format: .si(unit: "B"), cost: { $0.cacheBytes }),
      CostAxis(
        name: "FLOP per token", key: "flops",
        axis: Rendering.Axis("FLOP per emitted token", format: .si(unit: "")), format: .si(unit: "FLOP"),
        cost: { $0.flops }),
      CostAxis(
        name: "time per token", key: "time",
        axis: Rendering.Axis("time per emitted token on \(profile.name)\(bound) (s)", .log10, format: .si(unit: "s")),
        format: .si(unit: "s"), cost: { $0.time }),
    ]
  }

  func frontSection(_ report: inout ReportBuilder) async throws {
    report.document.heading("Quality against decode cost")
    report.document.paragraph(
      "Every point is a model after the same training FLOP; whiskers are 95 % intervals from the pooled spread of seeds. "
        + "On the front are the models for which no other is at least as good in both and better in one.")
    for axis in costAxes { try await frontFigure(axis, &report) }
    let fronts = costAxes.map { front(main.outcomes, by: $0.cost) }
    let shares = fronts.compactMap(\.front.probabilities)
    if shares.count == fronts.count {
      report.document.table(shareTable(fronts[0].rivals, shares))
      report.document.paragraph(
        "Share of 10 000 draws of the true means, given those observed and their pooled variance, in which a model is on "
          + "the front; models that never are, are left out.")
    }
    longerSection(&report.document)
  }

  private func frontFigure(_ axis: CostAxis, _ report: inout ReportBuilder) async throws {
    let spread = spread(main.outcomes)
    let (rivals, front) = front(main.outcomes, by: axis.cost)
    let entries = rivals.map { outcome in
      ParetoChart.Entry(
        outcome.name, group: outcome.variant.factor ?? "centre", x: axis.cost(outcome.cost), y: outcome.mean,
        error: spread.uncertainty(outcome.results.count) ?? 0)
    }
    let names = front.members.reversed().map { rivals[$0].name }
    let title =
      names.count == 1
      ? "\(names[0]) is best in quality and in \(axis.name)"
      : "Lower left is better: \(names.count) of \(rivals.count) models are on the front of \(axis.name)"
    let chart = ParetoChart(
      title, subtitle: "\(main.dataset), \(describe(workload)), \(profile.name)", x: axis.axis,
      y: Rendering.Axis(unit(main.outcomes)), ceiling: ceiling(rivals.map(\.mean)), entries: entries)
    try await report.figure(
      chart, "front-\(axis.key)",
      caption:
        "\(capitalised(unit(main.outcomes))) against \(axis.name). On the front: \(names.joined(separator: "; ")).")
  }

  /// Above this, models would press the others into a strip: Tukey's fence.
  private func ceiling(_ values: [Double]) -> Double {
    let (low, high) = (Statistics.quantile(0.25, of: values), Statistics.quantile(0.75, of: values))
    return high + 1.5 * (high - low)
  }

  private func shareTable(_ rivals: [QualityOutcome], _ shares: [[Double]]) -> Table {
    var table = Table(
      [.text("model"), Column("bits", unit(main.outcomes), as: .fixed(decimals: 3))]
        + costAxes.map { Column($0.key, "on the front of \($0.name)", as: .percent(decimals: 0)) })
    let order = rivals.indices.sorted { (rivals[$0].mean, $0) < (rivals[$1].mean, $1) }
    for index in order where shares.contains(where: { $0[index] > 0 }) {
      table.append([Cell(rivals[index].name), Cell(rivals[index].mean)] + shares.map { Cell(100 * $0[index]) })
    }
    return table
  }

  /// What the caches cost where the context is longer than any of these models has seen.
  private func longerSection(_ document: inout MarkdownDocument) {
    let rivals = main.outcomes.filter(\.isMatchedByFlops).sorted { $0.mean < $1.mean }
    document.heading("The same models at longer prompts", level: 3)
    let prompt = workload.promptLength
    let factors = rivals[0].longer.map(\.factor)
    var table = Table(
      [.text("model"), Column("bits", unit(main.outcomes), as: .fixed(decimals: 3))]
        + ([1] + factors).map { factor in
          Column("cache_\(factor)", "cache read per token, prompt \(number(factor * prompt))", as: .si(unit: "B"))
        } + [Column("persistent", "of it persistent", as: .percent(decimals: 0))])
    for outcome in rivals {
      let last = outcome.longer.last!.cost
      table.append(
        [Cell(outcome.name), Cell(outcome.mean), Cell(outcome.cost.cacheBytes)]
          + outcome.longer.map { Cell($0.cost.cacheBytes) } + [Cell(100 * last.persistentBytes / last.cacheBytes)])
    }
    document.table(table)
    document.paragraph(
      "Costs alone: the quality is that of contexts of \(number(rivals[0].run.training.context)) tokens. Windows of local "
        + "decoders cost the same at every prompt; persistent caches grow with it. The share is that of the longest prompt."
    )
  }
}
