import Foundation
import Testing

/// A new component, operation, family or method must not be priced, run or shown as if it were another: who tells them
/// apart names every case, so that the compiler asks again.
struct SwitchTests {
  /// Where they are declared.
  private static let kinds = [
    "Architectures/Node.swift": ["Component", "Phase", "Side"],
    "Architectures/Families/Family.swift": ["Family", "Structure"],
    "Architectures/Families/Payload.swift": ["Payload"],
    "Architectures/Caches/Retention.swift": ["Retention", "Method"],
    "Architectures/Caches/Lookup.swift": ["Lookup", "Method"],
    "Architectures/Caches/EntryForm.swift": ["EntryForm", "Method"],
    "Architectures/Caches/Placement.swift": ["Placement", "Method"],
    "Tensors/Operations/Operation.swift": ["Operation"],
  ]
  /// Here everything that is told apart is of such a kind: no `default` at all.
  private static let folds = [
    "Formulas/Counts", "Formulas/Schedule", "Formulas/Training", "Tensors", "Reference", "Architectures",
  ]

  @Test func `a switch of a fold has no default`() throws {
    for file in try Self.folds.flatMap({ try Checkout.swift("Sources/" + $0) }) {
      for (number, line) in file.lines where line.trimmingCharacters(in: .whitespaces).hasPrefix("default:") {
        Issue.record("\(file.path):\(number): name every case")
      }
    }
  }

  @Test func `a switch over components, operations, families or methods has no default anywhere`() throws {
    var kinds: [String: String] = [:]
    for (path, names) in Self.kinds {
      let lines = try #require(try Checkout.swift("Sources").first { $0.path == "Sources/" + path }, "\(path)").lines
      for name in names {
        let cases = Self.cases(of: name, in: lines.map(\.1))
        #expect(!cases.isEmpty, "\(path) declares no \(name)")
        for found in cases { kinds[found] = name }
      }
    }
    for file in try Checkout.swift("Sources") {
      let lines = file.lines.map(\.1)
      for index in lines.indices where Self.isDefault(lines[index]) {
        if let found = Self.labels(of: index, in: lines).first(where: { kinds[$0] != nil }), let kind = kinds[found] {
          Issue.record("\(file.path):\(index + 1): .\(found) is a \(kind): name every case of it")
        }
      }
    }
  }

  @Test func `the search for cases and labels finds what it should`() {
    let lines = [
      "enum Kind: String {", "  case one, two = \"2\"", "  /// case of nothing", "  case three(rows: Int, width: Int)",
      "  var a: Int {", "    switch self {", "    case .one,", "      .two:", "      switch b {",
      "      case .inner: 1", "      default: 2", "      }", "    case (.three(let rows), _): rows", "    default: 0",
      "    }", "  }", "}", "enum Other { case four }",
    ]
    #expect(Self.cases(of: "Kind", in: lines) == ["one", "two", "three"])
    #expect(Self.cases(of: "Other", in: lines) == ["four"] && Self.cases(of: "None", in: lines) == [])
    #expect(Self.labels(of: 10, in: lines) == ["inner"] && Self.labels(of: 13, in: lines) == ["one", "two", "three"])
  }

  /// The cases of an enumeration, which may be declared in one line.
  private static func cases(of name: String, in lines: [String]) -> [String] {
    guard let start = lines.firstIndex(where: { $0.contains("enum \(name)") && $0.contains("{") }) else { return [] }
    let indent = Self.indent(lines[start])
    let body =
      lines[start].hasSuffix("}")
      ? [String(lines[start].drop { $0 != "{" }.dropFirst().dropLast())]
      : Array(lines[(start + 1)...].prefix { Self.indent($0) > indent || $0.isEmpty })
    return body.map { $0.trimmingCharacters(in: .whitespaces) }.filter { $0.hasPrefix("case ") && !$0.contains(".") }
      .flatMap { line in
        line.dropFirst("case ".count).replacing(/\(.*?\)/, with: "").split(separator: ",").map {
          String($0.trimmingPrefix { $0 == " " }.prefix { $0.isLetter || $0.isNumber })
        }
      }
  }

  /// The names behind a dot in the labels of the switch that a `default` ends; cases stand as deep as their switch.
  private static func labels(of index: Int, in lines: [String]) -> [String] {
    let indent = indent(lines[index])
    guard let start = lines[..<index].lastIndex(where: { Self.indent($0) == indent && $0.contains("switch ") })
    else { return [] }
    var names: [String] = []
    var isOpen = false
    for line in lines[start..<index]
    where isOpen || Self.indent(line) == indent && line.dropFirst(indent).hasPrefix("case ") {
      let label = line.firstMatch(of: /:(\s|$)/).map { line[..<$0.range.lowerBound] } ?? line[...]
      isOpen = !line.contains(/:(\s|$)/)
      names += label.matches(of: /\.([a-z]\w*)/).map { String($0.1) }
    }
    return names
  }

  private static func isDefault(_ line: String) -> Bool { line.drop { $0 == " " }.hasPrefix("default:") }
  private static func indent(_ line: String) -> Int { line.prefix { $0 == " " }.count }
}
