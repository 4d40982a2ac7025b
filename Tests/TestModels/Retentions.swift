import Architectures

/// Settings of each retention that let entries of some ten positions go, every one of its words among them: laws hold
/// for all of them, and a new method has none until it has settings here.
package func retentions(_ method: Retention.Method) -> [Retention] {
  switch method {
  case .everything: [.everything]
  case .slidingWindow: [1, 4, 6].map { .slidingWindow($0) }
  case .streaming:
    Streaming.Positions.allCases.flatMap { positions in
      Streaming.Moment.allCases.flatMap { moment in
        [(2, 4), (0, 4)].map { sinks, window in
          .streaming(Streaming(sinks: sinks, window: window, positions: positions, evicts: moment))
        }
      }
    }
  case .heavyHitters: [(2, 3), (0, 4), (4, 1)].map { .heavyHitters(HeavyHitters(heavy: $0, recent: $1)) }
  case .snapKV:
    [
      .snapKV(SnapKV(budget: 6, window: 2, kernel: 3)), .snapKV(SnapKV(budget: 4, window: 4, kernel: 1)),
      .snapKV(SnapKV(budget: 6, window: 3, kernel: 5, pooling: .maximum)),
    ]
  case .pyramidKV:
    [
      .pyramidKV(PyramidKV(votes: SnapKV(budget: 6, window: 2, kernel: 3), beta: 2)),
      .pyramidKV(PyramidKV(votes: SnapKV(budget: 4, window: 1, kernel: 5, pooling: .maximum), beta: 20)),
    ]
  case .chunked:
    [
      .chunked(ChunkedEviction(sparsity: 0.5, window: 2, kernel: 3)),
      .chunked(ChunkedEviction(sparsity: 1, window: 1, kernel: 5)),
      .chunked(ChunkedEviction(budgets: .pyramid, sparsity: 0.4, window: 1, kernel: 3, beta: 2)),
      .chunked(ChunkedEviction(sparsity: 0.5, patched: true, window: 1, kernel: 3)),
      .chunked(ChunkedEviction(sparsity: 0.7, patched: true, window: 2, kernel: 1)),
      .chunked(ChunkedEviction(budgets: .pyramid, sparsity: 0.6, patched: true, window: 1, kernel: 3, beta: 2)),
    ]
  case .cascading:
    // Every word, and windows of every number up to four.
    Cascading.Schedule.allCases.enumerated().map { index, schedule in
      .cascading(
        Cascading(
          sinks: index % 3, window: 1 + index % 2, cascades: 2 + index % 3, schedule: schedule, eager: index % 2 == 0,
          beta: 0.5 + 0.05 * Double(index), reduction: Cascading.HeadReduction.allCases[index % 3],
          homogeneous: index % 4 == 3, positions: Streaming.Positions.allCases[index % 2]))
    } + [.cascading(Cascading(sinks: 1, window: 4, cascades: 1, beta: 0.5))]
  }
}

/// Settings with room for so many positions, which keep everything.
package func roomy(_ method: Retention.Method, for positions: Int) -> [Retention] {
  switch method {
  case .everything: [.everything]
  case .slidingWindow: [.slidingWindow(positions)]
  case .streaming:
    Streaming.Positions.allCases.flatMap { place in
      Streaming.Moment.allCases.flatMap { moment in
        // Room is made for a whole prompt at once only where the window alone has it.
        (moment == .before ? [0] : [0, 2]).map { sinks in
          .streaming(Streaming(sinks: sinks, window: positions - sinks, positions: place, evicts: moment))
        }
      }
    }
  case .heavyHitters: [2, 0].map { .heavyHitters(HeavyHitters(heavy: $0, recent: positions - $0)) }
  case .snapKV: [.snapKV(SnapKV(budget: positions, window: 2, kernel: 3))]
  case .pyramidKV: [.pyramidKV(PyramidKV(votes: SnapKV(budget: positions, window: 2, kernel: 3), beta: 2))]
  case .chunked:
    [false, true].flatMap { patched in
      ChunkedEviction.Budgets.allCases.map {
        .chunked(ChunkedEviction(budgets: $0, sparsity: 0, patched: patched, window: 2, beta: 2))
      } + [.chunked(ChunkedEviction(sparsity: 1, patched: patched, window: positions))]
    }
  case .cascading:
    [
      Cascading(sinks: 1, window: (positions + 2) / 4, cascades: 4),
      Cascading(sinks: 0, window: positions, cascades: 1),
      Cascading(sinks: 0, window: (positions + 1) / 2, cascades: 2, schedule: .iplus1, positions: .text),
      Cascading(sinks: 0, window: positions, cascades: 3, eager: false),
    ].map(Retention.cascading)
  }
}

extension Retention {
  /// The most units that a pass may bring, whether of the prompt or generated.
  package var mostRows: Int {
    switch self {
    case .streaming(let plan) where plan.evicts == .before: plan.window
    case .everything, .slidingWindow, .streaming, .heavyHitters, .snapKV, .pyramidKV, .chunked, .cascading: .max
    }
  }

  /// Whether a mask hides entries of a pass from queries of the same pass.
  package var isMasked: Bool {
    switch self {
    case .slidingWindow: true
    case .everything, .streaming, .heavyHitters, .snapKV, .pyramidKV, .chunked, .cascading: false
    }
  }
}
