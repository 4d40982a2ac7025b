/// `A op B`, where each side is a product of names and numbers: the whole grammar of conditions in a scenario.
public struct Comparison: Hashable, Sendable, CustomStringConvertible {
  /// How two numbers are compared; the raw value is the operator as it is written.
  public enum Relation: String, CaseIterable, Sendable {
    case less = "<"
    case lessOrEqual = "<="
    case equal = "=="
    case notEqual = "!="
    case greaterOrEqual = ">="
    case greater = ">"

    /// Whether two numbers stand in the relation; never for a NaN.
    public func holds(_ left: Double, _ right: Double) -> Bool {
      switch self {
      case .less: left < right
      case .lessOrEqual: left <= right
      case .equal: left == right
      case .notEqual: left < right || left > right
      case .greaterOrEqual: left >= right
      case .greater: left > right
      }
    }
  }

  /// One factor of a side.
  public enum Factor: Hashable, Sendable {
    /// A literal.
    case number(Double)
    /// A dotted name, looked up when the comparison is tried.
    case name(String)
  }

  /// Factors of the left side.
  public var left: [Factor]
  /// How the sides are compared.
  public var relation: Relation
  /// Factors of the right side.
  public var right: [Factor]
  /// As it was written.
  public var description: String

  /// Whether it holds with the values that `lookup` gives to names; `nil` if a name has none.
  public func holds(_ lookup: (String) -> Double?) -> Bool? {
    guard let left = Self.product(left, lookup), let right = Self.product(right, lookup) else { return nil }
    return relation.holds(left, right)
  }

  private static func product(_ factors: [Factor], _ lookup: (String) -> Double?) -> Double? {
    var product = 1.0
    for factor in factors {
      switch factor {
      case .number(let number): product *= number
      case .name(let name):
        guard let value = lookup(name) else { return nil }
        product *= value
      }
    }
    return product
  }

  /// The names on both sides.
  public var names: [String] {
    (left + right).compactMap { factor in
      if case .name(let name) = factor { name } else { nil }
    }
  }

  /// Reads a comparison out of a scalar, with positioned complaints.
  /// - Parameter accept: says what is wrong with a name and which one is meant; `nil` for a good name.
  static func read(
    _ value: PositionedValue, path: String, _ collector: DiagnosticCollector,
    accept: (String) -> (found: String, accepted: String, suggestion: String?)?
  ) -> Comparison? {
    func refuse(_ offset: Int, _ found: String, _ accepted: String, _ suggestion: String? = nil) -> Comparison? {
      var position = value.position
      if case .scalar(_, quoted: true) = value.content { position.column += 1 }
      position.column += offset
      collector.add(.init(position, path: path, found: found, accepted: accepted, suggestion: suggestion))
      return nil
    }
    let grammar = "A op B with op one of <, <=, ==, !=, >=, >"
    guard let text = value.scalar, text.count <= 1024 else { return refuse(0, "found \(value.summary)", grammar) }
    let scalars = Array(text)
    guard let start = scalars.firstIndex(where: { "<>=!".contains($0) }) else {
      return refuse(0, "found \(value.summary)", grammar)
    }
    let end = scalars[start...].firstIndex { !"<>=!".contains($0) } ?? scalars.count
    guard let relation = Relation(rawValue: String(scalars[start..<end])) else {
      return refuse(start, "found \"\(String(scalars[start..<end]))\"", "one of <, <=, ==, !=, >=, >")
    }
    var sides: [[Factor]] = []
    for range in [0..<start, end..<scalars.count] {
      var factors: [Factor] = []
      var offset = range.lowerBound
      for part in scalars[range].split(separator: "*", omittingEmptySubsequences: false) {
        let lead = part.prefix { $0.isWhitespace }.count
        let word = String(part).trimming()
        if isDecimal(word), let number = Double(word), number.isFinite {
          factors.append(.number(number))
        } else if DottedPath(word) != nil, word.first?.isASCIIDigit != true {
          if let problem = accept(word) {
            return refuse(offset + lead, problem.found, problem.accepted, problem.suggestion)
          }
          factors.append(.name(word))
        } else {
          let found = word.isEmpty ? "nothing" : "\"\(word)\""
          return refuse(offset + lead, "found \(found) where a name or a number is due", grammar)
        }
        offset += part.count + 1
      }
      sides.append(factors)
    }
    return Comparison(left: sides[0], relation: relation, right: sides[1], description: text.trimming())
  }
}

extension String {
  func trimming() -> String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

/// What a sweep looks for: the point with the smallest or largest figure among those that keep to the conditions.
public struct Objective: Hashable, Sendable {
  /// Whether smaller or larger is better.
  public enum Sense: String, CaseIterable, Sendable { case minimise, maximise }

  /// Whether the smallest or the largest figure is best.
  public var sense: Sense
  /// The dotted name of a figure, such as `decode.time_per_token_s`.
  public var member: String
  /// What a point must keep to.
  public var conditions: [Comparison]
  /// Whether points that do not fit into the machine's memory are left out.
  public var mustFit: Bool

  /// The member is the dotted name of a figure.
  public init(sense: Sense, member: String, conditions: [Comparison], mustFit: Bool = true) {
    self.mustFit = mustFit
    self.sense = sense
    self.member = member
    self.conditions = conditions
  }

  /// - Parameter figures: the names that exist; `nil` accepts any.
  static func read(_ reader: FieldReader, figures: [String]?) -> Objective? {
    func problem(_ name: String) -> (found: String, accepted: String, suggestion: String?)? {
      guard let figures, !figures.contains(name) else { return nil }
      return ("there is no figure \"\(name)\"", enumerate(figures), nearMiss(name, among: figures))
    }
    let given = Sense.allCases.filter { reader.has($0.rawValue) }
    let conditions = (reader.list("subject_to") ?? []).enumerated().map { index, value in
      Comparison.read(value, path: "\(reader.path).subject_to[\(index + 1)]", reader.collector, accept: problem)
    }
    let mustFit = reader.boolean("must_fit", default: true) ?? true
    reader.finish()
    guard given.count == 1, let sense = given.first else {
      reader.collector.add(
        .init(
          reader.position, path: reader.path,
          found: "found \(given.isEmpty ? "neither minimise nor" : "both minimise and") maximise",
          accepted: "one of them, with the name of a figure"))
      return nil
    }
    guard let member = reader.text(sense.rawValue) else { return nil }
    if DottedPath(member) == nil {
      reader.report(sense.rawValue, "found \"\(member)\"", accepted: "a dotted name such as decode.time_per_token_s")
    } else if let problem = problem(member) {
      reader.report(sense.rawValue, problem.found, accepted: problem.accepted, suggestion: problem.suggestion)
    }
    return Objective(sense: sense, member: member, conditions: conditions.compactMap { $0 }, mustFit: mustFit)
  }
}
