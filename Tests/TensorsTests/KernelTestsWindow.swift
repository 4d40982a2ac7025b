import Architectures
import GSL
import Quantities
import Testing

@testable import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension AttentionCase {
  var shape: AttentionShape {
    let layer = LayerShape(
      width: heads * headWidth, heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth, feedForward: 1)
    return AttentionShape(
      groups: groups, queries: queries, keysBefore: past, layer: layer, store: .persistent, readsOnce: true,
      window: window)
  }

  func masked(by window: Int) -> AttentionCase {
    var other = self
    other.window = window
    return other
  }

  /// The plain kernel on the segments of `runWithMass`, the groups' own entries cut in two.
  func plain(_ numbers: Numbers, mass before: [Float]) -> (y: [Float], mass: [Float]) {
    let memory = [numbers.prefixKeys, numbers.prefixValues, numbers.keys, numbers.values].map {
      let memory = UnsafeMutablePointer<Float>.allocate(capacity: $0.count + 1)
      memory.initialize(from: $0, count: $0.count)
      return memory
    }
    defer { for memory in memory { memory.deallocate() } }
    func layout(_ groups: Int, _ capacity: Int) -> CacheLayout {
      CacheLayout(layers: 1, groups: groups, heads: keyValueHeads, capacity: capacity, headWidth: headWidth)
    }
    let prefix = Entries(
      layout(groups / share, prefixCapacity), layer: 0, keys: memory[0], values: memory[1])
    let own = Entries(layout(groups, capacity), layer: 0, keys: memory[2], values: memory[3])
    let (count, middle) = (positions - prefixLength, (positions - prefixLength) / 2)
    let segments = [
      Segment(entries: prefix, firstHead: 0, firstEntry: 0, count: prefixLength, share: share),
      Segment(entries: own, firstHead: 0, firstEntry: 0, count: middle, share: 1),
      Segment(entries: own, firstHead: 0, firstEntry: middle, count: count - middle, share: 1),
    ]
    var (y, mass) = ([Float](repeating: 7, count: numbers.q.count), before)
    var weights = [Float](repeating: .nan, count: positions)
    segments.withUnsafeBufferPointer { segments in
      mass.withUnsafeMutableBufferPointer { mass in
        PlainKernels<Float>.attend(
          shape, query: numbers.q, columns: heads * headWidth, segments: segments, weights: &weights,
          mass: (mass.baseAddress!, massColumns), into: &y)
      }
    }
    return (y, mass)
  }

  /// Every entry weighed, those that are masked with zero, in the order of the plain kernel.
  func naive(_ numbers: Numbers, mass before: [Float]) -> (y: [Float], mass: [Float]) {
    var (y, mass) = ([Float](repeating: 0, count: numbers.q.count), before)
    let scale = Float(1 / Double(headWidth).squareRoot())
    for row in 0..<groups * queries * heads {
      let (group, query, head) = (row / heads / queries, row / heads % queries, row % heads)
      let shared = head / (heads / keyValueHeads)
      let isSeen = (0..<positions).map { $0 <= past + query && (window == 0 || $0 > past + query - window) }
      var weights = (0..<positions).map { position in
        let key = at(position, group: group, head: shared, own: numbers.keys, prefix: numbers.prefixKeys)
        return zip(numbers.q[(row * headWidth)...], key).reduce(Float(0)) { $0 + $1.0 * $1.1 } * scale
      }
      let largest = zip(weights, isSeen).filter(\.1).map(\.0).max()!
      weights = zip(weights, isSeen).map { $1 ? exp($0 - largest) : 0 }
      let total = weights.reduce(0, +)
      for position in 0..<positions {
        let weight = weights[position] / total
        let value = at(position, group: group, head: shared, own: numbers.values, prefix: numbers.prefixValues)
        for (index, value) in value.enumerated() { y[row * headWidth + index] += weight * value }
        if isSeen[position] { mass[(group * keyValueHeads + shared) * massColumns + position] += weight }
      }
    }
    return (y, mass)
  }
}

/// Attention that sees the latest entries alone.
extension KernelTests {
  /// Windows from one entry to more than there are, which begin inside a block of 64 keys, at its end, and in different
  /// blocks for queries that are computed together, few or many.
  static let masked: [AttentionCase] = [3, 16].flatMap { width in
    [1, 2, 7, 63, 64, 66, 130, 1000].flatMap { window in
      [
        AttentionCase(groups: 6, past: 7, heads: 4, keyValueHeads: 4, headWidth: width, prefixLength: 5, share: 3),
        AttentionCase(
          groups: 2, queries: 70, past: 61, heads: 2, keyValueHeads: 1, headWidth: width, prefixLength: 50, share: 2),
        AttentionCase(queries: 3, past: min(window, 130) + 62, headWidth: width, prefixLength: 60),
        AttentionCase(groups: 2, queries: 4, past: 190, heads: 2, keyValueHeads: 1, headWidth: width),
      ].map { $0.masked(by: window) }
    }
  }

  @Test(arguments: masked)
  func `plain attention under a window is softmax with masked weights of zero, in every bit`(attention: AttentionCase) {
    let (numbers, before) = (attention.numbers(), Self.masses(attention))
    #expect(attention.plain(numbers, mass: before) == attention.naive(numbers, mass: before))
  }

