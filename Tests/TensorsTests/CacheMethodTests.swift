import Architectures
import Quantities
import Testing

@testable import Tensors

/// What the seams of a cache owe to any method, shown by methods that only tests have.
struct CacheMethodTests {
  static let layer = Passes.layer
  static let plan = HeadRun(1, .full)
  static let steps = [4, 1, 1, 2, 1, 3, 1]

  static func latest(_ count: Int) -> CacheMethods { Latest(count: count).methods(plan) }

  @Test(arguments: [1, 3, 6])
  func `attention over a window is attention over its keys at their true positions, in every bit`(window: Int) {
    let passes = Passes(.plain, methods: [Self.latest(window)])
    var (held, end) = (0, 0)
    for queries in Self.steps {
      let order = passes.order()
      let (query, result) = passes.pass(queries)
      for row in 0..<2 * queries {
        let position = end + row % queries
        for head in 0..<4 {
          let at = (row * 4 + head) * 3..<(row * 4 + head + 1) * 3
          let expected = passes.attend(
            query[at], group: row / queries, head: head, positions: order + Array(end...position))
          #expect(Set(order) == Set(end - held..<end))
          #expect(Array(result[at]) == expected.result)
        }
      }
      end += queries
      held = min(held + queries, window)
      #expect((passes.cache.held, passes.cache.nextPosition) == (held, end))
      // Two groups, two heads, a key and a value of three features of 32 bits.
      #expect(passes.cache.bitsHeld(in: .fp32) == Int128(held * 2 * 2 * 6 * 32))
    }
  }

  @Test(arguments: [Backend.plain, .fast])
  func `heads with windows of their own do what caches of their own would do`(backend: Backend) {
    let windows = [2, 5]
    let both = Passes(backend, methods: windows.map(Self.latest))
    let alone = windows.map { Passes(backend, methods: [Self.latest($0)]) }
    for queries in Self.steps {
      let result = both.pass(queries).result
      let parts = alone.map { $0.pass(queries).result }
      // Two query heads of three features read each of the two key–value heads.
      for index in result.indices { #expect(result[index] == parts[index % 12 / 6][index]) }
    }
    #expect(both.cache.ownHeld(run: 0) == 2 && both.cache.ownHeld(run: 1) == 5)
    #expect(both.cache.bitsHeld(in: .fp8) == 7 * 2 * 6 * 8)
  }

  @Test func `shapes record the operations of numbers, one attention for each run of heads`() {
    func operations(_ backend: Backend) -> [String] {
      let trace = Trace(levelCount: 0, precision: .float32, listsOperations: true)
      let passes = Passes(backend, trace: trace, methods: [Self.latest(3), Heaviest(count: 2).methods(Self.plan)])
      for queries in Self.steps { _ = passes.pass(queries) }
      return trace.operations.map { "\($0.entry.node) \($0.entry.operation) × \($0.count)" }
    }
    let (numbers, shapes) = (operations(.plain), operations(.shapes))
    #expect(numbers == shapes)
    #expect(
      shapes.prefix(6) == [
        "level0/decoder/attention queryKeyValue 8 × 12 → 24 (persistent) × 1",
        "level0/decoder/attention attention 2 × 4 queries after 0 keys, 2 heads of 3 (persistent) × 2",
        // The ten pairs of four queries, in each sequence.
        "level0/decoder/upkeep scoreEntries 2 × 4 queries for 4 entries, 2 heads (weights: again) × 1",
        // One of the four goes, and the newest takes its place; two go, and the other two are gathered.
        "level0/decoder/upkeep moveEntries 2 of 2 × 3 × 5",
        "level0/decoder/upkeep moveEntries 4 of 2 × 3 × 3",
        "level0/decoder/attention queryKeyValue 2 × 12 → 24 (persistent) × 4",
      ])
  }

  @Test func `the newest entry takes the place of the one that goes`() {
    let trace = Trace(levelCount: 0, precision: .float32)
    let passes = Passes(.shapes, trace: trace, methods: [Self.latest(5)])
    let node = Node(0, .decoder, .upkeep)
    _ = passes.pass(5)
    #expect(trace.work(.prefill, at: node) == .zero)
    trace.phase = .decode
    for step in 1...4 {
      _ = passes.pass(1)
      // An entry of two groups and two heads, a key and a value of three features of 32 bits.
      let moved = Int128(step * 2 * 2 * 6 * 32)
      #expect(trace.work(.decode, at: node) == Work(cacheReadBits: moved, cacheWriteBits: moved))
    }
  }

