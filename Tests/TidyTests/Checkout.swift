import Foundation

/// The files of the checkout that this file belongs to.
enum Checkout {
  struct File {
    /// From the top of the checkout.
    let path: String
    /// Numbered from 1.
    let lines: [(Int, String)]
  }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// Paths below a folder, in the order of the alphabet; hidden files are left out.
  private static func paths(_ folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path).sorted().map {
      "\(folder)/\($0)"
    }.filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") } }
  }

  /// Every Swift file below a folder.
  static func swift(_ folder: String) throws -> [File] {
    try paths(folder).filter { $0.hasSuffix(".swift") }.map { path in
      let lines = try text(path).split(separator: "\n", omittingEmptySubsequences: false)
      return File(path: path, lines: lines.enumerated().map { ($0.offset + 1, String($0.element)) })
    }
  }

  /// Every page below a folder.
  static func markdown(_ folder: String) throws -> [String] { try paths(folder).filter { $0.hasSuffix(".md") } }

  /// How many files stand directly in each folder.
  static func folders(_ folder: String) throws -> [(String, Int)] {
    let files = try paths(folder).filter { path in
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: root.appending(path: path).path, isDirectory: &isFolder)
      return !isFolder.boolValue
    }
    return Dictionary(grouping: files) { String($0[..<$0.lastIndex(of: "/")!]) }.mapValues(\.count).sorted {
      $0.key < $1.key
    }
  }
}
