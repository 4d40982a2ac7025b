import Foundation

/// Where presets and hardware profiles are looked for.
public struct ScenarioFiles: Sendable {
  /// What a name stands for; the raw value is the folder that holds files of the kind.
  public enum Kind: String, Sendable { case model = "models", hardware }

  /// Directories searched last, for example the `scenarios` directory that the program ships.
  public var searchPaths: [String]

  /// - Parameter searchPaths: directories searched last.
  public init(searchPaths: [String] = []) { self.searchPaths = searchPaths }

  /// In order: the directory of the file that asks, its folder of the kind, the neighbouring folder, and the same of
  /// each search path.
  func directories(_ kind: Kind, from directory: String) -> [String] {
    let near = [directory, directory + "/" + kind.rawValue, directory + "/../" + kind.rawValue]
    return near + searchPaths.flatMap { ["\($0)/\(kind.rawValue)", $0] }
  }

  /// The file of a name, or of a path relative to the directory if the name ends in `.yaml` or has a slash. Profiles are
  /// found as drivers and clouds call their cards too: `H200_SXM` and `NVIDIA H200` are `h200-sxm`.
  public func find(_ kind: Kind, named name: String, from directory: String) -> String? {
    if name.hasSuffix(".yaml") || name.contains("/") {
      let file = URL(filePath: name, relativeTo: URL(filePath: directory, directoryHint: .isDirectory))
        .standardizedFileURL
      return FileManager.default.fileExists(atPath: file.path) ? Self.shown(file.path) : nil
    }
    for directory in directories(kind, from: directory) {
      let file = directory + "/" + name + ".yaml"
      if FileManager.default.fileExists(atPath: file) { return Self.shown(file) }
    }
    guard kind == .hardware else { return nil }
    let meant = names(kind, from: directory).first { $0 != name && Self.canonical($0) == Self.canonical(name) }
    return meant.flatMap { find(kind, named: $0, from: directory) }
  }

  /// Whether a name can be that of a file or a folder, in whatever folder it is meant to lie.
  public static func isName(_ name: String) -> Bool {
    // With `.yaml` behind it a file system takes 255 bytes.
    !name.isEmpty && name.utf8.count <= 250
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
      && name.first != "."
  }

  /// What `isName` accepts, in words.
  public static let acceptedName = "at most 250 letters, digits, -, _ and ."

  /// Spellings of a profile's name that mean the same have the same canonical form.
  public static func canonical(_ name: String) -> String {
    let card = CardName(name)
    return card.profile ?? card.normalised
  }

  /// The names that `find` accepts, sorted.
  public func names(_ kind: Kind, from directory: String) -> [String] {
    var names: Set<String> = []
    for folder in directories(kind, from: directory)
    where URL(filePath: folder).standardizedFileURL.lastPathComponent == kind.rawValue {
      // Places to look in need not exist.
      for file in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where file.hasSuffix(".yaml") {
        names.insert(String(file.dropLast(5)))
      }
    }
    return names.sorted()
  }

  /// A path without `..` and without the current directory in front, for messages and comparison.
  static func shown(_ path: String) -> String {
    let full = URL(filePath: path).standardizedFileURL.path
    let current = FileManager.default.currentDirectoryPath + "/"
    return full.hasPrefix(current) ? String(full.dropFirst(current.count)) : full
  }

  /// The file of a name in the folder of another; nil where there is none.
  public static func beside(_ file: String, _ name: String) -> String? {
    let path = directory(of: file) + "/" + name
    return FileManager.default.fileExists(atPath: path) ? shown(path) : nil
  }

  /// The folder of a file, `.` for a bare name: where names in it are looked for.
  public static func directory(of file: String) -> String {
    file.contains("/") ? String(file[..<file.lastIndex(of: "/")!]) : "."
  }
}