  /// Masses are sums in the same order as the machine's: of queries, then of the heads that share a key. Entries stand
  /// in the order of their places.
  @Test func `a retention that asks for the mass of entries decides by it, for every head`() {
    let passes = Passes(.plain, methods: [Heaviest(count: 4).methods(Self.plan)])
    var held = [[Int]](repeating: [], count: 4)
    var mass = [[Float]](repeating: [], count: 4)
    var end = 0
    for queries in Self.steps {
      let query = passes.pass(queries).query
      for place in 0..<4 {
        let (group, shared, before) = (place / 2, place % 2, held[place].count)
        held[place] += end..<end + queries
        mass[place] += [Float](repeating: 0, count: queries)
        for index in 0..<queries {
          for head in 2 * shared...2 * shared + 1 {
            let at = ((group * queries + index) * 4 + head) * 3
            let seen = Array(held[place].prefix(before + index + 1))
            let weights = passes.attend(query[at..<at + 3], group: group, head: head, positions: seen).weights
            for (key, weight) in weights.enumerated() { mass[place][key] += weight }
          }
        }
        let byPosition = held[place].indices.sorted { held[place][$0] < held[place][$1] }
        let kept = Heaviest.heaviest(4, of: byPosition.map { mass[place][$0] }).map { byPosition[$0] }
        var places = kept
        if held[place].count == 5 {
          // The last one takes the place of the one that goes.
          let gone = (0..<5).first { !kept.contains($0) }!
          places = (0..<4).map { $0 == gone ? 4 : $0 }
        }
        (held[place], mass[place]) = (places.map { held[place][$0] }, places.map { mass[place][$0] })
        #expect(passes.order(group: group, head: shared) == held[place])
        for (entry, position) in held[place].enumerated() {
          #expect(
            passes.cache.entries(0)!.keys(group: group, head: shared, entry: entry)[0]
              == passes.whole.entries(0)!.keys(group: group, head: shared, entry: position)[0])
          #expect(passes.cache.runs[0].mass(group: group, head: shared)![entry] == mass[place][entry])
        }
      }
      end += queries
    }
    #expect(Set(held).count > 1, "heads that kept the same entries prove little")
  }

  @Test func `one head of one sequence decides by its votes as many do`() {
    let heads = [Heaviest(count: 4).methods(Self.plan), Heaviest(count: 4).methods(Self.plan)]
    let (alone, both) = (Passes(.plain, groups: 1, methods: heads), Passes(.plain, groups: 1, methods: [heads[0]]))
    var kept: Set<[Int32]> = []
    for queries in Self.steps {
      #expect(alone.pass(queries).result == both.pass(queries).result)
      for head in 0..<2 {
        #expect(alone.cache.places[head][0].positions == both.cache.places[0][head].positions)
        kept.insert(alone.cache.places[head][0].positions)
      }
    }
    #expect(kept.count > 1, "sets that never change prove little")
  }

  @Test(arguments: [Backend.plain, .fast])
  func `reading the latest entries is like having kept no others`(backend: Backend) {
    var reads = CacheMethods(.full)
    reads.lookingUp = Recent(count: 3)
    let (read, kept) = (Passes(backend, methods: [reads]), Passes(backend, methods: [Self.latest(3)]))
    // The same numbers are added up in another order: eight roundings of sums and weights at most.
    for queries in [4, 1, 1, 1, 1] {
      for (left, right) in zip(read.pass(queries).result, kept.pass(queries).result) {
        #expect(abs(left - right) <= 8 * 0x1p-23 * max(abs(left), 1))
      }
    }
    #expect(read.cache.held == 8)
  }

  @Test func `what is read of the host's memory crosses the link`() {
    struct Away: Placing {
      func allocated(for held: Int) -> Int { (held + 3) / 4 * 4 }
      func atHost(of held: Int) -> Range<Int> { 0..<min(held, 2) }
    }
    struct Nibbles: EntryForming {
      func size(headWidth: Int) -> EntryTraffic { EntryTraffic(ownBits: 4 * headWidth + 16) }
      func keySize(headWidth: Int) -> EntryTraffic { EntryTraffic(ownBits: 2 * headWidth + 8) }
    }
    var methods = CacheMethods(.full)
    (methods.placing, methods.form) = (Away(), Nibbles())
    let trace = Trace(levelCount: 0, precision: .float32)
    let passes = Passes(.plain, trace: trace, methods: [methods])
    _ = passes.pass(5)
    let node = Node(0, .decoder, .upkeep)
    // Entries of two groups and two heads, of 28 bits each: two of five go, and come when they are read.
    #expect(trace.work(.prefill, at: node) == Work(hostBits: Int128(2 * 2 * 2 * 28)))
    _ = passes.pass(1)
    #expect(trace.work(.prefill, at: node) == Work(hostBits: Int128((2 + 2) * 2 * 2 * 28)))
    // Four of the six entries are on the device and take a page of four, in each of four heads.
    #expect(passes.cache.bitsHeld(in: .fp32) == 4 * 4 * 28)
    #expect(passes.cache.bitsAtHost(in: .fp32) == 2 * 4 * 28)
  }

  @Test func `a copy goes on where its source stands, and a shared prompt is one only where nothing goes`() {
    let passes = Passes(.plain, groups: 1, methods: [Heaviest(count: 3).methods(Self.plan)])
    for queries in [4, 1] { _ = passes.pass(queries) }
    let (source, copy) = (passes.cache, passes.cache.continued(by: 2, room: 4))
    #expect(copy.prefix == nil && copy.groups == 2 && copy.capacity == 7)
    #expect((copy.held, copy.nextPosition) == (3, 5))
    for group in 0..<2 {
      #expect(copy.runs[0].mass(group: group, head: 1)![2] == source.runs[0].mass(group: 0, head: 1)![2])
      #expect(
        copy.entries(0)!.values(group: group, head: 1, entry: 2)[1]
          == source.entries(0)!.values(group: 0, head: 1, entry: 2)[1])
    }
    let shared = passes.whole.continued(by: 2, room: 4)
    #expect(shared.prefix === passes.whole && shared.capacity == 4 && shared.held == 5)
  }
}
