/// InfLLM (arXiv:2402.04617): entries that have left a local window lie in blocks, each of which has a representative key,
/// the mean of those that were attended to most. Rows read the blocks whose representatives suit them best, the first
/// entries and the window.
public struct InfLLM: Hashable, Sendable {
  /// `topk`: blocks that are read.
  public var blocks: Int
  /// Entries of a block.
  public var keyBlock: Int
  /// `n_init`: the first entries, which are always read.
  public var sinks: Int
  /// `n_local`: the latest entries, with a row's own, which are always read; attention to them chooses representatives.
  public var recent: Int
  /// `repr_topk`: keys of a block whose mean represents it.
  public var representativeKeys: Int
  /// `exc_block_size`: rows of a prompt that choose together.
  public var queryBlock: Int
  /// Where keys outside the window are attended.
  public var positions: Positions

  /// Where keys outside the window are attended.
  public enum Positions: String, CaseIterable, Sendable {
    /// All of them as if they stood where the window ends, so that no distance is longer than it. Keys are stored before
    /// their rotation.
    case window
    /// At their positions in the text.
    case text
  }

  /// The defaults are those of the authors' configuration of Llama 3 (`config/llama-3-inf-llm.yaml`).
  public init(
    blocks: Int = 16, keyBlock: Int = 128, sinks: Int = 128, recent: Int = 4096, representativeKeys: Int = 4,
    queryBlock: Int = 512, positions: Positions = .window
  ) {
    self.blocks = blocks
    self.keyBlock = keyBlock
    self.sinks = sinks
    self.recent = recent
    self.representativeKeys = representativeKeys
    self.queryBlock = queryBlock
    self.positions = positions
  }

  init?(_ settings: some CacheSettings) {
    let (usual, sizes) = (InfLLM(), 1...HiP.longestBlock)
    guard let blocks = settings.integer("blocks", in: 1...Limits.promptLength, usual: usual.blocks),
      let keyBlock = settings.integer("key_block", in: sizes, usual: usual.keyBlock),
      let sinks = settings.integer("sinks", in: 0...Limits.promptLength, usual: usual.sinks),
      let recent = settings.integer("recent", in: 1...Limits.promptLength, usual: usual.recent),
      let keys = settings.integer("representative_keys", in: sizes, usual: usual.representativeKeys),
      let queryBlock = settings.integer("query_block", in: sizes, usual: usual.queryBlock),
      let positions = settings.word("positions", usual: usual.positions)
    else { return nil }
    self.init(
      blocks: blocks, keyBlock: keyBlock, sinks: sinks, recent: recent, representativeKeys: keys,
      queryBlock: queryBlock, positions: positions)
  }

  var settings: [(key: String, value: CacheSetting)] {
    [
      ("blocks", .integer(blocks)), ("key_block", .integer(keyBlock)), ("sinks", .integer(sinks)),
      ("recent", .integer(recent)), ("representative_keys", .integer(representativeKeys)),
      ("query_block", .integer(queryBlock)), ("positions", .word(positions.rawValue)),
    ]
  }

  var problems: [Problem] {
    var problems: [Problem] = []
    if representativeKeys > keyBlock {
      problems.append(
        Problem(
          "representative_keys", "\(representativeKeys) keys of a block of \(keyBlock)", accepted: "at most key_block"))
    }
    if queryBlock > recent {
      problems.append(
        Problem("query_block", "\(queryBlock) rows where a window has \(recent)", accepted: "at most recent"))
    }
    return problems
  }
}
