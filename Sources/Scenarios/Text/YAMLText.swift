import Foundation
import Quantities
import Yams

/// Reads YAML text into positioned values and turns everything a parser can trip over into a diagnostic.
public enum YAMLText {
  /// Larger files are refused by their size, unread.
  /// - Unit: byte
  public static let sizeLimit = 4 << 20
  /// Deeper nesting is refused; a scenario needs five.
  static let depthLimit = 32
  static let valueLimit = 200_000

  /// The document in a file.
  /// - Throws: `ScenarioError`
  public static func read(file: String) throws(ScenarioError) -> PositionedValue {
    try parse(text(of: file), file: file)
  }

  /// The text of a file that is small enough and is text.
  /// - Parameters:
  ///   - file: its path.
  ///   - limit: the most bytes that it may have.
  /// - Throws: `ScenarioError` with the reason.
  public static func text(of file: String, limit: Int = sizeLimit) throws(ScenarioError) -> String {
    guard !file.isEmpty else {
      throw ScenarioError([.init(Position(file: ""), path: "", found: "found no name", accepted: "the name of a file")])
    }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory) else {
      throw refusal(file, "no such file")
    }
    if isDirectory.boolValue { throw refusal(file, "is a directory", "a text file") }
    var data = Data()
    var size = 0
    do {
      let attributes = try FileManager.default.attributesOfItem(
        atPath: URL(filePath: file).resolvingSymlinksInPath().path)
      guard attributes[.type] as? FileAttributeType == .typeRegular else {
        throw refusal(file, "is not a regular file", "a text file")
      }
      size = attributes[.size] as? Int ?? 0
      if size > limit {
        throw refusal(file, "the file has \(size) bytes", "at most \(limit) bytes")
      }
      // At the end of a file there is nothing to read, which is no error.
      data = try FileHandle(forReadingFrom: URL(filePath: file)).read(upToCount: limit + 1) ?? Data()
    } catch let error as ScenarioError {
      throw error
    } catch {
      throw refusal(file, "the file cannot be read")
    }
    // A file that cannot be read to its end is no shorter file.
    guard data.count >= size else { throw refusal(file, "the file cannot be read") }
    guard data.count <= limit else { throw refusal(file, "the file grew", "at most \(limit) bytes") }
    return try TextEncoding.text(of: data, file: file)
  }

  /// The one document in a text.
  /// - Throws: `ScenarioError`
  public static func parse(_ text: String, file: String) throws(ScenarioError) -> PositionedValue {
    guard text.utf8.count <= sizeLimit else {
      throw refusal(file, "the text has \(text.utf8.count) bytes", "at most \(sizeLimit) bytes")
    }
    let text = try TextEncoding.text(of: Data(text.utf8), file: file)
    try refuseAliases(text, file: file)
    let root: Yams.Node?
    do {
      root = try Yams.compose(yaml: text, .default, .default, .utf8)
    } catch {
      let complaint = diagnostic(error, file: file)
      throw ScenarioError([tab(near: complaint.position, in: text) ?? complaint])
    }
    guard let root else {
      throw ScenarioError([.init(Position(file: file, line: 1), path: "", found: "the file is empty")])
    }
    var count = 0
    let collector = DiagnosticCollector()
    let value = convert(root, Position(file: file, line: 1), depth: 0, count: &count, collector)
    try collector.throwIfAny()
    return value
  }

  private static func convert(
    _ node: Yams.Node, _ parent: Position, depth: Int, count: inout Int, _ collector: DiagnosticCollector
  ) -> PositionedValue {
    let position = node.mark.map { Position(file: parent.file, line: $0.line, column: $0.column) } ?? parent
    count += 1
    if depth > depthLimit {
      collector.add(.init(position, path: "", found: "nested too deeply", accepted: "at most \(depthLimit) levels"))
      return PositionedValue(.null, at: position)
    }
    if count > valueLimit {
      if count == valueLimit + 1 {
        collector.add(.init(position, path: "", found: "too many values", accepted: "at most \(valueLimit)"))
      }
      return PositionedValue(.null, at: position)
    }
    switch node {
    case .scalar(let scalar):
      let quoted = scalar.style != .plain && scalar.style != .any
      let isNull = !quoted && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
      return PositionedValue(isNull ? .null : .scalar(scalar.string, quoted: quoted), at: position)
    case .sequence(let sequence):
      return PositionedValue(
        .list(sequence.map { convert($0, position, depth: depth + 1, count: &count, collector) }), at: position)
    case .mapping(let mapping):
      var entries: [PositionedValue.Entry] = []
      var seen: Set<String> = []
      for (key, value) in mapping {
        let keyPosition = key.mark.map { Position(file: parent.file, line: $0.line, column: $0.column) } ?? position
        guard case .scalar(let name) = key else {
          collector.add(.init(keyPosition, path: "", found: "a key that is not a word", accepted: "a word"))
          continue
        }
        if !seen.insert(name.string).inserted {
          collector.add(.init(keyPosition, path: name.string, found: "the key is given more than once"))
        }
        entries.append(
          .init(
            key: name.string, keyPosition: keyPosition,
            value: convert(value, keyPosition, depth: depth + 1, count: &count, collector)))
      }
      return PositionedValue(.mapping(entries), at: position)
    case .alias:
      collector.add(.init(position, path: "", found: "an alias", accepted: "the value itself"))
      return PositionedValue(.null, at: position)
    }
  }

  /// Refuses aliases before they are expanded: nested ones multiply a short text into billions of values, and the
  /// parser hashes keys while it reads. An alias needs its name after `&` and after `*`, so text that has both
  /// somewhere is refused; a lone `*` is a product, a lone `&` an ampersand.
  private static func refuseAliases(_ text: String, file: String) throws(ScenarioError) {
    var anchors: Set<Substring> = []
    var line = 1
    for pass in ["&", "*"] as [Character] {
      line = 1
      for row in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
        var rest = row[...]
        while let mark = rest.firstIndex(of: pass) {
          rest = rest[rest.index(after: mark)...]
          let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
          guard !name.isEmpty else { continue }
          if pass == "&" {
            anchors.insert(name)
          } else if anchors.contains(name) {
            let column = row.unicodeScalars.distance(from: row.startIndex, to: mark) + 1
            throw ScenarioError([
              .init(
                Position(file: file, line: line, column: column), path: "", found: "the alias *\(name)",
                accepted: "the value itself, written out")
            ])
          }
        }
        line += 1
      }
      if anchors.isEmpty { return }
    }
  }

  private static func diagnostic(_ error: any Error, file: String) -> Diagnostic {
    func at(_ mark: Mark) -> Position { Position(file: file, line: mark.line, column: mark.column) }
    switch error as? YamlError {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
      if problem.hasPrefix("Maximum nesting level") {
        return .init(at(mark), path: "", found: "nested too deeply", accepted: "at most \(depthLimit) levels")
      }
      let reason = [context?.text, problem].compactMap { $0 }.joined(separator: ": ")
      return .init(at(mark), path: "", found: reason, accepted: "YAML")
    case .composer(let context, let problem, let mark, _):
      let reason = [context?.text, problem].compactMap { $0 }.joined(separator: ", ")
      return .init(at(mark), path: "", found: reason, accepted: "YAML")
    case .duplicatedKeysInMapping(let keys, let context):
      let (key, repetitions) = (
        keys.first ?? "", keys.count > 1 ? " (so are \(enumerate(Array(keys.dropFirst()))))" : ""
      )
      return .init(at(context.mark), path: key, found: "the key is given more than once" + repetitions)
    case .reader(let problem, let offset, _, let yaml):
      var line = 1
      var column = 1
      for character in yaml.prefix(offset ?? 0) {
        (line, column) = character.isNewline ? (line + 1, 1) : (line, column + character.unicodeScalars.count)
      }
      return .init(Position(file: file, line: line, column: column), path: "", found: problem, accepted: "YAML")
    default:
      return .init(Position(file: file, line: 1), path: "", found: "\(error)", accepted: "YAML")
    }
  }

  /// The parser does not say that a tab is what it stumbles over; nil where the line is not indented with one.
  private static func tab(near position: Position, in text: String) -> Diagnostic? {
    let lines = TextLines(text)
    guard let number = position.line, lines.indices.contains(number - 1) else { return nil }
    let indentation = lines[number - 1].unicodeScalars.prefix { $0 == " " || $0 == "\t" }
    guard let place = indentation.firstIndex(of: "\t") else { return nil }
    let column = indentation.distance(from: indentation.startIndex, to: place) + 1
    return Diagnostic(
      Position(file: position.file, line: number, column: column), path: "", found: "found a tab",
      accepted: "spaces, with which alone YAML is indented")
  }

  private static func refusal(_ file: String, _ found: String, _ accepted: String? = nil) -> ScenarioError {
    ScenarioError([.init(Position(file: file, line: 1), path: "", found: found, accepted: accepted)])
  }
}

extension YAMLText {
  /// A text as a scalar that `parse` reads back as the text: as it is where YAML leaves it alone, otherwise in double quotes,
  /// with what is not seen by its number.
  static func scalar(_ text: String) -> String {
    let isPlain =
      text.first?.isLetter == true
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._ ".contains($0)) }
      && !text.hasSuffix(" ") && !["null", "true", "false", "yes", "no"].contains(text.lowercased())
    return isPlain ? text : "\"" + text.unicodeScalars.map(escaped).joined() + "\""
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"", "\\": return "\\\(scalar)"
    case "\n": return "\\n"
    case "\t": return "\\t"
    case _ where scalar.isHidden:
      let digits = String(scalar.value, radix: 16)
      return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
    default: return String(scalar)
    }
  }
}
