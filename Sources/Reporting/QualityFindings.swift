import Architectures
import Formulas
import Foundation
import Quantities
import Reports
import Scenarios

/// What a sweep found, in words.
extension QualitySubject {
  func findings() -> [String] {
    let others: [String?] = [familyFinding, recursionFinding, taskFinding, certaintyFinding]
    return [choiceFinding] + factorFindings + others.compactMap(\.self)
  }

  /// `59.7×`, or `1/59.7 of` where that is shorter to think.
  private func times(_ value: Double) -> String { value > 0.1 ? ratio(value) : "1/\(significant(1 / value)) of" }

  func bits(_ value: Double) -> String { NumberFormat.fixed(decimals: 3).text(value) }

  /// `0.041 ± 0.012 worse`, or that nobody can tell.
  func difference(_ outcome: QualityOutcome, from other: QualityOutcome, _ spread: SeedSpread) -> String {
    let difference = outcome.mean - other.mean
    let amount = bits(abs(difference))
    guard let uncertainty = spread.uncertainty(outcome.results.count, other.results.count) else {
      return "\(amount) \(difference < 0 ? "better" : "worse") (one seed, no spread)"
    }
    let text = "\(amount) ± \(bits(uncertainty)) \(difference < 0 ? "better" : "worse")"
    return abs(difference) > uncertainty ? text : "\(text) (not beyond the spread of seeds)"
  }

  /// The front by cache bytes: which model to take at which budget.
  private var choiceFinding: String {
    let (rivals, front) = front(main.outcomes, by: { $0.cacheBytes })
    let choices = front.members.reversed().map { place -> String in
      let outcome = rivals[place]
      let budget = NumberFormat.si(unit: "B").text(outcome.cost.cacheBytes)
      return "\(budget) or more: \(outcome.name) (\(bits(outcome.mean)), on the front in "
        + "\(wholePercent(front.probabilities[place])) of draws)"
    }
    let beaten = rivals.indices.filter { !front.members.contains($0) }.map { rivals[$0].name }
    return
      "**What to take at which budget** of cache bytes read per token, in \(unit(main.outcomes)) of \(main.dataset): "
      + choices.joined(separator: "; ") + "."
      + (beaten.isEmpty
        ? "" : " Beaten in both by another at the same training FLOP: \(beaten.joined(separator: ", ")).")
  }

  /// Per factor, how far every variant is from the centre, and what it costs.
  private var factorFindings: [String] {
    let outcomes = main.outcomes
    let (centre, spread) = (centre(outcomes), spread(outcomes))
    let factors = outcomes.compactMap(\.variant.factor).reduce(into: [String]()) { seen, factor in
      if !seen.contains(factor) { seen.append(factor) }
    }
    return factors.map { factor in
      let members = outcomes.filter { $0.variant.factor == factor }.sorted { $0.mean < $1.mean }.map { outcome in
        let cache = outcome.cost.cacheBytes / centre.cost.cacheBytes
        let flops = outcome.cost.flops / centre.cost.flops
        let cost =
          cache == 1 && flops == 1
          ? "at the same cost" : "at \(times(cache)) the cache reads and \(times(flops)) the FLOP"
        return "\(outcome.name) \(difference(outcome, from: centre, spread)) \(cost)"
      }
      return "**\(capitalised(factor)):** against \(centre.name) with \(bits(centre.mean)), "
        + members.joined(separator: "; ") + "."
    }
  }

  /// The best hierarchy beside the vanilla model.
  private var familyFinding: String? {
    let rivals = main.outcomes.filter(\.isMatchedByFlops)
    guard let vanilla = rivals.first(where: { $0.run.model.family == .vanilla }),
      let best = rivals.filter({ $0.run.model.family != .vanilla }).min(by: { $0.mean < $1.mean })
    else { return nil }
    let tokens = Double(best.run.tokens) / Double(vanilla.run.tokens)
    return "**A hierarchy at the price of a vanilla model's training:** \(best.name), the best of them, is "
      + "\(difference(best, from: vanilla, spread(main.outcomes))) than vanilla after \(times(tokens)) the tokens, and reads "
      + "\(times(best.cost.cacheBytes / vanilla.cost.cacheBytes)) the cache."
  }

