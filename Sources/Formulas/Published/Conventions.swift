/// How work is counted where tools differ. Every default is this program's own rule, so the standard conventions change
/// no number; docs/conventions.md says who uses which.
public struct Conventions: Hashable, Sendable {
  /// (query, key) pairs of n positions that are run side by side.
  public enum CausalPairs: String, CaseIterable, Sendable {
    /// n(n+1)/2: what a causal mask lets through.
    case exact
    /// n²/2.
    case half
    /// n²: the product as a dense kernel computes it.
    case all
  }

  /// Positions whose logits are computed.
  public enum Head: String, CaseIterable, Sendable {
    /// Every emitted token's, in decode; none in prefill.
    case emitted
    /// The first token's in prefill, once for each prompt, the others' in decode.
    case once
    /// Every prompt position's in prefill, the first token's among them; the others' in decode.
    case all
  }

  /// FLOP outside matrix products.
  public enum Elementwise: String, CaseIterable, Sendable { case on, off }

  /// Whether attention moves its scores through memory.
  public enum Attention: String, CaseIterable, Sendable {
    /// Scores stay on the chip.
    case fused
    /// Scores and weights of every counted pair and head are written and read once each.
    case unfused
  }

  /// Keys of the position at t (counted from 0) that decode runs alone.
  public enum DecodeContext: String, CaseIterable, Sendable {
    /// t + 1: its own included.
    case inclusive = "t+1"
    /// t: only those before it.
    case exclusive = "t"
  }

  /// How embedding rows are read.
  public enum Embedding: String, CaseIterable, Sendable {
    /// Rows read from a table.
    case lookup
    /// A dense product of one-hot rows with the whole table.
    case dense
  }

  /// Which (query, key) pairs are counted.
  public var causalPairs = CausalPairs.exact
  /// Which positions the head runs at.
  public var head = Head.emitted
  /// Whether FLOP outside matrix products count.
  public var elementwise = Elementwise.on
  /// Whether scores are traffic.
  public var attention = Attention.fused
  /// Whether a decoded token attends itself.
  public var decodeContext = DecodeContext.inclusive
  /// What reading an embedding row costs.
  public var embedding = Embedding.lookup

  public init() {}

  /// Key, value and accepted values of every switch, in the order of the documentation.
  public var settings: [(key: String, value: String, accepted: [String])] {
    func row<Value: RawRepresentable<String> & CaseIterable>(_ key: String, _ value: Value) -> (
      String, String, [String]
    ) {
      (key, value.rawValue, Value.allCases.map(\.rawValue))
    }
    return [
      row("causal_pairs", causalPairs), row("head", head), row("elementwise", elementwise),
      row("attention", attention), row("decode_context", decodeContext), row("embedding", embedding),
    ]
  }

  /// The same conventions with one switch changed; nil where the key or the value does not exist.
  public func with(_ key: String, _ value: String) -> Conventions? {
    func changed<Value: RawRepresentable<String>>(_ path: WritableKeyPath<Conventions, Value>) -> Conventions? {
      guard let choice = Value(rawValue: value) else { return nil }
      var conventions = self
      conventions[keyPath: path] = choice
      return conventions
    }
    switch key {
    case "causal_pairs": return changed(\.causalPairs)
    case "head": return changed(\.head)
    case "elementwise": return changed(\.elementwise)
    case "attention": return changed(\.attention)
    case "decode_context": return changed(\.decodeContext)
    case "embedding": return changed(\.embedding)
    default: return nil
    }
  }
}
