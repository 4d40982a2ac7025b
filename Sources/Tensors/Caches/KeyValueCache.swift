import Architectures
import CKernels
import Quantities

/// Keys and values of one stack: real memory for `capacity` positions, of which `length` are filled.
///
/// - Shape: per layer `[groups][key–value heads][capacity][head width]`, keys and values apart. A group is a sequence,
///   or a chunk of one.
///
/// Continuations of one prompt share a `prefix`: group g attends the prefix's group g / share first, then its own.
public final class KeyValueCache {
  public let layer: LayerShape
  public let layerCount: Int
  public let groups: Int
  public let capacity: Int
  public let store: Store
  /// Positions filled in the groups' own segment.
  public private(set) var length = 0
  public let prefix: KeyValueCache?
  /// Own groups per group of the prefix.
  public let share: Int
  private let layerStride: Int
  private var keyBase: UnsafeMutablePointer<Float>?
  private var valueBase: UnsafeMutablePointer<Float>?

  public init(
    layer: LayerShape, layerCount: Int, groups: Int, capacity: Int, store: Store, holdsNumbers: Bool,
    prefix: KeyValueCache? = nil, share: Int = 1
  ) {
    self.layer = layer
    self.layerCount = layerCount
    self.groups = groups
    self.capacity = capacity
    self.store = store
    self.prefix = prefix
    self.share = share
    layerStride = groups * layer.keyValueWidth * capacity
    let count = layerStride * layerCount
    guard holdsNumbers, count > 0 else { return }
    keyBase = ck_allocate(count)
    valueBase = ck_allocate(count)
    keyBase?.initialize(repeating: 0, count: count)
    valueBase?.initialize(repeating: 0, count: count)
  }

  deinit { release() }

  /// Gives the memory back: the drop of recursive generation.
  public func release() {
    if let keyBase { ck_free(keyBase) }
    if let valueBase { ck_free(valueBase) }
    keyBase = nil
    valueBase = nil
    length = 0
  }

  /// Elements of one layer's keys, and of its values.
  var layerElements: Int { layerStride }

  public func keys(_ layer: Int) -> UnsafeMutablePointer<Float>? { keyBase.map { $0 + layer * layerStride } }
  public func values(_ layer: Int) -> UnsafeMutablePointer<Float>? { valueBase.map { $0 + layer * layerStride } }

  /// Positions that the next query sees before it, the prefix included.
  public var positionCount: Int { (prefix?.length ?? 0) + length }

  /// Marks positions as filled, once every layer has appended them.
  public func advance(by positions: Int) {
    length += positions
    precondition(length <= capacity, "a cache of \(capacity) positions was given \(length)")
  }

  /// Forgets all positions and keeps the memory: a chunk has closed.
  public func clear() { length = 0 }

  /// What the own segment holds.
  /// - Unit: bit, at the given element type; the executed memory is float32.
  public func bitsHeld(in element: ElementType) -> Int128 { bits(ofPositions: length, in: element) }

  /// What this many positions of every group take in all layers.
  /// - Unit: bit
  public func bits(ofPositions positions: Int, in element: ElementType) -> Int128 {
    let entries = Int128(layerCount) * Int128(groups) * Int128(positions)
    return entries * 2 * Int128(layer.keyValueWidth) * Int128(element.bits)
  }

  /// Bytes of real memory, filled or not; 0 for shapes and after the drop.
  public var allocatedBytes: Int { keyBase == nil ? 0 : 2 * layerStride * layerCount * MemoryLayout<Float>.stride }

  /// Copies the first positions of `source`'s groups, each to `copies` consecutive groups of this cache.
  /// - Parameter first: the first source group copied.
  public func copyGroups(from source: KeyValueCache, first: Int = 0, copies: Int = 1, length: Int) {
    precondition(first + (groups + copies - 1) / copies <= source.groups, "copying groups that do not exist")
    precondition(length <= capacity && length <= source.length, "copying positions that do not exist")
    self.length = length
    guard let keyBase, let valueBase, let sourceKeys = source.keyBase, let sourceValues = source.valueBase else {
      return
    }
    let heads = layer.keyValueHeads
    let filled = length * layer.headWidth
    for index in 0..<layerCount {
      for group in 0..<groups {
        for head in 0..<heads {
          let to = index * layerStride + (group * heads + head) * capacity * layer.headWidth
          let from =
            index * source.layerStride
            + ((first + group / copies) * heads + head) * source.capacity * layer.headWidth
          (keyBase + to).update(from: sourceKeys + from, count: filled)
          (valueBase + to).update(from: sourceValues + from, count: filled)
        }
      }
    }
  }
}
