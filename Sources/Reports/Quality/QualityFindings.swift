import Architectures
import Formulas
import Foundation
import Quantities
import Rendering
import Scenarios

/// What a sweep found, in words.
extension QualitySubject {
  func findings() -> [String] {
    let choices = costAxes.map(choiceFinding)
    let others: [String?] = [learningFinding, tokenFinding, familyFinding, recursionFinding, taskFinding]
    return choices + factorFindings + others.compactMap(\.self) + [certaintyFinding]
  }

  func bits(_ value: Double) -> String { NumberFormat.fixed(decimals: 3).text(value) }

  /// `59.7×`, or `1/59.7 of` where that is shorter to think.
  private func times(_ value: Double) -> String { value > 0.1 ? ratio(value) : "1/\(significant(1 / value)) of" }

  /// `0.041 ± 0.012 worse`, and whether that is beyond the spread of seeds.
  /// - Parameter comparisons: among which this one was chosen for what it shows.
  private func difference(
    _ outcome: QualityOutcome, from other: QualityOutcome, _ spread: SeedSpread, comparisons: Int = 1
  ) -> String {
    let difference = outcome.mean - other.mean
    let (amount, word) = (bits(abs(difference)), difference < 0 ? "better" : "worse")
    let counts = (outcome.results.count, other.results.count)
    guard let uncertainty = spread.uncertainty(counts.0, counts.1, comparisons: comparisons) else {
      return "\(amount) \(word)"
    }
    let text = "\(amount) ± \(bits(uncertainty)) \(word)"
    return abs(difference) > uncertainty ? text : "\(text) (not beyond the spread of seeds)"
  }

  /// The front by a cost: which model to take at which budget.
  private func choiceFinding(_ axis: CostAxis) -> String {
    let (rivals, front) = front(main.outcomes, by: axis.cost)
    let choices = front.members.reversed().map { place -> String in
      let outcome = rivals[place]
      let share = front.probabilities.map { ", on the front in \(wholePercent($0[place])) of draws" } ?? ""
      return "from \(axis.format.text(axis.cost(outcome.cost))), \(outcome.name) (\(bits(outcome.mean))\(share))"
    }
    return
      "**By \(axis.name)** (\(describe(workload))) take, in \(unit(main.outcomes)) of \(main.dataset): "
      + "\(choices.joined(separator: "; ")). Each other model is beaten by one of these."
  }

