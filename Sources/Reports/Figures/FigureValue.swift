import Formulas
import Rendering

/// A figure's value at one point.
public enum FigureValue: Sendable {
  /// A number, a word, or nothing where the figure does not apply.
  case cell(Cell)
  /// Any number of words, such as the properties in which a time extrapolates.
  case words([String])
  /// Where a phase is bound by what; nil where it has no work.
  case stretches([Stretch]?)

  /// In data: an array of what are several values.
  public var json: JSON {
    switch self {
    case .cell(let cell): JSON(cell)
    case .words(let words): .array(words.map { .string($0) })
    case .stretches(let stretches):
      stretches.map { stretches in
        .array(
          stretches.map {
            .object([
              ("from", JSON($0.range.lowerBound)), ("to", JSON($0.range.upperBound)),
              ("bound", .string(Bound($0).rawValue)),
            ])
          })
      } ?? .null
    }
  }

  /// In a field of a row: words with spaces between.
  public var field: Cell {
    switch self {
    case .cell(let cell): cell
    case .words(let words): words.isEmpty ? .missing : .text(words.joined(separator: " "))
    case .stretches(let stretches): stretches.map { .text($0.text) } ?? .missing
    }
  }

  /// In a table for a person: words with commas between.
  public var shown: Cell {
    switch self {
    case .cell(let cell): cell
    case .words(let words): .text(words.joined(separator: ", "))
    case .stretches(let stretches): stretches.map { .text($0.text) } ?? .missing
    }
  }
}

extension Cell {
  /// What an objective weighs; nil for words and for what does not apply.
  var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .text, .flag, .missing: nil
    }
  }
}

extension [Stretch] {
  /// `memory to 3, compute from 4`, or `memory` where nothing changes.
  fileprivate var text: String {
    enumerated().map { index, stretch in
      let bound = Bound(stretch).rawValue
      if count == 1 { return bound }
      return index == 0
        ? "\(bound) to \(stretch.range.upperBound)" : "\(bound) from \(stretch.range.lowerBound)"
    }.joined(separator: ", ")
  }
}

extension Bound {
  /// What bounds a phase in a stretch of compute minus memory time.
  fileprivate init(_ stretch: Stretch) { self = stretch.isPositive ? .compute : .memory }
}

extension JSON {
  /// An object from dotted paths: `a.b` is the member `b` of the object `a`. Members stand in the order in which they are
  /// mentioned first, and an object in which nothing has a value is `null`.
  public static func nested(_ entries: [(path: String, value: JSON)]) -> JSON {
    var keys: [String] = []
    var members: [String: [(path: String, value: JSON)]] = [:]
    for (path, value) in entries {
      let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
      if members[parts[0]] == nil { keys.append(parts[0]) }
      members[parts[0], default: []].append((parts.count > 1 ? parts[1] : "", value))
    }
    let values = keys.map { key -> JSON in
      let own = members[key]!
      return own[0].path.isEmpty ? own[0].value : nested(own)
    }
    return values.allSatisfy(\.isNull) ? .null : .object(zip(keys, values).map { ($0, $1) })
  }

  private var isNull: Bool {
    if case .null = self { true } else { false }
  }
}
