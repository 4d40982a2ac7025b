import Architectures

/// The formulas of heads that do not keep and read everything: sums over the passes of their stack, in its numbers.
extension Explainer {
  /// Every run of like heads with the passes of its stack as they attend them.
  private var heads: [(row: LayerRow<Expression>, layers: Expression, passes: [PassGroup<Expression>], plan: CachePlan)]
  {
    let groups = question.schedule.passes(in: phase, as: Expression.self).stacks.filter { $0.isOf(stack) }
    return stack.runs.flatMap { run in
      run.heads.map { heads in
        (
          LayerRow(run.shape.share(ofHeads: heads.count)), .symbol("layers", run.layers),
          groups.flatMap { Array(heads.cache.passes($0)) }, heads.cache
        )
      }
    }
  }

  private func sum(_ terms: [Expression]) -> Expression { terms.count == 1 ? terms[0] : .sum(terms) }

  var plannedAttention: [(String, Expression)] {
    func total(_ factor: (LayerRow<Expression>) -> Expression, _ count: (PassGroup<Expression>) -> Expression)
      -> Expression
    {
      sum(heads.flatMap { run in run.passes.map { batch * count($0) * run.layers * factor(run.row) } })
    }
    let formulas: [(String, Expression)] = [
      ("matmul_flops", total(\.pairFlops, \.allPairs)),
      ("elementwise_flops", total(\.pairElementwise, \.allPairs)),
      ("activation_bytes", bytes(overRuns { rows * $0 * $1.attentionActivations * element })),
      (
        "cache_read_bytes",
        bytes(
          sum(
            heads.flatMap { run in
              run.passes.map {
                batch * $0.entriesRead * run.layers * run.plan.entry.counts.elements(of: run.row) * cacheElement
              }
            }))
      ),
    ]
    return heads.allSatisfy(\.passes.isEmpty) ? [] : formulas
  }

  var upkeep: [(String, Expression)] {
    let groups = question.schedule.passes(in: phase, as: Int128.self).stacks.filter { $0.isOf(stack) }
    func total(_ field: (UpkeepCounts) -> Int, _ factor: (HeadRun, LayerRun) -> Expression) -> Expression {
      sum(
        stack.runs.flatMap { run in
          run.heads.map { heads in
            let count = groups.reduce(0) { $0 + field(heads.cache.upkeep($1)) }
            return batch * .number(Int128(count)) * .symbol("layers", run.layers) * factor(heads, run)
          }
        })
    }
    let moved = bytes(
      total(\.moved) { heads, run in
        heads.cache.entry.counts.elements(of: LayerRow<Expression>(run.shape.share(ofHeads: heads.count)))
          * cacheElement
      })
    return [
      (
        "elementwise_flops", total(\.scored) { heads, run in .symbol("H", run.shape.share(ofHeads: heads.count).heads) }
      ),
      ("cache_read_bytes", moved), ("cache_write_bytes", moved),
    ]
  }
}

extension PassGroup {
  /// Entries that all passes of the group read in one layer.
  var entriesRead: N { entriesReadOnce.map { $0 * passes } ?? allPairs }
}
