/// What the state of a sequence takes, as memory and the order of events see it; its levels, from 1 up.
public struct StateShape: Hashable, Sendable {
  /// A level of the state.
  public struct Level: Hashable, Sendable {
    /// C_≤l, under one unit of it; each divides the next level's.
    public var tokens: Int
    /// b_l, of one unit.
    public var bytes: Int

    public init(tokens: Int, bytes: Int) { (self.tokens, self.bytes) = (tokens, bytes) }
  }

  /// What is open between two units.
  public enum Windows: Hashable, Sendable {
    /// So many bytes for each continuation, whatever its length.
    case fixed(Int)
    /// The decoders' windows, level 1 first: the largest sum over the states of a sequence.
    case decoders([Decoder])
  }

  /// A decoder with a window.
  public struct Decoder: Hashable, Sendable {
    /// C_≤l, tokens of one chunk of it.
    public var tokens: Int
    /// C_≤l−1, tokens of one of its positions.
    public var unit: Int
    /// R_l, positions in front of the chunk.
    public var condition: Int
    /// Of one position.
    public var bytes: Int

    public init(tokens: Int, unit: Int, condition: Int, bytes: Int) {
      self.tokens = tokens
      self.unit = unit
      self.condition = condition
      self.bytes = bytes
    }
  }

  /// At least one; a vanilla model has one, of one token a unit.
  public var levels: [Level]
  /// Beside the levels, from admission to release.
  public var windows: Windows
  /// Whether lower levels are dropped once generation has left the prompt's last meta-context.
  public var isRecursive: Bool
  /// Whether units have more to do than one step: PHOTON and Block, whose prompts may also be empty.
  public var closesUnits: Bool

  /// Of a vanilla model.
  /// - Parameter bytesPerToken: of keys and values of all layers.
  public init(bytesPerToken: Int) {
    levels = [Level(tokens: 1, bytes: bytesPerToken)]
    windows = .fixed(0)
    isRecursive = false
    closesUnits = false
  }

  /// Of a hierarchy.
  public init(levels: [Level], windows: Windows = .fixed(0), isRecursive: Bool = false) {
    self.levels = levels
    self.windows = windows
    self.isRecursive = isRecursive
    closesUnits = true
  }

  /// The largest l with C_≤l | length, else 0; 0 for a vanilla model.
  func boundary(at length: Int) -> Int {
    guard closesUnits else { return 0 }
    return levels.lastIndex { length % $0.tokens == 0 }.map { $0 + 1 } ?? 0
  }

  /// E, where lower levels are dropped; never without recursion.
  func dropLength(prompt: Int) -> Int {
    guard isRecursive, levels.count > 1, let meta = levels.last?.tokens else { return .max }
    return prompt.dividedUp(by: meta) * meta
  }

  /// Units that a level holds of so many tokens.
  /// - Parameters:
  ///   - index: of the level, from 0.
  ///   - length: committed tokens.
  ///   - drop: E.
  ///   - isRefill: lower levels are held up to E then.
  func units(_ index: Int, length: Int, drop: Int, isRefill: Bool = false) -> Int {
    if index == levels.count - 1 || length <= drop { return length / levels[index].tokens }
    return isRefill ? drop / levels[index].tokens : 0
  }

  /// Of one continuation of a sequence.
  /// - Unit: byte
  func windowBytes(prompt: Int, output: Int) -> Int {
    switch windows {
    case .fixed(let bytes): return bytes
    case .decoders(let decoders):
      let period = decoders.map(\.tokens).max() ?? 1
      return (prompt..<prompt + min(output, period)).map { length in
        decoders.reduce(0) { sum, decoder in
          let open = length % decoder.tokens
          return open == 0 ? sum : sum + (decoder.condition + open / decoder.unit) * decoder.bytes
        }
      }.max() ?? 0
    }
  }

  /// What is wrong with it; nil where nothing is.
  var problem: String? {
    guard let first = levels.first, first.tokens >= 1 else { return "a state has a level, and a unit has a token" }
    for (lower, upper) in zip(levels, levels.dropFirst()) where upper.tokens % lower.tokens != 0 {
      return "a unit of \(upper.tokens) tokens is not made of units of \(lower.tokens)"
    }
    return levels.allSatisfy { $0.bytes >= 1 } ? nil : "a unit takes at least a byte"
  }
}

/// The lengths of one request that memory depends on.
struct Extent: Hashable {
  var prompt, output, continuations: Int
  /// E
  var drop: Int
  /// Of one continuation.
  var windowBytes: Int

  init(_ request: Request, _ shape: StateShape) {
    (prompt, output, continuations) = (request.prompt, request.output, request.continuations)
    drop = shape.dropLength(prompt: prompt)
    windowBytes = shape.windowBytes(prompt: prompt, output: output)
  }

  /// The most that is committed; token G is never fed.
  var longest: Int { prompt + output - 1 }
}

extension StateShape {
  /// State of so many tokens and all continuations, without windows.
  /// - Parameter isDropped: whether lower levels are gone, which they are not yet at n = E.
  /// - Unit: byte
  func bytes(_ extent: Extent, length: Int, isDropped: Bool = false) -> Int {
    (isDropped ? levels.count - 1..<levels.count : levels.indices).reduce(0) { sum, index in
      let (units, ofPrompt) = (units(index, length: length, drop: extent.drop), extent.prompt / levels[index].tokens)
      let held = units <= ofPrompt ? units : ofPrompt + extent.continuations * (units - ofPrompt)
      return sum + held * levels[index].bytes
    }
  }

  /// Where a measure of the state is largest, the first such place, of P … P + G − 1. Both halves around the drop grow.
  func peakLength(_ extent: Extent, _ measure: (_ length: Int) -> Int) -> Int {
    let before = min(extent.drop, extent.longest)
    let least = firstReaching(measure(before), from: extent.prompt, through: before, measure)
    guard before < extent.longest, measure(extent.longest) > measure(before) else { return least }
    return firstReaching(measure(extent.longest), from: before + 1, through: extent.longest, measure)
  }

  /// The first place of a growing measure with its last value.
  private func firstReaching(_ value: Int, from first: Int, through last: Int, _ measure: (Int) -> Int) -> Int {
    var (low, high) = (first, last)
    while low < high {
      let middle = low + (high - low) / 2
      if measure(middle) >= value { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
