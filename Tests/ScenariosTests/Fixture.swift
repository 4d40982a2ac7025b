import Foundation
import Scenarios
import TestFolders

/// A directory of files that exists as long as the value.
final class Fixture {
  let path: String

  /// - Parameter files: path below the directory, contents.
  init(_ files: [(String, String)] = []) throws {
    path = TestFolders.newPath()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, text) in files { try write(name, Data(text.utf8)) }
  }

  func write(_ name: String, _ data: Data) throws {
    let file = URL(filePath: path).appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: file)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// What is wrong with a scenario that stands in this directory, with paths relative to it.
  func complaints(
    _ text: String, overrides: [String] = [], figures: [String]? = nil, checksHardware: Bool = false
  ) -> String {
    do {
      _ = try Scenario(
        text: text, file: path + "/s.yaml",
        options: .init(overrides: overrides, figures: figures, checksHardware: checksHardware))
      return "no complaint"
    } catch {
      return error.description.replacing(path + "/", with: "")
    }
  }
}

extension Fixture {
  /// Presets `base`, `base-wide`, `first`, `second`, `broken` and `odd`, and the profiles `h100-sxm` and `h200-sxm`.
  static func library() throws -> Fixture {
    let level = "{chunk: 4, condition: 2, encoder_layers: 1, decoder_layers: 1}"
    return try Fixture([
      (
        "models/base.yaml",
        """
        name: base
        model:
          architecture: photon
          vocabulary: 100
          width: 64
          heads: 4
          feed_forward: 128
          levels:
            - \(level)
            - \(level)

        """
      ),
      ("models/base-wide.yaml", "model: {preset: base, width: 128}\n"),
      ("models/first.yaml", "model: {preset: second}\n"),
      ("models/second.yaml", "model: {preset: first}\n"),
      ("models/broken.yaml", "model:\n  preset: base\n  widht: 7\n  heads: 6\n"),
      ("models/odd.yaml", "modle: {}\n"),
      ("hardware/h100-sxm.yaml", ""),
      ("hardware/h200-sxm.yaml", ""),
    ])
  }
}
