import Architectures
import Formulas
import Foundation
import Hardware
import Measurement
import Quantities
import Rendering
import Reports
import Scenarios
import Validation

/// A signal ended measuring; what was measured is kept.
package struct SweepInterrupted: Error, CustomStringConvertible {
  package var description: String { "interrupted; the same command goes on" }
}

/// A report about the points that a scenario's `measure.slices` and `measure.sample` choose: measures what its journal does
/// not have, corrects the profile by a seeded share of the points, and predicts the others.
package struct SweepReport {
  /// What was measured and predicted.
  package let subject: TimedSubject
  /// Whether so many points were undisturbed that verdicts about them mean something.
  package let isDecided: Bool
  /// Sentences for who waits: points that are missing, and why.
  package let remarks: [String]

  /// - Parameters:
  ///   - scenario: with slices or a sample.
  ///   - folder: of the report; `measured.jsonl` and `profile.yaml` there are gone on with, `corrected.yaml` is what
  ///     predicts.
  ///   - command: what a reader types for the same report.
  ///   - measures: whether missing points are measured.
  ///   - timeLimit: seconds that measuring may take, calibration not counted.
  ///   - pointLimit: seconds that one point may take, all repetitions together.
  /// - Throws: `ScenarioError` where nothing is to be measured and nothing was, before anything is written; and what its
  ///   files, rows and counts throw.
  package init(
    _ scenario: Scenario, in folder: String, command: String, measures: Bool, timeLimit: Double, pointLimit: Double
  ) throws {
    let subjects = scenario.measuredSubjects
    let profilePath = folder + "/profile.yaml"
    guard measures || FileManager.default.fileExists(atPath: profilePath) else {
      throw ScenarioError([
        Diagnostic(
          Position(file: profilePath), path: "", found: "no such file, so nothing was measured to report about",
          accepted: "the folder of a report that measured; leave --no-measure out to measure")
      ])
    }
    let journal = try SweepJournal(folder + "/measured.jsonl", of: scenario)
    let calibrated = try Self.profile(profilePath, scenario)
    let missing = subjects.filter { journal.phases(of: $0) == nil }
    var remarks: [String] = []
    if measures, !missing.isEmpty {
      var sweep = try MeasuredSweep(scenario.measure, on: calibrated, pointLimit: pointLimit, InterruptFlag())
      let end = try sweep.points(missing, timeLimit: timeLimit) { _, points in try journal.append(points) }
      remarks += sweep.leftOut
      guard end != .interrupted else { throw SweepInterrupted() }
    }
    let measured = subjects.compactMap { subject in
      journal.phases(of: subject).map { (point: subject.timed, phases: $0) }
    }
    if measured.count < subjects.count {
      remarks.append("\(measured.count) of \(subjects.count) points are measured; the same command measures the others")
    }
    let fitted = fittedPoints(measured.map(\.point), share: scenario.measure.fittedShare, seed: scenario.measure.seed)
    let refined = try ProfileRefinement(
      calibrated, try timedResults(measured, on: calibrated).filter { fitted.contains($0.point) && !$0.isDisturbed })
    var corrected = refined.profile
    corrected.name = "corrected"
    try HardwareFile.write(corrected, to: folder + "/corrected.yaml")
    let results = try timedResults(measured, on: refined.profile).map { result in
      var result = result
      result.isFitted = fitted.contains(result.point)
      return result
    }
    let undisturbed = results.count { !$0.isDisturbed }
    isDecided = Double(undisturbed) >= leastUndisturbed * Double(results.count)
    self.remarks = remarks
    subject = TimedSubject(
      title: scenario.name, command: command, machine: calibrated.description,
      peak: refined.profile.peaks[.fp32]?.perSecond ?? .nan, bandwidth: refined.profile.memoryBandwidth.perSecond,
      notes: Self.notes(measured.count, of: subjects.count, refined, scenario),
      points: results.map(TimedPhasePoint.init))
  }

  /// The profile of the folder, or a new one that is kept there.
  private static func profile(_ path: String, _ scenario: Scenario) throws -> HardwareProfile {
    if FileManager.default.fileExists(atPath: path) { return try HardwareFile.read(file: path) }
    var profile = try calibrateWithProgress(threads: scenario.measure.threads).profile
    profile.name = "profile"
    try HardwareFile.write(profile, to: path)
    return try HardwareFile.read(file: path)
  }

  private static func notes(
    _ measured: Int, of count: Int, _ refined: ProfileRefinement, _ scenario: Scenario
  ) -> [String] {
    let share = NumberFormat.percent(decimals: 0).text(100 * scenario.measure.fittedShare)
    let changed = refined.corrections.map { "\($0.name) × \(NumberFormat.fixed(decimals: 2).text($0.factor))" }
    return [
      "\(measured) of the \(count) points that the scenario chooses are measured, in float32 with seeded random weights "
        + "and prompts: the median of at least \(scenario.measure.repetitions) repetitions that nothing disturbed.",
      "The profile was calibrated on operations of other widths"
        + (changed.isEmpty
          ? ", and no point corrected it."
          : "; then \(share) of the points of each architecture, drawn by the seed \(scenario.measure.seed), corrected it, "
            + "and the others are held out. Corrections: " + changed.joined(separator: ", ") + "."),
    ]
  }
}

extension TimedPhasePoint {
  /// What a report draws of a result.
  fileprivate init(_ result: TimedPhaseResult) {
    let pair = result.pair
    self.init(
      name: result.point.name, question: result.point.question, phase: result.phase, measured: pair.measured,
      predicted: pair.predicted, spreadPercent: pair.spreadPercent, predictedBound: pair.predictedBound,
      predictedMargin: result.figure.compute.value / result.figure.memory.value, regime: pair.regime,
      isDisturbed: result.isDisturbed, isFitted: result.isFitted,
      nodes: result.nodes.map { node in
        TimedNode(
          node: node.node, measured: node.measured, predicted: node.figure.time.value, work: node.work,
          predictedBound: node.figure.bound, regime: node.level.regime)
      })
  }
}
