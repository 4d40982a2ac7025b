import Architectures
import Quantities

extension ExactGrid {
  private static var retentions: [Retention] { Retention.Method.allCases.flatMap(\.smallSettings) }

  /// Keys and values as they come, or quantised: groups that do and do not divide the three features of a head, windows
  /// of entries that are never, sometimes and always full.
  private static func entry(for retention: Retention, _ draw: inout Draw) -> EntryForm {
    guard draw.below(3) > 0 else { return .keyAndValue }
    var residual = draw.oneOf([0, 0, 1, 2, 5, 40])
    if case .streaming(let plan) = retention, plan.evicts == .before { residual = min(residual, plan.window - 4) }
    return .quantised(
      Quantisation(
        format: draw.oneOf(Quantisation.Format.allCases), group: 1 + draw.below(4),
        residual: min(residual, retention.keptLatest ?? residual)))
  }

  /// Every retention and every lookup with every family, reading and mode; what an entry is, who is exempt and how the
  /// prompt is read are drawn.
  public static var cachePlans: [Question] { retentionPlans + lookupPlans }

  private static var models: [Model] {
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
    return [
      Model.vanilla(vocabulary: 17, layer: layer, layers: 3),
      Model.block(vocabulary: 17, layer: layer, levels: [level(2, 2, layers: 3)]),
    ] + hierarchies
  }

  /// Every lookup over everything that is kept; prompts are read at once or in passes of whole blocks.
  private static var lookupPlans: [Question] {
    var points: [Question] = []
    for (index, model) in models.enumerated() {
      for lookup in Lookup.Method.allCases.flatMap(\.smallSettings) where lookup != .everything {
        for prompt in [1, 6, 11, 17, 40] {
          for generated in [0, 1, 19] {
            var draw = Draw(index: points.count, of: models.count + index)
            var own = model
            let exempt: [ExemptHeads] = [.none, .none, .heads(1), .firstLayers(1)]
            let entry =
              draw.flag()
              ? EntryForm.keyAndValue
              : .quantised(Quantisation(format: draw.oneOf(Quantisation.Format.allCases), group: 1 + draw.below(4)))
            let cache = StackCache(
              CachePlan(lookup: lookup, entry: entry), exempt: draw.oneOf(exempt),
              prefillChunk: draw.oneOf([nil, 1, 2, 5]).map { $0 * lookup.queryBlock })
            own.setCaches { _ in cache }
            precondition(own.problems.isEmpty, "\(own.problems)")
            points.append(point(own, prompt, generated, &draw))
          }
        }
      }
    }
    return points
  }

  private static var retentionPlans: [Question] {
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
    for (index, model) in models.enumerated() {
      // Everything kept, in the memory of the host: all of it, or all but the newest; in heads that are exempt nothing.
      for onDevice in [0, 1, 4, 40] {
        for prompt in [1, 3, 6, 12, 17, 30] {
          for generated in [0, 1, 13] {
            var draw = Draw(index: points.count, of: index)
            let (exempt, chunk) = (draw.oneOf([ExemptHeads.none, .none, .heads(1)]), draw.oneOf([nil, 1, 2, 4, 7]))
            var entry = EntryForm.keyAndValue
            if draw.below(3) > 0 {
              let residual = min(draw.oneOf([0, 1, 2]), onDevice)
              entry = .quantised(
                Quantisation(
                  format: draw.oneOf(Quantisation.Format.allCases), group: 1 + draw.below(4), residual: residual))
            }
            var own = model
            let only = draw.oneOf([nil, nil, 1, 2])
            own.setCaches { level in
              if let only, level > 0, level != only { return .full }
              return StackCache(
                CachePlan(entry: entry, placement: .host(HostMemory(onDevice: onDevice))), exempt: exempt,
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
