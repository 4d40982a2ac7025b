import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Validation

extension MeasuredScenario {
  /// The ceilings that shares are of, and how well the calibration reproduces itself.
  package var calibrationText: String {
    func bandwidth(_ value: Double) -> String { NumberFormat.si(unit: "B/s").text(value) }
    var ceilings: [String] = []
    if let peak = profile.peaks[.fp32] {
      ceilings.append("**\(NumberFormat.si(unit: "FLOP/s").text(peak.perSecond))** of matrix products in float32")
    }
    ceilings.append("**\(bandwidth(profile.memoryBandwidth.perSecond))** of main memory")
    ceilings += profile.caches.map {
      "\(bandwidth($0.bandwidth.perSecond)) for working sets up to \(NumberFormat.binaryBytes.text($0.bytes))"
    }
    let own = profile.calibration.map {
      " The profile reproduces its own \($0.rows) calibration rows with a mean error of "
        + "\(percentText($0.meanAbsolutePercentageError))."
    }
    return "Its ceilings: " + ceilings.joined(separator: ", ") + "." + (own ?? "")
  }

  /// What the tables say, row by row: which errors are too large, what caches served, and where bounds differ.
  package var agreementFindings: [String] { [errorFinding, cacheFinding, boundFinding].compactMap { $0 } }

  private var errorFinding: String {
    let rows = timedRows(heldOut)
    let outside = rows.filter { !$0.agreement.isWithin(percent: aim) }
    guard verdict != .notDecided else {
      return verdictText.joined(separator: " ").replacing("Not decided:", with: "**Not decided:**")
    }
    let limit = "a mean error of at most \(Int(aim)) %, or twice the run-to-run spread where that is larger"
    guard !outside.isEmpty else { return "**Every row keeps to \(limit).**" }
    let names = outside.map { row in
      "\(row.architecture) \(row.metric.rawValue) (\(percentText(row.agreement.mapePercent)), spread "
        + "\(percentText(row.agreement.spreadPercent)); \(worstText(row)))"
    }
    return "**\(outside.count) of \(rows.count) rows \(outside.count == 1 ? "does" : "do") not keep to** \(limit): "
      + names.joined(separator: ", ") + "."
  }

  /// The two points that make most of a row's error: where to look.
  private func worstText(_ row: TimedRow) -> String {
    let own = heldOut.filter { $0.phase == row.metric && $0.point.group == row.architecture }
    let worst = own.sorted { abs($0.pair.errorPercent) > abs($1.pair.errorPercent) }.prefix(2)
    return "worst "
      + worst.map {
        "\(codeSpan($0.point.name)) at prompt \($0.point.workload.promptLength), batch \($0.point.workload.batchSize) with "
          + percentText($0.pair.errorPercent)
      }.joined(separator: " and ")
  }

  private var cacheFinding: String? {
    let served = results.filter { $0.bandwidthShare(on: profile) > 1 }
    guard !served.isEmpty else { return nil }
    return
      "**\(served.count) of \(results.count) phases moved more bytes than main memory can:** traffic above 100 % of "
      + "memory's bandwidth was served by the processor's cache."
  }

  private var boundFinding: String? {
    let told = results.filter { !$0.isDisturbed && $0.pair.regime?.confidence == .high }
    guard !told.isEmpty else { return nil }
    func margins(_ results: [TimedPhaseResult]) -> String {
      let values = results.map(\.figure.margin)
      guard let least = values.min(), let most = values.max() else { return "" }
      let (low, high) = (NumberFormat.ratio.text(least), NumberFormat.ratio.text(most))
      return low == high ? low : "\(low) to \(high)"
    }
    let differ = told.filter { $0.pair.regime?.bound != $0.pair.predictedBound }
    let agree = told.filter { $0.pair.regime?.bound == $0.pair.predictedBound }
    guard !differ.isEmpty else {
      return
        "**Predicted and measured bounds agree** in all \(told.count) phases that at least two signs tell apart, at "
        + "predicted margins of \(margins(agree))."
    }
    return
      "**Predicted and measured bounds differ** in \(differ.count) of the \(told.count) phases that at least two signs "
      + "tell apart, at predicted margins of \(margins(differ)), where 1× is balance"
      + (agree.isEmpty ? "." : "; those that agree have margins of \(margins(agree)).")
  }

  private func percentText(_ value: Double) -> String { NumberFormat.percent(decimals: 1).text(value) }
}
