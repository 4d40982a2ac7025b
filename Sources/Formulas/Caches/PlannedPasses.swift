import Architectures
import Quantities

/// A plan over the passes of one stack: what its heads find, read and add beside attention.
struct PlannedHeads {
  let plan: CachePlan
  let prompt: PromptPasses
  private let retention: any RetentionCounts
  private let lookup: any LookupCounts
  /// Newest entries of a head that stay as they came.
  private let residual: Int

  init(_ plan: CachePlan, _ prompt: PromptPasses) {
    (self.plan, self.prompt) = (plan, prompt)
    (retention, lookup, residual) = (plan.retention.counts(prompt), plan.lookup.counts, plan.entry.counts.residual)
  }

  /// Entries that a head holds once so many positions have passed.
  func held(after positions: Int) -> Int { retention.held(after: positions) }

  /// Entries that a pass of so many rows finds then.
  func found(after positions: Int, rows: Int) -> Int { retention.found(after: positions, rows: rows) }

  /// Entries for which a head's memory has room then.
  func allocated(after positions: Int) -> EntryAmount { allocated(for: held(after: positions)) }

  private func allocated(for count: Int) -> EntryAmount {
    var amount = EntryAmount(count, residual: residual)
    amount.formed = plan.placement.counts.allocated(for: count) - amount.fresh
    return amount
  }

  /// Positions before the passes of the prompt in which what is held can be the most: those between which it grows
  /// evenly.
  var promptTurns: [Int] {
    let turns = pieces(0, rows: prompt.chunk, count: prompt.beforeLast).flatMap { [$0.first, $0.first + $0.count - 1] }
    return turns.map { $0 * prompt.chunk } + (prompt.units > 0 ? [prompt.units - prompt.last] : [])
  }

  /// Entries for which a head has room in the pass of the prompt that begins there: its own stand beside what it finds,
  /// and behind them those that look ahead, as they came.
  func allocated(inPassFrom before: Int) -> EntryAmount {
    let rows = min(prompt.chunk, prompt.units - before)
    var amount = allocated(for: retention.found(after: before, rows: rows) + rows)
    amount.fresh += prompt.lookahead(from: before)
    return amount
  }

  // MARK: Passes

  /// Consecutive passes of a group between which everything grows evenly.
  private struct Piece {
    let first, count: Int
  }

  /// Cuts a group where what is found or held stops growing evenly.
  private func pieces(_ before: Int, rows: Int, count: Int) -> [Piece] {
    guard count > 0 else { return [] }
    // The first index whose pass begins at a bend or behind it, and the first whose pass ends behind it.
    let atPositions = retention.bends.flatMap { bend in
      [ceiling(bend - before, rows), ceiling(bend + 1 - rows - before, rows)]
    }
    let atEntries = lookup.bends.map { bend in
      (0..<count).partitioningIndex { retention.found(after: before + $0 * rows, rows: rows) >= bend }
    }
    // A pass brings rows beyond the residual, and finds entries beyond it.
    let atResidual = (residual > 0 ? [residual - rows, residual] : []).flatMap { bend in
      [
        (0..<count).partitioningIndex { retention.found(after: before + $0 * rows, rows: rows) >= bend },
        (0..<count).partitioningIndex { retention.held(after: before + $0 * rows) >= bend },
      ]
    }
    let cuts = Set((atPositions + atEntries + atResidual).filter { (1..<count).contains($0) }).sorted()
    return zip([0] + cuts, cuts + [count]).map { Piece(first: $0, count: $1 - $0) }
  }

