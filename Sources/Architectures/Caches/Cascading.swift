/// Cascading KV cache (arXiv:2406.17808): sinks, and windows one behind the other. Each takes fewer of the entries that
/// leave the one before it, so that they thin out with their age instead of ending at once.
public struct Cascading: Hashable, Sendable {
  /// `S`, the first entries.
  public var sinks: Int
  /// `w`, entries of each window.
  public var window: Int
  /// `N`, windows.
  public var cascades: Int
  /// How many tokens a window waits before it takes another entry.
  public var schedule: Schedule
  /// Whether all windows take everything until they are full.
  public var eager: Bool
  /// `β`: what a token leaves of the scores before it.
  public var beta: Double
  /// What is made of the scores of several query heads.
  public var reduction: HeadReduction
  /// Whether the scores of all heads are reduced to one, so that all keep the same; else those that share a key.
  public var homogeneous: Bool
  /// What keys and queries are rotated by.
  public var positions: Streaming.Positions

  /// How many tokens a window waits before it takes another entry, window by window.
  public enum Schedule: String, CaseIterable, Sendable {
    /// 1, 2, 4, …
    case pow2
    /// 1, …, 1, and the last as in `pow2`.
    case lastPow2 = "pow2-1"
    /// 1 in the first three quarters of the windows, in the first half, or in the first quarter, then as in `pow2`.
    case lastQuarterPow2 = "pow2-1-4"
    case lastHalfPow2 = "pow2-2-4"
    case lastThreeQuartersPow2 = "pow2-3-4"
    /// 1, 2, 2, …
    case oneThenTwo = "1-then-2"
    /// 1, 3, 9, …
    case pow3
    /// 1, 4, 16, …
    case pow4
    /// 1, 2, 3, …
    case iplus1
  }

  /// What is made of the scores of several query heads.
  public enum HeadReduction: String, CaseIterable, Sendable {
    case max, mean
    /// The lower of the two in the middle where their number is even.
    case median
  }

  /// The defaults are those of the authors' runs (`test-latency.bash`, `cascading_cache.py`).
  public init(
    sinks: Int = 64, window: Int = 512, cascades: Int = 4, schedule: Schedule = .pow2, eager: Bool = true,
    beta: Double = 0.999_999_9, reduction: HeadReduction = .max, homogeneous: Bool = false,
    positions: Streaming.Positions = .cache
  ) {
    self.sinks = sinks
    self.window = window
    self.cascades = cascades
    self.schedule = schedule
    self.eager = eager
    self.beta = beta
    self.reduction = reduction
    self.homogeneous = homogeneous
    self.positions = positions
  }

  /// The most windows: those that the authors tried.
  static let mostCascades = 8
  /// Tokens of a stride of the prompt in most of the authors' runs.
  static let usualStride = 1024

  /// `S + N·w`
  public var budget: Int { sinks + cascades * window }
  /// Whether scores ever decide: one window alone loses its oldest entry.
  public var scores: Bool { cascades > 1 }

  /// Tokens that a window waits before it takes another entry; the first one takes all.
  public func period(ofWindow index: Int) -> Int {
    func power(_ base: Int) -> Int { (0..<index).reduce(1) { product, _ in product * base } }
    func pow2(from first: Int) -> Int { index < first ? 1 : power(2) }
    switch schedule {
    case .pow2: return power(2)
    case .lastPow2: return pow2(from: cascades - 1)
    case .lastQuarterPow2: return pow2(from: 3 * (cascades / 4))
    case .lastHalfPow2: return pow2(from: 2 * (cascades / 4))
    case .lastThreeQuartersPow2: return pow2(from: cascades / 4)
    case .oneThenTwo: return min(index + 1, 2)
    case .pow3: return power(3)
    case .pow4: return power(4)
    case .iplus1: return index + 1
    }
  }

  init?(_ settings: some CacheSettings) {
    let usual = Cascading()
    guard let sinks = settings.integer("sinks", in: 0...Limits.promptLength, usual: usual.sinks),
      let window = settings.integer("window", in: 1...Limits.promptLength, usual: usual.window),
      let cascades = settings.integer("cascades", in: 1...Self.mostCascades, usual: usual.cascades),
      let schedule = settings.word("schedule", usual: usual.schedule),
      let eager = settings.flag("eager", usual: usual.eager),
      let beta = settings.fraction("beta", usual: usual.beta),
      let reduction = settings.word("reduction", usual: usual.reduction),
      let homogeneous = settings.flag("homogeneous", usual: usual.homogeneous),
      let positions = settings.word("positions", usual: usual.positions)
    else { return nil }
    self.init(
      sinks: sinks, window: window, cascades: cascades, schedule: schedule, eager: eager, beta: beta,
      reduction: reduction, homogeneous: homogeneous, positions: positions)
  }

  var settings: [(key: String, value: CacheSetting)] {
    [
      ("sinks", .integer(sinks)), ("window", .integer(window)), ("cascades", .integer(cascades)),
      ("schedule", .word(schedule.rawValue)), ("eager", .flag(eager)), ("beta", .fraction(beta)),
      ("reduction", .word(reduction.rawValue)), ("homogeneous", .flag(homogeneous)),
      ("positions", .word(positions.rawValue)),
    ]
  }
}
