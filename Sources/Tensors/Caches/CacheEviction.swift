import Architectures

/// Entries that go.
extension KeyValueCache {
  /// Gives back the entries of rows that only look ahead, in every head: the next pass begins where they did. They are
  /// the newest, so nothing moves.
  func withdrawLookahead() {
    guard lookahead > 0 else { return }
    forget(lookahead)
    checkInvariants()
  }

  /// Lets go of what has to make room for a pass.
  /// - Parameter moved: is told of each run of heads whose entries were moved, and what of each head.
  func makeRoom(for queries: Int, moved: (_ run: CacheRun, _ entries: MovedEntries) -> Void) {
    guard !keepsEverything else { return }
    for (index, run) in runs.enumerated() {
      guard let retaining = run.methods.retaining, let ranges = retaining.room(in: ownHeld(run: index), for: queries)
      else { continue }
      let pass = PassPlace(before: nextPosition, queries: queries, found: ownHeld(run: index), prompt: nil)
      let count = keep(index, fixed: retaining.fixed(in: pass)) { _ in ranges }
      if count.all > 0 { moved(run, count) }
    }
    checkInvariants()
  }

  /// Lets go of what the retentions give up once a pass is over.
  /// - Parameters:
  ///   - queries: positions that the pass brought.
  ///   - prompt: positions of the whole prompt that it was a pass of.
  ///   - moved: is told of each run of heads whose entries were moved, and what of each head.
  func settle(queries: Int, prompt: Int?, moved: (_ run: CacheRun, _ entries: MovedEntries) -> Void) {
    guard !keepsEverything else { return }
    for (index, run) in runs.enumerated() {
      guard let retaining = run.methods.retaining else { continue }
      let held = ownHeld(run: index)
      let pass = PassPlace(
        before: nextPosition - queries, queries: queries, found: held - queries, prompt: prompt)
      guard let alike = retaining.survivors(of: held, behind: pass, votes: nil) else { continue }
      let count = keep(index, fixed: retaining.fixed(in: pass)) { votes in
        guard let votes else { return alike }
        return votes.withUnsafeBufferPointer { retaining.survivors(of: held, behind: pass, votes: $0) ?? [] }
      }
      if count.all > 0 { moved(run, count) }
    }
    checkInvariants()
  }

  /// Keeps ranges of the entries of every head of a run.
  /// - Parameters:
  ///   - fixed: leading entries that stay where they are.
  ///   - ranges: by the votes for each entry, in order of position; nil where there are none.
  /// - Returns: how many entries of a head were moved.
  private func keep(_ index: Int, fixed: Int, _ ranges: (_ votes: [Float]?) -> [Range<Int>]) -> MovedEntries {
    let (run, held, formed) = (runs[index], ownHeld(run: index), ownFormed(run: index))
    let layer = entries(run.layer)
    let votes = run.methods.retaining?.tallies == true
    var (count, moved): (Int?, Int) = (nil, 0)
    /// Of those that stay the ones that have their form.
    var keptFormed: Int?
    for member in places[index].indices {
      // Heads whose votes differ have places of their own; others share them, and move together.
      let owners = votes ? member..<member + 1 : 0..<groups * run.heads.count
      let mass = votes ? run.mass(group: member / run.heads.count, head: member % run.heads.count) : nil
      let chosen = ranges(mass.map { mass in places[index][member].places.map { mass[Int($0)] } })
      let kept = chosen.reduce(0) { $0 + $1.count }
      precondition(count.map { $0 == kept } ?? true, "how many entries stay depends on their votes")
      count = kept
      let ownFormed = chosen.reduce(0) { $0 + $1.clamped(to: 0..<formed).count }
      precondition(keptFormed.map { $0 == ownFormed } ?? true, "how many entries have their form depends on votes")
      keptFormed = ownFormed
      func each(_ body: (_ group: Int, _ head: Int, _ mass: UnsafeMutablePointer<Float>?) -> Void) {
        for owner in owners {
          let (group, head) = (owner / run.heads.count, owner % run.heads.count)
          body(group, run.heads.lowerBound + head, run.mass(group: group, head: head))
        }
      }
      if held - kept == 1 {
        // The first number that the ranges skip.
        let gone = chosen.reduce(0) { $1.lowerBound == $0 ? $1.upperBound : $0 }
        moved = 0
        if let move = places[index][member].remove(gone) {
          moved = 1
          each { group, head, mass in
            layer?.move(move.from, to: move.to, group: group, head: head)
            mass?.move(move.from, to: move.to)
          }
        }
        each { _, _, mass in mass?[kept] = 0 }
      } else {
        let before = places[index][member].keep(chosen)
        moved = max(kept - fixed, 0)
        each { group, head, mass in
          layer?.gather(before, group: group, head: head)
          mass?.gather(before, of: held)
        }
      }
    }
    setOwnHeld(count ?? held, run: index)
    setOwnFormed(keptFormed ?? formed, run: index)
    // The newest of those that stay are as they came; a single one that moves is the newest.
    let isFresh = run.methods.form.quantisation != nil && held > formed
    let fresh = held - (count ?? held) == 1 ? (isFresh ? moved : 0) : min(moved, ownFresh(run: index))
    return MovedEntries(all: moved, fresh: fresh)
  }
}

/// Entries of a head that were moved, and those among them that are as they came.
struct MovedEntries {
  let all, fresh: Int
}

extension Entries {
  /// Copies an entry of a head to another place.
  func move(_ from: Int, to: Int, group: Int, head: Int) {
    let width = layout.headWidth
    keys(group: group, head: head, entry: to)
      .update(from: keys(group: group, head: head, entry: from), count: width)
    values(group: group, head: head, entry: to)
      .update(from: values(group: group, head: head, entry: from), count: width)
  }

  /// Copies the entries at places, in this order, to the front of a head's memory.
  func gather(_ places: [Int32], group: Int, head: Int) {
    for memory in [keys(group: group, head: head), values(group: group, head: head)] {
      withUnsafeTemporaryAllocation(of: Scalar.self, capacity: max(places.count * layout.headWidth, 1)) { copy in
        let width = layout.headWidth
        for (index, place) in places.enumerated() {
          (copy.baseAddress! + index * width)
            .initialize(from: memory + Int(place) * width, count: width)
        }
        memory.update(from: copy.baseAddress!, count: places.count * width)
      }
    }
  }
}

extension UnsafeMutablePointer<Float> {
  /// The same movement of one number for each entry.
  func move(_ from: Int, to: Int) { self[to] = self[from] }

  /// The same of one number for each of `held` entries; behind those that stay are zeros.
  func gather(_ places: [Int32], of held: Int) {
    let kept = places.map { self[Int($0)] }
    for (index, number) in kept.enumerated() { self[index] = number }
    (self + kept.count).update(repeating: 0, count: held - kept.count)
  }
}
