import Architectures

/// The formulas of heads that do not keep and read everything: sums over the passes of their stack, in its numbers.
extension Explainer {
  /// Alike heads with the passes of their stack as they attend them.
  private struct Planned {
    let row: LayerRow<Expression>
    let layers: Expression
    let form: any EntryCounts
    let heads: PlannedHeads
    let passes: [PassGroup<Expression>]
    let headWidth: Int

    /// What one position takes in the form in which it is kept, and its key.
    var size: EntrySize<Expression> { form.size(of: row, headWidth: headWidth) }
    var keySize: EntrySize<Expression> { form.keySize(of: row, headWidth: headWidth) }
    var forming: Expression { form.forming(of: row, headWidth: headWidth) ?? 0 }
  }

  private var planned: [Planned] {
    let groups = question.passes(in: phase, as: Expression.self).stacks.filter { $0.isOf(stack) }
    let prompt = stack.promptPasses(model, prompt: question.workload.promptLength)
    return stack.runs.flatMap { run in
      run.heads.map { own in
        let heads = PlannedHeads(own.cache, prompt)
        return Planned(
          row: LayerRow(run.shape.share(ofHeads: own.count)), layers: .symbol("layers", run.layers),
          form: own.cache.entry.counts, heads: heads, passes: groups.flatMap { Array(heads.passes($0)) },
          headWidth: run.shape.headWidth)
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
    let reading = planned.flatMap { run in
      run.size.reading.map { flops in run.passes.map { batch * $0.formedRead * run.layers * flops } } ?? []
    }
    let pairs = total(\.pairElementwise, \.allPairs)
    let formulas: [(String, Expression)] = [
      ("matmul_flops", total(\.pairFlops, \.allPairs)),
      ("elementwise_flops", reading.isEmpty ? pairs : .sum([pairs] + reading)),
      ("activation_bytes", bytes(overRuns { rows * $0 * $1.attentionActivations * element })),
      (
        "cache_read_bytes",
        bytes(
          sum(
            planned.flatMap { run in
              run.passes.flatMap { pass in
                [batch * pass.formedRead * run.layers * run.size.bits(in: cacheElement)]
                  + (pass.freshRead.map { [batch * $0 * run.layers * run.row.entryElements * cacheElement] } ?? [])
              }
            }))
      ),
    ]
    return planned.allSatisfy(\.passes.isEmpty) ? [] : formulas
  }

  /// What the rows of a stack append, some of it not a key and a value in the cache's element type.
  var plannedEntries: Expression {
    let groups = question.passes(in: phase, as: Int128.self).stacks.filter { $0.isOf(stack) }
    let terms = planned.flatMap { run in
      let appended = groups.map(run.heads.appended)
      return [
        (appended.reduce(0) { $0 + $1.formed }, run.size.bits(in: cacheElement)),
        (appended.reduce(0) { $0 + $1.fresh }, run.row.entryElements * cacheElement),
      ].filter { $0.0 > 0 }.map { batch * .number(Int128($0.0)) * run.layers * $0.1 }
    }
    return terms.isEmpty ? 0 : sum(terms)
  }

  var upkeep: [(String, Expression)] {
    let planned = planned
    let groups = question.passes(in: phase, as: Int128.self).stacks.filter { $0.isOf(stack) }
    let counts = planned.map { run in
      groups.reduce(into: UpkeepCounts()) { $0 += run.heads.upkeep($1) }
    }
    /// Terms of every run for each field with what one of it costs; those that are 0 are left out.
    func total(_ fields: [(KeyPath<UpkeepCounts, Int>, (Planned) -> Expression?)]) -> Expression {
      let terms = zip(planned, counts).flatMap { run, counts in
        fields.filter { counts[keyPath: $0.0] > 0 }.compactMap { field, cost in
          cost(run).map { batch * .number(Int128(counts[keyPath: field])) * run.layers * $0 }
        }
      }
      return terms.isEmpty ? 0 : sum(terms)
    }
    func formed(_ run: Planned) -> Expression { run.size.bits(in: cacheElement) }
    func fresh(_ run: Planned) -> Expression { run.row.entryElements * cacheElement }
    return [
      ("matmul_flops", total([(\.recomputed, \.row.votePairFlops)])),
      (
        "elementwise_flops",
        total([
          (\.again, \.row.againPairElementwise), (\.own, \.row.ownPairElementwise),
          (\.added, \.row.addedPairElementwise), (\.scored, \.row.scoredPairElementwise),
          (\.averaged, \.row.queryMean), (\.turned, \.row.queryRotation), (\.keyMeans, \.row.keyElements),
          (\.pooled, \.row.dimensions.keyValueHeads), (\.rotated, \.row.keyRotation),
          (\.smoothed, \.row.smoothedPairElementwise), (\.reduced, \.row.reducedEntryElementwise),
          (\.votedFormed, \.keySize.reading), (\.formed, \.forming),
        ])
      ),
      (
        "activation_bytes",
        bytes(total([(\.voters, { $0.row.dimensions.query * element }), (\.tallied, \.row.tallyBits)]))
      ),
      (
        "cache_read_bytes",
        bytes(
          total([
            (\.movedFormed, formed), (\.movedFresh, fresh), (\.votedFormed, { $0.keySize.bits(in: cacheElement) }),
            (\.votedFresh, { $0.row.keyElements * cacheElement }), (\.formedHeld, fresh),
          ]))
      ),
      (
        "cache_write_bytes",
        bytes(
          total([
            (\.movedFormed, formed), (\.movedFresh, fresh), (\.formedHeld, formed),
            (\.made, { $0.row.keyElements * cacheElement }),
          ]))
      ),
    ] + (counts.allSatisfy { $0.transferred == 0 } ? [] : [("link_bytes", bytes(total([(\.transferred, formed)])))])
  }
}