  /// The passes of a group as a head of this plan attends them.
  ///
  /// A pass of r rows that finds m entries and reads r' of them in each row has r·r' + r(r + 1)/2 pairs unless a mask
  /// hides some; where entries are read once, r' + r of them. Rows that look ahead are the last of the r.
  func passes<N: Count>(_ group: PassGroup<N>) -> Runs<PassGroup<N>> {
    guard let before = group.before?.integer, !plan.isFull else { return Runs(group) }
    let (rows, count, step) = (group.rows.integer, group.indices.integer, group.advance)
    func read(_ index: Int) -> Int { lookup.read(of: retention.found(after: before + index * step, rows: step)) }
    func pairs(_ index: Int) -> Int { retention.pairs(found: read(index), rows: rows) }
    func unmasked(_ index: Int) -> Int { rows * read(index) + rows * (rows + 1) / 2 }
    let pieces = pieces(before, rows: step, count: count).map { part -> PassGroup<N> in
      var piece = group
      let isLong = part.count > 1
      piece.before = N.whole(before + part.first * step)
      piece.indices = N.whole(part.count)
      piece.pairs =
        unmasked(part.first) == pairs(part.first)
        ? group.rows * N.whole(read(part.first)) + N.triangle(group.rows) : N.whole(pairs(part.first))
      piece.pairsSlope = isLong ? N.whole(pairs(part.first + 1) - pairs(part.first)) : 0
      if group.entriesReadOnce != nil {
        piece.entriesReadOnce = N.whole(read(part.first) + rows)
        piece.entriesSlope = isLong ? N.whole(read(part.first + 1) - read(part.first)) : 0
      }
      if residual > 0 || step < rows && plan.entry.counts.formsEntries {
        func amount(_ index: Int) -> EntryAmount {
          guard group.entriesReadOnce == nil else {
            var amount = EntryAmount(read(index) + step, residual: residual)
            amount.fresh += rows - step
            return amount
          }
          let fresh = freshPairs(found: read(index), rows: rows, mask: retention.mask)
          return EntryAmount(formed: pairs(index) - fresh, fresh: fresh)
        }
        let (first, second) = (amount(part.first), amount(part.first + (isLong ? 1 : 0)))
        piece.stateReads = StateReads(
          formed: N.whole(first.formed), formedSlope: N.whole(second.formed - first.formed),
          fresh: N.whole(first.fresh), freshSlope: N.whole(second.fresh - first.fresh))
      }
      return piece
    }
    return Runs(pieces[0], Array(pieces.dropFirst()))
  }

  /// Pairs of a pass whose keys are still as they came. The newest R of the f + r entries are: the j-th row sees those
  /// behind the first max(f + r − R, 0), up to its own, and under a mask the last ones of them.
  private func freshPairs(found: Int, rows: Int, mask: Int?) -> Int {
    /// Σ min(i, mask) over i ≤ count.
    func sum(_ count: Int) -> Int {
      let growing = min(count, mask ?? count)
      return growing * (growing + 1) / 2 + (count - growing) * growing
    }
    // Row j sees j − s of them, where that is positive.
    let skipped = found + rows > residual ? rows - residual : -found
    return skipped >= 0 ? sum(max(rows - skipped, 0)) : sum(rows - skipped) - sum(-skipped)
  }

  /// Positions at which `held` bends, and between those of a range at which it exceeds the residual.
  func heldBends(from start: Int, to end: Int) -> [Int] {
    guard residual > 0 else { return heldBends }
    return heldBends + [(start..<max(start, end)).partitioningIndex { held(after: $0) >= residual }]
  }

  /// Of so many entries behind a pass those that are still as they came.
  func fresh(of held: Int) -> Int { min(residual, held) }

  /// Whether entries stay as they came for a while.
  var hasFresh: Bool { residual > 0 }

  /// Pairs of all passes of a group whose keys are still as they came.
  func freshPairs<N: Count>(_ group: PassGroup<N>) -> Int128 {
    guard residual > 0, let before = group.before?.integer else { return 0 }
    let (rows, mask) = (group.rows.integer, retention.mask)
    return Int128(group.repetitions.integer)
      * sum(before: before, rows: rows, count: group.indices.integer) {
        Int128(freshPairs(found: lookup.read(of: $0), rows: rows, mask: mask))
      }
  }

  /// Entries held while each row of consecutive passes is processed, its own included, added up: those that a mask hides
  /// count, as they are held.
  func steps(before: Int, rows: Int, count: Int) -> Int128 {
    sum(before: before, rows: rows, count: count) {
      Int128(rows) * Int128($0) + Int128(rows) * Int128(rows + 1) / 2
    }
  }

  /// Those among them that are still as they came.
  func freshSteps(before: Int, rows: Int, count: Int) -> Int128 {
    guard residual > 0 else { return 0 }
    return sum(before: before, rows: rows, count: count) { Int128(freshPairs(found: $0, rows: rows, mask: nil)) }
  }

