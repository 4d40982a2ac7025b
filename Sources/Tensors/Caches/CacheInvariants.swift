extension KeyValueCache {
  /// Traps where the cache contradicts itself: runs behind every mutation, and is compiled away where assertions are.
  func checkInvariants() {
    assert(nextPosition >= startPosition, "a position before the first")
    assert(runsAreConsistent)
    guard let prefix else { return assert(startPosition == 0, "own entries that begin behind a prefix there is not") }
    assert(prefix.prefix == nil, "a prefix has a prefix")
    assert(sharesEntries && prefix.sharesEntries, "entries that are shared can go for one and not for another")
    assert(share >= 1 && groups <= prefix.groups * share, "\(groups) groups share \(prefix.groups) prefixes")
    assert(prefix.stack == stack, "a prefix of another stack")
    assert(
      prefix.ownHeld == 0 || prefix.nextPosition == startPosition, "a prefix was appended to while others read it")
  }

  /// Every run by itself; traps where one is not.
  private var runsAreConsistent: Bool {
    for (index, run) in runs.enumerated() {
      let (held, appended) = (ownHeld(run: index), nextPosition - startPosition)
      assert(0 <= held && held <= capacity, "\(held) entries where \(capacity) have room")
      let formed = ownFormed(run: index)
      assert(
        run.methods.form.quantisation == nil
          ? formed == 0 : formed == max(held - lookahead - run.methods.form.residual, 0),
        "\(formed) of \(held) entries have their form")
      assert(0 <= ownAtHost(run: index) && ownAtHost(run: index) <= held, "entries at the host that there are not")
      assert(held <= appended, "\(held) entries of \(appended) positions")
      if run.methods.retaining == nil {
        assert(held == appended, "heads that keep everything have lost or invented an entry")
      }
      assert(
        places[index].allSatisfy { $0.count == held }, "places of other entries than the \(held) that are held")
      assert(runs(of: run.layer).contains(index), "a run of heads in another layer")
    }
    return true
  }
}
