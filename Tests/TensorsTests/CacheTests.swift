import Architectures
import GSL
import Testing

@testable import Tensors

/// Where entries lie, what rotates them, and what is held: two numbers that only agree while everything is kept.
struct CacheTests {
  static let layer = LayerShape(width: 12, heads: 4, keyValueHeads: 2, feedForward: 8)

  static func cache(
    groups: Int = 2, capacity: Int = 5, holdsNumbers: Bool = true, prefix: KeyValueCache? = nil, share: Int = 1,
    methods: @escaping CacheMethods.Factory = CacheMethods.ofPlan
  ) -> KeyValueCache {
    let stack = Stack(
      level: 0, side: .decoder, runs: Runs(LayerRun(layers: 2, shape: layer, cache: .full)), persists: true)
    return KeyValueCache(
      stack, groups: groups, capacity: capacity, holdsNumbers: holdsNumbers, prefix: prefix, share: share,
      methods: methods)
  }

  @Test func `no two entries share an element and none is left over`() {
    let layout = CacheLayout(layers: 2, groups: 3, heads: 2, capacity: 4, headWidth: 5)
    var uses = [Int](repeating: 0, count: layout.elements)
    for layer in 0..<2 {
      for group in 0..<3 {
        for head in 0..<2 {
          for entry in 0..<4 {
            let start = layer * layout.layerStride + layout.offset(group: group, head: head, entry: entry)
            for index in start..<start + 5 { uses[index] += 1 }
          }
        }
      }
    }
    #expect(uses.allSatisfy { $0 == 1 })
  }

  @Test func `what is stored is loaded again`() {
    let cache = Self.cache()
    let row = (0..<2 * Self.layer.keyValueWidth).map(Float.init)
    var read = [Float](repeating: -1, count: row.count)
    let entries = cache.entries(1)!
    entries.store(row, of: 0..<2, group: 1, entry: 3)
    entries.load(group: 1, entry: 3, into: &read)
    #expect(read == row)
    #expect(entries.areFinite(0..<5))
    entries.values(group: 1, head: 1, entry: 4)[0] = .nan
    #expect(entries.areFinite(0..<4) && !entries.areFinite(4..<5))
  }

  @Test(arguments: [true, false])
  func `segments cover what is held, in order of position`(holdsNumbers: Bool) {
    let prefix = Self.cache(groups: 1, capacity: 3, holdsNumbers: holdsNumbers)
    prefix.advance(by: 3)
    let cache = Self.cache(holdsNumbers: holdsNumbers, prefix: prefix, share: 2)
    #expect((cache.held, cache.ownHeld, cache.nextPosition) == (3, 0, 3))
    for held in 0..<4 {
      let ends = cache.withSegments(run: 0, appended: 1) { $0.map { [$0.firstEntry, $0.count, $0.share] } }
      #expect(ends == (holdsNumbers ? [[0, 3, 2], [0, held + 1, 1]] : []))
      cache.advance(by: 1)
      #expect((cache.held, cache.nextPosition) == (4 + held, 4 + held))
    }
    cache.clear()
    #expect((cache.held, cache.nextPosition) == (3, 3))
    cache.fill(with: 1, count: 2)
    #expect(cache.ownHeld == 2)
    cache.release()
    #expect((cache.ownHeld, cache.allocatedBytes) == (0, 0))
    #expect(cache.entries(0) == nil)
  }

  @Test func `copied groups hold the numbers of their source`() {
    let (source, copy) = (Self.cache(groups: 2, capacity: 5), Self.cache(groups: 2, capacity: 3))
    source.fill(with: 2, count: 4)
    copy.copyGroups(from: source, first: 1, copies: 2, count: 3)
    #expect((copy.held, copy.nextPosition) == (3, 3))
    #expect(copy.entries(1)!.keys(group: 1, head: 1, entry: 2)[0] == 2)
  }

  /// Weights are at most 1; a score errs by a few roundings for each of its 3 features, softmax by one for each key.
  @Test(arguments: [(Voters.Candidates.attended, 0..<5), (.held, 1..<3), (.pass, 1..<3), (.pass, 3..<5)])
  func `plain and fast arithmetic agree on the votes for every entry`(
    candidates: Voters.Candidates, queries: Range<Int>
  ) {
    let voters = Voters(queries: queries, candidates: candidates)
    let votes = [Backend.plain, .fast].map { backend in
      let machine = Machine(backend: backend)
      let cache = Self.cache(groups: 2, capacity: 80) { Asking(asked: voters).methods($0) }
      let plain = Self.cache(groups: 2, capacity: 80)
      let stream = RandomStream(seed: 1, name: "mass")
      cache.fill(from: stream)
      // The entries of the pass as well, which it is only said to have appended.
      cache.advance(by: 71)
      plain.copyGroups(from: cache)
      for cache in [cache, plain] {
        cache.clear()
        cache.advance(by: 66)
        // The last two of five rows stand behind all that they vote for.
        if queries.lowerBound == 3 { cache.lookAhead(by: 2) }
      }
      let query = machine.makeState(rows: 10, columns: Self.layer.queryWidth)
      for index in 0..<query.count { query.base![index] = Float(stream.gaussian()) }
      func attend(_ cache: KeyValueCache) -> [Float] {
        machine.attend(query, cache: cache, layer: 1, queries: 5, readsOnce: true, at: Self.node).elements
      }
      #expect(attend(cache) == attend(plain))
      return cache.runs[1].mass!.elements
    }
    for (plain, fast) in zip(votes[0], votes[1]) {
      #expect(abs(plain - fast) <= 6 * 100 * 0x1p-23)
      #expect((plain == 0) == (fast == 0))
    }
    // Each query of two heads votes for each of four key–value heads.
    #expect(abs(votes[0].reduce(0, +) - Float(8 * voters.queries.count)) < 0.001)
  }

  /// The newest entry of a full window lies where the oldest one left: ranks are not places.
  @Test func `plain and fast arithmetic agree on keys rotated by their rank`() {
    let results = [Backend.plain, .fast].map { backend in
      let machine = Machine(backend: backend)
      let plan = Streaming(sinks: 2, window: 20, positions: .cache, evicts: .behind)
      let cache = Self.cache(groups: 2, capacity: 80) { SinksAndWindow(plan: plan).methods($0) }
      let stream = RandomStream(seed: 1, name: "ranks")
      cache.fill(from: stream)
      for _ in 0..<30 {
        cache.advance(by: 1)
        machine.settle(cache, queries: 1, at: Self.node)
      }
      let places = cache.places[1][0].places
      #expect(places.count == 22 && places != places.sorted())
      let query = machine.makeState(rows: 2, columns: Self.layer.queryWidth)
      for index in 0..<query.count { query.base![index] = Float(stream.gaussian()) }
      return machine.attend(query, cache: cache, layer: 1, queries: 1, readsOnce: false, at: Self.node).elements
    }
    // Values are below 5; each weight errs as above.
    for (plain, fast) in zip(results[0], results[1]) { #expect(abs(plain - fast) <= 5 * 100 * 0x1p-23) }
    #expect(results[0].allSatisfy { $0 != 0 })
  }

  static let node = Node(0, .decoder, .attention)
}

extension KeyValueCache {
  /// Gives every entry of every layer numbers, held or not.
  fileprivate func fill(from stream: RandomStream) {
    for layer in 0..<layout.layers {
      for index in 0..<layout.layerStride {
        entries(layer)!.keys[index] = Float(stream.gaussian())
        entries(layer)!.values[index] = Float(stream.gaussian())
      }
    }
  }
}
