import GSL
import Testing

@testable import Serving

/// The block pool against a queue and counts in plain arrays.
@Suite struct BlockTests {
  /// The same rules without links: an array is the queue, another has the holders.
  private struct NaivePool {
    var queue: [Int]
    var holders: [Int]

    init(count: Int) { (queue, holders) = (Array(0..<count), Array(repeating: 0, count: count)) }

    mutating func allocate() -> Int? {
      guard let block = queue.first else { return nil }
      queue.removeFirst()
      holders[block] = 1
      return block
    }

    mutating func release(_ block: Int) {
      holders[block] -= 1
      if holders[block] == 0 { queue.append(block) }
    }

    mutating func writable(_ block: Int) -> Int? {
      if holders[block] == 1 { return block }
      guard let copy = allocate() else { return nil }
      holders[block] -= 1
      return copy
    }
  }

  @Test func `the pool does what a queue and counts do`() {
    let random = RandomStream(seed: 1, name: "blocks")
    var (pool, naive) = (BlockPool(count: 13), NaivePool(count: 13))
    for operation in 0..<operationCount(20_000) {
      let block = random.integer(in: 0..<13)
      let isHeld = naive.holders[block] > 0
      switch random.integer(in: 0..<6) {
      case 0, 1: #expect(pool.allocate() == naive.allocate())
      case 2 where isHeld:
        pool.retain(block)
        naive.holders[block] += 1
      case 3 where isHeld:
        pool.release(block)
        naive.release(block)
      case 4 where isHeld: #expect(pool.writable(block) == naive.writable(block))
      case 5 where isHeld:
        pool.free(block)
        naive.holders[block] = 1
        naive.release(block)
      case 5:
        pool.take(block)
        naive.queue.removeAll { $0 == block }
        naive.holders[block] = 1
      default: continue
      }
      if let problem = pool.problem { Issue.record("operation \(operation): \(problem)") }
      guard pool.queue == naive.queue, (0..<13).allSatisfy({ pool.references(of: $0) == naive.holders[$0] }) else {
        Issue.record("operation \(operation): \(pool.queue) instead of \(naive.queue)")
        return
      }
    }
  }

  /// The example of vLLM's page on prefix caching: 10 blocks of 4 tokens; the first 12 of 29 tokens hit blocks 0, 1, 2.
  @Test func `known blocks leave the middle of the queue, and the others are forgotten from its head`() {
    var cache = HashedBlocks(count: 10)
    let table = (0..<10).map { _ in cache.allocate()! }
    for block in table { cache.cache(block, key: 100 + block) }
    for block in [7, 8, 9, 4, 3, 2, 6, 5, 1, 0] { cache.release([block]) }
    let hits = cache.match([100, 101, 102, 999, 104, 105, 106], tokens: 29, blockTokens: 4)
    #expect(hits == [0, 1, 2])
    cache.touch(hits)
    #expect(cache.pool.queue == [7, 8, 9, 4, 3, 6, 5])
    #expect((0..<5).map { _ in cache.allocate() } == [7, 8, 9, 4, 3])
    #expect(cache.match([107], tokens: 5, blockTokens: 4) == [] && cache.match([106], tokens: 5, blockTokens: 4) == [6])
    #expect(cache.problem == nil)
  }

  @Test func `at least one token of a known prompt is computed again`() {
    var cache = HashedBlocks(count: 4)
    let table = (0..<2).map { _ in cache.allocate()! }
    for (place, block) in table.enumerated() { cache.cache(block, key: place) }
    #expect(cache.match([0, 1], tokens: 8, blockTokens: 4) == [table[0]])
    #expect(cache.match([0, 1], tokens: 9, blockTokens: 4) == table)
    #expect(cache.match([1, 0], tokens: 9, blockTokens: 4) == [table[1], table[0]])
    #expect(cache.match([], tokens: 0, blockTokens: 4) == [])
  }

  @Test func `equal contents are not merged, and a sequence's end is forgotten first`() {
    var cache = HashedBlocks(count: 4)
    let (first, second) = ([cache.allocate()!, cache.allocate()!], [cache.allocate()!])
    cache.cache(first[0], key: 7)
    cache.cache(second[0], key: 7)
    cache.release(first)
    cache.release(second)
    #expect(cache.pool.queue == [3, 1, 0, 2] && cache.match([7], tokens: 9, blockTokens: 4) == [0])
    #expect(cache.problem == nil)
  }
}
