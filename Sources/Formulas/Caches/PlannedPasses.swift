import Architectures
import Quantities

/// A plan over the passes of one stack: what its heads find, read and add beside attention.
struct PlannedHeads {
  private let rules: HeadRules
  private let prompt: PromptPasses
  private let retention: any RetentionCounts

  init(_ plan: CachePlan, _ prompt: PromptPasses) {
    (rules, self.prompt, retention) = (HeadRules(plan), prompt, plan.retention.counts(prompt))
  }

  private var residual: Int { rules.residual }

  // MARK: Entries

  /// Entries that a head holds once so many positions have passed.
  func held(after positions: Int) -> Int { retention.held(after: positions) }

  /// Entries that a pass of so many rows finds then.
  func found(after positions: Int, rows: Int) -> Int { retention.found(after: positions, rows: rows) }

  /// Whether entries stay as they came for a while.
  var hasFresh: Bool { residual > 0 }

  /// Of so many entries behind a pass those that are still as they came.
  func fresh(of held: Int) -> Int { min(residual, held) }

  /// A range of positions, cut where `held`, and what of it is as it came, stop growing evenly.
  func heldPieces(_ positions: Range<Int>) -> Pieces {
    var bends = Bends()
    for bend in retention.bends { bends.insert(bend, within: positions) }
    if residual > 0 { bends.insert(positions.partitioningIndex { held(after: $0) >= residual }, within: positions) }
    return Pieces(positions, bends)
  }

  // MARK: Passes

  /// The passes of a group as a head of this plan attends them.
  ///
  /// A pass of r rows that finds m entries has r·m + r(r + 1)/2 pairs unless a mask hides some; where entries are read
  /// once, m + r of them. Rows that look ahead are the last of the r.
  func passes<N: Count>(_ group: PassGroup<N>) -> Runs<PassGroup<N>> {
    guard let passes = group.range, !rules.isFull else { return Runs(group) }
    if let lookup = rules.lookup { return chosen(group, lookup.sums(passes, prompt)) }
    let rows = passes.rows
    func read(_ index: Int) -> Int { retention.found(after: passes.before(index), rows: passes.step) }
    func pairs(_ index: Int) -> Int { retention.pairs(found: read(index), rows: rows) }
    func unmasked(_ index: Int) -> Int { rows * read(index) + rows * (rows + 1) / 2 }
    let pieces = retention.pieces(passes, rules).map { part -> PassGroup<N> in
      var piece = group
      let isLong = part.count > 1
      piece.before = N.whole(passes.before(part.first))
      piece.indices = N.whole(part.count)
      piece.pairs =
        unmasked(part.first) == pairs(part.first)
        ? group.rows * N.whole(read(part.first)) + N.triangle(group.rows) : N.whole(pairs(part.first))
      piece.pairsSlope = isLong ? N.whole(pairs(part.first + 1) - pairs(part.first)) : 0
      if group.entriesReadOnce != nil {
        piece.entriesReadOnce = N.whole(read(part.first) + rows)
        piece.entriesSlope = isLong ? N.whole(read(part.first + 1) - read(part.first)) : 0
      }
      if residual > 0 || passes.step < rows && rules.formsEntries {
        func amount(_ index: Int) -> EntryAmount {
          rules.read(of: read(index), passes, pairs: pairs(index), mask: retention.mask)
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

  /// Passes whose rows read chosen entries: the mean of all of them, and a last one with what rounding it down leaves.
  private func chosen<N: Count>(_ group: PassGroup<N>, _ sums: ChosenSums) -> Runs<PassGroup<N>> {
    let count = group.indices.integer
    func passes(_ number: Int, _ share: (Int) -> Int) -> PassGroup<N> {
      var piece = group
      (piece.indices, piece.isChosen) = (N.whole(number), true)
      (piece.pairs, piece.pairsSlope) = (N.whole(share(sums.pairs)), 0)
      if group.entriesReadOnce != nil { piece.entriesReadOnce = N.whole(share(sums.entries)) }
      piece.entriesSlope = 0
      return piece
    }
    guard count > 1 else { return Runs(passes(count) { $0 }) }
    return Runs(passes(count - 1) { $0 / count }, [passes(1) { $0 - (count - 1) * ($0 / count) }])
  }

  /// What the passes of a group add beside attention.
  func upkeep<N: Count>(_ group: PassGroup<N>) -> UpkeepCounts {
    var sums = PassSums()
    if let passes = group.range { retention.add([passes], prompt, rules, to: &sums) }
    return sums.upkeep
  }

  /// The rows of a group by the state in which they are appended.
  func appended<N: Count>(_ group: PassGroup<N>) -> EntryAmount {
    EntryAmount(
      appended: (group.rows * group.passes).integer, ahead: (group.lookahead * group.passes).integer, upkeep(group),
      hasFresh: hasFresh)
  }
}

extension EntryAmount {
  /// So many rows that are appended, by the upkeep of their passes.
  /// - Parameter ahead: those of them that only look ahead: they get no other form.
  init(appended rows: Int, ahead: Int, _ upkeep: UpkeepCounts, hasFresh: Bool) {
    let formed = hasFresh ? upkeep.formed - upkeep.formedHeld : rows - ahead
    self.init(formed: formed, fresh: rows - formed)
  }
}
