/// A dotted path into a scenario, levels and list elements counted from 1: `model.levels[2].chunk`.
struct DottedPath: Hashable {
  enum Step: Hashable {
    case key(String)
    /// Counted from 0.
    case index(Int)
  }

  var steps: [Step]

  init(_ steps: [Step]) { self.steps = steps }

  /// `nil` unless every part is a word, with indices from 1 in brackets after it.
  init?(_ text: some StringProtocol) {
    var steps: [Step] = []
    for part in text.split(separator: ".", omittingEmptySubsequences: false) {
      let word = part.prefix { $0 != "[" }
      guard !word.isEmpty, word.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) }) else {
        return nil
      }
      steps.append(.key(String(word)))
      var rest = part[word.endIndex...]
      while !rest.isEmpty {
        guard rest.first == "[", let close = rest.firstIndex(of: "]"),
          let index = Int(rest.dropFirst().prefix(upTo: close)),
          (1...1_000_000).contains(index)
        else { return nil }
        steps.append(.index(index - 1))
        rest = rest[rest.index(after: close)...]
      }
    }
    self.steps = steps
  }

  var description: String {
    steps.reduce(into: "") { text, step in
      switch step {
      case .key(let key): text += text.isEmpty ? key : ".\(key)"
      case .index(let index): text += "[\(index + 1)]"
      }
    }
  }
}

extension PositionedValue {
  /// The value with the one at a path replaced or, if only its last key is new, added; `nil` where a part of the
  /// path before the last does not exist.
  /// - Parameter makesMappings: keys before the last are added too, as mappings; elements of lists are not.
  func setting(
    _ steps: ArraySlice<DottedPath.Step>, to value: PositionedValue, makesMappings: Bool = false
  ) -> PositionedValue? {
    guard let step = steps.first else { return value }
    var copy = self
    switch (step, content) {
    case (.key, .null) where makesMappings:
      let empty = PositionedValue(.mapping([]), at: position)
      return empty.setting(steps, to: value, makesMappings: true)
    case (.key(let key), .mapping(var entries)):
      if let index = entries.firstIndex(where: { $0.key == key }) {
        guard
          let child = entries[index].value.setting(steps.dropFirst(), to: value, makesMappings: makesMappings)
        else { return nil }
        entries[index].value = child
      } else {
        guard steps.count == 1 || makesMappings else { return nil }
        let nothing = PositionedValue(.null, at: value.position)
        guard let child = nothing.setting(steps.dropFirst(), to: value, makesMappings: makesMappings) else {
          return nil
        }
        entries.append(.init(key: key, keyPosition: value.position, value: child))
      }
      copy.content = .mapping(entries)
    case (.index(let index), .list(var elements)):
      guard elements.indices.contains(index),
        let child = elements[index].setting(steps.dropFirst(), to: value, makesMappings: makesMappings)
      else {
        return nil
      }
      elements[index] = child
      copy.content = .list(elements)
    default: return nil
    }
    return copy
  }

  /// Where the value at a path stands, or the nearest mapping around it.
  func position(of steps: ArraySlice<DottedPath.Step>) -> Position {
    switch (steps.first, content) {
    case (.key(let key), .mapping(let entries)):
      entries.first { $0.key == key }?.value.position(of: steps.dropFirst()) ?? position
    case (.index(let index), .list(let elements)) where elements.indices.contains(index):
      elements[index].position(of: steps.dropFirst())
    default: position
    }
  }
}