  /// Each errs by at most its bound, to which a mass adds a rounding for each row that is added.
  @Test(arguments: masked)
  func `fast attention under a window is within the bounds of the plain one`(attention: AttentionCase) {
    let (numbers, before) = (attention.numbers(), Self.masses(attention))
    let (plain, expected) = (attention.plain(numbers, mass: before), attention.expected(numbers))
    let fast = attention.runWithMass(numbers, mass: before)
    for index in fast.y.indices {
      #expect(abs(Double(fast.y[index]) - Double(plain.y[index])) <= 2 * expected.yBound[index])
    }
    let rows = Double(attention.queries * attention.heads / attention.keyValueHeads)
    for index in before.indices {
      let magnitude = Double(before[index]) + expected.mass[index] + expected.massBound[index]
      let bound = expected.massBound[index] + (expected.mass[index] == 0 ? 0 : rows * unitRoundoff * magnitude)
      #expect(abs(Double(fast.mass[index]) - Double(plain.mass[index])) <= 2 * bound)
      #expect(abs(Double(fast.mass[index]) - Double(before[index]) - expected.mass[index]) <= bound)
    }
  }

  @Test(arguments: windows.filter { $0.headWidth <= 64 })
  func `a window of all entries, or of more, changes no bit`(attention: AttentionCase) {
    let (numbers, before) = (attention.numbers(), Self.masses(attention))
    let (fast, plain) = (attention.runWithMass(numbers, mass: before), attention.plain(numbers, mass: before))
    for window in [attention.positions, attention.positions + 1, .max] {
      let masked = attention.masked(by: window)
      #expect(masked.runWithMass(numbers, mass: before) == fast)
      #expect(masked.plain(numbers, mass: before) == plain)
    }
  }

  @Test func `entries that no query sees are not read, whole blocks of them in fast attention`() {
    var attention = AttentionCase(groups: 2, queries: 5, past: 200, heads: 4, keyValueHeads: 2, headWidth: 20)
    attention.window = 70
    let clean = attention.numbers()
    /// Numbers whose first entries are none.
    func dirty(_ count: Int) -> AttentionCase.Numbers {
      var dirty = clean
      for head in 0..<attention.groups * attention.keyValueHeads {
        let first = head * attention.capacity * attention.headWidth
        for index in first..<first + count * attention.headWidth {
          (dirty.keys[index], dirty.values[index]) = (.nan, .nan)
        }
      }
      return dirty
    }
    let before = Self.masses(attention)
    let first = attention.seen(by: 0).lowerBound
    #expect(attention.plain(clean, mass: before) == attention.plain(dirty(first), mass: before))
    #expect(
      attention.runWithMass(clean, mass: before) == attention.runWithMass(dirty(first / 64 * 64), mass: before))
  }

  /// The window goes through a machine to either kernel. Weights are at most 1, and values at most `largest`; a score
  /// errs by a few roundings for each of its 3 features, softmax and sums by one for each key, of which there are 69.
  @Test(arguments: [0, 1, 5, 64, 68, 69, 100])
  func `plain and fast machines agree on attention under a window`(window: Int) {
    func run(_ backend: Backend, window: Int) -> (y: [Float], mass: [Float], largest: Float) {
      let machine = Machine(backend: backend)
      let cache = CacheTests.cache(groups: 2, capacity: 80) { Heaviest(count: 80).methods($0) }
      let stream = RandomStream(seed: 1, name: "machine window")
      var largest: Float = 0
      for index in 0..<cache.layout.layerStride {
        cache.entries(1)!.keys[index] = Float(stream.gaussian())
        cache.entries(1)!.values[index] = Float(stream.gaussian())
        largest = max(largest, abs(cache.entries(1)!.values[index]))
      }
      cache.advance(by: 66)
      let query = machine.makeState(rows: 6, columns: CacheTests.layer.queryWidth)
      for index in 0..<query.count { query.base![index] = Float(stream.gaussian()) }
      let result = machine.makeState(rows: 6, columns: CacheTests.layer.queryWidth)
      let run = cache.runs[1]
      let shape = AttentionShape(
        groups: 2, queries: 3, keysBefore: 66, layer: run.shape, store: .persistent, readsOnce: true, window: window)
      cache.withSegments(run: 1, appended: 3) {
        machine.attendRows(query, shape: shape, run: run, mass: run.mass, segments: $0, into: result)
      }
      return (result.elements, run.mass!.elements, largest)
    }
    let (plain, fast) = (run(.plain, window: window), run(.fast, window: window))
    for (plain, fast) in zip(plain.mass, fast.mass) {
      #expect(abs(plain - fast) <= 6 * 100 * 0x1p-23)
      #expect((plain == 0) == (fast == 0))
    }
    for (y, other) in zip(plain.y, fast.y) { #expect(abs(y - other) <= 200 * 0x1p-23 * plain.largest) }
    #expect(abs(plain.mass.reduce(0, +) - 24) < 0.001)
    if window == 0 || window >= 69 {
      let (whole, fastWhole) = (run(.plain, window: 0), run(.fast, window: 0))
      #expect(plain == whole && fast == fastWhole)
    } else {
      let first = max(67 - window, 0)
      for head in 0..<4 {
        let own = plain.mass[head * 80..<(head + 1) * 80]
        #expect(own.prefix(first).allSatisfy { $0 == 0 } && own[head * 80 + first] > 0)
      }
    }
  }
}
