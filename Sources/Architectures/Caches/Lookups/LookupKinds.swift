extension Lookup {
  /// The name of its page in docs/caches, without `.md`.
  public var guide: String? {
    switch self {
    case .everything: nil
    case .topK: "top-k"
    case .hip, .infiniteHiP: "hip"
    case .infLLM: "infllm"
    }
  }
}

extension Lookup.Method {
  /// Small settings, for whoever compares both sides of every method: budgets that are never, just and long since
  /// exceeded, blocks that do and do not divide what there is, and intervals of one token and more.
  public var smallSettings: [Lookup] {
    let all = Limits.promptLength
    return switch self {
    case .everything: [.everything]
    case .topK: [1, 3, 8].map { .topK(TopK(k: $0)) }
    case .hip:
      [(2, 0, 1, 1, 1), (4, 1, 2, 2, 3), (3, 2, 4, 1, 2), (6, 3, 1, 3, 4)].map {
        .hip(HiP(budget: $0, recent: $1, queryBlock: $2, keyBlock: $3, refresh: $4))
      }
    case .infLLM:
      InfLLM.Positions.allCases.flatMap { positions in
        [(1, 1, 0, 1, 1, 1), (2, 2, 1, 3, 1, 2), (1, 3, 2, 4, 2, 3), (3, 2, 3, 2, 2, 1)].map {
          .infLLM(
            InfLLM(
              blocks: $0, keyBlock: $1, sinks: $2, recent: $3, representativeKeys: $4, queryBlock: $5,
              positions: positions))
        }
      }
    case .infiniteHiP:
      InfiniteHiP.Representatives.allCases.flatMap { representatives in
        [
          (2, 1, 1, 2, [(4, all, 2, 4), (2, 8, 1, 2), (1, 4, 1, 1)]),
          (4, 0, 2, 1, [(6, all, 1, 2), (2, 12, 2, 2), (2, 6, 1, 1)]),
          (1, 2, 0, 4, [(3, all, 3, 3), (3, 3, 1, 3), (1, 3, 2, 1)]),
        ].map { budget, sinks, recent, block, stages in
          .infiniteHiP(
            InfiniteHiP(
              budget: budget, sinks: sinks, recent: recent, queryBlock: block,
              stages: stages.map { InfiniteHiP.Stage(chunk: $0, input: $1, stride: $2, refresh: $3) },
              representatives: representatives))
        }
      }
    }
  }
}
