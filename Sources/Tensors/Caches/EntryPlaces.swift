/// Which entries a key–value head holds and where they lie: entries that go leave holes, which later ones fill, so that
/// the order of places is not that of positions.
struct EntryPlaces {
  /// The place of each entry, in order of position: 0 … held − 1 in some order, the newest entry in the last one.
  private(set) var places: [Int32] = []
  /// The position of each entry, in ascending order.
  private(set) var positions: [Int32] = []

  init(capacity: Int) {
    places.reserveCapacity(capacity)
    positions.reserveCapacity(capacity)
  }

  var count: Int { places.count }

  mutating func clear() {
    places.removeAll(keepingCapacity: true)
    positions.removeAll(keepingCapacity: true)
  }

  mutating func append(_ count: Int, from position: Int) {
    for index in 0..<count {
      places.append(Int32(places.count))
      positions.append(Int32(position + index))
    }
  }

  /// Forgets the newest entries, which lie behind the others.
  mutating func removeLast(_ count: Int) {
    places.removeLast(count)
    positions.removeLast(count)
  }

  /// Lets one entry go.
  /// - Returns: the place from which the newest entry has to be moved, and where to; nil where the newest itself goes.
  mutating func remove(_ entry: Int) -> (from: Int, to: Int)? {
    let (hole, last) = (places[entry], places.count - 1)
    precondition(Int(places[last]) == last, "the newest entry does not lie behind the others")
    places.remove(at: entry)
    positions.remove(at: entry)
    guard entry != last else { return nil }
    places[last - 1] = hole
    return (last, Int(hole))
  }

  /// Keeps the entries of ranges, now in order of position from place 0 on.
  /// - Returns: the place of each before.
  mutating func keep(_ ranges: [Range<Int>]) -> [Int32] {
    let before = ranges.flatMap { places[$0] }
    positions = ranges.flatMap { positions[$0] }
    places = before.indices.map { Int32($0) }
    return before
  }
}
