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

  /// The profile to predict with, freshly measured or read.
  /// - Throws: `ScenarioError`, `GSLError`
  func profile(for scenario: Scenario) throws -> HardwareProfile {
    if let calibration {
      return try hardwareLibrary(near: scenario.file).profile(calibration, at: Position(file: "--calibration"))
    }
    return try calibrateWithProgress(threads: scenario.measure.threads).profile
  }
}

/// Calibrates this machine with a bar on a terminal.
func calibrateWithProgress(threads: Int, isQuick: Bool = false) throws -> Calibration {
  let bar = ProgressBar("percent of the calibration", total: 100)
  defer { bar.finish() }
  var done = 0
  return try calibrate(threads: threads, isQuick: isQuick) { share in
    bar.advance(by: Int(100 * share) - done)
    done = Int(100 * share)
  }
}

/// A scenario's workloads as this machine ran them.
struct MeasuredScenario {
  var profile: HardwareProfile
  var results: [TimedPhaseResult]
  /// Points that were not run, with the reason.
  var leftOut: [(point: TimedWorkload, reason: String)]

  /// Runs what fits in this machine's memory and in the time limit, each also at twice the batch and twice the prompt.
  init(_ scenario: Scenario, _ options: MeasuringOptions) throws {
    let profile = try options.profile(for: scenario)
    let settings = TimedSettings(
      threads: scenario.measure.threads, repetitions: scenario.measure.repetitions, warmup: scenario.measure.warmup,
      measuresElasticities: true)
    var chosen: [TimedWorkload] = []
    leftOut = []
    for point in workloads(of: scenario) {
      if let reason = try reasonToLeaveOut(point, on: profile, settings, limit: options.timeLimit) {
        leftOut.append((point, reason))
      } else {
        chosen.append(point)
      }
    }
    let bar = ProgressBar("measured points", total: chosen.count)
    defer { bar.finish() }
    self.profile = profile
    results = try timedResults(chosen, on: profile, settings) { bar.advance() }
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

private func reasonToLeaveOut(
  _ point: TimedWorkload, on profile: HardwareProfile, _ settings: TimedSettings, limit: Double
) throws -> String? {
  let doubled = point.workload.with(batchSize: 2 * point.workload.batchSize)
    .with(promptLength: 2 * point.workload.promptLength)
  let bytes = try MemoryDemand(point.model, doubled, .float32).occupiedBytes(batchSize: Int128(doubled.batchSize))
  if Double(bytes) > 0.6 * Double(profile.memoryBytes) {
    let needed = NumberFormat.binaryBytes.text(bytes)
    return "needs \(needed) in float32 where \(NumberFormat.binaryBytes.text(Int128(profile.memoryBytes))) are"
  }
  let roofline = try Roofline(profile, .float32)
  let phases = TimedPhases(point.model, point.workload, .float32, roofline)
  // The point, and twice its batch, and twice its prompt.
  let runs = Double(settings.repetitions + settings.warmup) * 5
  let seconds = runs * (phases.prefill.total.time + phases.decode.total.time).value
  return seconds > limit ? "would take about \(NumberFormat.significant(2).text(seconds)) s" : nil
}
