/// Blocks of memory of one size: a first-in-first-out queue of free ones, and reference counts of the others.
///
/// The queue is a list with links in both directions, so that a block that still has contents can also be taken out of its
/// middle (`HashedBlocks`). Nothing here knows what a block holds.
///
/// - Source: arXiv 2309.06180 §4.2–4.5: block tables, sharing, copy on write.
public struct BlockPool: Sendable {
  /// Number of blocks.
  public let count: Int
  /// How many are free.
  public private(set) var freeCount: Int
  /// Holders of each block, 0 for a free one.
  private var holders: [Int32]
  /// The queue, from `count`, which stands before its head and behind its tail.
  private var after, before: [Int32]

  /// All blocks free, in the order of their numbers.
  /// - Parameter count: at least 0 and below 2³¹ − 1.
  public init(count: Int) {
    precondition(count >= 0 && count < Int(Int32.max), "blocks are numbered with 31 bits")
    self.count = count
    freeCount = count
    holders = Array(repeating: 0, count: count)
    after = (0...Int32(count)).map { $0 == Int32(count) ? 0 : $0 + 1 }
    before = (0...Int32(count)).map { $0 == 0 ? Int32(count) : $0 - 1 }
  }

  /// How many hold the block.
  public func references(of block: Int) -> Int { Int(holders[block]) }

  /// Takes the head of the queue.
  /// - Parameter references: how many hold it from now on.
  /// - Returns: nil where none is free.
  public mutating func allocate(references: Int = 1) -> Int? {
    guard freeCount > 0 else { return nil }
    let block = Int(after[count])
    take(block, references: references)
    return block
  }

  /// Takes a certain free block out of the queue.
  public mutating func take(_ block: Int, references: Int = 1) {
    precondition(holders[block] == 0 && references > 0, "only a free block is taken, by somebody")
    let (previous, next) = (before[block], after[block])
    after[Int(previous)] = next
    before[Int(next)] = previous
    freeCount -= 1
    holders[block] = Int32(references)
  }

  /// One holder more of a block that has one.
  public mutating func retain(_ block: Int) {
    precondition(holders[block] > 0, "a free block is allocated, not shared")
    holders[block] += 1
  }

  /// One holder less; the last one puts it at the tail of the queue.
  public mutating func release(_ block: Int) {
    precondition(holders[block] > 0, "block \(block) is free already")
    holders[block] -= 1
    if holders[block] == 0 { append(block) }
  }

  /// All holders give it back at once.
  public mutating func free(_ block: Int) {
    precondition(holders[block] > 0, "block \(block) is free already")
    holders[block] = 0
    append(block)
  }

  /// Whether a holder who writes needs a copy of its own: somebody else holds the block too.
  public func isShared(_ block: Int) -> Bool { holders[block] > 1 }

  /// A holder is about to write. It keeps a block that is its own; otherwise it leaves the shared one to the others.
  /// - Returns: the block to write to; nil where a copy is needed and none is free.
  public mutating func writable(_ block: Int) -> Int? {
    precondition(holders[block] > 0, "nobody writes to a free block")
    guard isShared(block) else { return block }
    guard let copy = allocate() else { return nil }
    holders[block] -= 1
    return copy
  }

  private mutating func append(_ block: Int) {
    let tail = before[count]
    (before[block], after[block]) = (tail, Int32(count))
    after[Int(tail)] = Int32(block)
    before[count] = Int32(block)
    freeCount += 1
  }

  /// Free blocks from the head of the queue to its tail.
  public var queue: [Int] {
    var blocks: [Int] = []
    var block = Int(after[count])
    while block != count, blocks.count <= count {
      blocks.append(block)
      block = Int(after[block])
    }
    return blocks
  }

  /// What is wrong; nil where every block is either free and in the queue once, or held.
  public var problem: String? {
    let queue = queue
    if queue.count != freeCount { return "\(freeCount) blocks are free, \(queue.count) are in the queue" }
    if Set(queue).count != queue.count { return "a block is in the queue twice" }
    if let held = queue.first(where: { holders[$0] != 0 }) { return "block \(held) is held and in the queue" }
    if holders.filter({ $0 == 0 }).count != freeCount { return "a block is neither held nor in the queue" }
    if holders.contains(where: { $0 < 0 }) { return "a block has fewer than no holders" }
    return nil
  }
}
