import Architectures
import ArgumentParser
import Formulas
import Hardware
import Measurement
import Quantities
import Reports
import Scenarios
import Validation

/// How a command runs models on this machine.
struct MeasuringOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A saved profile of this machine; by default the machine is calibrated first, in about 15 s.",
      valueName: "name or file"))
  var calibration: String?

  @Option(
    name: .customLong("time-limit"),
    help: ArgumentHelp("Leaves out points that would run longer, all repetitions together.", valueName: "seconds"))
  var timeLimit = 30.0

  func validate() throws {
    if !(timeLimit > 0) { throw ValidationError("--time-limit takes a number above 0") }
  }

  /// The saved profile to predict with, if one was named.
  /// - Throws: `ScenarioError`
  func savedProfile(near file: String) throws -> HardwareProfile? {
    try calibration.map { try hardwareLibrary(near: file).profile($0, at: Position(file: "--calibration")) }
  }
}

/// Rounds of a calibration that nothing else is measured between.
let calibrationRounds = 3

/// Calibrates this machine with a bar on a terminal.
/// - Throws: `GSLError`
func calibrateWithProgress(threads: Int, isQuick: Bool = false) throws -> Calibration {
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
struct MeasuredScenario {
  var profile: HardwareProfile
  var results: [TimedPhaseResult] = []
  /// Points that were not run, with the reason.
  var leftOut: [(point: TimedWorkload, reason: String)] = []

  /// Runs what fits in this machine's memory and in the time limit, each also at twice the batch and twice the prompt.
  ///
  /// A round of the calibration lies before each round of the workloads.
  init(_ scenario: Scenario, _ options: MeasuringOptions) throws {
    let settings = TimedSettings(
      threads: scenario.measure.threads, warmup: scenario.measure.warmup, measuresElasticities: true)
    let saved = try options.savedProfile(near: scenario.file)
    let calibrator = saved == nil ? Calibrator(threads: settings.threads) : nil
    calibrator?.round()
    profile = try saved ?? calibrator!.calibration().profile
    let chosen = try choose(workloads(of: scenario), scenario.measure.repetitions, limit: options.timeLimit)
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
  }

  /// Points that fit, and the others noted with the reason.
  private mutating func choose(
    _ points: [TimedWorkload], _ repetitions: Int, limit: Double
  ) throws -> [TimedWorkload] {
    let roofline = try Roofline(profile, .float32)
    var chosen: [TimedWorkload] = []
    var held: (models: [Model], bytes: Int128) = ([], 0)
    for point in points {
      // Each repetition runs the point, twice its batch and twice its prompt.
      let doubled = point.workload.with(batchSize: 2 * point.workload.batchSize)
      let demand = try MemoryDemand(
        point.model, doubled.with(promptLength: 2 * point.workload.promptLength), .float32)
      let isNew = !held.models.contains(point.model)
      let needed =
        held.bytes + demand.occupiedBytes(batchSize: Int128(doubled.batchSize)) - (isNew ? 0 : demand.weightBytes)
      let phases = TimedPhases(point.model, point.workload, .float32, roofline)
      let seconds = 5 * Double(repetitions) * (phases.prefill.total.time + phases.decode.total.time).value
      if Double(needed) > 0.6 * Double(profile.memoryBytes) {
        let bytes = NumberFormat.binaryBytes
        leftOut.append(
          (point, "needs \(bytes.text(needed)) of the machine's \(bytes.text(Int128(profile.memoryBytes)))"))
      } else if seconds > limit {
        leftOut.append((point, "would take about \(NumberFormat.si(unit: "s").text(seconds))"))
      } else {
        chosen.append(point)
        if isNew { held = (held.models + [point.model], held.bytes + demand.weightBytes) }
      }
    }
    return chosen
  }
}

/// The workloads of `measure.points` or else of the grid, for each model of the grid and each one to compare; points of
/// one model lie side by side, and none comes twice.
func workloads(of scenario: Scenario) -> [TimedWorkload] {
  var found: [TimedWorkload] = []
  func add(_ name: String, _ model: Model, _ workload: Workload) {
    let point = TimedWorkload(name: name, model: model, workload: workload)
    if !found.contains(point) { found.append(point) }
  }
  for point in scenario.grid.points {
    let workloads = scenario.measure.points.isEmpty ? [point.workload] : scenario.measure.points
    for workload in workloads {
      add(point.name, point.model, workload)
      for other in scenario.compare { add(other.name, other.model, workload) }
    }
  }
  var models: [Model] = []
  for point in found where !models.contains(point.model) { models.append(point.model) }
  return models.flatMap { model in found.filter { $0.model == model } }
}
