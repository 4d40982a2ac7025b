/// A formula that can be shown in symbols, shown with numbers put in, and evaluated: one tree for all three.
indirect enum Expression: Hashable, Sendable {
  case number(Int128)
  case symbol(String, Int128)
  case sum([Expression])
  case difference(Expression, Expression)
  case product([Expression])
  case floor(Expression, Expression)
  case ceiling(Expression, Expression)
  case half(Expression)
  case smaller(Expression, Expression)

  static func symbol(_ name: String, _ value: Int) -> Expression { .symbol(name, Int128(value)) }

  var value: Int128 {
    switch self {
    case .number(let value), .symbol(_, let value): value
    case .sum(let terms): terms.reduce(0) { $0 + $1.value }
    case .difference(let left, let right): left.value - right.value
    case .product(let factors): factors.reduce(1) { $0 * $1.value }
    case .floor(let left, let right): left.value / right.value
    case .ceiling(let left, let right): (left.value + right.value - 1) / right.value
    case .half(let inner): inner.value / 2
    case .smaller(let left, let right): min(left.value, right.value)
    }
  }

  /// In the symbols of NOTATION.md.
  var symbolic: String { text { name, _ in name } }
  /// The same with numbers put in.
  var numbers: String { text { _, value in String(value) } }

  private func text(_ leaf: (String, Int128) -> String) -> String {
    func join(_ terms: [Expression], _ separator: String) -> String {
      terms.map { $0.operand(leaf) }.joined(separator: separator)
    }
    switch self {
    case .number(let value): return String(value)
    case .symbol(let name, let value): return leaf(name, value)
    case .sum(let terms): return terms.map { $0.text(leaf) }.joined(separator: " + ")
    case .difference(let left, let right): return left.text(leaf) + " − " + right.operand(leaf)
    case .product(let factors): return join(factors, "·")
    case .floor(let left, let right): return "⌊" + join([left, right], "/") + "⌋"
    case .ceiling(let left, let right): return "⌈" + join([left, right], "/") + "⌉"
    case .half(let inner): return inner.operand(leaf) + "/2"
    case .smaller(let left, let right): return "min(\(left.text(leaf)), \(right.text(leaf)))"
    }
  }

  /// In brackets where a sum or a quotient is part of something larger.
  private func operand(_ leaf: (String, Int128) -> String) -> String {
    switch self {
    case .sum, .difference, .half: "(" + text(leaf) + ")"
    default: text(leaf)
    }
  }

  /// `n(n + 1)/2`
  static func triangle(_ count: Expression) -> Expression { .half(.product([count, .sum([count, .number(1)])])) }

  static func + (left: Expression, right: Expression) -> Expression {
    if case .sum(let terms) = left { return .sum(terms + [right]) }
    return .sum([left, right])
  }
  static func - (left: Expression, right: Expression) -> Expression { .difference(left, right) }
  static func * (left: Expression, right: Expression) -> Expression {
    switch (left, right) {
    case (.product(let first), .product(let second)): .product(first + second)
    case (.product(let first), _): .product(first + [right])
    case (_, .product(let second)): .product([left] + second)
    default: .product([left, right])
    }
  }
}

extension Expression: ExpressibleByIntegerLiteral {
  init(integerLiteral value: Int64) { self = .number(Int128(value)) }
}
