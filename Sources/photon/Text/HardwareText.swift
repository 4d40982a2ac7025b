import Hardware
import Rendering
import Scenarios

/// A profile for readers and for programs: the keys and values of its YAML form, defaults written out.
extension HardwareProfile {
  /// The profile as docs/hardware-format.md describes it.
  private var members: PositionedValue {
    do throws(ScenarioError) {
      return try YAMLText.parse(HardwareFile.text(self), file: name)
    } catch {
      preconditionFailure("a profile is written as sound YAML: \(error)")
    }
  }

  var json: JSON { members.json }

  /// One row per figure, nested keys with dots.
  var table: Table {
    var table = Table([.text("key"), .text("value")])
    func append(_ path: String, _ value: PositionedValue) {
      switch value.content {
      case .mapping(let entries):
        for entry in entries { append(path.isEmpty ? entry.key : "\(path).\(entry.key)", entry.value) }
      case .list(let elements):
        for (index, element) in elements.enumerated() { append("\(path)[\(index + 1)]", element) }
      case .scalar(let text, _): table.append([.text(path), .text(text)])
      case .null: table.append([.text(path), .missing])
      }
    }
    append("", members)
    return table
  }
}

extension PositionedValue {
  /// Plain scalars that are numbers become numbers, everything else text.
  fileprivate var json: JSON {
    switch content {
    case .null: .null
    case .scalar(let text, let quoted):
      if !quoted, let whole = Int128(text) {
        .integer(whole)
      } else if !quoted, let number = Double(text) {
        .number(number)
      } else {
        .string(text)
      }
    case .list(let elements): .array(elements.map(\.json))
    case .mapping(let entries): .object(entries.map { ($0.key, $0.value.json) })
    }
  }
}
