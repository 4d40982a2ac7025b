import Architectures
import Formulas
import Hardware
import Measurement
import Quantities
import Rendering
import Scenarios
import Validation

/// Rounds over the repetitions asked for, where other programs disturb some. Chosen: a machine that disturbs two thirds
/// of all runs says nothing.
package let mostAttempts = 3

/// Rounds of a calibration that nothing else is measured between.
package let calibrationRounds = 3

/// Calibrates this machine with a bar on a terminal.
/// - Throws: `GSLError`
package func calibrateWithProgress(threads: Int, isQuick: Bool = false) throws -> Calibration {
  let calibrator = Calibrator(threads: threads, isQuick: isQuick)
  let rounds = isQuick ? 1 : calibrationRounds
  let bar = ProgressBar("percent of the calibration", total: 100)
  defer { bar.finish() }
  var done = 0
  for round in 0..<rounds {
    calibrator.round { share in
      let now = Int(100 * (Double(round) + share) / Double(rounds))
      bar.advance(by: now - done)
      done = now
    }
  }
  return try calibrator.calibration()
}

/// A scenario's workloads as this machine ran them.
package struct MeasuredScenario {
  /// What predicts: calibrated now or saved, with every correction.
  package var profile: HardwareProfile
  /// One per executed workload and phase.
  package var results: [TimedPhaseResult] = []
  /// What points that are not held out changed in the profile; empty where all are.
  package private(set) var corrections: [ProfileCorrection] = []
  private var room: MeasuringRoom
  /// Programs that were ready to run on average in the minute before the first run.
  private let load: Double?

  /// Runs what fits in this machine's memory and in the time limit, each also at twice the batch and twice the prompt
  /// unless the scenario does without.
  ///
  /// A round of the calibration lies before each round of the workloads.
  /// - Parameters:
  ///   - scenario: whose models run.
  ///   - saved: the profile to predict with; without one the machine is calibrated.
  ///   - pointLimit: seconds that one point may take, all repetitions together.
  package init(_ scenario: Scenario, saved: HardwareProfile?, pointLimit: Double) throws {
    load = SystemDescription.load
    let settings = TimedSettings(
      threads: scenario.measure.threads, warmup: scenario.measure.warmup,
      takesSigns: scenario.measure.takesSigns)
    let calibrator = saved == nil ? Calibrator(threads: settings.threads) : nil
    calibrator?.round()
    profile = try saved ?? calibrator!.calibration().profile
    room = try MeasuringRoom(profile, scenario.measure, pointLimit: pointLimit)
    let chosen = try workloads(of: scenario).filter { try room.admit($0) }
    guard !chosen.isEmpty else { return }
    let bar = ProgressBar("runs", total: chosen.count * scenario.measure.repetitions)
    let runs = TimedRuns(chosen, settings)
    let needed = scenario.measure.repetitions
    for round in 0..<(mostAttempts * needed) where round < needed || !runs.areSettled(needed) {
      // What is repeated for its disturbances is done once more between calibrations of the same moments.
      if round > 0 { calibrator?.round() }
      runs.round(until: needed) { bar.advance() }
    }
    bar.finish()
    if let calibrator { profile = try calibrator.calibration().profile }
    results = try runs.results(on: profile, repetitions: needed)
    guard scenario.measure.fittedShare > 0 else { return }
    let fitted = fittedPoints(chosen, share: scenario.measure.fittedShare, seed: scenario.measure.seed)
    let refined = try ProfileRefinement(
      profile, results.filter { fitted.contains($0.point) && !$0.isDisturbed })
    (profile, corrections) = (refined.profile, refined.corrections)
    results = try runs.results(on: profile, repetitions: needed).map { result in
      var result = result
      result.isFitted = fitted.contains(result.point)
      return result
    }
  }

  /// What was measured one point after another.
  /// - Parameters:
  ///   - sweep: what measured.
  ///   - points: what it measured.
  ///   - load: programs that were ready to run on average in the minute before.
  package init(_ sweep: MeasuredSweep, _ points: [MeasuredPoint], load: Double?) {
    (profile, room, self.load) = (sweep.profile, sweep.room, load)
    results = points.flatMap(\.phases)
  }
}

