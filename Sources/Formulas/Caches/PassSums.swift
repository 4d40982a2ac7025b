import Architectures

/// What is decided for a head beside which entries stay.
struct HeadRules: Sendable {
  /// Whether everything is kept and read, as it is and where it is.
  let isFull: Bool
  /// How entries are chosen that rows read; nil where they read all.
  let lookup: (any LookupCounts)?
  /// Where they lie.
  let placement: Placement
  /// Newest entries that stay as they came, and whether entries come otherwise than they are kept.
  let residual: Int
  let formsEntries: Bool
  /// Newest entries that stay on the device; nil where all do.
  let hostBend: Int?

  init(_ plan: CachePlan) {
    let form = plan.entry.counts
    (isFull, lookup, placement) = (plan.isFull, plan.lookup.counts, plan.placement)
    hostBend = plan.placement.counts.bend
    (residual, formsEntries) = (form.residual, form.formsEntries)
  }
}

/// What a pass does in one head of one layer of one sequence.
struct PassCounts {
  /// (Query, key) pairs; those of rows that do not only look ahead, and those among them of keys that are still as they
  /// came.
  var pairs, tokenPairs, freshPairs: Int
  /// Entries that attention reads, by their states: of a pair each, or each once.
  var read: EntryAmount
  /// Entries that are held while each row is processed, its own included, added up over the rows, and those among them
  /// that are still as they came. What a mask hides is held too.
  var stored, freshStored: Int
  /// Those in the memory of the host while rows are processed, added up over the rows.
  var hostStored = 0
  /// What comes beside attention, if anything does.
  var upkeep: UpkeepCounts?
}

/// What passes do in one head of one layer of one sequence, added up: fields as those of `PassCounts`.
struct PassSums {
  var pairs: Int128 = 0
  var tokenPairs: Int128 = 0
  var freshPairs: Int128 = 0
  var formedRead: Int128 = 0
  var freshRead: Int128 = 0
  var stored: Int128 = 0
  var freshStored: Int128 = 0
  var hostStored: Int128 = 0
  var upkeep = UpkeepCounts()
  private(set) var hasUpkeep = false

  init() {}

  /// Passes through windows.
  init(windowPairs: Int128) { (pairs, tokenPairs) = (windowPairs, windowPairs) }

  /// Adds so many passes that grow evenly: the first of them, and the second, if there is one.
  @inline(__always)
  mutating func add(_ first: PassCounts, _ second: PassCounts, count: Int, hasFresh: Bool) {
    let (number, steps) = (Int128(word: count), Int128.pairs(of: Int128(word: count)))
    func sum(_ first: Int, _ second: Int) -> Int128 {
      number &* Int128(word: first) &+ steps &* Int128(word: second - first)
    }
    pairs &+= sum(first.pairs, second.pairs)
    tokenPairs &+= sum(first.tokenPairs, second.tokenPairs)
    formedRead &+= sum(first.read.formed, second.read.formed)
    stored &+= sum(first.stored, second.stored)
    if hasFresh {
      freshPairs &+= sum(first.freshPairs, second.freshPairs)
      freshRead &+= sum(first.read.fresh, second.read.fresh)
      freshStored &+= sum(first.freshStored, second.freshStored)
    }
    guard first.upkeep != nil || second.upkeep != nil else { return }
    hostStored &+= sum(first.hostStored, second.hostStored)
    let (one, next) = (first.upkeep ?? UpkeepCounts(), second.upkeep ?? UpkeepCounts())
    hasUpkeep = true
    upkeep += one.with(next) { count * $0 + count * (count - 1) / 2 * ($1 - $0) }
  }
}

extension PassSums {
  /// Puts what is chosen in the place of all entries, which passes would read where everything is kept.
  mutating func replaceReads(of passes: PassRange, _ chosen: ChosenSums) {
    func triangle(_ count: Int) -> Int128 { Int128(word: count) * Int128(word: count + 1) / 2 }
    let end = passes.before + passes.rows * passes.count
    let all = triangle(end) - triangle(passes.before)
    let reads =
      passes.readsOnce
      ? Int128(word: passes.count) * Int128(word: passes.before) + Int128(word: passes.rows) * triangle(passes.count)
      : all
    pairs += Int128(word: chosen.pairs) - all
    tokenPairs += Int128(word: chosen.pairs) - all
    formedRead += Int128(word: chosen.entries) - reads
    upkeep += chosen.choosing
    hasUpkeep = true
  }
}

