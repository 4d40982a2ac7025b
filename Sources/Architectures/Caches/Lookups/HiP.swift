/// HiP (arXiv:2406.09827): for a block of queries, as many blocks of keys as fit the budget are found by halving groups of
/// them again and again and keeping the better halves; the latest entries are read besides.
public struct HiP: Hashable, Sendable {
  /// `k`: entries that are searched for.
  public var budget: Int
  /// The latest entries before a block of queries, which are read without a search.
  public var recent: Int
  /// `b_q`: queries of a prompt that share what is found.
  public var queryBlock: Int
  /// `b_k`: keys that are found together.
  public var keyBlock: Int
  /// `r_m`: generated tokens for which what was found is used.
  public var refresh: Int

  /// `k` and the window are those of the code's function (`hip_attn_legacy/v1_1/attention2_draft.py`), the blocks those of
  /// its evaluation, and `r_m` the one of the paper's fastest decoding.
  public init(budget: Int = 512, recent: Int = 128, queryBlock: Int = 64, keyBlock: Int = 2, refresh: Int = 8) {
    self.budget = budget
    self.recent = recent
    self.queryBlock = queryBlock
    self.keyBlock = keyBlock
    self.refresh = refresh
  }

  init?(_ settings: some CacheSettings) {
    let usual = HiP()
    guard let budget = settings.integer("budget", in: 1...Limits.promptLength, usual: usual.budget),
      let recent = settings.integer("recent", in: 0...Limits.promptLength, usual: usual.recent),
      let queryBlock = settings.integer("query_block", in: 1...Self.longestBlock, usual: usual.queryBlock),
      let keyBlock = settings.integer("key_block", in: 1...Self.longestBlock, usual: usual.keyBlock),
      let refresh = settings.integer("refresh", in: 1...Self.longestBlock, usual: usual.refresh)
    else { return nil }
    self.init(budget: budget, recent: recent, queryBlock: queryBlock, keyBlock: keyBlock, refresh: refresh)
  }

  /// Far above published blocks and intervals.
  static let longestBlock = 1 << 16

  var settings: [(key: String, value: CacheSetting)] {
    [
      ("budget", .integer(budget)), ("recent", .integer(recent)), ("query_block", .integer(queryBlock)),
      ("key_block", .integer(keyBlock)), ("refresh", .integer(refresh)),
    ]
  }

  var problems: [Problem] {
    budget % keyBlock == 0
      ? []
      : [Problem("budget", "\(budget) entries in blocks of \(keyBlock)", accepted: "a multiple of key_block")]
  }
}