  /// What recursive generation loses within the trained context.
  private var recursionFinding: String? {
    let recursive = main.outcomes.compactMap { outcome in recursion(outcome).map { (outcome, $0) } }
    guard let best = recursive.min(by: { $0.1.loss < $1.1.loss }),
      let worst = recursive.max(by: { $0.1.loss < $1.1.loss }),
      let centre = recursive.first(where: { $0.0.variant.factor == nil })
    else { return nil }
    func text(_ item: (QualityOutcome, Recursion)) -> String {
      "\(item.0.name) loses \(bits(item.1.loss)) and agrees on \(wholePercent(item.1.agreement)) of the likeliest tokens"
    }
    let others = [best, worst].filter { $0.0.name != centre.0.name }.map(text)
    let unigram = main.outcomes[0].results[0].unigramBits
    let lost = recursive.filter { $0.1.recursiveBits > unigram }.map(\.0.name)
    let verdict =
      lost.isEmpty
      ? ""
      : " Worse than knowing how frequent each token is (\(bits(unigram))), and nothing else: \(lost.joined(separator: ", "))."
    return "**Recursive generation**, whose quality the paper does not report: "
      + ([text(centre)] + others).joined(separator: "; ")
      + ", in \(unit(main.outcomes)) of \(main.dataset) over the \(number(centre.1.positions)) tokens behind a prompt.\(verdict)"
  }

  private var taskFinding: String? {
    let tasks = groups.dropFirst().map { dataset, outcomes in
      let hasAnswers = outcomes.allSatisfy { $0.mean(\.accuracy) != nil }
      let exact = outcomes[0].results[0].exactBits
      let figures = outcomes.map { outcome in
        let figure = hasAnswers ? wholePercent(outcome.mean(\.accuracy)!) : bits(outcome.mean - (exact ?? 0))
        return "\(outcome.name) \(figure)"
      }
      let what =
        hasAnswers ? "answers found" : exact == nil ? unit(outcomes) : "\(unit(outcomes)) above the source's entropy"
      return "\(dataset), \(what): \(figures.joined(separator: ", "))"
    }
    return tasks.isEmpty ? nil : "**Synthetic tasks:** \(tasks.joined(separator: "; "))."
  }

  private var certaintyFinding: String {
    let spread = spread(main.outcomes)
    let centre = centre(main.outcomes)
    let text = spread.deviation.map {
      "seeds of one model differ by a standard deviation of \(bits($0)) (pooled, \(spread.degreesOfFreedom) degrees of "
        + "freedom); ± is a 95 % interval of a difference, for one comparison at a time. "
    }
    return "**How certain:** \(text ?? "one seed per model, so no spread is known. ")These are models of "
      + "\(NumberFormat.si(unit: "").text(Double(centre.parameterCount))) parameters after "
      + "\(NumberFormat.si(unit: "FLOP").text(Double(centre.run.trainingFlops))) of training, all with one learning rate: the "
      + "order of neighbours may change with size and tokens, and nothing here says that it will not."
  }

  /// Recursive beside hierarchical generation over the tokens that lie within the trained context.
  struct Recursion {
    /// Tokens behind the prompt.
    let positions: Int
    let hierarchicalBits, recursiveBits, agreement, divergence: Double
    let chunkCosine: Double?

    var loss: Double { recursiveBits - hierarchicalBits }
  }

  func recursion(_ outcome: QualityOutcome) -> Recursion? {
    let context = outcome.run.training.context
    let stretches = outcome.results.flatMap { result in
      result.stretches.filter { $0.positions.upperBound < context - context / 2 }
    }
    let weights = stretches.map { Double($0.positions.count) }
    guard !stretches.isEmpty else { return nil }
    func mean(_ figure: (QualityResult.Stretch) -> Double) -> Double {
      zip(stretches, weights).reduce(0) { $0 + figure($1.0) * $1.1 } / weights.reduce(0, +)
    }
    let hasCosines = stretches.allSatisfy { $0.chunkCosine != nil }
    return Recursion(
      positions: stretches.map(\.positions.upperBound).max()! + 1, hierarchicalBits: mean(\.hierarchicalBits),
      recursiveBits: mean(\.recursiveBits), agreement: mean(\.agreement), divergence: mean(\.divergence),
      chunkCosine: hasCosines ? mean { $0.chunkCosine! } : nil)
  }
}
