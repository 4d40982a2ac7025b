import Architectures
import Formulas

extension CriticalSubject {
  /// In plain words, from the numbers alone.
  func findings() -> [String] {
    groups.flatMap { dataset, outcomes in
      outcomes.flatMap { outcome -> [String] in
        let title = "\(capitalised(dataset)), \(outcome.name)"
        return outcome.isSolved ? solved(title, outcome) : [unsolved(title, outcome)]
      } + together(dataset, outcomes.filter(\.isSolved)) + officials(dataset, outcomes)
    }
  }

  private func unsolved(_ title: String, _ outcome: CriticalOutcome) -> String {
    let scores = outcome.full.values.map(percent).joined(separator: " and ")
    guard !outcome.task.isText else {
      return "**\(title)**: not learnt. A score of 0 is what the frequencies of tokens alone give; it has \(scores)."
    }
    return "**\(title)**: not solved. With everything kept it finds \(scores), and a task is learnt where every seed "
      + "finds \(wholePercent(CriticalPlan.solved)): a critical footprint would mean nothing. It holds "
      + "\(share(outcome.full)) of full attention's memory."
  }

  private func share(_ row: CriticalRow) -> String { significant(row.one.footprint!.footprint) }

  /// Methods by their critical footprint, smallest first.
  private func critical(_ outcome: CriticalOutcome) -> [(method: String, value: CriticalFootprint)] {
    methods.compactMap { method in
      outcome.critical(method, .contiguousFromFull).map { (method, $0) }
    }.sorted { Self.order($0.1) < Self.order($1.1) }
  }

  /// `solved, 99.6 %`, or of a text what its score is made of.
  private func fullScore(_ outcome: CriticalOutcome) -> String {
    let score = percent(outcome.full.mean ?? 0)
    guard let bits = outcome.bits else { return "solved, \(score)" }
    return
      "\(significant(bits.model)) bits per token where frequencies alone give \(significant(bits.unigram)), a score of "
      + "\(score),"
  }

  private func solved(_ title: String, _ outcome: CriticalOutcome) -> [String] {
    let found = critical(outcome)
    let enough = found.filter { !Self.isAbove($0.value) }
    let texts = enough.map { one in
      let seeds = outcome.criticalBySeed(one.method, .contiguousFromFull).map(criticalText)
      let spread = seeds.count > 1 ? " (by seed \(seeds.joined(separator: ", ")))" : ""
      return "\(criticalText(one.value)) with \(one.method)\(spread)"
    }
    let short = found.filter { Self.isAbove($0.value) }.map(\.method)
    var lines = [
      "**\(title)**: \(fullScore(outcome)) with everything kept at a footprint of \(share(outcome.full))."
        + (texts.isEmpty
          ? "" : " \(wholePercent(CriticalPlan.fraction)) of that needs \(texts.joined(separator: ", ")).")
        + (short.isEmpty ? "" : " No budget that was tried is enough for \(short.joined(separator: ", ")).")
    ]
    let twice = found.filter { outcome.critical($0.method, .globalMinimum) != $0.value }.map { one in
      let global = outcome.critical(one.method, .globalMinimum).map(criticalText) ?? "–"
      return "\(one.method) (\(global) and \(criticalText(one.value)))"
    }
    if !twice.isEmpty {
      lines.append(
        "\(title): both readings differ for \(twice.joined(separator: ", ")): the curve falls below the threshold again."
      )
    }
    return lines
  }

  /// Solved models on one axis.
  private func together(_ dataset: String, _ outcomes: [CriticalOutcome]) -> [String] {
    let texts = outcomes.map { outcome -> String in
      guard let best = leastCritical(outcome) else {
        return "\(outcome.name) \(share(outcome.full)) with everything kept"
      }
      return "\(outcome.name) \(criticalText(best.value)) (\(best.method); \(share(outcome.full)) with everything kept)"
    }
    return outcomes.count > 1
      ? ["\(capitalised(dataset)), models on one axis: \(texts.joined(separator: ", "))."] : []
  }

  /// Methods whose official budgets are never reached by any of the models.
  private func officials(_ dataset: String, _ outcomes: [CriticalOutcome]) -> [String] {
    let idle = methods.filter { method in
      let rows = outcomes.compactMap { $0.row(.official, of: method) }
      return !rows.isEmpty && rows.allSatisfy(\.one.keepsEverything)
    }
    return idle.isEmpty
      ? []
      : [
        "\(capitalised(dataset)): in \(number(outcomes[0].run.training.context)) tokens the official budgets of "
          + "\(idle.joined(separator: ", ")) keep everything and say nothing."
      ]
  }

  /// The method that needs least, of those whose budgets are enough.
  func leastCritical(_ outcome: CriticalOutcome) -> (method: String, value: CriticalFootprint)? {
    critical(outcome).first { !Self.isAbove($0.value) }
  }

  private static func isAbove(_ critical: CriticalFootprint) -> Bool {
    if case .above = critical { true } else { false }
  }

  private static func order(_ critical: CriticalFootprint) -> Double {
    switch critical {
    case .below(let footprint): footprint - 1e-9
    case .value(let footprint): footprint
    case .above(let footprint): footprint + 1e-9
    }
  }
}
