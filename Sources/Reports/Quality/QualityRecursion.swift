import Architectures
import Foundation
import Rendering
import Scenarios

/// Recursive beside hierarchical generation.
extension QualitySubject {
  /// A smaller divergence says that the top level, in which both ways differ, does not matter to what is predicted.
  /// - Unit: nat
  static let leastDivergence = 1e-3

  /// Over the tokens that lie within the trained context, means over seeds.
  struct Recursion {
    /// Tokens behind the prompt.
    let positions: Int
    let hierarchicalBits, recursiveBits, agreement, divergence: Double
    let chunkCosine, unrelatedCosine: Double?
    /// Largest − smallest loss over the seeds.
    let range: Double

    var loss: Double { recursiveBits - hierarchicalBits }
  }

  func recursion(_ outcome: QualityOutcome) -> Recursion? {
    let context = outcome.run.training.context
    let seeds = outcome.results.map { result in
      result.stretches.filter { $0.positions.upperBound < context - context / 2 }
    }
    let stretches = seeds.flatMap(\.self)
    guard !stretches.isEmpty else { return nil }
    func mean(_ stretches: [QualityResult.Stretch], _ figure: (QualityResult.Stretch) -> Double?) -> Double? {
      let terms = stretches.compactMap { stretch in figure(stretch).map { ($0, Double(stretch.positions.count)) } }
      return terms.isEmpty ? nil : terms.reduce(0) { $0 + $1.0 * $1.1 } / terms.reduce(0) { $0 + $1.1 }
    }
    let losses = seeds.compactMap { mean($0) { $0.recursiveBits - $0.hierarchicalBits } }
    return Recursion(
      positions: stretches.map(\.positions.upperBound).max()! + 1,
      hierarchicalBits: mean(stretches, \.hierarchicalBits)!, recursiveBits: mean(stretches, \.recursiveBits)!,
      agreement: mean(stretches, \.agreement)!, divergence: mean(stretches, \.divergence)!,
      chunkCosine: mean(stretches, \.chunkCosine), unrelatedCosine: mean(stretches, \.unrelatedCosine),
      range: losses.max()! - losses.min()!)
  }

  /// Whether nothing that it predicts depends on the top level.
  func ignoresTop(_ outcome: QualityOutcome) -> Bool {
    recursion(outcome).map { $0.divergence < Self.leastDivergence } ?? false
  }

  /// Whether the decoders that recursive generation climbs on were trained at all: the encoder-state reading runs them
  /// for L_rec alone.
  private func trainsHigherDecoders(_ outcome: QualityOutcome) -> Bool {
    outcome.run.model.decoderInput != .encoderState || outcome.run.training.reconstructionWeight > 0
  }

  /// Whether recursive generation of a model says something about recursive generation.
  func isRecursionJudged(_ outcome: QualityOutcome) -> Bool {
    outcome.hasLearnt && !ignoresTop(outcome) && trainsHigherDecoders(outcome)
  }

  func recursionSection(_ report: inout ReportBuilder) async throws {
    let outcomes = main.outcomes.filter { recursion($0) != nil }
    let judged = outcomes.filter(isRecursionJudged)
    guard let first = judged.first, let positions = recursion(first)?.positions else { return }
    report.document.heading("Recursive generation")
    report.document.paragraph(
      "Both ways are given the text behind the same prompts, \(number(positions)) tokens of it within "
        + "the trained context; means over seeds. `photon evaluate` defines the figures; cos Â A is worth its distance from "
        + "the cosine of unrelated chunks. With α = 0 nothing ties what a decoder restores to what its encoder saw.")
    report.document.table(recursionTable(judged))
    let untrained = outcomes.filter { $0.hasLearnt && !trainsHigherDecoders($0) }.map(\.name)
    if !untrained.isEmpty {
      report.document.paragraph(
        "Left out: \(untrained.joined(separator: "; ")), whose decoders above level 1 nothing reads in training, so that "
          + "they keep their random weights.")
    }
    let levels = first.run.model.levels
    let drifting = judged.filter { $0.run.model.levels == levels && $0.isMatchedByFlops }
    let context = first.run.training.context
    try await report.figure(
      LineChart(
        "What recursive generation loses with the distance from the prompt",
        subtitle: "\(main.dataset), trained on \(number(context)) tokens, prompts of \(number(context / 2))",
        x: Rendering.Axis("tokens behind the prompt", .log2),
        y: Rendering.Axis("recursive − hierarchical (\(unit(outcomes)))"),
        series: drifting.map { LineChart.Series($0.name, drift($0)) }, size: FigureSize(width: 980, height: 560)),
      "drift",
      caption: "Recursive minus hierarchical loss by distance, each stretch as long as all before it; models with the "
        + "levels of \(first.name).")
  }

  private func recursionTable(_ outcomes: [QualityOutcome]) -> Table {
    var table = Table([
      .text("model"), Column("hierarchical", "hierarchical, \(unit(outcomes))", as: .fixed(decimals: 3)),
      Column("recursive", as: .fixed(decimals: 3)), Column("lost", as: .fixed(decimals: 3)),
      Column("range", "range over seeds", as: .fixed(decimals: 3)), Column("agreement", as: .percent(decimals: 1)),
      Column("kl", "KL, nat", as: .significant(3)), Column("cosine", "cos Â A", as: .fixed(decimals: 3)),
      Column("unrelated", as: .fixed(decimals: 3)),
      Column("cache", "cache read per token, recursive", as: .si(unit: "B")),
      Column("cache_ratio", "of hierarchical", as: .percent(decimals: 0)),
    ])
    for outcome in outcomes {
      let recursion = recursion(outcome)!
      let cache = outcome.recursiveCost?.cacheBytes
      table.append([
        Cell(outcome.name), Cell(recursion.hierarchicalBits), Cell(recursion.recursiveBits), Cell(recursion.loss),
        Cell(recursion.range), Cell(100 * recursion.agreement), Cell(recursion.divergence),
        Cell(recursion.chunkCosine), Cell(recursion.unrelatedCosine), Cell(cache),
        Cell(cache.map { 100 * $0 / outcome.cost.cacheBytes }),
      ])
    }
    return table
  }

  /// Per stretch, its end and the mean loss over seeds.
  private func drift(_ outcome: QualityOutcome) -> [(x: Double, y: Double)] {
    let count = outcome.results.map(\.stretches.count).min() ?? 0
    return (0..<count).map { index in
      let stretches = outcome.results.map { $0.stretches[index] }
      let loss = stretches.reduce(0) { $0 + $1.recursiveBits - $1.hierarchicalBits } / Double(stretches.count)
      return (Double(stretches[0].positions.upperBound + 1), loss)
    }
  }
}
