/// InfiniteHiP (arXiv:2502.08910): three stages, each of which scores chunks of the candidates by a representative, keeps
/// the best and cuts them smaller; the first and the latest entries are read besides.
public struct InfiniteHiP: Hashable, Sendable {
  /// One stage.
  public struct Stage: Hashable, Sendable {
    /// `l_c`: entries of a chunk.
    public var chunk: Int
    /// Candidates that enter it, at most; of the first stage all entries between sinks and stream do.
    public var input: Int
    /// Queries whose mean scores.
    public var stride: Int
    /// Generated tokens for which its result is used.
    public var refresh: Int

    public init(chunk: Int, input: Int, stride: Int, refresh: Int) {
      (self.chunk, self.input, self.stride, self.refresh) = (chunk, input, stride, refresh)
    }
  }

  /// How the representative of a chunk is searched for.
  public enum Representatives: String, CaseIterable, Sendable {
    /// Halves are compared by the entries in their middles, and the best of all scores on the way counts: the code's.
    case middle
    /// Halves are compared by their first entries, and the last score counts: the paper's.
    case first
  }

  /// Entries that are searched for.
  public var budget: Int
  /// The first entries, which are always read.
  public var sinks: Int
  /// The latest entries before a block of queries, which are read without a search.
  public var recent: Int
  /// `b_q`: queries of a prompt that share what is found.
  public var queryBlock: Int
  /// The three stages, each of smaller chunks than the one before.
  public var stages: [Stage]
  /// How representatives are searched for.
  public var representatives: Representatives

  /// Stages in the order that they run in.
  static let stageCount = 3

  /// The defaults are the paper's "3K" setting with its own intervals (§5; `hip_attn/v1_2/hip_config.py`).
  public init(
    budget: Int = 2048, sinks: Int = 256, recent: Int = 1024, queryBlock: Int = 64,
    stages: [Stage] = [
      Stage(chunk: 256, input: Limits.promptLength, stride: 4, refresh: 16),
      Stage(chunk: 32, input: 32_768, stride: 4, refresh: 8), Stage(chunk: 8, input: 8192, stride: 1, refresh: 4),
    ], representatives: Representatives = .middle
  ) {
    precondition(stages.count == Self.stageCount, "\(stages.count) stages")
    self.budget = budget
    self.sinks = sinks
    self.recent = recent
    self.queryBlock = queryBlock
    self.stages = stages
    self.representatives = representatives
  }

  init?(_ settings: some CacheSettings) {
    let (usual, blocks) = (InfiniteHiP(), 1...HiP.longestBlock)
    guard let budget = settings.integer("budget", in: 1...Limits.promptLength, usual: usual.budget),
      let sinks = settings.integer("sinks", in: 0...Limits.promptLength, usual: usual.sinks),
      let recent = settings.integer("recent", in: 0...Limits.promptLength, usual: usual.recent),
      let queryBlock = settings.integer("query_block", in: blocks, usual: usual.queryBlock),
      let representatives = settings.word("representatives", usual: usual.representatives)
    else { return nil }
    var stages: [Stage] = []
    for (index, stage) in usual.stages.enumerated() {
      let number = index + 1
      guard let chunk = settings.integer("chunk_\(number)", in: blocks, usual: stage.chunk),
        let stride = settings.integer("stride_\(number)", in: blocks, usual: stage.stride),
        let refresh = settings.integer("refresh_\(number)", in: blocks, usual: stage.refresh),
        let input = index == 0
          ? stage.input : settings.integer("input_\(number)", in: 1...Limits.promptLength, usual: stage.input)
      else { return nil }
      stages.append(Stage(chunk: chunk, input: input, stride: stride, refresh: refresh))
    }
    self.init(
      budget: budget, sinks: sinks, recent: recent, queryBlock: queryBlock, stages: stages,
      representatives: representatives)
  }

  var settings: [(key: String, value: CacheSetting)] {
    [
      ("budget", .integer(budget)), ("sinks", .integer(sinks)), ("recent", .integer(recent)),
      ("query_block", .integer(queryBlock)), ("representatives", .word(representatives.rawValue)),
    ]
      + stages.enumerated().flatMap { index, stage -> [(key: String, value: CacheSetting)] in
        [
          ("chunk_\(index + 1)", .integer(stage.chunk)), ("stride_\(index + 1)", .integer(stage.stride)),
          ("refresh_\(index + 1)", .integer(stage.refresh)),
        ] + (index == 0 ? [] : [("input_\(index + 1)", .integer(stage.input))])
      }
  }

  /// Whole chunks everywhere, so that how many entries are found never depends on which.
  var problems: [Problem] {
    var problems: [Problem] = []
    func check(_ holds: Bool, _ key: String, _ found: String, _ accepted: String) {
      if !holds { problems.append(Problem(key, found, accepted: accepted)) }
    }
    for index in 1..<stages.count {
      let (before, own, number) = (stages[index - 1], stages[index], index + 1)
      check(
        before.chunk % own.chunk == 0, "chunk_\(number)", "chunks of \(own.chunk) out of chunks of \(before.chunk)",
        "a divisor of chunk_\(number - 1)")
      check(
        own.input % before.chunk == 0, "input_\(number)", "\(own.input) entries of chunks of \(before.chunk)",
        "a multiple of chunk_\(number - 1)")
      check(
        before.refresh % own.refresh == 0, "refresh_\(number)",
        "every \(own.refresh) tokens where the stage before is refreshed every \(before.refresh)",
        "a divisor of refresh_\(number - 1)")
      check(
        index == 1 || own.input <= before.input, "input_\(number)",
        "\(own.input) entries where \(before.input) enter the stage before", "at most input_\(number - 1)")
    }
    let last = stages[stages.count - 1]
    check(
      budget % last.chunk == 0, "budget", "\(budget) entries in chunks of \(last.chunk)",
      "a multiple of chunk_\(stages.count)")
    check(
      budget <= last.input, "budget", "\(budget) entries where \(last.input) enter the last stage",
      "at most input_\(stages.count)")
    return problems
  }
}
