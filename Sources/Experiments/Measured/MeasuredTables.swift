import Architectures
import Formulas
import Hardware
import Measurement
import Quantities
import Rendering
import Scenarios
import Validation

extension MeasuredScenario {
  /// One row per executed phase: the measured times, what the profile predicted, what was achieved, and what limited it.
  package var pointTable: Table {
    var table = Table(
      title: "Measured on \(profile.description)",
      [
        .text("name", "model"), .text("phase"), .text("set"), Column("prompt_length", "prompt"),
        Column("generated_length", "generate"), Column("batch_size", "batch"), Column("continuations", "K"),
        Column("measured_s", "measured", as: .si(unit: "s")),
        Column("spread_percent", "spread", as: .percent(decimals: 1)),
        Column("predicted_s", "predicted", as: .si(unit: "s")),
        Column("error_percent", "error", as: .percent(decimals: 1)),
        Column("flop_per_s", "work", as: .si(unit: "FLOP/s")),
        Column("compute_share_percent", "of the peak", as: .percent(decimals: 0)),
        Column("bytes_per_s", "traffic", as: .si(unit: "B/s")),
        Column("bandwidth_share_percent", "of memory's", as: .percent(decimals: 0)),
        Column("batch_elasticity", "d log t / d log batch", as: .fixed(decimals: 2)),
        Column("context_elasticity", "d log t / d log prompt", as: .fixed(decimals: 2)),
        .text("predicted_bound", "predicted bound"), .text("measured_bound", "measured bound"), .text("confidence"),
        .text("disturbed"),
      ])
    for result in results {
      let (workload, pair) = (result.point.workload, result.pair)
      let seconds = result.measured.median
      table.append([
        .text(result.point.name), .text(result.phase.rawValue), .text(setName(result.isFitted)),
        Cell(workload.promptLength),
        Cell(workload.generatedLength), Cell(workload.batchSize), Cell(workload.continuations), Cell(seconds),
        Cell(pair.spreadPercent), Cell(pair.predicted), Cell(pair.errorPercent), Cell(result.figure.flops / seconds),
        Cell(100 * result.computeShare(on: profile)), Cell(result.figure.bytes / seconds),
        Cell(100 * result.bandwidthShare(on: profile)), Cell(result.signs?.batch?.time),
        Cell(result.signs?.context?.time),
        .text(pair.predictedBound.rawValue), pair.regime.map { .text($0.bound.rawValue) } ?? .missing,
        pair.regime.map { .text($0.confidence.rawValue) } ?? .missing, .text(result.isDisturbed ? "yes" : "no"),
      ])
    }
    return table
  }

  /// What the fitted points changed in the calibrated profile.
  package var correctionTable: Table {
    var table = Table(
      title: "Corrections of the calibrated profile by the fitted points",
      [
        .text("coefficient"), Column("factor", as: .fixed(decimals: 3)),
        Column("standard_error", "standard error", as: .fixed(decimals: 3)),
      ])
    for correction in corrections {
      table.append([.text(correction.name), Cell(correction.factor), Cell(correction.standardError)])
    }
    return table
  }

  /// Agreement on the points that the profile was not fitted to.
  package var agreementTable: Table {
    agreement(heldOut, title: "Predicted against measured, on points not used for calibration")
  }

  /// Agreement on the points that corrected the profile; without rows where none did.
  package var fittedTable: Table { agreement(fitted, title: "The same on the points that corrected the profile") }

  private func agreement(_ results: [TimedPhaseResult], title: String) -> Table {
    var table = Table(
      title: title,
      [
        .text("architecture"), .text("metric", "phase"), Column("points"),
        Column("mape_percent", "mean error", as: .percent(decimals: 1)),
        Column("median_percent", "median", as: .percent(decimals: 1)),
        Column("worst_percent", "worst", as: .percent(decimals: 1)),
        Column("bias_percent", "bias", as: .percent(decimals: 1)), Column("r2", "R²", as: .fixed(decimals: 3)),
        Column("spread_percent", "run-to-run spread", as: .percent(decimals: 1)),
        Column("regime_agreement", "same bound", as: .fixed(decimals: 2)),
      ])
    for row in timedRows(results) {
      let agreement = row.agreement
      table.append([
        .text(row.architecture), .text(row.metric.rawValue), Cell(agreement.points), Cell(agreement.mapePercent),
        Cell(agreement.medianPercent), Cell(agreement.worstPercent), Cell(agreement.biasPercent), Cell(agreement.r2),
        Cell(agreement.spreadPercent), Cell(agreement.regimeAgreement),
      ])
    }
    return table
  }
}

private func setName(_ isFitted: Bool) -> String { isFitted ? "fitted" : "held out" }
