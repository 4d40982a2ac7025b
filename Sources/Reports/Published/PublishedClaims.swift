import Formulas
import Foundation
import Rendering
import ServingRows

extension PublishedClaim {
  /// The published ratio as a product: what `ideal` explains by cause, what the fitted stack adds, and what is left of
  /// throughput and of memory.
  var waterfall: Waterfall {
    let (ideal, fitted) = (waterfalls[0], waterfalls[waterfalls.count - 1])
    let predictedThroughput = fitted.steps.filter { $0.name != "memory again" }.reduce(1) { $0 * $1.factor }
    let left = throughputGain / predictedThroughput
    let rest = [
      Waterfall.Step("stack", fitted.ratio / ideal.ratio), Waterfall.Step("not explained, throughput", left),
      Waterfall.Step("not explained, memory", ratio / fitted.ratio / left),
    ]
    return Waterfall(
      figure: ideal.figure, first: first.row.value, second: second.row.value, steps: ideal.steps + rest)
  }

  var memoryGain: Double { ratio / throughputGain }
}

extension PublishedSubject {
  /// The factor within which a prediction counts as a reproduction of a ratio. Chosen.
  private static let reproduced = 2.0

  private static let words = [
    "cache": "cache bytes", "weights": "weight reads", "arithmetic": "arithmetic",
    "intermediates": "activations", "batch": "batch that memory allows", "memory again": "memory counted again",
    "stack": "the measured stack", "overhead": "launches",
  ]

  /// The claim in words: who causes which share, by ideal kernels and by the fitted stack, and how far to trust both.
  func answer(_ claim: PublishedClaim, _ groups: [Group]) -> String {
    let (first, second) = (claim.first.row, claim.second.row)
    let title = wholeRatio(claim.ratio)
    func part(_ steps: [Waterfall.Step], _ names: String...) -> String {
      let factor = steps.filter { names.contains($0.name) }.reduce(1) { $0 * $1.factor }
      return "\(percent(log(factor) / log(claim.ratio))) (\(ratio(factor)))"
    }
    func split(_ steps: [Waterfall.Step]) -> String {
      "**cache bytes** \(part(steps, "cache")), **weight reads** \(part(steps, "weights")), **the batch that memory allows** "
        + "\(part(steps, "batch")), **memory counted a second time** by TPM \(part(steps, "memory again")), arithmetic, "
        + "activations and launches \(part(steps, "arithmetic", "intermediates", "overhead"))"
    }
    let rows = groups.first { $0.table.rows.contains(second) }?.rows ?? []
    let missed = errors(rows, .throughput).map { errors in
      zip(engines, errors).map { "\(codeSpan($0.name)) \(ratio($1))" }.joined(separator: ", ")
    }
    let (ideal, fitted) = (claim.waterfalls[0], claim.waterfalls[claim.waterfalls.count - 1])
    let predicted = zip(engines, claim.waterfalls).map { "\(codeSpan($0.name)) \(wholeRatio($1.ratio))" }
    let isReproduced = max(fitted.ratio / claim.ratio, claim.ratio / fitted.ratio) < Self.reproduced
    return
      "**The published \(title)** (TPM of \(codeSpan(second.model)) over \(codeSpan(first.model)), prompt \(first.prompt), "
      + "\(first.generated) generated) is \(ratio(claim.throughputGain)) in throughput times \(ratio(claim.memoryGain)) in "
      + "memory; predicted \(predicted.joined(separator: ", "))"
      + (isReproduced ? ". " : ": **the stack that explains the other rows does not reproduce it.** ")
      + "Shares of its logarithm, factors in brackets, on `ideal` kernels, which is what the architecture can do: "
      + split(ideal.steps)
      + "; then **the stack** that was measured \(part(claim.waterfall.steps, "stack")), not explained "
      + "\(part(claim.waterfall.steps, "not explained, throughput")) in throughput and "
      + "\(part(claim.waterfall.steps, "not explained, memory")) in memory. On the `fitted` stack itself: "
      + split(fitted.steps) + "."
      + (missed.map { " Throughputs of this row's table are missed by \($0)." } ?? "")
  }

  /// A claim's waterfall as a figure, and how each engine splits its own prediction.
  func section(_ claim: PublishedClaim, _ report: inout ReportBuilder) async throws {
    let (first, second) = (claim.first.row, claim.second.row)
    let title = wholeRatio(claim.ratio)
    report.document.heading("Where \(title) comes from")
    let steps = claim.waterfall.steps.filter { $0.factor != 1 }.map {
      (name: Self.words[$0.name] ?? $0.name, factor: $0.factor)
    }
    try await report.figure(
      WaterfallChart(
        "\(title) is \(ratio(claim.throughputGain)) in throughput times \(ratio(claim.memoryGain)) in memory",
        subtitle: "TPM of \(second.model) over \(first.model), prompt \(first.prompt), \(first.generated) generated",
        quantity: "TPM over vanilla", steps: steps, total: "published"),
      "waterfall-\(second.model)",
      caption: "Each bar starts where the one above it ends. Blue: by ideal rooflines, then what the fitted stack "
        + "adds and what no engine explains; orange factors lower the ratio.")
    report.document.table(table(claim))
    report.document.paragraph(
      "Each column multiplies to its prediction, and with the last factor to the published "
        + "\(title). A batch that is as fast per token as a larger one has a factor of 1: with `ideal` kernels already the "
        + "smaller batch is bound by arithmetic and cache. Largest batches (`ideal`): "
        + "\(try batches(claim, .ideal)); `fitted`: \(try batches(claim, fit.engine)).")
  }

  private func table(_ claim: PublishedClaim) -> Table {
    var table = Table(
      [.text("factor")]
        + engines.flatMap { engine -> [Column] in
          [
            Column(engine.name, "`\(engine.name)`", as: .significant(4)),
            Column("\(engine.name)_share", "share", as: .percent(decimals: 1)),
          ]
        })
    for (index, step) in claim.waterfalls[0].steps.enumerated() {
      table.append(
        [Cell(Self.words[step.name] ?? step.name)]
          + claim.waterfalls.flatMap { waterfall -> [Cell] in
            let factor = waterfall.steps[index].factor
            return [Cell(factor), Cell(100 * log(factor) / log(claim.ratio))]
          })
    }
    table.append(
      ["**predicted**"]
        + claim.waterfalls.flatMap { [Cell($0.ratio), Cell(100 * log($0.ratio) / log(claim.ratio))] })
    table.append(
      ["not explained"]
        + claim.waterfalls.flatMap { waterfall -> [Cell] in
          let rest = claim.ratio / waterfall.ratio
          return [Cell(rest), Cell(100 * log(rest) / log(claim.ratio))]
        })
    return table
  }

  private func batches(_ claim: PublishedClaim, _ engine: Engine) throws -> String {
    try [claim.first.row, claim.second.row].map { try point($0, engine).batch }.map(number).joined(separator: " → ")
  }

  private func wholeRatio(_ value: Double) -> String { NumberFormat.fixed(decimals: 0).text(value) + "×" }
}
