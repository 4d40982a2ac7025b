import Architectures
import GSL
import Quantities

@testable import Tensors

/// Keeps the latest entries: a method that only tests have.
struct Latest: Retaining {
  let count: Int

  func survivors(
    of held: Int, behind _: PassPlace, votes mass: UnsafeBufferPointer<Float>?
  ) -> [Range<Int>]? {
    held > count ? [held - count..<held] : nil
  }
}

/// Keeps the entries with the largest mass, the earlier of two that have the same.
struct Heaviest: Retaining {
  let count: Int

  var tallies: Bool { true }

  func voters(in pass: PassPlace) -> Voters? { Voters(queries: 0..<pass.queries, candidates: .attended) }

  func survivors(
    of held: Int, behind _: PassPlace, votes mass: UnsafeBufferPointer<Float>?
  ) -> [Range<Int>]? {
    guard held > count else { return nil }
    guard let mass else { return [0..<count] }
    return Self.heaviest(count, of: Array(mass)).map { $0..<$0 + 1 }
  }

  static func heaviest(_ count: Int, of mass: [Float]) -> [Int] {
    mass.indices.sorted { (mass[$0], -$0) > (mass[$1], -$1) }.prefix(count).sorted()
  }
}

/// Keeps everything and asks for votes.
struct Asking: Retaining {
  let asked: Voters

  var tallies: Bool { true }

  func voters(in _: PassPlace) -> Voters? { asked }

  func survivors(of _: Int, behind _: PassPlace, votes _: UnsafeBufferPointer<Float>?) -> [Range<Int>]? { nil }
}

/// Reads the latest entries.
struct Recent: LookingUp {
  let count: Int

  var dense: Int { count }
  var block: Int { 1 }
  func count(before _: Int) -> Int { count }
  func scan(_: ReadBlock) -> Scan { Scan() }

  func choose(_ block: ReadBlock, _ keys: KeyReader, _: inout LookupMemory) -> [[Range<Int>]] {
    keys.heads.map { _ in [block.position - count..<block.position] }
  }
}

extension Retaining {
  func methods(_ run: HeadRun) -> CacheMethods {
    var methods = CacheMethods(run.cache)
    methods.retaining = self
    return methods
  }
}

/// One layer whose heads project, attend and settle pass by pass, beside a cache that keeps everything.
struct Passes {
  static let layer = LayerShape(width: 12, heads: 4, keyValueHeads: 2, feedForward: 8)
  static let node = Node(0, .decoder, .attention)

  let machine: Machine
  let cache, whole: KeyValueCache
  let groups: Int
  let stream = RandomStream(seed: 5, name: "passes")
  let weights: LayerWeights

  /// - Parameter methods: of each run of heads; the heads of the layer are cut evenly among them.
  init(_ backend: Backend, groups: Int = 2, trace: Trace? = nil, methods: [CacheMethods]) {
    machine = Machine(backend: backend, trace: trace)
    self.groups = groups
    let runs = methods.map { _ in HeadRun(Self.layer.keyValueHeads / methods.count, .full) }
    func stack(_ heads: Runs<HeadRun>) -> Stack {
      Stack(
        level: 0, side: .decoder, runs: Runs(LayerRun(layers: 1, shape: Self.layer, heads: heads)), persists: true)
    }
    var made = 0
    cache = KeyValueCache(
      stack(Runs(runs[0], Array(runs.dropFirst()))), groups: groups, capacity: 24,
      holdsNumbers: machine.holdsNumbers,
      methods: { _ in
        made += 1
        return methods[(made - 1) % methods.count]
      })
    whole = KeyValueCache(
      stack(Runs(HeadRun(2, .full))), groups: groups, capacity: 40, holdsNumbers: machine.holdsNumbers)
    let (machine, stream) = (machine, stream)
    func matrix(_ rows: Int, _ columns: Int) -> Tensor { Self.random(rows, columns, machine, stream) }
    let joint = Self.layer.queryWidth + 2 * Self.layer.keyValueWidth
    weights = LayerWeights(
      attentionNorm: matrix(1, 12), queryKeyValue: Linear(weight: matrix(joint, 12)),
      output: Linear(weight: matrix(12, 12)), feedForwardNorm: matrix(1, 12),
      gateUp: Linear(weight: matrix(16, 12)), down: Linear(weight: matrix(12, 8)))
  }

  static func random(_ rows: Int, _ columns: Int, _ machine: Machine, _ stream: RandomStream) -> Tensor {
    let result = machine.makeState(rows: rows, columns: columns)
    for index in 0..<result.count { result.base?[index] = Float(stream.gaussian()) }
    return result
  }

  /// - Parameter isPrompt: whether it is a pass of a prompt, which reads each entry once.
  /// - Returns: queries and what they attended; both empty for shapes.
  func pass(_ queries: Int, isPrompt: Bool = false) -> (query: [Float], result: [Float]) {
    let x = Self.random(groups * queries, Self.layer.width, machine, stream)
    let trace = machine.trace
    machine.trace = nil
    _ = machine.project(x, weights, into: whole, layer: 0, queries: queries, at: Self.node)
    machine.trace = trace
    let query = machine.project(x, weights, into: cache, layer: 0, queries: queries, at: Self.node)
    let result = machine.attend(
      query, cache: cache, layer: 0, queries: queries, readsOnce: isPrompt, at: Self.node)
    whole.advance(by: queries)
    cache.advance(by: queries)
    machine.settle(cache, queries: queries, at: Node(0, .decoder, .upkeep))
    return (query.elements, result.elements)
  }

  /// Positions of the entries that a head holds, in the order of their places.
  func order(group: Int = 0, head: Int = 0) -> [Int] {
    let members = cache.places[0]
    let places = members[members.count > 1 ? group * Self.layer.keyValueHeads + head : 0]
    var order = [Int](repeating: 0, count: places.count)
    for (place, position) in zip(places.places, places.positions) { order[Int(place)] = Int(position) }
    return order
  }

  /// What a query head has to see: attention over the keys of these positions alone, and its weights.
  func attend(
    _ query: ArraySlice<Float>, group: Int, head: Int, positions: [Int]
  ) -> (result: [Float], weights: [Float]) {
    let (width, shared) = (Self.layer.headWidth, head / 2)
    var (keys, values): ([Float], [Float]) = ([], [])
    for position in positions {
      let entries = whole.entries(0)!
      for index in 0..<width {
        keys.append(entries.keys(group: group, head: shared, entry: position)[index])
        values.append(entries.values(group: group, head: shared, entry: position)[index])
      }
    }
    var weights = [Float](repeating: 0, count: positions.count)
    var result = [Float](repeating: 0, count: width)
    keys.withUnsafeBufferPointer { keys in
      values.withUnsafeBufferPointer { values in
        PlainKernels<Float>.attend(
          headWidth: width, query: Array(query),
          segments: [(keys.baseAddress!, values.baseAddress!, positions.count)], weights: &weights, into: &result)
      }
    }
    return (result, weights)
  }
}
