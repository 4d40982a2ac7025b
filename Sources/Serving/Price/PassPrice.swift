/// What one request does in a pass.
public struct PassRow: Hashable, Sendable {
  /// Its share of the pass.
  public enum Kind: Hashable, Sendable {
    /// Tokens of its fill target behind those that are done.
    case fill(from: Int, tokens: Int, target: Int)
    /// One token of each continuation.
    case decode
  }

  /// Of the request.
  public var id: Int
  /// What is done.
  public var kind: Kind
  /// P
  public var prompt: Int
  /// K
  public var continuations: Int
  /// e, before the pass.
  public var emitted: Int
  /// n, before the pass; 0 while it is filled.
  public var length: Int
  /// Of a decode row: the largest l with C_≤l | n + 1, else 0.
  public var boundary: Int
}

/// How long a pass takes.
public protocol PassPrice: Sendable {
  /// The time of a pass without swaps, at least 1.
  /// - Parameter rows: at least one, in the order in which the pass was formed.
  /// - Unit: ns
  /// - Throws: `ServingError` where the price leaves its integers.
  mutating func nanoseconds(of rows: [PassRow]) throws(ServingError) -> Int
}

/// A price for tests and first tries, linear in tokens and rows (docs/simulation.md, §1).
public struct LinearPrice: PassPrice, Hashable {
  /// Of a level, where a unit of it closes in a decode row.
  public struct Level: Hashable, Sendable {
    /// x_l, once for a pass.
    /// - Unit: ns
    public var pass: Int
    /// y_l, of each such row and continuation.
    /// - Unit: ns
    public var row: Int

    public init(pass: Int, row: Int) { (self.pass, self.row) = (pass, row) }
  }

  /// a, of a pass.
  /// - Unit: ns
  public var pass: Int
  /// p, of a fill token.
  /// - Unit: ns
  public var fillToken: Int
  /// d, of a decode row and continuation.
  /// - Unit: ns
  public var row: Int
  /// c, of each of its n + 1 tokens.
  /// - Unit: ns
  public var context: Int
  /// From level 1 up.
  public var levels: [Level]

  public init(pass: Int, fillToken: Int, row: Int, context: Int = 0, levels: [Level] = []) {
    self.pass = pass
    self.fillToken = fillToken
    self.row = row
    self.context = context
    self.levels = levels
  }

  /// The time of a pass without swaps, at least 1.
  /// - Parameter rows: in any order.
  public func nanoseconds(of rows: [PassRow]) throws(ServingError) -> Int {
    var (sum, highest) = (Int128(pass), 0)
    for row in rows {
      switch row.kind {
      case .fill(_, let tokens, _): sum += Int128(fillToken) * Int128(tokens)
      case .decode:
        let continuations = Int128(row.continuations)
        sum += continuations * (Int128(self.row) + Int128(context) * Int128(row.length + 1))
        highest = max(highest, row.boundary)
        for level in levels.prefix(row.boundary) { sum += continuations * Int128(level.row) }
      }
    }
    for level in levels.prefix(highest) { sum += Int128(level.pass) }
    guard let time = Int(exactly: max(1, sum)) else { throw .overflow("the time of a pass") }
    return time
  }
}
