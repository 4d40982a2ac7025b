/// Where the entries of a cache lie, layer behind layer: its keys, and likewise its values and the gradients of both.
///
/// An entry is a key with its value. This is the only arithmetic that makes an offset of a layer, a group, a key–value
/// head and an entry; kernels in C are given its strides.
/// - Shape: `[layers][groups][key–value heads][capacity][head width]`
struct CacheLayout: Equatable, Sendable {
  let layers, groups, heads: Int
  /// Entries for which a head has room.
  let capacity: Int
  let headWidth: Int

  /// Elements from one head's entries to the next one's.
  var headStride: Int { capacity * headWidth }
  var groupStride: Int { heads * headStride }
  /// Elements of one layer.
  var layerStride: Int { groups * groupStride }
  /// Elements of all layers.
  var elements: Int { layers * layerStride }

  /// Elements from a layer's first entry to another.
  func offset(group: Int, head: Int, entry: Int = 0) -> Int {
    group * groupStride + head * headStride + entry * headWidth
  }
}

/// Keys and values of one layer of a cache, or the gradients of both.
struct Entries<Scalar> {
  let layout: CacheLayout
  let keys, values: UnsafeMutablePointer<Scalar>

  /// One layer of memory that lies as the layout says.
  init(_ layout: CacheLayout, layer: Int, keys: UnsafeMutablePointer<Scalar>, values: UnsafeMutablePointer<Scalar>) {
    self.layout = layout
    self.keys = keys + layer * layout.layerStride
    self.values = values + layer * layout.layerStride
  }

  /// The same values with other keys, which lie alike.
  init(_ other: Self, keys: UnsafeMutablePointer<Scalar>) {
    (layout, values) = (other.layout, other.values)
    self.keys = keys
  }

  /// Keys from an entry on, head width apart.
  func keys(group: Int, head: Int, entry: Int = 0) -> UnsafeMutablePointer<Scalar> {
    keys + layout.offset(group: group, head: head, entry: entry)
  }

  func values(group: Int, head: Int, entry: Int = 0) -> UnsafeMutablePointer<Scalar> {
    values + layout.offset(group: group, head: head, entry: entry)
  }

  /// Writes one entry of some heads of a group.
  /// - Parameter row: the keys of all heads of the layer, then their values, as a projection leaves them.
  func store(_ row: UnsafePointer<Scalar>, of heads: Range<Int>, group: Int, entry: Int) {
    let width = layout.headWidth
    for head in heads {
      let key = row + head * width
      keys(group: group, head: head, entry: entry).update(from: key, count: width)
      values(group: group, head: head, entry: entry).update(from: key + layout.heads * width, count: width)
    }
  }

  /// Reads one entry of every head of a group; the reverse of `store` of all heads.
  func load(group: Int, entry: Int, into row: UnsafeMutablePointer<Scalar>) {
    let width = layout.headWidth
    for head in 0..<layout.heads {
      let key = row + head * width
      key.update(from: keys(group: group, head: head, entry: entry), count: width)
      (key + layout.heads * width).update(from: values(group: group, head: head, entry: entry), count: width)
    }
  }
}

extension Entries {
  /// Copies the first entries of a head from a group of other memory.
  func copy(_ count: Int, of source: Self, from other: Int, to group: Int, head: Int) {
    let elements = count * layout.headWidth
    keys(group: group, head: head).update(from: source.keys(group: other, head: head), count: elements)
    values(group: group, head: head).update(from: source.values(group: other, head: head), count: elements)
  }
}

extension Entries<Float> {
  /// Whether these entries of every group and head are finite.
  func areFinite(_ range: Range<Int>) -> Bool {
    (0..<layout.groups * layout.heads).allSatisfy { index in
      let (group, head) = (index / layout.heads, index % layout.heads)
      let keys = keys(group: group, head: head, entry: range.lowerBound)
      let values = values(group: group, head: head, entry: range.lowerBound)
      return (0..<range.count * layout.headWidth).allSatisfy { keys[$0].isFinite && values[$0].isFinite }
    }
  }
}

/// Entries behind one another in every key–value head of a run, in every group, as a query meets them: the only
/// addresses that a cache gives away for reading.
struct Segment<Scalar> {
  let entries: Entries<Scalar>
  /// The first head of the run among those of the layer.
  let firstHead: Int
  /// Its first entry among those of its memory.
  let firstEntry: Int
  let count: Int
  /// Consecutive groups that read the same entries.
  let share: Int

  /// - Parameter head: among those of the run.
  func keys(group: Int, head: Int) -> UnsafeMutablePointer<Scalar> {
    entries.keys(group: group / share, head: firstHead + head, entry: firstEntry)
  }

  func values(group: Int, head: Int) -> UnsafeMutablePointer<Scalar> {
    entries.values(group: group / share, head: firstHead + head, entry: firstEntry)
  }
}
