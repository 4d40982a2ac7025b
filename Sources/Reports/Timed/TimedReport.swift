import Architectures
import Formulas
import GSL
import Quantities
import Rendering

/// The report about measured phases beside their predictions: answers first, then what they rest on. A section that the
/// points do not allow is left out.
/// - Throws: `FigureFailure`
/// - Precondition: at least one point that was not disturbed.
public func measuredReport(_ subject: TimedSubject) async throws -> ReportBuilder {
  var report = ReportBuilder()
  report.document.heading(subject.title, level: 1)
  report.document.paragraph(
    "\(number(subject.points.count)) measured phases beside their predictions, on \(subject.machine); made by "
      + "\(codeSpan(subject.command)).")
  report.document.heading("Findings")
  report.document.list(subject.findings)
  report.document.heading("What was measured")
  report.document.list(subject.notes)
  subject.errorSection(&report.document)
  try await subject.mapSection(&report)
  subject.choiceSection(&report.document)
  try await subject.regimeSection(&report)
  subject.levelSection(&report.document)
  try await subject.ceilingSection(&report)
  return report
}

extension TimedSubject {
  /// Every number is computed from the points.
  var findings: [String] {
    [errorFinding] + levelFindings + [boundFinding].compactMap(\.self) + bestFindings
      + (choices.isEmpty ? [] : ["**Chosen lengths.** " + regretText(choices)])
      + (points.contains(where: \.isDisturbed) ? ["**Noise.** " + disturbedText] : [])
  }

  /// How wrong the prediction was, on points that it was not fitted to where there are any.
  private var errorFinding: String {
    let rows = errorRows
    let heldOut = rows.filter { !$0.isFitted }
    let shown = heldOut.isEmpty ? rows : heldOut
    let parts = shown.map { row in
      "\(row.family.title) \(row.phase.rawValue) \(NumberFormat.percent(decimals: 1).text(row.errors.mean)) "
        + "(worst \(NumberFormat.percent(decimals: 0).text(row.errors.worst)), bias \(signed(row.errors.bias)))"
    }
    return "**How wrong the prediction was**, mean error of \(heldOut.isEmpty ? "all" : "held-out") points: "
      + parts.joined(separator: ", ") + "."
  }

  /// What phases wait for, and whether the prediction knows it.
  private var boundFinding: String? {
    let told = Phase.allCases.compactMap { phase -> String? in
      let own = quiet.filter { $0.phase == phase && $0.regime?.confidence == .high }
      guard !own.isEmpty else { return nil }
      let compute = own.count { $0.regime?.bound == .compute }
      return "\(phase.rawValue) waits for arithmetic at \(number(compute)) and for memory at "
        + "\(number(own.count - compute)) of \(number(own.count)) points"
    }
    guard !told.isEmpty else { return nil }
    let both = BoundAgreement(quiet, .both)
    return "**Bounds of whole phases**, where measurement is sure: \(told.joined(separator: ", "))"
      + (both.points == 0
        ? "."
        : "; where the prediction is sure too, both agree at \(percent(both.share)) of \(number(both.points)).")
  }

  /// The lengths that were fastest most often, for each variant and phase that ran the most workloads; a workload that ran
  /// with few lengths has no say, because the fastest of two is not the fastest.
  private var bestFindings: [String] {
    choices.inOrder { "\($0.best.variant) \($0.best.phase)" }.mostTelling(\.count).map { all in
      let least = ((all.map(\.points.count).max() ?? 0) + 1) / 2
      let choices = all.filter { $0.points.count >= least }
      let tally = choices.inOrder(by: \.best.question.model)
      let most = tally.dropFirst().reduce(tally[0]) { $1.count > $0.count ? $1 : $0 }
      let first = most[0].best
      let others = tally.filter { $0[0].best.question.model != first.question.model }
        .sorted { $0.count > $1.count }.prefix(2)
        .map { "\($0[0].best.question.model.hierarchyText) in \($0.count)" }
      let stakes = choices.map(\.stake)
      return
        "**Fastest \(first.phase.rawValue) of \(codeSpan(first.variant))**: \(first.question.model.hierarchyText) in "
        + "\(most.count) of \(choices.count) workloads that ran with at least \(least) choices of C and R"
        + (others.isEmpty ? "" : " (\(others.joined(separator: ", ")))")
        + "; the slowest lengths take "
        + (stakes.count == 1 ? "" : "\(ratio(stakes.min()!)) to ") + "\(ratio(stakes.max()!)) as long."
    }
  }
}
