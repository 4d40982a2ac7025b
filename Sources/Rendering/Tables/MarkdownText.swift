import Quantities

/// A text as code inside a line of Markdown: whatever is in it is shown as it is and does nothing.
public func codeSpan(_ text: String) -> String {
  let text = visible(text)
  let fence = String(repeating: "`", count: longestRun(of: "`", in: text) == 0 ? 1 : longestRun(of: "`", in: text) + 1)
  // Otherwise its own ends would be taken for those of the fence, or a space for padding.
  let needsSpace = text.isEmpty || text.first == "`" || text.last == "`" || text.first == " " && text.last == " "
  return needsSpace ? "\(fence) \(text) \(fence)" : fence + text + fence
}

/// The most times that a character follows itself.
func longestRun(of character: Character, in text: String) -> Int {
  var (run, longest) = (0, 0)
  for other in text {
    run = other == character ? run + 1 : 0
    longest = max(longest, run)
  }
  return longest
}

/// A line of Markdown that may hold names and descriptions of others: it ends where it ends, it holds no HTML and nothing that
/// is not seen, and its links and images lead to files beside the document. Code spans stay as they are.
/// - Parameters:
///   - line: of text, with whatever stands in it.
///   - beginsBlock: whether the line is the first of a block, where some signs would make it a block of another kind.
func inert(_ line: String, beginsBlock: Bool = false) -> String {
  let scalars = Array(line.unicodeScalars)
  var safe = ""
  var index = 0
  if beginsBlock, let first = scalars.first, "#>~".unicodeScalars.contains(first) || line.hasPrefix("```") {
    safe += "\\"
  }
  while index < scalars.count {
    let scalar = scalars[index]
    switch scalar {
    case "\\" where index + 1 < scalars.count && scalars[index + 1].properties.generalCategory.isPunctuation:
      safe.unicodeScalars += scalars[index...index + 1]
      index += 1
    case "`":
      let fence = scalars[index...].prefix { $0 == "`" }.count
      let end = endOfCode(scalars, from: index + fence, fence) ?? index + fence
      for inside in scalars[index..<end] { safe += inside == "\n" ? " " : visible(String(inside)) }
      index = end - 1
    case "<" where beginsTag(scalars[(index + 1)...].first): safe += "&lt;"
    case "]" where leadsElsewhere(scalars[(index + 1)...]): safe += "\\]"
    case "\n": safe += " "
    default: safe += visible(String(scalar))
    }
    index += 1
  }
  return safe
}

/// Behind the run of backticks that ends a code span; nil where none is as long as the one that would begin it.
private func endOfCode(_ scalars: [Unicode.Scalar], from start: Int, _ fence: Int) -> Int? {
  var index = start
  while index < scalars.count {
    let run = scalars[index...].prefix { $0 == "`" }.count
    if run == fence { return index + run }
    index += max(run, 1)
  }
  return nil
}

/// Whether what follows a closing bracket makes it a link to something that is no file beside the document.
private func leadsElsewhere(_ rest: ArraySlice<Unicode.Scalar>) -> Bool {
  guard rest.first == "(" else { return false }
  let target = rest.dropFirst().prefix { $0 != ")" }
  return target.contains(":") || target.starts(with: "//".unicodeScalars)
}

/// Whether what follows `<` may make it HTML; before a number it is a comparison.
private func beginsTag(_ next: Unicode.Scalar?) -> Bool {
  next.map { $0.isASCII && ($0.properties.isAlphabetic || "/!?".unicodeScalars.contains($0)) } ?? false
}

extension Unicode.GeneralCategory {
  /// What a backslash takes the meaning from.
  fileprivate var isPunctuation: Bool {
    switch self {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol:
      true
    default: false
    }
  }
}