/// Entries for which a head of one layer of one sequence has room in a point.
struct HeadRooms: Sendable {
  /// Behind the prompt, at the drop of recursive generation, and at the end.
  let atPrompt, atDrop, atEnd: EntryAmount
  /// In the passes of the prompt that have the most: the last one, and the longer one before it.
  let inPassBeforeLast, inLastPass: EntryAmount
  /// Entries that it holds at the end.
  let heldAtEnd: Int
  /// Entries of it in the memory of the host: behind the prompt, at the drop, and at the end.
  let hostAtPrompt, hostAtDrop, hostAtEnd: EntryAmount

  init(_ counts: some RetentionCounts, _ point: StackPoint, _ rules: HeadRules) {
    let prompt = point.prompt
    func room(after positions: Int) -> EntryAmount { rules.room(for: counts.held(after: positions)) }
    // What a pass brings stands beside what it finds, and behind that what looks ahead, as it came.
    func room(inPassOf rows: Int, after before: Int) -> EntryAmount {
      var amount = rules.room(for: counts.found(after: before, rows: rows), bringing: rows)
      amount.fresh += prompt.lookahead(from: before)
      return amount
    }
    let none = EntryAmount(formed: 0, fresh: 0)
    (atPrompt, atDrop, atEnd) = (room(after: prompt.units), room(after: point.drop), room(after: point.end))
    inPassBeforeLast =
      prompt.beforeLast > 0 ? room(inPassOf: prompt.chunk, after: (prompt.beforeLast - 1) * prompt.chunk) : none
    inLastPass = prompt.units > 0 ? room(inPassOf: prompt.last, after: prompt.units - prompt.last) : none
    heldAtEnd = counts.held(after: point.end)
    func away(after positions: Int) -> EntryAmount {
      EntryAmount(formed: rules.placement.counts.atHost(of: counts.held(after: positions)), fresh: 0)
    }
    let hasHost = rules.hostBend != nil
    (hostAtPrompt, hostAtDrop, hostAtEnd) =
      hasHost ? (away(after: prompt.units), away(after: point.drop), away(after: point.end)) : (none, none, none)
  }
}

extension RetentionCounts {
  /// Adds what passes do.
  func add(_ passes: [PassRange], _ prompt: PromptPasses, _ rules: HeadRules, to sums: inout PassSums) {
    for passes in passes {
      for piece in pieces(passes, rules) {
        for part in piece.classes(period(of: passes, from: piece.first)) {
          let first = counts(passes, part.first, prompt, rules)
          sums.add(
            first, part.count > 1 ? counts(passes, part.second, prompt, rules) : first, count: part.count,
            hasFresh: rules.formsEntries)
        }
      }
      if let lookup = rules.lookup { sums.replaceReads(of: passes, lookup.sums(passes, prompt)) }
    }
  }

  /// What one of the passes does.
  @inline(__always)
  private func counts(
    _ passes: PassRange, _ index: Int, _ prompt: PromptPasses, _ rules: HeadRules
  ) -> PassCounts {
    let (rows, step) = (passes.rows, passes.step)
    let found = found(after: passes.before(index), rows: step)
    let pairs = pairs(found: found, rows: rows)
    var counts = PassCounts(
      pairs: pairs, tokenPairs: step < rows ? self.pairs(found: found, rows: step) : pairs, freshPairs: 0,
      read: EntryAmount(formed: passes.readsOnce ? found + rows : pairs, fresh: 0),
      stored: step * found + step * (step + 1) / 2, freshStored: 0, upkeep: nil)
    counts.upkeep = upkeep(
      RetainedPass(before: passes.before(index), rows: step, found: found, prompt: prompt), rules)
    if rules.hostBend != nil { counts.hostStored = step * rules.placement.counts.atHost(of: found) }
    guard rules.formsEntries else { return counts }
    counts.freshPairs = rules.freshPairs(found: found, rows: step, mask: mask)
    counts.freshStored = rules.freshPairs(found: found, rows: step, mask: nil)
    counts.read = rules.read(of: found, passes, pairs: pairs, mask: mask)
    return counts
  }

