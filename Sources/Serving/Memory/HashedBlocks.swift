/// A prefix cache in the queue of free blocks itself, as vLLM has it: contents stay known until their block is taken for
/// something else; equal contents are not merged.
///
/// A key stands for a whole prefix that ends with its block (the hash of the parent's key and the block's tokens).
///
/// - Source: arXiv 2309.06180 and vLLM's automatic prefix caching, as its design page describes it.
public struct HashedBlocks: Sendable {
  /// The blocks under it.
  public private(set) var pool: BlockPool
  private var keys: [Int?]
  private var blocks: [Int: Int] = [:]

  /// - Parameter count: of blocks.
  public init(count: Int) {
    pool = BlockPool(count: count)
    keys = Array(repeating: nil, count: count)
  }

  /// The blocks that hold the beginning of a prompt, up to the first that is not there.
  /// - Parameters:
  ///   - keys: of the prompt's full blocks, in order.
  ///   - tokens: of the prompt; at least one of them is computed again.
  ///   - blockTokens: in a block.
  public func match(_ keys: [Int], tokens: Int, blockTokens: Int) -> [Int] {
    keys.prefix(max(tokens - 1, 0) / blockTokens).map { blocks[$0] }.prefix { $0 != nil }.map { $0! }
  }

  /// Holds matched blocks; free ones leave the queue.
  public mutating func touch(_ matched: [Int]) {
    for block in matched {
      if pool.references(of: block) == 0 { pool.take(block) } else { pool.retain(block) }
    }
  }

  /// The head of the queue, whose contents are forgotten.
  /// - Returns: nil where none is free.
  public mutating func allocate() -> Int? {
    guard let block = pool.allocate() else { return nil }
    forget(block)
    return block
  }

  /// A held block is full now. Where another block has the same contents, that one stays the known one.
  public mutating func cache(_ block: Int, key: Int) {
    precondition(pool.references(of: block) > 0 && keys[block] == nil, "a held block gets its key once")
    guard blocks[key] == nil else { return }
    keys[block] = key
    blocks[key] = block
  }

  /// A sequence gives its blocks back, the last one first, so that the ends of prompts are forgotten before their beginnings.
  public mutating func release(_ table: [Int]) { for block in table.reversed() { pool.release(block) } }

  private mutating func forget(_ block: Int) {
    guard let key = keys[block] else { return }
    keys[block] = nil
    blocks[key] = nil
  }

  /// What is wrong; nil where keys and blocks agree.
  public var problem: String? {
    if let problem = pool.problem { return problem }
    for (key, block) in blocks where keys[block] != key { return "key \(key) is not that of block \(block)" }
    return keys.count(where: { $0 != nil }) == blocks.count ? nil : "a block has a key that is not known"
  }
}
