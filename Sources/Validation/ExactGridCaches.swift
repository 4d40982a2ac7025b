import Architectures
import Quantities

extension ExactGrid {
  /// Small settings of every retention: budgets that are never, just and long since full, windows of one entry, votes
  /// that are and are not pooled.
  private static var retentions: [Retention] {
    Retention.Method.allCases.flatMap { method -> [Retention] in
      switch method {
      case .everything: [.everything]
      case .slidingWindow: [1, 2, 5].map(Retention.slidingWindow)
      case .streaming:
        [(0, 1), (0, 4), (2, 1), (1, 3)].flatMap { sinks, window in
          Streaming.Positions.allCases.map {
            Retention.streaming(Streaming(sinks: sinks, window: window, positions: $0))
          }
        } + [.streaming(Streaming(sinks: 1, window: 9, evicts: .before))]
      case .heavyHitters:
        [(0, 1), (2, 1), (1, 3)].map { Retention.heavyHitters(HeavyHitters(heavy: $0, recent: $1)) }
      case .snapKV:
        [(1, 1, 1), (4, 2, 3), (6, 6, 5)].map { budget, window, kernel in
          Retention.snapKV(SnapKV(budget: budget, window: window, kernel: kernel))
        }
      case .pyramidKV:
        [(3, 1, 2), (6, 2, 20)].map { budget, window, beta in
          Retention.pyramidKV(PyramidKV(votes: SnapKV(budget: budget, window: window, kernel: 3), beta: beta))
        }
      case .chunked:
        [0, 0.4, 1].flatMap { sparsity in
          ChunkedEviction.Budgets.allCases.map {
            Retention.chunked(ChunkedEviction(budgets: $0, sparsity: sparsity, window: 1, kernel: 3))
          }
        }
      }
    }
  }

  /// Keys and values as they come, or quantised: groups that do and do not divide the three features of a head, windows
  /// of entries that are never, sometimes and always full.
  private static func entry(for retention: Retention, _ draw: inout Draw) -> EntryForm {
    guard draw.below(3) > 0 else { return .keyAndValue }
    let residual = draw.oneOf([0, 0, 1, 2, 5, 40])
    return .quantised(
      Quantisation(
        format: draw.oneOf(Quantisation.Format.allCases), group: 1 + draw.below(4),
        residual: min(residual, retention.keptLatest ?? residual)))
  }

  /// Every retention with every family, reading and mode; what an entry is, who is exempt and how the prompt is read are
  /// drawn.
  public static var cachePlans: [Question] {
    let layer = LayerShape(width: 12, heads: 4, keyValueHeads: 2, feedForward: 10)
    func level(_ chunk: Int, _ condition: Int, layers: Int) -> LevelShape {
      LevelShape(
        chunkLength: chunk, conditionLength: condition, layer: layer, encoderLayers: layers, decoderLayers: 1,
        chunker: .linear)
    }
    let hierarchies = DecoderInput.allCases.flatMap { reading in
      Generation.allCases.map {
        Model.photon(
          vocabulary: 17, layer: layer, levels: [level(2, 1, layers: 3), level(3, 2, layers: 2)],
          decoderInput: reading, generation: $0)
      }
    }
    let models =
      [
        Model.vanilla(vocabulary: 17, layer: layer, layers: 3),
        Model.block(vocabulary: 17, layer: layer, levels: [level(2, 2, layers: 3)]),
      ] + hierarchies
    let exempt: [ExemptHeads] = [
      .none, .heads(0), .heads(1), .heads(2), .firstLayers(1), .everyLayer(2), .roles(["10", "01", "11"]),
    ]
    var points: [Question] = []
    for (index, model) in models.enumerated() {
      for retention in retentions {
        for prompt in [1, 3, 6, 12, 17, 30] {
          for generated in [0, 1, 13] {
            var draw = Draw(index: points.count, of: index)
            let drawn = draw.oneOf(exempt)
            // Rows of roles are those of the stack's layers.
            let roles: ExemptHeads = if case .roles = drawn { .heads(1) } else { drawn }
            var chunk: Int? = draw.oneOf([nil, 1, 2, 4, 7])
            if case .streaming(let plan) = retention, plan.evicts == .before { chunk = min(chunk ?? 4, 4) }
            let entry = entry(for: retention, &draw)
            var own = model
            // All levels, or one of them.
            let only = draw.oneOf([nil, nil, 1, 2])
            own.setCaches { level in
              if let only, level > 0, level != only { return .full }
              return StackCache(
                CachePlan(retention: retention, entry: entry), exempt: level == 0 ? drawn : roles,
                prefillChunk: chunk)
            }
            precondition(own.problems.isEmpty, "\(own.problems)")
            points.append(point(own, prompt, generated, &draw))
          }
        }
      }
    }
    return points
  }
}
