import Architectures
import Formulas
import Quantities
import Rendering

/// Points of one workload that differ only in C and R, and the lengths that measurement and prediction choose.
struct TimedChoice {
  let points: [TimedPhasePoint]
  /// Of all points, the one that ran fastest, and the one that was predicted to.
  let best, chosen: TimedPhasePoint

  /// Nil for fewer than two hierarchies: there is nothing to choose.
  init?(_ points: [TimedPhasePoint]) {
    guard points.count > 1, let best = points.min(by: { $0.measuredPerToken < $1.measuredPerToken }),
      let chosen = points.min(by: { $0.predictedPerToken < $1.predictedPerToken })
    else { return nil }
    (self.points, self.best, self.chosen) = (points, best, chosen)
  }

  /// What the predicted choice takes longer than the best.
  /// - Unit: percent
  var regretPercent: Double { 100 * (chosen.measuredPerToken / best.measuredPerToken - 1) }

  /// The share of the points that are nearly as fast as the best: how often a choice at random would be good.
  var luck: Double {
    let limit = best.measuredPerToken * (1 + TimedSubject.smallRegret / 100)
    return Double(points.count { $0.measuredPerToken <= limit }) / Double(points.count)
  }

  /// Slowest over fastest.
  var stake: Double { points.map(\.measuredPerToken).max()! / best.measuredPerToken }
}

extension TimedSubject {
  /// A regret that is not worth a second look: the run-to-run spread of a good measurement. Chosen.
  /// - Unit: percent
  static var smallRegret: Double { 3 }
  /// Rows of the table at most. Chosen.
  private static var mostChoices: Int { 40 }

  /// One for each model, workload and phase that ran with several lengths.
  var choices: [TimedChoice] { families(erasing: \.lengths).compactMap(TimedChoice.init) }

  func choiceSection(_ document: inout MarkdownDocument) {
    let choices = choices
    guard !choices.isEmpty else { return }
    document.heading("Which lengths are best, and did the prediction choose them")
    document.paragraph(
      "A slice is every point of one model, workload and phase; its points differ in C and R alone. Regret is what the "
        + "lengths that the prediction chose take longer than the fastest ones, both measured: 0 % where both are the same. The "
        + "slowest lengths show what was at stake. Other lengths are other models, so this is about time and not about "
        + "quality.")
    var table = Table([
      .text("model"), .text("phase"), .text("place", "workload"), Column("hierarchies"),
      .text("best", "fastest measured"),
      .text("chosen", "fastest predicted"), Column("regret_percent", "regret", as: .percent(decimals: 1)),
      Column("stake", "slowest over fastest", as: .ratio),
    ])
    let shown =
      choices.count <= Self.mostChoices
      ? choices : Array(choices.sorted { $0.regretPercent > $1.regretPercent }.prefix(Self.mostChoices))
    for choice in shown {
      table.append([
        Cell(codeSpan(choice.best.variant)), Cell(choice.best.phase.rawValue), Cell(choice.best.place),
        Cell(choice.points.count), Cell(choice.best.question.model.hierarchyText),
        Cell(choice.chosen.question.model.hierarchyText), Cell(choice.regretPercent), Cell(choice.stake),
      ])
    }
    if shown.count < choices.count {
      document.paragraph("The \(shown.count) of \(number(choices.count)) slices with the largest regret:")
    }
    document.table(table)
    document.paragraph(regretText(choices))
  }

  /// How often the prediction chose well.
  func regretText(_ choices: [TimedChoice]) -> String {
    func good(_ choices: [TimedChoice]) -> Int { choices.count { $0.regretPercent <= Self.smallRegret } }
    let small = good(choices)
    let luck = choices.reduce(0) { $0 + $1.luck } / Double(choices.count)
    let wide = choices.filter { $0.points.count > 2 }
    let worst = choices.map(\.regretPercent).max() ?? 0
    return "The lengths that the prediction chose are within \(Int(Self.smallRegret)) % of the fastest in "
      + "**\(wholePercent(Double(small) / Double(choices.count)))** of the slices (\(number(small)) of "
      + "\(number(choices.count)); lengths at random would be in \(wholePercent(luck)))"
      + (wide.isEmpty || wide.count == choices.count
        ? "" : ", \(number(good(wide))) of the \(number(wide.count)) with more than two lengths among them")
      + "; the largest regret is \(NumberFormat.percent(decimals: 1).text(worst))."
  }
}
