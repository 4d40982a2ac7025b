import Foundation
import Subprocess
import TestFolders
import Testing

/// The built binary, driven from outside in a folder of its own.
final class Program {
  /// A new folder with `scenarios` and `docs` of this repository in it.
  let folder: String

  struct Outcome {
    /// The exit code; 128 and the signal's number where a signal ended it.
    var code: Int
    var output: String
    var error: String

    /// Lines without the last, empty one.
    var lines: [Substring] {
      var lines = output.split(separator: "\n", omittingEmptySubsequences: false)
      if lines.last?.isEmpty == true { lines.removeLast() }
      return lines
    }
  }

  init() throws {
    folder = TestFolders.newPath()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in ["scenarios", "docs"] {
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/" + name, withDestinationPath: Self.repository + "/" + name)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// The checkout that this file belongs to.
  static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// SwiftPM builds the executable beside the test bundle; PHOTON_BINARY names another one.
  static var binary: String {
    if let other = ProcessInfo.processInfo.environment["PHOTON_BINARY"] { return other }
    return URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
      .appending(path: "photon").path
  }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: folder + "/" + name))
  }

  func read(_ name: String) throws -> String { try String(contentsOfFile: folder + "/" + name, encoding: .utf8) }

  func data(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: folder + "/" + name)) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + name) }

  /// Names in the folder, hidden ones included, without the links.
  var names: [String] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return all.filter { !["scenarios", "docs"].contains($0) }.sorted()
  }

  /// Runs `photon` with arguments as they are.
  func run(_ arguments: [String]) async throws -> Outcome {
    try await shell("exec \"$@\"", [Self.binary] + arguments)
  }

  func run(_ arguments: String...) async throws -> Outcome { try await run(arguments) }

  /// Runs a script in the folder; `$PHOTON` is the binary.
  func shell(_ script: String, _ arguments: [String] = []) async throws -> Outcome {
    let result = try await Subprocess.run(
      .name("sh"), arguments: Arguments(["-c", "cd \"$0\" || exit\n\(script)", folder] + arguments),
      environment: .inherit.updating([
        "PHOTON": Self.binary, "PHOTON_HOME": Self.repository, "HOME": folder, "XDG_CONFIG_HOME": nil,
      ]), output: .string(limit: 64 << 20), error: .string(limit: 1 << 20))
    let code =
      switch result.terminationStatus {
      case .exited(let code): Int(code)
      case .signaled(let signal): 128 + Int(signal)
      }
    return Outcome(code: code, output: result.standardOutput, error: result.standardError)
  }

  /// Interrupts a command once a file has grown, or after twenty seconds.
  /// - Parameters:
  ///   - name: of the file, as `find -name` takes it.
  ///   - size: as `find -size` takes it.
  func interrupted(once name: String, _ size: String, _ arguments: [String]) async throws -> Outcome {
    try await shell(
      """
      "$PHOTON" "$@" & pid=$!
      for i in $(seq 2000); do
        [ -n "$(find . -name '\(name)' -size \(size))" ] && break
        sleep 0.01
      done
      kill -INT $pid; wait $pid
      """, arguments)
  }
}

/// A JSON object of results whose integers fit 64 bits.
func object(_ text: String) throws -> [String: Any] {
  try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}

extension [String: Any] {
  func object(_ key: String) throws -> [String: Any] { try #require(self[key] as? [String: Any], "\(key)") }
  func objects(_ key: String) throws -> [[String: Any]] { try #require(self[key] as? [[String: Any]], "\(key)") }
  func integer(_ key: String) throws -> Int { try #require(self[key] as? Int, "\(key)") }
}
