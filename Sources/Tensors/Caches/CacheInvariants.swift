extension KeyValueCache {
  /// Traps where the cache contradicts itself: runs behind every mutation, and is compiled away where assertions are.
  func checkInvariants() {
    assert(0 <= ownHeld && ownHeld <= capacity, "\(ownHeld) entries where \(capacity) have room")
    assert(nextPosition - startPosition == ownHeld, "a cache that keeps everything has lost or invented an entry")
    guard let prefix else { return assert(startPosition == 0, "own entries that begin behind a prefix there is not") }
    assert(prefix.prefix == nil, "a prefix has a prefix")
    assert(share >= 1 && groups <= prefix.groups * share, "\(groups) groups share \(prefix.groups) prefixes")
    assert(prefix.layer == layer && prefix.layerCount == layerCount, "a prefix of another stack")
    assert(
      prefix.ownHeld == 0 || prefix.nextPosition == startPosition, "a prefix was appended to while others read it")
  }
}
