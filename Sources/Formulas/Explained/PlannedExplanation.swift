import Architectures

/// The formulas of heads that do not keep and read everything: sums over the passes of their stack, in its numbers.
extension Explainer {
  /// Alike heads with the passes of their stack as they attend them.
  private struct Planned {
    let row: LayerRow<Expression>
    let layers: Expression
    let heads: PlannedHeads
    let passes: [PassGroup<Expression>]
  }

  private var planned: [Planned] {
    let groups = question.schedule.passes(in: phase, as: Expression.self).stacks.filter { $0.isOf(stack) }
    let prompt = stack.promptPasses(model, prompt: question.workload.promptLength)
    return stack.runs.flatMap { run in
      run.heads.map { own in
        let heads = PlannedHeads(own.cache, prompt)
        return Planned(
          row: LayerRow(run.shape.share(ofHeads: own.count)), layers: .symbol("layers", run.layers), heads: heads,
          passes: groups.flatMap { Array(heads.passes($0)) })
      }
    }
  }

  private func sum(_ terms: [Expression]) -> Expression { terms.count == 1 ? terms[0] : .sum(terms) }

  var plannedAttention: [(String, Expression)] {
    let planned = planned
    func total(_ factor: (LayerRow<Expression>) -> Expression, _ count: (PassGroup<Expression>) -> Expression)
      -> Expression
    {
      sum(planned.flatMap { run in run.passes.map { batch * count($0) * run.layers * factor(run.row) } })
    }
    let formulas: [(String, Expression)] = [
      ("matmul_flops", total(\.pairFlops, \.allPairs)),
      ("elementwise_flops", total(\.pairElementwise, \.allPairs)),
      ("activation_bytes", bytes(overRuns { rows * $0 * $1.attentionActivations * element })),
      (
        "cache_read_bytes",
        bytes(
          sum(
            planned.flatMap { run in
              run.passes.map {
                batch * $0.entriesRead * run.layers * run.heads.plan.entry.counts.elements(of: run.row) * cacheElement
              }
            }))
      ),
    ]
    return planned.allSatisfy(\.passes.isEmpty) ? [] : formulas
  }

  var upkeep: [(String, Expression)] {
    let planned = planned
    let groups = question.schedule.passes(in: phase, as: Int128.self).stacks.filter { $0.isOf(stack) }
    let counts = planned.map { run in
      groups.reduce(into: UpkeepCounts()) { sum, group in
        let own = run.heads.upkeep(group)
        for field in UpkeepCounts.fields { sum[keyPath: field] += own[keyPath: field] }
      }
    }
    /// Terms of every run for each field with what one of it costs; those that are 0 are left out.
    func total(_ fields: [(KeyPath<UpkeepCounts, Int>, (Planned) -> Expression)]) -> Expression {
      let terms = zip(planned, counts).flatMap { run, counts in
        fields.filter { counts[keyPath: $0.0] > 0 }.map { field, cost in
          batch * .number(Int128(counts[keyPath: field])) * run.layers * cost(run)
        }
      }
      return terms.isEmpty ? 0 : sum(terms)
    }
    func entry(_ run: Planned) -> Expression { run.heads.plan.entry.counts.elements(of: run.row) * cacheElement }
    return [
      ("matmul_flops", total([(\.recomputed, \.row.votePairFlops)])),
      (
        "elementwise_flops",
        total([
          (\.again, \.row.againPairElementwise), (\.own, \.row.ownPairElementwise),
          (\.added, \.row.addedPairElementwise),
          (\.pooled, \.row.dimensions.keyValueHeads), (\.rotated, \.row.keyRotation),
        ])
      ),
      (
        "activation_bytes",
        bytes(total([(\.voters, { $0.row.dimensions.query * element }), (\.tallied, \.row.tallyBits)]))
      ),
      ("cache_read_bytes", bytes(total([(\.moved, entry), (\.voted, { $0.row.keyElements * cacheElement })]))),
      ("cache_write_bytes", bytes(total([(\.moved, entry)]))),
    ]
  }
}
