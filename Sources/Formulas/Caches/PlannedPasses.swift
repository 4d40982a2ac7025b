import Architectures
import Quantities

/// A plan over the passes of one stack: what its heads find, read and add beside attention.
struct PlannedHeads {
  let plan: CachePlan
  let prompt: PromptPasses
  private let retention: any RetentionCounts
  private let lookup: any LookupCounts

  init(_ plan: CachePlan, _ prompt: PromptPasses) {
    (self.plan, self.prompt) = (plan, prompt)
    (retention, lookup) = (plan.retention.counts(prompt), plan.lookup.counts)
  }

  /// Entries that a head holds once so many positions have passed.
  func held(after positions: Int) -> Int { retention.held(after: positions) }

  /// Entries that a pass of so many rows finds then.
  func found(after positions: Int, rows: Int) -> Int { retention.found(after: positions, rows: rows) }

  /// Entries for which a head's memory has room then.
  func allocated(after positions: Int) -> Int { plan.placement.counts.allocated(for: held(after: positions)) }

  /// Positions before the passes of the prompt in which what is held can be the most: those between which it grows
  /// evenly.
  var promptTurns: [Int] {
    let whole = pieces(0, rows: prompt.chunk, count: prompt.whole).flatMap { [$0.first, $0.first + $0.count - 1] }
    let starts = whole.filter { (0..<prompt.whole).contains($0) }.map { $0 * prompt.chunk }
    return starts + (prompt.rest > 0 ? [prompt.units - prompt.rest] : [])
  }

  /// Entries for which a head has room in the pass of the prompt that begins there: its own stand beside what it finds.
  func allocated(inPassFrom before: Int) -> Int {
    let rows = min(prompt.chunk, prompt.units - before)
    return plan.placement.counts.allocated(for: retention.found(after: before, rows: rows) + rows)
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
    let cuts = Set((atPositions + atEntries).filter { (1..<count).contains($0) }).sorted()
    return zip([0] + cuts, cuts + [count]).map { Piece(first: $0, count: $1 - $0) }
  }

  /// The passes of a group as a head of this plan attends them.
  ///
  /// A pass of r rows that finds m entries and reads r' of them in each row has r·r' + r(r + 1)/2 pairs unless a mask
  /// hides some; where entries are read once, r' + r of them.
  func passes<N: Count>(_ group: PassGroup<N>) -> Runs<PassGroup<N>> {
    guard let before = group.before?.integer, !plan.isFull else { return Runs(group) }
    let (rows, count) = (group.rows.integer, group.indices.integer)
    func read(_ index: Int) -> Int { lookup.read(of: retention.found(after: before + index * rows, rows: rows)) }
    func pairs(_ index: Int) -> Int { retention.pairs(found: read(index), rows: rows) }
    func unmasked(_ index: Int) -> Int { rows * read(index) + rows * (rows + 1) / 2 }
    let pieces = pieces(before, rows: rows, count: count).map { part -> PassGroup<N> in
      var piece = group
      let isLong = part.count > 1
      piece.before = N.whole(before + part.first * rows)
      piece.indices = N.whole(part.count)
      piece.pairs =
        unmasked(part.first) == pairs(part.first)
        ? group.rows * N.whole(read(part.first)) + N.triangle(group.rows) : N.whole(pairs(part.first))
      piece.pairsSlope = isLong ? N.whole(pairs(part.first + 1) - pairs(part.first)) : 0
      if group.entriesReadOnce != nil {
        piece.entriesReadOnce = N.whole(read(part.first) + rows)
        piece.entriesSlope = isLong ? N.whole(read(part.first + 1) - read(part.first)) : 0
      }
      return piece
    }
    return Runs(pieces[0], Array(pieces.dropFirst()))
  }

  /// Positions at which `held` bends.
  var heldBends: [Int] { retention.bends }

  /// Entries held while each row of consecutive passes is processed, its own included, added up: those that a mask hides
  /// count, as they are held.
  func steps(before: Int, rows: Int, count: Int) -> Int128 {
    pieces(before, rows: rows, count: count).reduce(0) { sum, part in
      func one(_ index: Int) -> Int128 {
        let found = retention.found(after: before + (part.first + index) * rows, rows: rows)
        return Int128(rows) * Int128(found) + Int128(rows) * Int128(rows + 1) / 2
      }
      let (number, first) = (Int128(part.count), one(0))
      let slope = part.count > 1 ? one(1) - first : 0
      return sum + number * first + slope * (number * (number - 1) / 2)
    }
  }

  /// What the passes of a group add beside attention, in one head of one layer of one sequence.
  func upkeep<N: Count>(_ group: PassGroup<N>) -> UpkeepCounts {
    guard let before = group.before?.integer, !plan.isFull else { return UpkeepCounts() }
    let (rows, count) = (group.rows.integer, group.indices.integer)
    return pieces(before, rows: rows, count: count).reduce(into: UpkeepCounts()) { sum, part in
      func one(_ index: Int) -> UpkeepCounts { upkeep(before: before + (part.first + index) * rows, rows: rows) }
      let (first, second) = (one(0), one(min(1, part.count - 1)))
      for field in UpkeepCounts.fields {
        let slope = second[keyPath: field] - first[keyPath: field]
        sum[keyPath: field] += part.count * first[keyPath: field] + slope * (part.count * (part.count - 1) / 2)
      }
    }
  }

  /// What one pass adds.
  private func upkeep(before: Int, rows: Int) -> UpkeepCounts {
    let found = retention.found(after: before, rows: rows)
    let pass = RetainedPass(before: before, rows: rows, found: found, prompt: prompt)
    var counts = UpkeepCounts(retention.votes(of: pass))
    let fixed = retention.fixed(in: pass)
    counts.moved =
      moved(of: retention.held(after: before), to: found, fixed)
      + moved(of: found + rows, to: retention.held(after: pass.after), fixed)
    if retention.rotatesWhatItFinds { counts.rotated = found }
    return counts
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
