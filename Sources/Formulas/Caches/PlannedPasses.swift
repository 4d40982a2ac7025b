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

  /// Whether entries lie in the memory of the host, and how many of so many.
  var hasHost: Bool { rules.hostBend != nil }
  func atHost(of held: Int) -> Int { rules.placement.counts.atHost(of: held) }

  /// Of so many entries behind a pass those that are still as they came.
  func fresh(of held: Int) -> Int { min(residual, held) }

  /// A range of positions, cut where `held`, and what of it is as it came, stop growing evenly.
  func heldPieces(_ positions: Range<Int>) -> [Pieces.Piece] {
    var bends = Bends()
    for bend in retention.bends { bends.insert(bend, within: positions) }
    for number in [residual, rules.hostBend ?? 0] where number > 0 {
      bends.insert(positions.partitioningIndex { held(after: $0) >= number }, within: positions)
    }
    return Pieces(positions, bends).flatMap { Array($0.classes(retention.period(after: $0.first))) }
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
    let parts = retention.pieces(passes, rules).flatMap {
      Array($0.classes(retention.period(of: passes, from: $0.first)))
    }
    let pieces = parts.map { part -> PassGroup<N> in
      var piece = group
      piece.stride = part.stride
      piece.before = N.whole(passes.before(part.first))
      piece.indices = N.whole(part.count)
      piece.pairs =
        unmasked(part.first) == pairs(part.first)
        ? group.rows * N.whole(read(part.first)) + N.triangle(group.rows) : N.whole(pairs(part.first))
      piece.pairsSlope = N.whole(pairs(part.second) - pairs(part.first))
      if group.entriesReadOnce != nil {
        piece.entriesReadOnce = N.whole(read(part.first) + rows)
        piece.entriesSlope = N.whole(read(part.second) - read(part.first))
      }
      if residual > 0 || passes.step < rows && rules.formsEntries {
        func amount(_ index: Int) -> EntryAmount {
          rules.read(of: read(index), passes, pairs: pairs(index), mask: retention.mask)
        }
        let (first, second) = (amount(part.first), amount(part.second))
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
