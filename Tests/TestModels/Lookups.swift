import Architectures

/// Settings of each lookup that read a part of some ten positions, every one of its words among them: laws hold for all of
/// them, and a new method has none until it has settings here.
package func lookups(_ method: Lookup.Method) -> [Lookup] {
  switch method {
  case .everything: []
  case .topK: [1, 4].map { .topK(TopK(k: $0)) }
  case .hip:
    [
      .hip(HiP(budget: 2, recent: 1, queryBlock: 2, keyBlock: 1, refresh: 2)),
      .hip(HiP(budget: 4, recent: 0, queryBlock: 1, keyBlock: 2, refresh: 1)),
    ]
  case .infLLM:
    [
      .infLLM(InfLLM(blocks: 1, keyBlock: 2, sinks: 1, recent: 2, representativeKeys: 1, queryBlock: 2)),
      .infLLM(
        InfLLM(blocks: 2, keyBlock: 3, sinks: 0, recent: 3, representativeKeys: 2, queryBlock: 1, positions: .text)),
    ]
  case .infiniteHiP:
    InfiniteHiP.Representatives.allCases.map {
      .infiniteHiP(
        InfiniteHiP(
          budget: 2, sinks: 1, recent: 1, queryBlock: 2,
          stages: [
            .init(chunk: 4, input: Limits.promptLength, stride: 2, refresh: 4),
            .init(chunk: 2, input: 8, stride: 2, refresh: 2), .init(chunk: 1, input: 4, stride: 1, refresh: 1),
          ], representatives: $0))
    }
  }
}

/// Settings with room for so many positions, which read everything.
package func roomyLookups(_ method: Lookup.Method, for positions: Int) -> [Lookup] {
  switch method {
  case .everything: []
  case .topK: [.topK(TopK(k: positions))]
  case .hip: [.hip(HiP(budget: positions, recent: 0, queryBlock: 3, keyBlock: 1, refresh: 2))]
  case .infLLM:
    [
      .infLLM(
        InfLLM(
          blocks: positions, keyBlock: 1, sinks: 0, recent: 3, representativeKeys: 1, queryBlock: 3, positions: .text)),
      .infLLM(InfLLM(blocks: 1, keyBlock: 4, sinks: 2, recent: positions, queryBlock: 3)),
    ]
  case .infiniteHiP:
    [
      .infiniteHiP(
        InfiniteHiP(
          budget: 8 * positions, sinks: 1, recent: 2, queryBlock: 3,
          stages: [
            .init(chunk: 8, input: Limits.promptLength, stride: 2, refresh: 2),
            .init(chunk: 4, input: 8 * positions, stride: 1, refresh: 2),
            .init(chunk: 2, input: 8 * positions, stride: 1, refresh: 1),
          ])),
      // All lie in the stream.
      .infiniteHiP(InfiniteHiP(sinks: 0, recent: positions, queryBlock: 3)),
    ]
  }
}