  /// What it adds beside attention.
  @inline(__always)
  private func upkeep(_ pass: RetainedPass, _ rules: HeadRules) -> UpkeepCounts? {
    let (rows, found, residual) = (pass.rows, pass.found, rules.residual)
    let (held, left, votes) = (held(after: pass.before), held(after: pass.after), votes(of: pass))
    let movesAny = held > found || found + rows > left
    guard movesAny || votes != nil || rotatesWhatItFinds || rules.formsEntries || rules.hostBend != nil else {
      return nil
    }
    var counts = UpkeepCounts(votes)
    if rules.hostBend != nil {
      // What it finds there comes once, and what it makes too old goes.
      let placement = rules.placement.counts
      counts.transferred = placement.atHost(of: found) + placement.atHost(of: left) - placement.atHost(of: held)
    }
    let fixed = fixed(in: pass)
    for (from, to) in [(held, found), (found + rows, left)] {
      let moved = moved(of: from, to: to, fixed)
      counts.moved += moved
      // The newest entry moves into the one place that is free; else the newest of those that stay are fresh.
      counts.movedFresh += from - to > 1 ? min(residual, moved) : residual > 0 ? moved : 0
    }
    counts.votedFresh = min(residual, counts.voted)
    if rotatesWhatItFinds { counts.rotated = found }
    guard rules.formsEntries else { return counts }
    // What makes room has gone from the oldest entries behind the fixed ones, which have had their form.
    let formed = max(held - residual, 0)
    let foundFormed = formed - min(max(formed - fixed, 0), held - found)
    let end = max(found + rows - residual, 0)
    counts.formed = end - foundFormed
    counts.formedHeld = max(min(end, found) - foundFormed, 0)
    return counts
  }

  /// Entries that are copied so that those which stay lie side by side: the newest takes the place of a single one that
  /// goes; else all that do not stay where they are are gathered.
  @inline(__always)
  private func moved(of held: Int, to kept: Int, _ fixed: Int) -> Int {
    let movable = max(kept - fixed, 0)
    return held - kept > 1 ? movable : min(held - kept, movable)
  }
}

extension HeadRules {
  /// What attention reads in a pass, of so many of the entries that it finds. Rows that look ahead are as they came.
  func read(of found: Int, _ passes: PassRange, pairs: Int, mask: Int?) -> EntryAmount {
    guard passes.readsOnce else {
      let fresh = freshPairs(found: found, rows: passes.rows, mask: mask)
      return EntryAmount(formed: pairs - fresh, fresh: fresh)
    }
    var amount = EntryAmount(found + passes.step, residual: residual)
    amount.fresh += passes.rows - passes.step
    return amount
  }

  /// Entries for which a head's memory on the device has room where it holds so many, and while a pass brings others.
  @inline(__always)
  func room(for held: Int, bringing rows: Int = 0) -> EntryAmount {
    var amount = EntryAmount(held + rows, residual: residual)
    let counts = placement.counts
    amount.formed =
      (rows > 0 ? counts.allocated(finding: held, bringing: rows) : counts.allocated(for: held)) - amount.fresh
    return amount
  }

  /// Pairs of a pass whose keys are still as they came. The newest R of the f + r entries are: the j-th row sees those
  /// behind the first max(f + r − R, 0), up to its own, and under a mask the last ones of them.
  func freshPairs(found: Int, rows: Int, mask: Int?) -> Int {
    /// Σ min(i, mask) over i ≤ count.
    func sum(_ count: Int) -> Int {
      let growing = min(count, mask ?? count)
      return growing * (growing + 1) / 2 + (count - growing) * growing
    }
    // Row j sees j − s of them, where that is positive.
    let skipped = found + rows > residual ? rows - residual : -found
    return skipped >= 0 ? sum(max(rows - skipped, 0)) : sum(rows - skipped) - sum(-skipped)
  }
}
