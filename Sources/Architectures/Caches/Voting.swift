/// H2O (arXiv:2306.14048): behind each pass the entries with the largest sums of attention weights stay, and the latest.
public struct HeavyHitters: Hashable, Sendable {
  /// Entries that stay for their weights.
  public var heavy: Int
  /// The latest entries, whatever their weights.
  public var recent: Int

  /// The defaults are those of the authors' class (`utils_real_drop/modify_llama.py`).
  public init(heavy: Int = 4, recent: Int = 512) {
    self.heavy = heavy
    self.recent = recent
  }

  /// Entries that stay.
  public var budget: Int { heavy + recent }

  init?(_ settings: some CacheSettings) {
    let usual = HeavyHitters()
    guard let heavy = settings.integer("heavy", in: 0...Limits.promptLength, usual: usual.heavy),
      let recent = settings.integer("recent", in: 1...Limits.promptLength, usual: usual.recent)
    else { return nil }
    self.init(heavy: heavy, recent: recent)
  }

  var settings: [(key: String, value: CacheSetting)] { [("heavy", .integer(heavy)), ("recent", .integer(recent))] }
}

/// How votes of neighbouring entries are pooled, so that entries stay in groups.
public enum Pooling: String, CaseIterable, Sendable {
  /// The sum over the kernel, zeros beyond both ends included, over its length.
  case average
  /// The largest in the kernel.
  case maximum
}

/// SnapKV (arXiv:2404.14469): once the prompt is read, its last queries vote for the entries before them; those with the
/// most votes stay, and the last ones.
public struct SnapKV: Hashable, Sendable {
  /// Entries of the prompt that stay, the window among them.
  public var budget: Int
  /// The last queries of the prompt: they vote, and their own entries stay.
  public var window: Int
  /// Entries over which votes are pooled; odd.
  public var kernel: Int
  /// How.
  public var pooling: Pooling

  /// The defaults are those with which the authors' code prepares a model (`snapkv_utils.py`, `init_snapkv`).
  public init(budget: Int = 2048, window: Int = 32, kernel: Int = 5, pooling: Pooling = .average) {
    self.budget = budget
    self.window = window
    self.kernel = kernel
    self.pooling = pooling
  }

  init?(_ settings: some CacheSettings, usual: SnapKV = SnapKV()) {
    guard let budget = settings.integer("budget", in: 1...Limits.promptLength, usual: usual.budget),
      let window = settings.integer("window", in: 1...Limits.promptLength, usual: usual.window),
      let kernel = settings.integer("kernel", in: 1...Self.longestKernel, usual: usual.kernel),
      let pooling = settings.word("pooling", usual: usual.pooling)
    else { return nil }
    self.init(budget: budget, window: window, kernel: kernel, pooling: pooling)
  }

  /// Far above the published kernels of 5 and 7.
  static let longestKernel = 1 << 10

  var settings: [(key: String, value: CacheSetting)] {
    [
      ("budget", .integer(budget)), ("window", .integer(window)), ("kernel", .integer(kernel)),
      ("pooling", .word(pooling.rawValue)),
    ]
  }

  var problems: [Problem] {
    var problems = Self.problems(kernel: kernel)
    if window > budget {
      problems.append(
        Problem("window", "a window of \(window) in a budget of \(budget)", accepted: "at most the budget"))
    }
    return problems
  }

  /// A kernel of even length has no middle: the authors' padding would move every vote.
  static func problems(kernel: Int) -> [Problem] {
    kernel % 2 == 1 ? [] : [Problem("kernel", "a kernel of \(kernel) entries", accepted: "an odd number")]
  }
}

/// PyramidKV (arXiv:2406.02069): SnapKV with budgets that fall from the first layer to the last, so that they average
/// `budget`.
public struct PyramidKV: Hashable, Sendable {
  /// The votes, and the mean budget.
  public var votes: SnapKV
  /// `β`: the last layer's budget without its window is that mean over β.
  public var beta: Int
  /// Which layer this is, from 0.
  public var layer = 0
  /// Of how many.
  public var layers = 1

  /// The defaults are those of the authors' class (`pyramidkv_utils.py`); its budget is always given, 2048 in their runs.
  public init(votes: SnapKV = SnapKV(window: 64), beta: Int = 20) {
    self.votes = votes
    self.beta = beta
  }

  init?(_ settings: some CacheSettings) {
    let usual = PyramidKV()
    guard let votes = SnapKV(settings, usual: usual.votes),
      let beta = settings.integer("beta", in: 1...Limits.promptLength, usual: usual.beta)
    else { return nil }
    self.init(votes: votes, beta: beta)
  }

  var settings: [(key: String, value: CacheSetting)] { votes.settings + [("beta", .integer(beta))] }
}

/// Chunked eviction (arXiv:2506.17121 §3): SnapKV's or PyramidKV's votes over each chunk of the prompt by itself. What has
/// stayed of a chunk is not considered again. Patched, the last queries of the whole prompt vote in every chunk.
public struct ChunkedEviction: Hashable, Sendable {
  /// Whose budgets: one for all layers, or PyramidKV's.
  public var budgets: Budgets
  /// `s`: a chunk of ℓ entries keeps ⌊(1 − s)·ℓ⌋ of them, and patched the window besides.
  public var sparsity: Double
  /// Whether the last `window` units of the whole prompt run behind every chunk but the last and vote in place of the
  /// chunk's own; their entries go with the pass.
  public var patched: Bool
  /// The last queries of a chunk: they vote unless it is patched, and their own entries stay.
  public var window: Int
  /// Entries over which votes are averaged; odd.
  public var kernel: Int
  /// `β` of PyramidKV's budgets.
  public var beta: Int
  /// Which layer this is, from 0.
  public var layer = 0
  /// Of how many.
  public var layers = 1

  /// Whose budgets.
  public enum Budgets: String, CaseIterable, Sendable {
    /// The same in all layers.
    case uniform
    /// PyramidKV's.
    case pyramid
  }

  /// The defaults are those of the paper's code; it has no default sparsity.
  public init(
    budgets: Budgets = .uniform, sparsity: Double, patched: Bool = false, window: Int = 64, kernel: Int = 5,
    beta: Int = 20
  ) {
    self.budgets = budgets
    self.sparsity = sparsity
    self.patched = patched
    self.window = window
    self.kernel = kernel
    self.beta = beta
  }

  /// Tokens in a chunk in the paper's main runs.
  static let usualChunk = 32_768

  var isPyramid: Bool { budgets == .pyramid }

  init?(_ settings: some CacheSettings) {
    guard let budgets = settings.word("budgets", usual: Budgets.uniform),
      let sparsity = settings.fraction("sparsity", usual: nil),
      let patched = settings.flag("patched", usual: false),
      let window = settings.integer("window", in: 1...Limits.promptLength, usual: 64),
      let kernel = settings.integer("kernel", in: 1...SnapKV.longestKernel, usual: 5)
    else { return nil }
    self.init(budgets: budgets, sparsity: sparsity, patched: patched, window: window, kernel: kernel)
    guard isPyramid else { return }
    guard let beta = settings.integer("beta", in: 1...Limits.promptLength, usual: beta) else { return nil }
    self.beta = beta
  }

  var settings: [(key: String, value: CacheSetting)] {
    [("budgets", .word(budgets.rawValue)), ("sparsity", .fraction(sparsity))]
      + (patched ? [("patched", .flag(true))] : [])
      + [("window", .integer(window)), ("kernel", .integer(kernel))]
      + (isPyramid ? [("beta", .integer(beta))] : [])
  }

  var problems: [Problem] { SnapKV.problems(kernel: kernel) }
}
