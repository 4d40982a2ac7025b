import Foundation
import Hardware

/// The hardware profiles that names reach, for `photon hardware` and for tools without a scenario.
public struct HardwareLibrary: Sendable {
  /// A profile that a name reaches.
  public struct Entry: Hashable, Sendable {
    /// As a scenario lists it.
    public var name: String
    /// The path of the profile's file.
    public var file: String

    /// The file is the path of the profile.
    public init(name: String, file: String) {
      self.name = name
      self.file = file
    }
  }

  let files: ScenarioFiles
  let directory: String

  /// - Parameters:
  ///   - files: the folders that are searched.
  ///   - directory: where the search starts: a scenario's folder.
  public init(files: ScenarioFiles, directory: String) {
    self.files = files
    self.directory = directory
  }

  /// What `ScenarioFiles` searches last: the shipped profiles under `$PHOTON_HOME/scenarios/hardware`, then the user's
  /// calibrated ones under `$XDG_CONFIG_HOME/photon/hardware` (by default `~/.config/photon/hardware`).
  public static func searchPaths(environment: [String: String]) -> [String] {
    var paths: [String] = []
    if let home = environment["PHOTON_HOME"], !home.isEmpty { paths.append("\(home)/scenarios") }
    if let folder = userFolder(environment: environment) { paths.append(ScenarioFiles.directory(of: folder)) }
    return paths
  }

  /// Where calibrated profiles of this user are kept; nil without a home, or with a relative one.
  public static func userFolder(environment: [String: String]) -> String? {
    // A relative path in XDG_CONFIG_HOME is to be ignored (XDG Base Directory Specification).
    if let configuration = environment["XDG_CONFIG_HOME"], configuration.hasPrefix("/") {
      return "\(configuration)/photon/hardware"
    }
    // An empty home would be the root folder.
    guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
    return "\(home)/.config/photon/hardware"
  }

  /// Every profile, by name; of two with the same name the one that is found first.
  public func entries() -> [Entry] {
    files.names(.hardware, from: directory).compactMap { name in
      files.find(.hardware, named: name, from: directory).map { Entry(name: name, file: $0) }
    }
  }

  /// The profile that `file` finds.
  /// - Parameters:
  ///   - name: as a scenario lists it, or the path of a file.
  ///   - position: where the name is written, for the complaint that there is no such profile.
  ///   - path: the key under which it is written.
  /// - Throws: `ScenarioError`
  public func profile(_ name: String, at position: Position, path: String = "") throws(ScenarioError) -> HardwareProfile
  {
    try HardwareFile.read(file: file(name, at: position, path: path))
  }

  /// The file of the profile of a name (`H200_SXM` and `NVIDIA H200` are `h200-sxm`) or of a path that contains `/` or ends in
  /// `.yaml`.
  /// - Parameters:
  ///   - name: as a scenario lists it, or the path of a file.
  ///   - position: where the name is written, for the complaint that there is no such profile.
  ///   - path: the key under which it is written.
  /// - Throws: `ScenarioError`
  public func file(_ name: String, at position: Position, path: String = "") throws(ScenarioError) -> String {
    guard let file = files.find(.hardware, named: name, from: directory) else {
      throw ScenarioError([files.missingProfile(name, from: directory, at: position, path: path)])
    }
    return file
  }
}
