import Architectures
import Formulas
import Hardware
import Measurement
import Quantities
import Rendering
import Scenarios
import Validation

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
  /// Points that were not run: what they would have needed.
  private var tooLarge: [Int128] = []
  private var tooLong: [Double] = []
  private let timeLimit: Double
  /// Programs that were ready to run on average in the minute before the first run.
  private let load = SystemDescription.load

  /// Runs what fits in this machine's memory and in the time limit, each also at twice the batch and twice the prompt
  /// unless the scenario does without.
  ///
  /// A round of the calibration lies before each round of the workloads.
  /// - Parameters:
  ///   - saved: the profile to predict with; without one the machine is calibrated.
  ///   - timeLimit: seconds that one point may take, all repetitions together.
  package init(_ scenario: Scenario, saved: HardwareProfile?, timeLimit: Double) throws {
    self.timeLimit = timeLimit
    let settings = TimedSettings(
      threads: scenario.measure.threads, warmup: scenario.measure.warmup,
      measuresElasticities: scenario.measure.runsDoubled)
    let calibrator = saved == nil ? Calibrator(threads: settings.threads) : nil
    calibrator?.round()
    profile = try saved ?? calibrator!.calibration().profile
    let chosen = try choose(workloads(of: scenario), scenario.measure)
    guard !chosen.isEmpty else { return }
    let bar = ProgressBar("runs", total: chosen.count * scenario.measure.repetitions)
    let runs = TimedRuns(chosen, settings)
    for repetition in 0..<scenario.measure.repetitions {
      if repetition > 0 { calibrator?.round() }
      runs.round { bar.advance() }
    }
    bar.finish()
    if let calibrator { profile = try calibrator.calibration().profile }
    results = try runs.results(on: profile)
    guard scenario.measure.fittedShare > 0 else { return }
    let fitted = fittedPoints(chosen, share: scenario.measure.fittedShare, seed: scenario.measure.seed)
    let refined = try ProfileRefinement(profile, results.filter { fitted.contains($0.point) })
    (profile, corrections) = (refined.profile, refined.corrections)
    results = try runs.results(on: profile).map { result in
      var result = result
      result.isFitted = fitted.contains(result.point)
      return result
    }
  }

  /// Points that fit, and the others noted with the reason.
  private mutating func choose(
    _ points: [TimedWorkload], _ settings: MeasurementSettings
  ) throws -> [TimedWorkload] {
    let roofline = try Roofline(profile, .float32)
    var chosen: [TimedWorkload] = []
    var held: (models: [Model], bytes: Int128) = ([], 0)
    for point in points {
      // Each repetition runs the point, and unless that is left out twice its batch and twice its prompt.
      let (factor, runs) = settings.runsDoubled ? (2, 5) : (1, 1)
      let doubled = point.question.with(batchSize: factor * point.workload.batchSize)
        .with(promptLength: factor * point.workload.promptLength)
      let demand = try MemoryDemand(doubled)
      let isNew = !held.models.contains(point.model)
      let needed =
        held.bytes + demand.occupiedBytes(batchSize: Int128(doubled.workload.batchSize))
        - (isNew ? 0 : demand.weightBytes)
      let phases = TimedPhases(point.question, roofline)
      let seconds = Double(runs * settings.repetitions) * (phases.prefill.total.time + phases.decode.total.time).value
      if Double(needed) > 0.6 * Double(profile.memoryBytes) {
        tooLarge.append(needed)
      } else if seconds > timeLimit {
        tooLong.append(seconds)
      } else {
        chosen.append(point)
        if isNew { held = (held.models + [point.model], held.bytes + demand.weightBytes) }
      }
    }
    return chosen
  }
}

extension MeasuredScenario {
  /// The most that a mean error of held-out points may be, unless the runs themselves differ by half of it.
  /// - Unit: percent
  package var aim: Double { corrections.isEmpty ? 15 : 5 }

  /// Those that did not correct the profile.
  package var heldOut: [TimedPhaseResult] { results.filter { !$0.isFitted } }
  /// Those that corrected the profile.
  package var fitted: [TimedPhaseResult] { results.filter(\.isFitted) }

  /// The agreement tables and what they mean, as text.
  package var agreementText: String {
    let tables = [agreementTable, fittedTable, correctionTable].filter { !$0.rows.isEmpty }
    return "\n" + (tables.map { $0.text(as: .table) } + [verdict.joined(separator: "\n")]).joined(separator: "\n")
      + "\n"
  }

  /// Whether the predictions are as good as they should be, and what may have kept them from it.
  package var verdict: [String] {
    let missed = timedRows(heldOut).filter { !$0.agreement.isWithin(percent: aim) }
    var sentences = [
      missed.isEmpty
        ? "Every mean error of held-out points is at most \(Int(aim)) %, or twice the run-to-run spread where that is larger."
        : "Above \(Int(aim)) % and above twice the run-to-run spread: "
          + missed.map { "\($0.architecture) \($0.metric.rawValue)" }.joined(separator: ", ") + "."
    ]
    if let load, load > 0.5 {
      sentences.append(
        "Other programs were running (load average \(NumberFormat.fixed(decimals: 1).text(load)) before the first run): "
          + "repeat this on an idle machine before trusting a time.")
    }
    return sentences
  }

  /// Sentences about the points that were not run.
  package var leftOut: [String] {
    var sentences: [String] = []
    if let least = tooLarge.min() {
      let bytes = NumberFormat.binaryBytes
      sentences.append(
        "\(points(tooLarge.count)) not run: float32 needs \(bytes.text(least)) or more, and six tenths of this machine's "
          + "\(bytes.text(Int128(profile.memoryBytes))) may be used.")
    }
    if let quickest = tooLong.min() {
      let seconds = NumberFormat.si(unit: "s")
      sentences.append(
        "\(points(tooLong.count)) not run: all repetitions would take \(seconds.text(quickest)) or more in float32 on this "
          + "machine, and a point may take \(seconds.text(timeLimit)) (--time-limit).")
    }
    return sentences
  }

  private func points(_ count: Int) -> String { count == 1 ? "1 point was" : "\(count) points were" }
}

/// The most points of a grid that are considered, evenly spaced.
private let mostPoints = 96

/// The workloads of `measure.points` or else of the grid, for each model of the grid and each one to compare; points of
/// one model lie side by side, none comes twice, and of a large grid some are taken, evenly spaced.
package func workloads(of scenario: Scenario) -> [TimedWorkload] {
  var found: [TimedWorkload] = []
  var known: Set<TimedWorkload> = []
  func add(_ named: NamedModel, _ workload: Workload) {
    let point = TimedWorkload(name: named.name, model: named.model, workload: workload)
    if known.insert(point).inserted { found.append(point) }
  }
  let step = (scenario.grid.count + mostPoints - 1) / mostPoints
  for index in stride(from: 0, to: scenario.grid.count, by: step) {
    guard let point = scenario.grid.point(at: index) else { continue }
    for workload in scenario.measure.points.isEmpty ? [point.workload] : scenario.measure.points {
      add(NamedModel(name: point.name, model: point.model), workload)
      for other in scenario.compare { add(other, workload) }
    }
  }
  var models: [Model] = []
  for point in found where !models.contains(point.model) { models.append(point.model) }
  return models.flatMap { model in found.filter { $0.model == model } }
}
