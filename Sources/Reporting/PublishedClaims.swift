import Formulas
import Foundation
import Reports

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
  private static let words = [
    "cache": "cache bytes", "weights": "weight reads", "arithmetic": "arithmetic",
    "intermediates": "activations", "batch": "batch that memory allows", "memory again": "memory counted again",
    "stack": "the measured stack", "overhead": "launches",
  ]

  /// The claim in words: who causes which share.
  func answer(_ claim: PublishedClaim) -> String {
    let (first, second) = (claim.first.row, claim.second.row)
    func share(_ names: String...) -> String {
      let steps = claim.waterfall.steps.filter { names.contains($0.name) }
      let factor = steps.reduce(1) { $0 * $1.factor }
      return "\(percent(claim.waterfall.share(factor))) (\(ratio(factor)))"
    }
    let throughput = claim.waterfalls.map { waterfall in
      waterfall.steps.filter { $0.name != "memory again" }.reduce(1) { $0 * $1.factor }
    }
    let predicted = zip(engines, zip(claim.waterfalls, throughput)).map { engine, gain in
      "`\(engine.name)` \(wholeRatio(gain.0.ratio)), \(ratio(gain.1)) of it throughput"
    }
    return
      "**The published \(wholeRatio(claim.ratio))** (TPM of `\(second.model)` over `\(first.model)`, prompt "
      + "\(first.prompt), \(first.generated) generated) is \(ratio(claim.throughputGain)) in throughput times "
      + "\(ratio(claim.memoryGain)) in memory. Shares of its logarithm, factors in brackets: **cache bytes** "
      + "\(share("cache")), **weight reads** \(share("weights")), **the batch that memory allows** "
      + "\(share("batch")), **memory counted a second time** by TPM \(share("memory again")), arithmetic and activations "
      + "\(share("arithmetic", "intermediates")), **the stack** that was measured \(share("stack")), not explained "
      + "\(share("not explained, throughput")) in throughput and \(share("not explained, memory")) in memory. The first "
      + "five are architecture on an ideal engine. Predicted: \(predicted.joined(separator: "; "))."
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
        + "\(batches(claim, .ideal)); `fitted`: \(batches(claim, fit.engine)).")
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

  private func batches(_ claim: PublishedClaim, _ engine: Engine) -> String {
    [claim.first.row, claim.second.row].compactMap { try? point($0, engine).batch }.map(number).joined(separator: " → ")
  }

  private func wholeRatio(_ value: Double) -> String { NumberFormat.fixed(decimals: 0).text(value) + "×" }
}
