import Architectures
import CKernels
import Quantities

/// Keys and values of one stack, and their memory: all entries are kept.
///
/// A group is a sequence, or a chunk of one. Continuations of one prompt share a `prefix`: group g attends the entries
/// of the prefix's group g / share first, then its own.
public final class KeyValueCache {
  /// The shape of every layer.
  public let layer: LayerShape
  /// Sequences, or chunks of one.
  public let groups: Int
  /// Whether entries are a cache that grows or the window of an open chunk.
  public let store: Store
  /// What the groups attend before their own entries; nil where they share none.
  public let prefix: KeyValueCache?
  /// Own groups per group of the prefix.
  public let share: Int
  /// Entries in the groups' own memory.
  public private(set) var ownHeld = 0
  /// What the next key is rotated by: the number of positions that came before it, whether their entries are held or
  /// not.
  public private(set) var nextPosition: Int
  /// The position of the first own entry.
  let startPosition: Int
  let layout: CacheLayout
  private var keyBase: UnsafeMutablePointer<Float>?
  private var valueBase: UnsafeMutablePointer<Float>?

  /// - Parameters:
  ///   - layer: the shape of every layer; keys and values have its heads.
  ///   - layerCount: layers of the stack.
  ///   - groups: sequences, or chunks of one.
  ///   - capacity: entries for which each head of each group has room, those of the prefix not counted.
  ///   - store: whether its entries are a cache that grows or the window of an open chunk.
  ///   - holdsNumbers: whether entries are allocated, or only counted.
  ///   - prefix: filled, and not appended to as long as this cache lives.
  ///   - share: own groups per group of the prefix.
  public init(
    layer: LayerShape, layerCount: Int, groups: Int, capacity: Int, store: Store, holdsNumbers: Bool,
    prefix: KeyValueCache? = nil, share: Int = 1
  ) {
    self.layer = layer
    self.groups = groups
    self.store = store
    self.prefix = prefix
    self.share = share
    startPosition = prefix?.nextPosition ?? 0
    nextPosition = startPosition
    layout = CacheLayout(
      layers: layerCount, groups: groups, heads: layer.keyValueHeads, capacity: capacity, headWidth: layer.headWidth)
    checkInvariants()
    guard holdsNumbers, layout.elements > 0 else { return }
    keyBase = ck_allocate(layout.elements)
    valueBase = ck_allocate(layout.elements)
    keyBase?.initialize(repeating: 0, count: layout.elements)
    valueBase?.initialize(repeating: 0, count: layout.elements)
  }

  deinit { freeMemory() }

  private func freeMemory() {
    if let keyBase { ck_free(keyBase) }
    if let valueBase { ck_free(valueBase) }
    keyBase = nil
    valueBase = nil
  }

  /// Layers of the stack.
  public var layerCount: Int { layout.layers }
  /// Entries for which each head of each group has room, those of the prefix not counted.
  public var capacity: Int { layout.capacity }

  /// Entries that the next query sees before it, the prefix included.
  public var held: Int { (prefix?.ownHeld ?? 0) + ownHeld }

  /// Positions for which rotary angles are needed until the memory is full.
  var positionRoom: Int { startPosition + capacity }

  // MARK: Mutations

  /// Gives the memory back: the drop of recursive generation.
  public func release() {
    freeMemory()
    clear()
  }

  /// Forgets all own entries and keeps the memory: a chunk has closed, and the next one begins where this one did.
  public func clear() {
    ownHeld = 0
    nextPosition = startPosition
    checkInvariants()
  }

  /// Marks entries as held, once every layer has appended them.
  public func advance(by count: Int) {
    ownHeld += count
    nextPosition += count
    precondition(ownHeld <= capacity, "a cache of \(capacity) entries was given \(ownHeld)")
    checkInvariants()
  }

  /// Copies the first entries of `source`'s groups, each to `copies` consecutive groups of this cache.
  /// - Parameters:
  ///   - source: filled, and of the same layers.
  ///   - first: the first source group copied.
  ///   - copies: groups of this cache that each source group becomes.
  ///   - count: entries copied of each group.
  public func copyGroups(from source: KeyValueCache, first: Int = 0, copies: Int = 1, count: Int) {
    precondition(first + (groups + copies - 1) / copies <= source.groups, "copying groups that do not exist")
    precondition(count <= capacity && count <= source.ownHeld, "copying entries that do not exist")
    precondition(startPosition == source.startPosition, "copying keys that other positions have rotated")
    ownHeld = count
    nextPosition = startPosition + count
    checkInvariants()
    let elements = count * layer.headWidth
    for index in 0..<layerCount {
      guard let to = entries(index), let from = source.entries(index) else { return }
      for group in 0..<groups {
        for head in 0..<layer.keyValueHeads {
          to.keys(group: group, head: head)
            .update(from: from.keys(group: first + group / copies, head: head), count: elements)
          to.values(group: group, head: head)
            .update(from: from.values(group: first + group / copies, head: head), count: elements)
        }
      }
    }
  }

  /// Makes all numbers the same and marks entries as held: for measuring, where the values do not matter.
  public func fill(with value: Float, count: Int) {
    keyBase?.update(repeating: value, count: layout.elements)
    valueBase?.update(repeating: value, count: layout.elements)
    clear()
    advance(by: count)
  }

  // MARK: Addresses

  /// The own memory of a layer, which a projection writes to; `nil` for shapes and after a release.
  func entries(_ layer: Int) -> Entries<Float>? {
    guard let keyBase, let valueBase else { return nil }
    return Entries(layout, layer: layer, keys: keyBase, values: valueBase)
  }

  /// What a query reads of a layer, in order of position; nothing for shapes and after a release.
  /// - Parameter appended: entries that the layer has appended and that are not yet marked as held.
  /// - Note: allocates nothing.
  func withSegments<Result>(
    _ layer: Int, appended: Int, _ body: (UnsafeBufferPointer<Segment<Float>>) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: Segment<Float>.self, capacity: 2) { segments in
      var count = 0
      func add(_ entries: Entries<Float>?, _ held: Int, from position: Int, share: Int) {
        guard let entries, held > 0 else { return }
        let segment = Segment(
          entries: entries, firstEntry: 0, firstPosition: position, count: held, share: share)
        segments.initializeElement(at: count, to: segment)
        count += 1
      }
      if let prefix { add(prefix.entries(layer), prefix.ownHeld, from: prefix.startPosition, share: share) }
      add(entries(layer), ownHeld + appended, from: startPosition, share: 1)
      return body(UnsafeBufferPointer(rebasing: segments[..<count]))
    }
  }

  // MARK: Sizes

  /// What the own memory holds.
  /// - Unit: bit, at the given element type; the executed memory is float32.
  public func bitsHeld(in element: ElementType) -> Int128 { bits(ofEntries: ownHeld, in: element) }

  /// What this many entries of every group take in all layers.
  /// - Unit: bit
  public func bits(ofEntries count: Int, in element: ElementType) -> Int128 {
    let entries = Int128(layerCount) * Int128(groups) * Int128(count)
    return entries * 2 * Int128(layer.keyValueWidth) * Int128(element.bits)
  }

  /// Bytes of real memory, filled or not; 0 for shapes and after a release.
  public var allocatedBytes: Int { keyBase == nil ? 0 : fullBytes }

  /// Bytes of float32 that the memory has, or would have for shapes.
  var fullBytes: Int { 2 * layout.elements * MemoryLayout<Float>.stride }
}
