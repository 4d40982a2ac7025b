/// What a user asks for.
public struct Request: Hashable, Sendable {
  /// When it comes, from the start of the run.
  /// - Unit: ns
  public var arrival: Int
  /// P, tokens that it brings.
  public var prompt: Int
  /// G, tokens that it gets, of each continuation; at least 1.
  public var output: Int
  /// K, which run in lockstep.
  public var continuations: Int
  /// 0 goes first.
  public var priority: Int
  /// What its prompt begins with; equal identities mean equal tokens.
  public var keys: Keys

  /// How the blocks of prompts are told apart.
  public enum Keys: Hashable, Sendable {
    /// No block of it is in another prompt.
    case own
    /// The first tokens are those of a named prefix.
    case prefix(id: Int, tokens: Int)
    /// One name for each so many tokens begun, as traces have them.
    case hashes([Int], tokensPerHash: Int)
  }

  /// One continuation, the first priority, and a prompt of its own unless told otherwise.
  public init(
    arrival: Int, prompt: Int, output: Int, continuations: Int = 1, priority: Int = 0, keys: Keys = .own
  ) {
    self.arrival = arrival
    self.prompt = prompt
    self.output = output
    self.continuations = continuations
    self.priority = priority
    self.keys = keys
  }
}

/// Numbers the spans of prompts: equal numbers below the same node are equal tokens (docs/simulation.md, §7).
struct SpanKeys {
  /// What a span holds: a part of a prefix, or hashes from a place in the first on.
  private enum Content: Hashable {
    case prefix(id: Int, span: Int)
    case hashes([Int], offset: Int)
  }

  private let span: Int
  private var numbers: [Content: Int] = [:]

  /// - Parameter span: tokens of one node of the tree.
  init(span: Int) { self.span = span }

  /// One number for each whole span of the prompt; those of the request's own are negative.
  mutating func numbers(of request: Request, id: Int) -> [Int] {
    (0..<request.prompt / span).map { index in
      // Negative and different for each span and request: ids have 31 bits, spans as many.
      let own = -1 - (id << 31 | index)
      switch request.keys {
      case .own: return own
      case .prefix(let prefix, let tokens):
        return (index + 1) * span <= tokens ? number(.prefix(id: prefix, span: index)) : own
      case .hashes(let hashes, let size):
        let (first, last) = (index * span / size, ((index + 1) * span - 1) / size)
        guard last < hashes.count else { return own }
        return number(.hashes(Array(hashes[first...last]), offset: index * span % size))
      }
    }
  }

  private mutating func number(_ content: Content) -> Int {
    if let known = numbers[content] { return known }
    numbers[content] = numbers.count
    return numbers.count - 1
  }
}