  /// A number of each of consecutive passes, by how many entries it finds, added up piece by piece.
  private func sum(before: Int, rows: Int, count: Int, _ pass: (_ found: Int) -> Int128) -> Int128 {
    pieces(before, rows: rows, count: count).reduce(0) { sum, part in
      func one(_ index: Int) -> Int128 {
        pass(retention.found(after: before + (part.first + index) * rows, rows: rows))
      }
      let (number, first) = (Int128(part.count), one(0))
      let slope = part.count > 1 ? one(1) - first : 0
      return sum + number * first + slope * (number * (number - 1) / 2)
    }
  }

  /// Positions at which `held` bends.
  var heldBends: [Int] { retention.bends }

  /// What the passes of a group add beside attention, in one head of one layer of one sequence.
  func upkeep<N: Count>(_ group: PassGroup<N>) -> UpkeepCounts {
    guard let before = group.before?.integer, !plan.isFull else { return UpkeepCounts() }
    let (rows, count) = (group.advance, group.indices.integer)
    return pieces(before, rows: rows, count: count).reduce(into: UpkeepCounts()) { sum, part in
      func one(_ index: Int) -> UpkeepCounts { upkeep(before: before + (part.first + index) * rows, rows: rows) }
      let (first, second) = (one(0), one(min(1, part.count - 1)))
      for field in UpkeepCounts.fields {
        let slope = second[keyPath: field] - first[keyPath: field]
        sum[keyPath: field] += part.count * first[keyPath: field] + slope * (part.count * (part.count - 1) / 2)
      }
    }
  }

  /// What one pass adds: entries of rows that look ahead go without a move, and get no other form.
  private func upkeep(before: Int, rows: Int) -> UpkeepCounts {
    let found = retention.found(after: before, rows: rows)
    let pass = RetainedPass(before: before, rows: rows, found: found, prompt: prompt)
    var counts = UpkeepCounts(retention.votes(of: pass))
    let fixed = retention.fixed(in: pass)
    let (held, left) = (retention.held(after: before), retention.held(after: pass.after))
    for (from, to) in [(held, found), (found + rows, left)] {
      let moved = moved(of: from, to: to, fixed)
      counts.moved += moved
      // The newest entry moves into the one place that is free; else the newest of those that stay are fresh.
      counts.movedFresh += from - to > 1 ? min(residual, moved) : residual > 0 ? moved : 0
    }
    counts.votedFresh = min(residual, counts.voted)
    if retention.rotatesWhatItFinds { counts.rotated = found }
    guard plan.entry.counts.formsEntries else { return counts }
    // What makes room has gone from the oldest entries behind the fixed ones, which have had their form.
    let formed = max(held - residual, 0)
    let foundFormed = formed - min(max(formed - fixed, 0), held - found)
    let end = max(found + rows - residual, 0)
    counts.formed = end - foundFormed
    counts.formedHeld = max(min(end, found) - foundFormed, 0)
    return counts
  }

  /// The rows of a group by the state in which they are appended, in one head of one layer of one sequence.
  func appended<N: Count>(_ group: PassGroup<N>) -> EntryAmount {
    let all = (group.rows * group.passes).integer
    let ahead = (group.lookahead * group.passes).integer
    guard residual > 0, group.before != nil else { return EntryAmount(formed: all - ahead, fresh: ahead) }
    let upkeep = upkeep(group)
    let formed = upkeep.formed - upkeep.formedHeld
    return EntryAmount(formed: formed, fresh: all - formed)
  }

  /// Entries that are copied so that those which stay lie side by side: the newest takes the place of a single one that
  /// goes; else all that do not stay where they are are gathered.
  private func moved(of held: Int, to kept: Int, _ fixed: Int) -> Int {
    let movable = max(kept - fixed, 0)
    return held - kept > 1 ? movable : min(held - kept, movable)
  }

  private func ceiling(_ value: Int, _ divisor: Int) -> Int {
    value <= 0 ? 0 : (value + divisor - 1) / divisor
  }
}

extension Range<Int> {
  /// The first element from which on a condition holds, which does not hold again before it; the end where it never does.
  fileprivate func partitioningIndex(_ holds: (Int) -> Bool) -> Int {
    var (low, high) = (lowerBound, upperBound)
    while low < high {
      let middle = low + (high - low) / 2
      if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