  /// Per factor, how far every variant is from the centre, and what it costs.
  private var factorFindings: [String] {
    let outcomes = main.outcomes.filter { $0.isMatchedByFlops && $0.hasLearnt }
    let (centre, spread) = (centre(main.outcomes), spread(main.outcomes))
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
        return "\(outcome.name) is \(difference(outcome, from: centre, spread)) \(cost)"
      }
      return "**\(capitalised(factor)):** against \(centre.name) with \(bits(centre.mean)), "
        + members.joined(separator: "; ") + "."
    }
  }

  /// Models that have learnt no more than how frequent tokens are, or to do without their higher levels.
  private var learningFinding: String? {
    let failed = main.outcomes.filter { !$0.hasLearnt }.map {
      "\($0.name) ends at \(bits($0.mean)), where knowing how frequent each token is gives \(bits($0.results[0].unigramBits))"
    }
    let deaf = main.outcomes.filter { $0.hasLearnt && ignoresTop($0) }.map {
      "\($0.name) predicts the same whatever its top level says (KL below \(significant(Self.leastDivergence)) nat)"
    }
    let all = failed + deaf
    return all.isEmpty
      ? nil : "**Not learnt:** \(all.joined(separator: "; ")). Their recursive generation is not judged."
  }

  /// Models with the tokens of another, beside it.
  private var tokenFinding: String? {
    let pairs = main.outcomes.compactMap { outcome -> String? in
      guard let other = main.outcomes.first(where: { $0.name == outcome.variant.tokensOf }) else { return nil }
      let flops = Double(outcome.run.trainingFlops) / Double(other.run.trainingFlops)
      return "\(outcome.name) is \(difference(outcome, from: other, spread(main.outcomes))) than \(other.name), "
        + "with \(ratio(flops)) its training FLOP"
    }
    return pairs.isEmpty ? nil : "**At equal tokens:** \(pairs.joined(separator: "; "))."
  }

  /// The best hierarchy beside the vanilla model.
  private var familyFinding: String? {
    let rivals = main.outcomes.filter(\.isMatchedByFlops)
    let hierarchies = rivals.of(.hierarchy)
    guard let vanilla = rivals.of(.stack).first, let best = hierarchies.min(by: { $0.mean < $1.mean }) else {
      return nil
    }
    let tokens = Double(best.run.tokens) / Double(vanilla.run.tokens)
    let gap = difference(best, from: vanilla, spread(main.outcomes), comparisons: hierarchies.count)
    return
      "**A hierarchy at the price of a vanilla model's training:** \(best.name), the best of \(hierarchies.count), is "
      + "\(gap) than vanilla after \(times(tokens)) the tokens, and reads "
      + "\(times(best.cost.cacheBytes / vanilla.cost.cacheBytes)) the cache"
      + (spread(main.outcomes).deviation == nil ? "." : " (± allows for the choice among them).")
  }

  /// What recursive generation loses within the trained context.
  private var recursionFinding: String? {
    let recursive = main.outcomes.filter(isRecursionJudged).compactMap { outcome in
      recursion(outcome).map { (outcome, $0) }
    }
    guard let best = recursive.min(by: { $0.1.recursiveBits < $1.1.recursiveBits }),
      let worst = recursive.max(by: { $0.1.recursiveBits < $1.1.recursiveBits }),
      let centre = recursive.first(where: { $0.0.variant.factor == nil })
    else { return nil }
    func text(_ item: (QualityOutcome, Recursion)) -> String {
      "\(item.0.name) reaches \(bits(item.1.recursiveBits)) where it reaches \(bits(item.1.hierarchicalBits)) "
        + "hierarchically, and agrees on \(wholePercent(item.1.agreement)) of the likeliest tokens"
    }
    let others = [best, worst].filter { $0.0.name != centre.0.name }.map(text)
    let unigram = main.outcomes[0].results[0].unigramBits
    let lost = recursive.filter { $0.1.recursiveBits > unigram }.map(\.0.name)
    let verdict =
      lost.isEmpty
      ? ""
      : " Worse than knowing how frequent each token is, and nothing else (\(bits(unigram))): "
        + "\(lost.joined(separator: "; "))."
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
      let chance = chance(outcomes[0]).map { " (a guess finds \(wholePercent($0)))" } ?? ""
      let what =
        hasAnswers
        ? "answers found\(chance)" : exact == nil ? unit(outcomes) : "\(unit(outcomes)) above the source's entropy"
      return "\(dataset), \(what): \(figures.joined(separator: "; "))"
    }
    return tasks.isEmpty ? nil : "**Synthetic tasks.** \(tasks.joined(separator: ". "))."
  }

  /// Share of answers that a guess among what stands before finds.
  func chance(_ outcome: QualityOutcome) -> Double? {
    let data = outcome.run.training.data
    return data.recall.map { 1 / Double($0.pairs) } ?? data.passkey.map { _ in 0.1 }
  }

  private var certaintyFinding: String {
    let (spread, centre) = (spread(main.outcomes), centre(main.outcomes))
    let text = spread.deviation.map {
      "seeds of one model differ by a standard deviation of \(bits($0)), pooled over the models that have learnt "
        + "(\(spread.degreesOfFreedom) degrees of freedom), as if all spread alike. ± is a 95 % interval over seeds alone; "
        + "the text and the learning rate are one. "
    }
    return "**How certain:** \(text ?? "one seed per model, so no spread is known. ")These are models of "
      + "\(NumberFormat.si(unit: "").text(Double(centre.parameterCount))) parameters after "
      + "\(NumberFormat.si(unit: "FLOP").text(Double(centre.run.trainingFlops))) of training on contexts of "
      + "\(number(centre.run.training.context)) tokens: what they say of large models and long contexts is a guess."
  }
}
