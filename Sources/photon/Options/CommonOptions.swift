import ArgumentParser
import Foundation
import Hardware
import Quantities
import Rendering
import Reports
import Scenarios

/// How a command answers.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
  case table, json, csv

  var tableFormat: TableFormat {
    switch self {
    case .table: .table
    case .json: .json
    case .csv: .csv
    }
  }
}

/// How wide the tables of a command are.
struct WidthOption: ParsableArguments {
  @Flag(
    help: "Every column of the tables, however wide; without it those that fit the terminal, 120 in a file or pipe.")
  var wide = false

  /// Characters of a line; nil for as many as it takes.
  var width: Int? { wide ? nil : outputWidth }
}

/// The scenario that a command reads, and what the command line changes in it.
struct ScenarioOptionsGroup: ParsableArguments {
  @Argument(help: "The scenario, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var file: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Replaces a key, for example workload.batch=8; may be repeated.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    name: .customLong("hardware"),
    help: ArgumentHelp(
      "A profile's name or file, instead of those in the scenario; may be repeated.", valueName: "name"))
  var hardwareNames: [String] = []

  /// - Throws: `ScenarioError`
  func scenario() throws -> Scenario {
    try Scenario(
      file: file,
      options: ScenarioOptions(
        overrides: overrides, searchPaths: searchPaths, figures: reportFigureNames,
        checksHardware: hardwareNames.isEmpty))
  }

  /// The profiles to price on: those of the command line, or the scenario's.
  /// - Parameter precisions: those that are priced; the grid's if nil.
  /// - Throws: `ScenarioError`
  func hardware(of scenario: Scenario, for precisions: [Precision]? = nil) throws -> [HardwareProfile] {
    let named = try hardwareNames.map { try typedProfileFile($0, option: "--hardware", near: file) }
    return try (named.isEmpty ? scenario.hardware.compactMap(\.file) : named).map { file in
      let profile = try HardwareFile.read(
        file: file, devices: scenario.devices, engine: scenario.capacity,
        for: precisions ?? scenario.grid.precisions, usesHost: scenario.usesHost)
      return remarked(profile).expected
    }
  }
}

/// Says what is allowed in a file and worth a word.
func printRemarks(_ remarks: [Diagnostic]) {
  for remark in remarks { printError(remark.description) }
}

/// Where a command writes; nil where it decides itself.
/// - Throws: `ValidationError` for a name without a letter: below it the files of a report would lie in `/`.
func checkOutput(_ name: String?) throws {
  if name == "" { throw ValidationError("-o: found no name; accepted: the name of a file or a folder") }
}

/// Makes sure that a report can be drawn and written, and that nobody else writes it, before anything takes time.
/// - Throws: `FileFailure`, `FigureFailure`
func claimedReport(_ folder: String) async throws -> WriteClaim {
  try await Gnuplot().check()
  let claim = try WriteClaim(folder: folder)
  try AtomicFile.probe("\(folder)/report.md")
  return claim
}

/// Threads of the kernels, or of what prices.
/// - Throws: `ValidationError` for none, and for more than any machine has.
func checkThreads(_ count: Int) throws {
  if !(1...1024).contains(count) { throw ValidationError("--threads takes 1 to 1024, not \(count)") }
}

/// Where presets and profiles are looked for last: what the program ships, then the user's calibrated profiles.
var searchPaths: [String] {
  var environment = ProcessInfo.processInfo.environment
  if environment["PHOTON_HOME"] ?? "" == "" { environment["PHOTON_HOME"] = shippedHome }
  return HardwareLibrary.searchPaths(environment: environment)
}

/// The folder above the executable that holds `scenarios/models`: the sources that it was built from.
private var shippedHome: String? {
  var folder = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
  // .build/x86_64-unknown-linux-gnu/release/photon is four folders deep.
  for _ in 0..<4 {
    guard let candidate = folder else { return nil }
    if FileManager.default.fileExists(atPath: candidate.appending(path: "scenarios/models").path) {
      return candidate.path
    }
    folder = candidate.deletingLastPathComponent()
  }
  return nil
}

/// The file of a profile that a person typed: a path starts where they are, a name is looked for from the folder of a file.
/// - Parameters:
///   - name: what was typed.
///   - option: behind which it was typed.
///   - file: a scenario, or a table of rows.
/// - Throws: `ScenarioError`
func typedProfileFile(_ name: String, option: String, near file: String) throws(ScenarioError) -> String {
  let isPath = name.hasSuffix(".yaml") || name.contains("/")
  return try hardwareLibrary(near: isPath ? nil : file).file(name, at: Position(file: option))
}

/// The profile of that file.
/// - Throws: `ScenarioError`
func typedProfile(_ name: String, option: String, near file: String) throws(ScenarioError) -> HardwareProfile {
  try remarked(HardwareFile.read(file: typedProfileFile(name, option: option, near: file)))
}

/// The profiles that names reach from a scenario's folder.
func hardwareLibrary(near file: String? = nil) -> HardwareLibrary {
  let folder = file.map { URL(filePath: $0).deletingLastPathComponent().relativePath } ?? "."
  return HardwareLibrary(files: ScenarioFiles(searchPaths: searchPaths), directory: folder)
}
