import Foundation
import Hardware

/// Where hardware profiles are looked up by name, nearest first.
public struct HardwareLibrary: Sendable {
  /// A profile that exists: its name, its file, and what it says it is.
  public struct Entry: Hashable, Sendable {
    public var name: String
    public var file: String
  }

  /// Folders in search order; a name in an earlier one hides the same name in a later one.
  public let folders: [String]
  /// Folder that file names in a scenario are relative to.
  let base: String

  /// Folders of a scenario: `hardware/` and `../hardware/` beside it, the shipped profiles under
  /// `$PHOTON_HOME/scenarios/hardware`, and the user's calibrated ones under `$XDG_CONFIG_HOME/photon/hardware`
  /// (default `~/.config`).
  public init(scenarioFolder: String, environment: [String: String]) {
    var folders = ["\(scenarioFolder)/hardware", "\(scenarioFolder)/../hardware"]
    if let home = environment["PHOTON_HOME"], !home.isEmpty { folders.append("\(home)/scenarios/hardware") }
    if let user = Self.userFolder(environment) { folders.append(user) }
    self.folders = folders
    base = scenarioFolder
  }

  /// Where calibrated profiles of this user are kept; nil without a home.
  public static func userFolder(_ environment: [String: String]) -> String? {
    if let configuration = environment["XDG_CONFIG_HOME"], configuration.hasPrefix("/") {
      return "\(configuration)/photon/hardware"
    }
    return environment["HOME"].map { "\($0)/.config/photon/hardware" }
  }

  /// Every profile that a name reaches, by name.
  public func entries() -> [Entry] {
    var found: [Entry] = []
    for folder in folders {
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for file in files.sorted() where file.hasSuffix(".yaml") && !file.hasPrefix(".") {
        let name = String(file.dropLast(5))
        if !found.contains(where: { Self.canonical($0.name) == Self.canonical(name) }) {
          found.append(Entry(name: name, file: "\(folder)/\(file)"))
        }
      }
    }
    return found.sorted { $0.name < $1.name }
  }

  /// The profile that a scenario names, by its name (`h200_sxm` and `H200-SXM` are `h200-sxm`) or by a file's path that
  /// contains `/` or ends in `.yaml`.
  /// - Parameters:
  ///   - position: where the name is written, for the complaint that there is no such profile.
  ///   - path: the key under which it is written.
  /// - Throws: `ScenarioError`
  public func profile(_ name: String, at position: Position, path: String) throws(ScenarioError) -> HardwareProfile {
    if name.contains("/") || name.hasSuffix(".yaml") {
      let file = name.hasPrefix("/") ? name : "\(base)/\(name)"
      guard FileManager.default.fileExists(atPath: file) else {
        throw ScenarioError([Diagnostic(position, path: path, found: "there is no file \(file)")])
      }
      return try HardwareFile.read(file: file)
    }
    let entries = entries()
    guard let entry = entries.first(where: { Self.canonical($0.name) == Self.canonical(name) }) else {
      let names = entries.map(\.name)
      throw ScenarioError([
        Diagnostic(
          position, path: path, found: "there is no hardware profile \(name)",
          accepted: names.isEmpty ? "the path of a profile's file" : enumerate(names),
          suggestion: nearMiss(name, among: names))
      ])
    }
    return try HardwareFile.read(file: entry.file)
  }

  static func canonical(_ name: String) -> String { name.lowercased().replacing("_", with: "-") }
}
