import GSL

/// When requests come that do not wait for answers.
public enum Arrivals: Hashable, Sendable {
  /// Exponential gaps; requests per second.
  case poisson(rate: Double)
  /// Gamma gaps, of this coefficient of variation; requests per second.
  case gamma(rate: Double, variation: Double)
  /// Request k at k gaps.
  /// - Unit: ns
  case regular(gap: Int)
}

/// How long a prompt or an output is.
public enum Length: Hashable, Sendable {
  /// Always the same.
  case fixed(Int)
  /// Uniform between a share of the length, in millionths, and the length.
  case ratio(Int, share: Int)
  /// The exponential of a normal number, rounded and held in a range.
  case logNormal(mean: Double, deviation: Double, range: ClosedRange<Int>)
}

/// Both lengths of a request.
public enum Lengths: Hashable, Sendable {
  /// Drawn apart.
  case apart(prompt: Length, output: Length)
  /// One of these, both at once.
  case empirical([Pair])
  /// These one after the other, from the first again after the last.
  case inTurn([Pair])

  /// Lengths that were seen together.
  public struct Pair: Hashable, Sendable {
    /// Tokens of the prompt.
    public var prompt: Int
    /// Tokens of the output.
    public var output: Int

    public init(prompt: Int, output: Int) { (self.prompt, self.output) = (prompt, output) }
  }
}

/// Prefixes that prompts share, each request one of them.
public struct SharedPrefixes: Hashable, Sendable {
  /// How many there are.
  public var count: Int
  /// Of each; a shorter prompt lies in it.
  public var tokens: Int

  public init(count: Int, tokens: Int) { (self.count, self.tokens) = (count, tokens) }
}

/// How long a user of a closed loop thinks.
public enum ThinkTime: Hashable, Sendable {
  /// Always so long.
  /// - Unit: ns
  case fixed(Int)
  /// Exponential.
  /// - Unit: ns
  case exponential(mean: Double)
}

/// Draws what a load leaves to chance, each use from its own stream (docs/simulation.md, §3).
struct Chance {
  private let seed, replication: Int
  private var streams: [String: SampleStream] = [:]

  init(seed: Int, replication: Int) { (self.seed, self.replication) = (seed, replication) }

  private mutating func stream(_ name: String) -> SampleStream {
    if let stream = streams[name] { return stream }
    let stream = SampleStream(seed: seed, replication: replication, name: name)
    streams[name] = stream
    return stream
  }

  /// Between a request and the one before it.
  /// - Unit: ns
  mutating func gap(_ arrivals: Arrivals) throws(ServingError) -> Int {
    switch arrivals {
    case .poisson(let rate): try rounded(stream("arrivals").exponential(mean: 1e9 / rate), "a gap between arrivals")
    case .gamma(let rate, let variation):
      try rounded(
        stream("arrivals").gamma(
          shape: 1 / (variation * variation), scale: (variation * variation) * 1e9 / rate), "a gap between arrivals")
    case .regular(let gap): gap
    }
  }

  /// - Parameter id: of the request.
  mutating func lengths(_ lengths: Lengths, id: Int) throws(ServingError) -> Lengths.Pair {
    switch lengths {
    case .apart(let prompt, let output):
      Lengths.Pair(prompt: try length(prompt, "prompt"), output: try length(output, "output"))
    case .empirical(let pairs): pairs[stream("lengths").integer(below: pairs.count)]
    case .inTurn(let pairs): pairs[id % pairs.count]
    }
  }

  private mutating func length(_ length: Length, _ name: String) throws(ServingError) -> Int {
    switch length {
    case .fixed(let tokens): return tokens
    case .ratio(let most, let share):
      let least = max(1, (share * most).dividedUp(by: 1_000_000))
      return least + stream(name).integer(below: most - least + 1)
    case .logNormal(let mean, let deviation, let range):
      let drawn = stream(name).logNormal(mean: mean, deviation: deviation)
      // What no integer holds lies above every range.
      guard drawn < 0x1p62 else { return range.upperBound }
      return min(max(try rounded(drawn, "a length"), range.lowerBound), range.upperBound)
    }
  }

  mutating func prefix(_ prefixes: SharedPrefixes) -> Int { stream("prefix").integer(below: prefixes.count) }

  /// - Unit: ns
  mutating func think(_ time: ThinkTime) throws(ServingError) -> Int {
    switch time {
    case .fixed(let time): time
    case .exponential(let mean): try rounded(stream("think").exponential(mean: mean), "a think time")
    }
  }
}
