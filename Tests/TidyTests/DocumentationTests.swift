import Testing

/// Every public declaration says what it is, so that the documentation of a target has no bare name.
struct DocumentationTests {
  /// Names that mean in every type what their protocol says.
  private static let witnesses: Set<String> = [
    "description", "errorDescription", "rawValue", "hash", "encode", "==", "<",
  ]

  @Test func `every public declaration has a comment`() throws {
    for file in try Checkout.swift("Sources") {
      let lines = file.lines.map(\.1)
      for (index, line) in lines.enumerated() where line.contains("public ") {
        guard let match = line.firstMatch(of: Self.declaration), !Self.hasComment(lines, above: index) else { continue }
        let (kind, name) = (match.1, String(match.2))
        if kind == "init" ? Self.isPlain(lines, at: index) : Self.witnesses.contains(name) { continue }
        Issue.record("\(file.path):\(index + 1): say with /// what \(kind) \(name) is")
      }
    }
  }

  @Test func `the search for declarations finds what it should`() throws {
    for (text, name) in [
      ("  public var width: Int", "width"), ("@inlinable public static func + (left: Self)", "+"),
      ("  public private(set) var count = 0", "count"), ("public final class Machine {", "Machine"),
      ("  @inline(__always) public init() {}", ""), ("  public subscript(node: Node) -> Int {", ""),
    ] {
      #expect(try #require(text.firstMatch(of: Self.declaration)).2 == name)
    }
    #expect("  package var width: Int".firstMatch(of: Self.declaration) == nil)
    #expect("public extension Model {".firstMatch(of: Self.declaration) == nil)
    let lines = [
      "  /// What.", "  @inlinable", "  public init(", "    a: Int, _ b: [Int: Int] = [:], at c: Int", "  ) {",
    ]
    #expect(Self.hasComment(lines, above: 2) && !Self.hasComment(lines, above: 4))
    #expect(!Self.hasComment(["  /// One.", "  @A public var one: Int", "  @A public var two: Int"], above: 2))
    let properties = ["  public let a, d: Int", "  private(set) var b: [Int: Int]", "  @A var c: Int"]
    #expect(Self.isPlain(lines + properties, at: 2) && !Self.isPlain(lines + properties.dropLast(), at: 2))
    #expect(
      Self.isPlain(["@inline(__always) public init() {"], at: 0) && Self.isPlain(["init(from decoder: any D) {"], at: 0)
    )
  }

  /// Cases are not searched for: their enumeration may speak for them.
  private static var declaration: Regex<(Substring, Substring, Substring)> {
    /^\s*(?:@\w+(?:\([^)]*\))?\s+)*public\s+(?:\w+(?:\(set\))?\s+)*?(func|var|let|struct|enum|class|protocol|init|subscript|typealias)\b\s*([^\s(:<{]*<?)/
  }

  private static var property: Regex<(Substring, Substring)> {
    /^\s*(?:@\w+\s+)*(?:\w+(?:\(set\))?\s+)*?(?:let|var) (\w+)/
  }

  /// Attributes may stand between, on lines of their own.
  private static func hasComment(_ lines: [String], above index: Int) -> Bool {
    let before = lines[..<index].reversed().lazy.map { $0.drop { $0 == " " } }
    return before.first { !$0.hasPrefix("@") || $0.contains(" public ") }?.hasPrefix("///") ?? false
  }

  /// Whether every parameter has the name of a property in its file, whose comment says what it is; also an initialiser
  /// without parameters, and that of `Decodable`.
  private static func isPlain(_ lines: [String], at index: Int) -> Bool {
    let text = lines[index...].joined(separator: " ")
    var depth = 0
    var words: [Character] = []
    var previous: Character = " "
    // Parameters, without what stands in brackets of their own; arrows and shifts are none.
    for character in text[(text.firstRange(of: "init")?.upperBound ?? text.startIndex)...].drop(while: { $0 != "(" }) {
      if "([{".contains(character) || (character == "<" && previous.isLetter) { depth += 1 }
      if depth == 1 { words.append(character) }
      if ")]}".contains(character) || (character == ">" && previous != "-" && previous != " ") { depth -= 1 }
      if depth == 0 { break }
      previous = character
    }
    let names = String(words.dropFirst().dropLast()).split(separator: ",").compactMap {
      $0.prefix { $0 != ":" }.split(separator: " ").last.map(String.init)
    }
    let properties = Set(lines.compactMap { $0.firstMatch(of: Self.property).map { String($0.1) } })
    return names == ["decoder"] || names.allSatisfy(properties.contains)
  }
}
