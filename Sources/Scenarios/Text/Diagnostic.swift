import Quantities

/// A place in a file, as editors count: line and column start at 1, columns are Unicode scalars.
public struct Position: Hashable, Sendable {
  /// The path as the person gave it; empty where the complaint is about an argument that says itself what it is.
  public var file: String
  /// `nil` where the complaint is about the file as a whole, for example that it does not exist.
  public var line: Int?
  /// From 1.
  public var column: Int

  /// The file as a whole unless a line is given.
  public init(file: String, line: Int? = nil, column: Int = 1) {
    self.file = file
    self.line = line
    self.column = column
  }
}

/// One complaint about what a person wrote: where, which key, what was found and what is accepted.
public struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
  /// A warning stops nothing.
  public enum Severity: String, Sendable { case error, warning }

  /// Where it stands.
  public var position: Position
  /// Whether the scenario is refused.
  public var severity: Severity
  /// The key as a dotted path, levels counted from 1: `model.levels[2].chunk`; empty for the whole file.
  public var path: String
  /// What was found, with its verb: `found 0`.
  public var found: String
  /// What would have been accepted; `nil` where that is no list or range.
  public var accepted: String?
  /// The accepted word that the found one resembles.
  public var suggestion: String?

  /// An error unless told otherwise.
  public init(
    _ position: Position, severity: Severity = .error, path: String, found: String, accepted: String? = nil,
    suggestion: String? = nil
  ) {
    self.position = position
    self.severity = severity
    self.path = path
    self.found = found
    self.accepted = accepted
    self.suggestion = suggestion
  }

  /// Like a compiler's: `sweep.yaml:14:17: error: model.levels[2].chunk: found 0; accepted: an integer from 1 to 4096`.
  public var description: String {
    var text = visible(position.file)
    if let line = position.line { text += ":\(line):\(position.column)" }
    if !text.isEmpty { text += ": " }
    text += "\(severity.rawValue): "
    if !path.isEmpty { text += "\(visible(path)): " }
    text += visible(found)
    if let accepted { text += "; accepted: \(visible(accepted))" }
    if let suggestion { text += "; did you mean \(visible(suggestion))?" }
    return text
  }
}

/// Everything that is wrong with a scenario, in the order of the text.
public struct ScenarioError: Error, Hashable, CustomStringConvertible {
  /// At least one, in the order of the text.
  public var diagnostics: [Diagnostic]

  /// - Parameter diagnostics: at least one.
  public init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}

/// Collects complaints, so that one run reports all of them.
public final class DiagnosticCollector {
  /// A megabyte of nonsense is not answered with a megabyte of complaints.
  static let limit = 100

  /// Those collected so far, in the order in which they were added.
  public private(set) var diagnostics: [Diagnostic] = []
  /// Whether further complaints are dropped.
  public private(set) var isFull = false

  /// Whether something that was added is more than a warning.
  public private(set) var hasErrors = false

  /// Nothing collected.
  public init() {}

  /// Adds a complaint, once.
  public func add(_ diagnostic: Diagnostic) {
    hasErrors = hasErrors || diagnostic.severity == .error
    guard !isFull, !diagnostics.contains(diagnostic) else { return }
    isFull = diagnostics.count == Self.limit
    if !isFull { diagnostics.append(diagnostic) }
  }

  /// What a reader made of a value. A reader that makes nothing has said why; where one has not, at least the place is
  /// said, so that nothing is read as if it were absent.
  /// - Parameters:
  ///   - value: what was made; nil where something is wrong.
  ///   - position: of what was read.
  ///   - path: its dotted path, empty for the document.
  func explained<Value>(_ value: Value?, at position: Position, path: String) -> Value? {
    if value == nil, !hasErrors {
      add(Diagnostic(position, path: path, found: "found what cannot be read", accepted: "what the format describes"))
    }
    return value
  }

  /// The same where there is nothing without it.
  /// - Throws: `ScenarioError` with every complaint if one of them is an error, or if there is no value.
  func result<Value>(_ value: Value?, at position: Position, path: String = "") throws(ScenarioError) -> Value {
    guard let value = explained(value, at: position, path: path), !hasErrors else { throw ScenarioError(ordered) }
    return value
  }

  /// - Throws: `ScenarioError` with every complaint in order of position if one of them is an error.
  public func throwIfAny() throws(ScenarioError) {
    if hasErrors { throw ScenarioError(ordered) }
  }

  /// Every complaint in order of position.
  public var ordered: [Diagnostic] {
    // Files keep the order in which they were first mentioned; within one the text's order counts.
    var files: [String] = []
    for diagnostic in diagnostics where !files.contains(diagnostic.position.file) {
      files.append(diagnostic.position.file)
    }
    let sorted = diagnostics.enumerated().sorted { left, right in
      sortKey(left.element, left.offset, files).lexicographicallyPrecedes(sortKey(right.element, right.offset, files))
    }
    let rest = Diagnostic(Position(file: files.first ?? ""), path: "", found: "more mistakes, which are not shown")
    return sorted.map(\.element) + (isFull ? [rest] : [])
  }

  private func sortKey(_ diagnostic: Diagnostic, _ offset: Int, _ files: [String]) -> [Int] {
    let position = diagnostic.position
    return [files.firstIndex(of: position.file) ?? 0, position.line ?? 0, position.column, offset]
  }
}

/// The candidate that a mistyped word most resembles: at most a third of its letters differ, or it is the beginning.
public func nearMiss(_ word: String, among candidates: [String]) -> String? {
  guard word.count <= 64 else { return nil }
  let folded = Array(word.lowercased().replacing("_", with: "-"))
  let limit = folded.count < 3 ? 0 : max(1, folded.count / 3)
  var best: (distance: Int, candidate: String)?
  for candidate in candidates {
    let distance = editDistance(folded, Array(candidate.lowercased().replacing("_", with: "-")))
    if distance <= limit, distance < best?.distance ?? Int.max { best = (distance, candidate) }
  }
  return best?.candidate ?? candidates.first { word.count >= 3 && $0.lowercased().hasPrefix(word.lowercased()) }
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
func editDistance(_ left: [Character], _ right: [Character]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for i in left.indices {
    var current = [i + 1]
    for j in right.indices {
      var distance = min(last[j + 1] + 1, current[j] + 1, last[j] + (left[i] == right[j] ? 0 : 1))
      if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
        distance = min(distance, beforeLast[j - 1] + 1)
      }
      current.append(distance)
    }
    (beforeLast, last) = (last, current)
  }
  return last[right.count]
}

/// `a, b and c`, for lists in messages; a long list ends in its count.
func enumerate(_ words: [String], limit: Int = 24) -> String {
  guard words.count > limit else { return words.joined(separator: ", ") }
  return words.prefix(limit).joined(separator: ", ") + " … (\(words.count) in all)"
}
