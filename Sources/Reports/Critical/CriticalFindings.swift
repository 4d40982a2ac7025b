import Architectures
import Formulas

extension CriticalSubject {
  /// In plain words, from the numbers alone.
  func findings() -> [String] {
    groups.flatMap { dataset, outcomes in
      outcomes.flatMap { outcome in
        outcome.isSolved ? solved(dataset, outcome) : [unsolved(dataset, outcome)]
      }
    }
  }

  private func unsolved(_ dataset: String, _ outcome: CriticalOutcome) -> String {
    let scores = outcome.full.values.map(percent).joined(separator: " and ")
    return
      "**\(capitalised(dataset)), \(outcome.name)**: not solved. With everything kept it finds \(scores), and less than "
      + "\(wholePercent(CriticalPlan.solved)) from any seed is no learnt task: a critical footprint would mean nothing. It holds "
      + "\(significant(outcome.full.one.footprint!.footprint)) of full attention's memory."
  }

  private func solved(_ dataset: String, _ outcome: CriticalOutcome) -> [String] {
    let found = methods.compactMap { method -> (method: String, value: CriticalFootprint)? in
      outcome.critical(method, .contiguousFromFull).map { (method, $0) }
    }
    guard let best = found.min(by: { Self.order($0.value) < Self.order($1.value) }) else { return [] }
    let full = outcome.full.one.footprint!.footprint
    var lines = [
      "**\(capitalised(dataset)), \(outcome.name)**: solved, \(percent(outcome.full.mean ?? 0)) with everything kept at a "
        + "footprint of \(significant(full)). \(wholePercent(CriticalPlan.fraction)) of that needs "
        + found.sorted { Self.order($0.value) < Self.order($1.value) }.map {
          "\(criticalText($0.value)) by \($0.method)"
        }
        .joined(separator: ", ") + "; least by \(best.method) (contiguous from full)."
    ]
    let different = found.filter { outcome.critical($0.method, .globalMinimum) != $0.value }
    if !different.isEmpty {
      let texts = different.map { one in
        "\(one.method) (\(outcome.critical(one.method, .globalMinimum).map(criticalText) ?? "–") and \(criticalText(one.value)))"
      }
      lines.append(
        "\(capitalised(dataset)), \(outcome.name): both readings differ for \(texts.joined(separator: ", ")): the curve "
          + "falls below the threshold again.")
    }
    // The first token comes out of the prompt's last pass; a prompt that is one pass has lost nothing by then.
    let untouched = methods.filter { method in
      let rows = outcome.budgets(of: method)
      return outcome.workload.generatedLength == 1
        && rows.allSatisfy { $0.one.cache.prefillChunk == nil && $0.mean == outcome.full.mean }
    }
    if !untouched.isEmpty {
      lines.append(
        "\(capitalised(dataset)), \(outcome.name): the answer is one token, and \(untouched.joined(separator: " and ")) evict "
          + "behind the whole prompt, when it is out: their scores and their critical footprints mean nothing here.")
    }
    let official = methods.compactMap { method in
      outcome.row(.official, of: method).flatMap { $0.one.keepsEverything ? method : nil }
    }
    if !official.isEmpty {
      lines.append(
        "\(capitalised(dataset)), \(outcome.name): in \(number(outcome.run.training.context)) tokens the official budgets of "
          + "\(official.joined(separator: ", ")) keep everything and say nothing.")
    }
    return lines
  }

  private static func order(_ critical: CriticalFootprint) -> Double {
    switch critical {
    case .below(let footprint): footprint - 1e-9
    case .value(let footprint): footprint
    case .above(let footprint): footprint + 1e-9
    }
  }
}
