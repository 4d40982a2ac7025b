import Architectures
import Quantities

/// One stack over the tokens: prefill is one pass over P positions, decode one pass per token.
struct StackSchedule: FamilySchedule {
  let prompt: Int
  let generated: Int
  /// The passes of the prompt; nil: one.
  var chunks: PromptPasses?

  /// Consecutive tokens in one pass, whose keys are in the cache before it.
  private func group<N: Count>(rows: N, before: N, pairs: N) -> PassGroup<N> {
    PassGroup(
      level: 0, side: .decoder, kind: .units, feed: .embedding, normed: .none, rows: rows, fedRows: rows,
      pairs: pairs, before: before)
  }

  func passes<N: Count>(in phase: Phase, as _: N.Type) -> PhasePasses<N> {
    switch phase {
    case .prefill:
      guard let chunks else { return PhasePasses(stacks: teacherForced(as: N.self), heads: []) }
      return PhasePasses(
        stacks: inChunks(chunks) { rows, before in
          var group = group(rows: rows, before: before, pairs: rows * before + N.triangle(rows))
          group.entriesReadOnce = before + rows
          return group
        }, heads: [])
    case .decode:
      var each = group(rows: N.whole(1), before: N.whole(prompt), pairs: N.whole(prompt + 1))
      each.indices = N.whole(generated)
      each.pairsSlope = 1
      return PhasePasses(
        stacks: [each].filter { !$0.isEmpty },
        heads: generated > 0 ? [HeadGroup(rows: 1, dispatches: N.whole(generated))] : [])
    }
  }

  func emission<N: Count>(as _: N.Type) -> [PassGroup<N>] { [] }

  func teacherForced<N: Count>(as _: N.Type) -> [PassGroup<N>] {
    let positions = N.whole(prompt)
    var whole = group(rows: positions, before: 0, pairs: N.triangle(positions))
    whole.entriesReadOnce = positions
    return [whole].filter { !$0.isEmpty }
  }

  func step<N: Count>(of members: [BatchMember], as _: N.Type) -> [PassGroup<N>] {
    var keys: N = 0
    var rows: N = 0
    for member in members {
      rows = rows + N.whole(member.count)
      keys = keys + N.whole(member.count) * N.whole(member.length + 1)
    }
    return [group(rows: rows, before: 0, pairs: keys)].filter { !$0.isEmpty }
  }
}