extension MeasuredScenario {
  /// The most that a mean error of held-out points may be, unless the runs themselves differ by half of it.
  /// - Unit: percent
  package var aim: Double { corrections.isEmpty ? 15 : 5 }

  /// Those that did not correct the profile and that nothing disturbed.
  package var heldOut: [TimedPhaseResult] { results.filter { !$0.isFitted && !$0.isDisturbed } }
  /// Those that corrected the profile.
  package var fitted: [TimedPhaseResult] { results.filter { $0.isFitted && !$0.isDisturbed } }
  /// Share of the phases that nothing disturbed.
  package var undisturbedShare: Double {
    results.isEmpty ? 1 : Double(results.count { !$0.isDisturbed }) / Double(results.count)
  }

  /// The agreement tables and what they mean, as text.
  /// - Parameter width: characters of a line; nil for as many as it takes.
  package func agreementText(width: Int? = nil) -> String {
    let tables = [agreementTable, fittedTable, correctionTable].filter { !$0.rows.isEmpty }
    let sentences = verdictText.map { $0.wrapped(to: width) }
    return "\n"
      + (tables.map { $0.terminalText(width: width) } + [sentences.joined(separator: "\n")])
      .joined(separator: "\n") + "\n"
  }

  /// Whether predictions are as good as they should be.
  package enum Verdict: Sendable { case kept, missed, notDecided }

  /// Decided on the points that nothing disturbed, if they are four fifths of all.
  package var verdict: Verdict {
    guard undisturbedShare >= leastUndisturbed else { return .notDecided }
    return missed.isEmpty ? .kept : .missed
  }

  private var missed: [TimedRow] { timedRows(heldOut).filter { !$0.agreement.isWithin(percent: aim) } }

  /// The verdict in words, and what may have kept the machine from one.
  package var verdictText: [String] {
    var sentences: [String] = []
    switch verdict {
    case .notDecided:
      sentences.append(
        "Not decided: other programs or other machines disturbed the runs, or their times differ by more than 5 %.")
    case .kept:
      sentences.append(
        "Every mean error of held-out points is at most \(Int(aim)) %, or twice the run-to-run spread where that is larger."
      )
    case .missed:
      sentences.append(
        "Above \(Int(aim)) % and above twice the run-to-run spread: "
          + missed.map { "\($0.architecture) \($0.metric.rawValue)" }.joined(separator: ", ") + ".")
    }
    if undisturbedShare < 1 {
      let share = NumberFormat.percent(decimals: 0).text(100 * undisturbedShare)
      sentences.append("Undisturbed: \(share) of the phases; the others are left out of every mean.")
    }
    if let load, load > 0.5 {
      sentences.append(
        "Other programs were running (load average \(NumberFormat.fixed(decimals: 1).text(load)) before the first run)."
      )
    }
    return sentences
  }

  /// Sentences about the points that were not run.
  package var leftOut: [String] { room.leftOut }
}

/// Share of the phases that nothing may have disturbed for a verdict. Chosen.
package let leastUndisturbed = 0.8

/// The most points of a grid that are measured in rounds.
private let mostPoints = 96

/// The workloads of `measure.points` or else of the grid, for each model of the grid and each one to compare; points of
/// one model lie side by side, none comes twice, and of a large grid some are taken that cover it evenly.
package func workloads(of scenario: Scenario) -> [TimedWorkload] {
  scenario.measuredSubjects(at: scenario.firstPositions(mostPoints).sorted()).map(\.timed).byModel
}

extension [TimedWorkload] {
  /// Those of one model side by side, in the order in which the models come first.
  var byModel: [TimedWorkload] {
    var models: [Model] = []
    for point in self where !models.contains(point.model) { models.append(point.model) }
    return models.flatMap { model in filter { $0.model == model } }
  }
}
