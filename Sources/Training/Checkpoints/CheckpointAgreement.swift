import Architectures
import Foundation

extension CheckpointMetadata {
  /// Where a scenario asks for another run than the checkpoint's, in the order of its keys; empty where it goes on.
  ///
  /// Threads, the steps between evaluations and checkpoints, and caches, which training does not read, may differ.
  /// - Parameters:
  ///   - model: that the scenario asks for.
  ///   - settings: of the training that it asks for.
  ///   - dataFingerprint: of the data that it reads.
  ///   - folder: of the checkpoint, for the text.
  public func differences(
    model: Model, settings: TrainingSettings, dataFingerprint: String, folder: String
  ) -> [Problem] {
    var problems: [Problem] = []
    func compare(_ section: String, _ own: some Encodable, _ other: some Encodable, except: [String] = []) {
      let (own, other) = (Self.fields(own), Self.fields(other))
      for key in Set(own.keys).union(other.keys).sorted() where own[key] != other[key] && !except.contains(key) {
        let stored = own[key] ?? "nothing"
        problems.append(
          Problem(
            "\(section).\(key)", "found \(other[key] ?? "nothing"), and the run in \(folder) has \(stored)",
            accepted: "\(stored), or another output folder"))
      }
    }
    compare("model", self.model.withoutCaches, ModelConfiguration(model).withoutCaches)
    compare("train", training, settings, except: TrainingSettings.incidental.map(\.rawValue) + ["data.obtain"])
    if problems.isEmpty, dataFingerprint != self.dataFingerprint {
      problems.append(
        Problem(
          "train.data", "the data are not those that the run in \(folder) has read",
          accepted: "the same data, or another output folder"))
    }
    return problems
  }

  /// Every value under its dotted path; a level's own layer under the level, as in a scenario.
  private static func fields(_ value: some Encodable) -> [String: String] {
    var fields: [String: String] = [:]
    func visit(_ value: Any, _ path: String) {
      switch value {
      case let object as [String: Any]:
        for (key, value) in object {
          visit(value, key == "layer" ? path : path.isEmpty ? key : "\(path).\(key)")
        }
      case let list as [Any]:
        for (index, value) in list.enumerated() { visit(value, "\(path)[\(index + 1)]") }
      case let text as String: fields[path] = text
      case let number as NSNumber: fields[path] = number.description
      default: fields[path] = "\(value)"
      }
    }
    do {
      visit(try JSONSerialization.jsonObject(with: JSONEncoder().encode(value)), "")
    } catch {
      // Without fields every run would be the same.
      preconditionFailure("models and training settings are finite numbers, words and lists: \(error)")
    }
    return fields
  }
}
