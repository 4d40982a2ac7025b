/// A `--set key=value` argument. Its diagnostics name the file `--set`, the argument's ordinal as the line and the
/// column inside the argument.
struct Override {
  /// What stands for the command line where a file is named.
  static let place = "--set"

  var path: DottedPath
  var value: PositionedValue
  var position: Position

  /// A value that stands in the scenario itself.
  init(_ path: DottedPath, _ value: PositionedValue) {
    (self.path, self.value, position) = (path, value, value.position)
  }

  /// - Parameter ordinal: counts the arguments from 1.
  /// - Throws: `ScenarioError`
  init(_ argument: String, ordinal: Int) throws(ScenarioError) {
    position = Position(file: Self.place, line: ordinal, column: 1)
    guard let equals = argument.firstIndex(of: "="), let path = DottedPath(argument[..<equals]) else {
      throw ScenarioError([
        .init(
          position, path: "", found: "found \"\(argument.prefix(80))\"",
          accepted: "key=value with a dotted key, for example workload.batch=8 or model.levels[1].chunk=[2,4]")
      ])
    }
    self.path = path
    let offset = argument[...equals].unicodeScalars.count
    let text = String(argument[argument.index(after: equals)...])
    guard !text.allSatisfy(\.isWhitespace) else {
      value = PositionedValue(.null, at: Position(file: Self.place, line: ordinal, column: offset + 1))
      return
    }
    do {
      value = try YAMLText.parse(text, file: Self.place).moved(line: ordinal, columns: offset)
    } catch {
      throw ScenarioError(
        error.diagnostics.map { diagnostic in
          var moved = diagnostic
          moved.position = diagnostic.position.moved(line: ordinal, columns: offset)
          moved.path = path.description
          // The parser starts a line of its own for the end of the text.
          if diagnostic.position.line == 2, !text.contains(where: \.isNewline) {
            moved.position.column = argument.unicodeScalars.count + 1
          }
          return moved
        })
    }
  }

  /// The scenario with the value set, and the mappings around it made where there are none. In a list of alternatives it
  /// is set in each of them.
  func apply(to root: PositionedValue, _ collector: DiagnosticCollector) -> PositionedValue {
    guard case .key(let section) = path.steps[0] else { return root }
    let rest = path.steps.dropFirst()
    let current = root[section] ?? PositionedValue(.mapping([]), at: position)
    var updated: PositionedValue?
    if rest.isEmpty {
      updated = value
    } else if case .list(let alternatives) = current.content, case .key = rest.first {
      let changed = alternatives.compactMap { set(rest, in: $0, section) }
      if changed.count == alternatives.count { updated = PositionedValue(.list(changed), at: current.position) }
    } else {
      updated = set(rest, in: current, section)
    }
    guard let updated, let result = root.setting([.key(section)], to: updated) else {
      collector.add(
        .init(
          position, path: path.description, found: "there is nothing of this name to set",
          accepted: "a key of the scenario"))
      return root
    }
    return result
  }

  private func set(
    _ steps: ArraySlice<DottedPath.Step>, in section: PositionedValue, _ name: String
  ) -> PositionedValue? {
    guard name == "model", case .mapping(let entries) = section.content, steps.count > 1 else {
      return section.setting(steps, to: value, makesMappings: true)
    }
    // A key such as `levels[1].chunk` or `cache.window` may have its parent in a preset, which is read later: keep it as
    // it is.
    let dotted = DottedPath(Array(steps)).description
    if !entries.contains(where: { $0.key == dotted }), let set = section.setting(steps, to: value) { return set }
    return section.setting([.key(dotted)], to: value)
  }
}

extension Position {
  func moved(line: Int, columns: Int) -> Position {
    Position(file: file, line: line, column: self.line ?? 1 == 1 ? column + columns : column)
  }
}

extension PositionedValue {
  /// Whether the command line has put nothing here, which takes the key away.
  var isRemoved: Bool { isNull && position.file == Override.place }

  /// The value without the keys and the elements that the command line has taken away; those of a section stay, because they
  /// take away what its preset says.
  func withoutRemoved(except section: String? = nil) -> PositionedValue {
    var kept = self
    switch content {
    case .null, .scalar: break
    case .list(let elements): kept.content = .list(elements.filter { !$0.isRemoved }.map { $0.withoutRemoved() })
    case .mapping(let entries):
      kept.content = .mapping(
        entries.filter { !$0.value.isRemoved }.map { entry in
          var entry = entry
          if entry.key != section { entry.value = entry.value.withoutRemoved() }
          return entry
        })
    }
    return kept
  }

  func moved(line: Int, columns: Int) -> PositionedValue {
    let moved: Content =
      switch content {
      case .null, .scalar: content
      case .list(let elements): .list(elements.map { $0.moved(line: line, columns: columns) })
      case .mapping(let entries):
        .mapping(
          entries.map { entry in
            .init(
              key: entry.key, keyPosition: entry.keyPosition.moved(line: line, columns: columns),
              value: entry.value.moved(line: line, columns: columns))
          })
      }
    return PositionedValue(moved, at: position.moved(line: line, columns: columns))
  }
}
