import Architectures
import Formulas
import GSL
import Quantities
import Rendering

extension TimedSubject {
  /// Errors by family and phase; points that were disturbed are not among them.
  func errorSection(_ document: inout MarkdownDocument) {
    document.heading("How far off predictions are")
    document.paragraph(
      "An error is predicted ÷ measured − 1; bias is its mean, so that a negative one means predictions that are too fast. "
        + "Spread is half the distance between the quartiles of the repetitions over their median. *Fitted* points corrected "
        + "the profile that predicts, *held-out* points did not.")
    document.paragraph(disturbedText)
    document.table(errorTable)
    document.paragraph("The points that are predicted worst:")
    document.table(worstTable)
  }

  /// How many phases nothing is concluded from.
  var disturbedText: String {
    let disturbed = points.count(where: \.isDisturbed)
    return disturbed == 0
      ? "No phase was marked as disturbed by other programs."
      : "Other programs disturbed \(number(disturbed)) of \(number(points.count)) phases "
        + "(\(percent(Double(disturbed) / Double(points.count)))) at every attempt: they are left out of all that follows."
  }

  /// Points of one family, phase and set.
  struct ErrorRow {
    var family: Family
    var phase: Phase
    var isFitted: Bool
    var errors: PredictionErrors
    /// Median of the points.
    /// - Unit: percent
    var spread: Double
  }

  var errorRows: [ErrorRow] {
    [false, true].flatMap { isFitted -> [ErrorRow] in
      let families = Dictionary(grouping: quiet.filter { $0.isFitted == isFitted }, by: \.question.model.family)
      return Family.allCases.flatMap { family in
        Phase.allCases.compactMap { phase -> ErrorRow? in
          let own = (families[family] ?? []).filter { $0.phase == phase }
          guard !own.isEmpty else { return nil }
          return ErrorRow(
            family: family, phase: phase, isFitted: isFitted,
            errors: PredictionErrors(predicted: own.map(\.predicted), measured: own.map(\.measured)),
            spread: Statistics.median(own.map(\.spreadPercent)))
        }
      }
    }
  }

  private var errorTable: Table {
    var table = Table(
      [.text("set"), .text("family"), .text("phase"), Column("points")]
        + [("mean", "mean error"), ("median", "median"), ("worst", "worst"), ("bias", "bias"), ("spread", "spread")].map
      {
        Column("\($0.0)_percent", $0.1, as: .percent(decimals: 1))
      })
    for row in errorRows {
      let errors = row.errors
      table.append([
        Cell(row.isFitted ? "fitted" : "held out"), Cell(row.family.title), Cell(row.phase.rawValue),
        Cell(errors.count), Cell(errors.mean), Cell(errors.median), Cell(errors.worst), Cell(errors.bias),
        Cell(row.spread),
      ])
    }
    return table
  }

  private var worstTable: Table {
    var table = Table([
      .text("model"), .text("lengths"), .text("phase"), .text("place", "workload"),
      Column("measured_s", "measured", as: .si(unit: "s")), Column("predicted_s", "predicted", as: .si(unit: "s")),
      Column("error_percent", "error", as: .percent(decimals: 1)),
      Column("spread_percent", "spread", as: .percent(decimals: 1)), .text("set"),
    ])
    for point in quiet.sorted(by: { abs($0.errorPercent) > abs($1.errorPercent) }).prefix(10) {
      let model = point.question.model
      table.append([
        Cell(codeSpan(point.variant)), Cell(model.levels.isEmpty ? "–" : model.hierarchyText),
        Cell(point.phase.rawValue),
        Cell(point.place), Cell(point.measured), Cell(point.predicted), Cell(point.errorPercent),
        Cell(point.spreadPercent), Cell(point.isFitted ? "fitted" : "held out"),
      ])
    }
    return table
  }
}
