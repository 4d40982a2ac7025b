/// The sections of a scenario that can hold lists and ranges.
enum GridSection: String, CaseIterable {
  case model, workload, precision

  /// That of a key of the scenario.
  /// - Precondition: the path begins with a section of the grid.
  init(of steps: [DottedPath.Step]) {
    guard case .key(let key) = steps[0], let section = GridSection(rawValue: key) else {
      preconditionFailure("\(DottedPath(steps).description) cannot be an axis")
    }
    self = section
  }
}

/// One dimension of a grid: the values that a key takes, in the order of the scenario.
public struct Axis: Hashable, Sendable {
  /// The key, for example `model.levels[1].chunk`.
  public var path: String
  /// The values as text.
  public var labels: [String]
  /// Whether every label is a number or a truth value, which JSON writes without quotes.
  public var isLiteral: Bool
  /// Where the list or the range stands.
  public var position: Position
  var steps: [DottedPath.Step]
  var options: [PositionedValue]

  var section: GridSection { GridSection(of: steps) }
}

/// Finds the keys that hold a list or a range, in the order of the text.
struct AxisFinder {
  static let optionLimit = 1_000_000
  /// The keys of a mapping that stands for a list of numbers.
  private enum Spacing: String, CaseIterable {
    case linear, log2

    /// What stands behind the key.
    var form: (count: Int, text: String) {
      switch self {
      case .linear: (3, "[first, last, count]")
      case .log2: (2, "[first, last]")
      }
    }
  }

  /// An axis before its options exist: a range may have a million of them, and the grid may be refused for that.
  struct Candidate {
    var steps: [DottedPath.Step]
    var position: Position
    var count: Int
    var makeOptions: () -> [PositionedValue]

    var path: String { DottedPath(steps).description }

    func make() -> Axis {
      let options = makeOptions()
      return Axis(
        path: path, labels: options.map(Self.label), isLiteral: options.allSatisfy(Self.isLiteral), position: position,
        steps: steps, options: options)
    }

    /// A preset alone is called by its name, a number by its digits.
    private static func label(_ option: PositionedValue) -> String {
      if let entries = option.entries, entries.count == 1, entries[0].key == "preset" { return entries[0].value.flow }
      return option.wholeNumber.map(String.init) ?? option.scalar ?? option.flow
    }

    private static func isLiteral(_ option: PositionedValue) -> Bool {
      guard case .scalar(let text, quoted: false) = option.content else { return false }
      return option.wholeNumber != nil || ["true", "false"].contains(text)
    }
  }

  let collector: DiagnosticCollector
  private(set) var axes: [Candidate] = []
  /// Sections with a list or range that is no axis: reading them would only repeat the complaint.
  private(set) var failedSections: Set<GridSection> = []

  init(collector: DiagnosticCollector) { self.collector = collector }

  /// Adds the axes of `model`, `workload` or `precision`: the section itself if it is a list of mappings.
  mutating func visit(_ section: GridSection, _ value: PositionedValue) {
    let first = DottedPath.Step.key(section.rawValue)
    switch value.content {
    case .list(let elements): add([first], value, elements)
    case .mapping(let entries):
      for entry in entries {
        if section == .model, entry.key == "levels", let levels = entry.value.elements, !isListOfLists(levels) {
          for (index, level) in levels.enumerated() {
            for field in level.entries ?? [] {
              visit(field.value, [first, .key(entry.key), .index(index), .key(field.key)])
            }
          }
        } else {
          visit(entry.value, [first, .key(entry.key)])
        }
      }
    default: break
    }
  }

  private func isListOfLists(_ elements: [PositionedValue]) -> Bool { elements.first?.elements != nil }

  private mutating func visit(_ value: PositionedValue, _ steps: [DottedPath.Step]) {
    switch value.content {
    // The rows of roles are one value.
    case .list(let elements) where steps.last == .key(ModelReader.rolesKey) && !isListOfLists(elements): break
    case .list(let elements): add(steps, value, elements)
    case .mapping(let entries) where entries.contains(where: { Spacing(rawValue: $0.key) != nil }):
      let path = DottedPath(steps).description
      if let (count, number) = collector.explained(range(value, path: path), at: value.position, path: path) {
        axes.append(
          Candidate(steps: steps, position: value.position, count: count) {
            (0..<count).map { PositionedValue(.scalar(String(number($0)), quoted: false), at: value.position) }
          })
      } else {
        fail(steps)
      }
    case .mapping(let entries):
      for entry in entries { visit(entry.value, steps + [.key(entry.key)]) }
    default: break
    }
  }

