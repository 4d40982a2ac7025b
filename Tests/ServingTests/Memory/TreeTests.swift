import Foundation
import GSL
import Testing

@testable import Serving

/// How many random operations a test does; `PHOTON_OPERATIONS` says another number.
func operationCount(_ usual: Int) -> Int {
  ProcessInfo.processInfo.environment["PHOTON_OPERATIONS"].flatMap(Int.init) ?? usual
}

/// The prefix tree against a dictionary of whole prefixes.
@Suite struct TreeTests {
  /// A node is known by all keys from the root; everything is searched.
  private struct NaiveTree {
    struct Node {
      var id, references, lastUse: Int
      var blocks: [Int32]
    }
    var nodes: [[Int]: Node] = [:]
    var made = 0

    func match(_ keys: [Int], _ limit: Int) -> [[Int]] {
      (1...max(keys.count, 1)).prefix(min(limit, keys.count)).map { Array(keys.prefix($0)) }.prefix {
        nodes[$0] != nil
      }.map { $0 }
    }

    mutating func evict() -> [Int32]? {
      let free = nodes.filter { path, node in
        node.references == 0 && !nodes.keys.contains { $0.count == path.count + 1 && $0.starts(with: path) }
      }
      guard let oldest = free.min(by: { ($0.value.lastUse, $0.value.id) < ($1.value.lastUse, $1.value.id) })
      else { return nil }
      nodes[oldest.key] = nil
      return oldest.value.blocks
    }
  }

  @Test func `the tree does what a list of prefixes does`() {
    let random = RandomStream(seed: 1, name: "tree")
    var (tree, naive) = (PrefixTree(blocksPerNode: 2), NaiveTree())
    // Paths that somebody holds: with their places, and by their keys.
    var held: [(places: [PrefixTree.Place], keys: [Int])] = []
    var block: Int32 = 0
    for now in 0..<operationCount(4000) {
      let keys = (0..<random.integer(in: 1..<5)).map { _ in random.integer(in: 0..<3) }
      switch random.integer(in: 0..<4) {
      case 0, 1:
        // A request matches what is there, and inserts the rest.
        var places = tree.match(keys, atMost: keys.count)
        #expect(places.count == naive.match(keys, keys.count).count)
        for place in places { tree.retain(place, now: now / 3) }
        for depth in places.count..<keys.count {
          let own = [block, block + 1]
          block += 2
          let place = tree.insert(key: keys[depth], below: places.last ?? PrefixTree.root, own: own, now: now / 3)
          tree.retain(place, now: now / 3)
          places.append(place)
          naive.nodes[Array(keys.prefix(depth + 1))] = .init(
            id: naive.made, references: 0, lastUse: now / 3, blocks: own)
          naive.made += 1
        }
        for depth in 1...keys.count {
          naive.nodes[Array(keys.prefix(depth))]?.references += 1
          naive.nodes[Array(keys.prefix(depth))]?.lastUse = now / 3
        }
        held.append((places, keys))
      case 2 where !held.isEmpty:
        let (places, keys) = held.remove(at: random.integer(in: 0..<held.count))
        for place in places { tree.release(place, now: now / 3) }
        for depth in 1...keys.count {
          naive.nodes[Array(keys.prefix(depth))]?.references -= 1
          naive.nodes[Array(keys.prefix(depth))]?.lastUse = now / 3
        }
      default:
        let (evicted, expected) = (tree.evict(), naive.evict())
        guard evicted == expected else {
          Issue.record("operation \(now) evicts \(evicted ?? []) instead of \(expected ?? [])")
          return
        }
      }
      if let problem = tree.problem { Issue.record("operation \(now): \(problem)") }
      let entries = tree.entries.map { [$0.id, $0.references, $0.lastUse] + $0.blocks }
      let expected = naive.nodes.values.sorted { $0.id < $1.id }.map {
        [$0.id, $0.references, $0.lastUse] + $0.blocks.map(Int.init)
      }
      guard entries == expected, tree.unreferencedCount == naive.nodes.values.count(where: { $0.references == 0 })
      else {
        Issue.record("operation \(now): \(entries) instead of \(expected)")
        return
      }
    }
  }

  @Test func `a held path is never evicted, and parents go after their children`() {
    var tree = PrefixTree()
    let first = tree.insert(key: 1, below: PrefixTree.root, own: [0], now: 0)
    let second = tree.insert(key: 2, below: first, own: [1], now: 5)
    tree.retain(first, now: 5)
    #expect(tree.evict() == [1] && tree.evict() == nil)
    tree.release(first, now: 6)
    #expect(tree.child(of: first, key: 2) == nil && second != first && tree.evict() == [0] && tree.count == 0)
  }
}
