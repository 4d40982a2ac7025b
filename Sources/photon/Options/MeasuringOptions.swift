import ArgumentParser
import Experiments
import Hardware
import Scenarios

extension ExitCode {
  /// Too much was disturbed for a verdict: EX_TEMPFAIL of sysexits.h, try again later.
  static let notDecided = ExitCode(75)
}

/// How a command runs models on this machine.
struct MeasuringOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A saved profile of this machine; by default the machine is calibrated first, in about 15 s.",
      valueName: "name or file"))
  var calibration: String?

  @Option(
    name: .customLong("point-limit"),
    help: ArgumentHelp("Leaves out points that would run longer, all repetitions together.", valueName: "seconds"))
  var pointLimit = 30.0

  func validate() throws {
    if !(pointLimit > 0) { throw ValidationError("--point-limit takes a number above 0") }
  }

  /// The saved profile to predict with, if one was named.
  /// - Throws: `ScenarioError`
  func savedProfile(near file: String) throws -> HardwareProfile? {
    try calibration.map { try typedProfile($0, option: "--calibration", near: file).expected }
  }

  /// Runs a scenario's models.
  func measured(_ scenario: Scenario) throws -> MeasuredScenario {
    try MeasuredScenario(scenario, saved: savedProfile(near: scenario.file), pointLimit: pointLimit)
  }
}