  private mutating func add(_ steps: [DottedPath.Step], _ value: PositionedValue, _ options: [PositionedValue]) {
    let path = DottedPath(steps).description
    let options = options.filter { !$0.isRemoved }
    guard !options.isEmpty else {
      collector.add(.init(value.position, path: path, found: "found an empty list", accepted: "at least one value"))
      fail(steps)
      return
    }
    var seen: Set<String> = []
    if let repeated = options.first(where: { !seen.insert($0.canonical).inserted }) {
      collector.add(
        .init(
          repeated.position, path: path, found: "the value \(repeated.canonical) stands in the list twice",
          accepted: "every value once"))
      fail(steps)
      return
    }
    axes.append(Candidate(steps: steps, position: value.position, count: options.count) { options })
  }

  private mutating func fail(_ steps: [DottedPath.Step]) {
    failedSections.insert(GridSection(of: steps))
  }

  /// `{linear: [a, b, count]}`: count values from a to b, rounded to whole numbers; `{log2: [a, b]}`: a, 2a, 4a, … b.
  /// - Returns: how many values, and the value at a position.
  private func range(_ value: PositionedValue, path: String) -> (Int, (Int) -> Int)? {
    let reader = FieldReader(value, path: path, collector: collector)
    let given = Spacing.allCases.filter { reader.has($0.rawValue) }
    reader.finish()
    guard given.count == 1, let spacing = given.first else {
      reader.report(given[1].rawValue, "found \(enumerate(given.map(\.rawValue)))", accepted: "one of them")
      return nil
    }
    guard let elements = reader.list(spacing.rawValue) else { return nil }
    guard elements.count == spacing.form.count else {
      reader.report(spacing.rawValue, "found a list of \(elements.count)", accepted: spacing.form.text)
      return nil
    }
    let path = "\(path).\(spacing.rawValue)"
    let bounds = 0...(1 << 53)
    guard let first = integerOf(elements[0], path: path, in: bounds, collector),
      let last = integerOf(elements[1], path: path, in: bounds, collector)
    else { return nil }
    guard first <= last else {
      reader.report(
        spacing.rawValue, "the range runs from \(first) down to \(last)",
        accepted: "\(spacing.form.text) in ascending order")
      return nil
    }
    switch spacing {
    case .linear:
      guard let count = integerOf(elements[2], path: path, in: 1...Self.optionLimit, collector) else { return nil }
      return linear(first, last, count, reader)
    case .log2: return log2(first, last, reader)
    }
  }

  private func linear(_ first: Int, _ last: Int, _ count: Int, _ reader: FieldReader) -> (Int, (Int) -> Int)? {
    if count == 1, first == last { return (1, { _ in first }) }
    guard count >= 2, count - 1 <= last - first else {
      reader.report(
        "linear", "\(count) different whole numbers from \(first) to \(last) do not exist",
        accepted: "a count from \(first == last ? 1 : 2) to \(last - first + 1)")
      return nil
    }
    // first + round(k·(last − first)/(count − 1)), halves up, in integers.
    let gaps = Int128(count - 1)
    return (count, { first + Int((2 * Int128($0) * Int128(last - first) + gaps) / (2 * gaps)) })
  }

  private func log2(_ first: Int, _ last: Int, _ reader: FieldReader) -> (Int, (Int) -> Int)? {
    var values: [Int] = []
    var value = first
    while first > 0, value <= last {
      values.append(value)
      value *= 2
    }
    guard values.last == last else {
      reader.report(
        "log2", "doubling \(first) never gives \(last)",
        accepted: values.last.map { "a last value such as \($0) or \(2 * $0)" } ?? "a first value of at least 1")
      return nil
    }
    return (values.count, { first << $0 })
  }
}
