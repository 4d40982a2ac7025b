import Architectures
import CKernels
import Quantities

/// Keys and values of one stack, and their memory.
///
/// A group is a sequence, or a chunk of one. Continuations of one prompt share a `prefix`: group g attends the entries
/// of the prefix's group g / share first, then its own. Runs of alike heads hold entries of their own number, because
/// their retentions may let go of others (`settle`).
public final class KeyValueCache {
  /// Whose keys and values it has, with the plan of every run of heads.
  public let stack: Stack
  /// Sequences, or chunks of one.
  public let groups: Int
  /// What the groups attend before their own entries; nil where they share none.
  public let prefix: KeyValueCache?
  /// Own groups per group of the prefix.
  public let share: Int
  /// What the next key is rotated by: the number of positions that came before it, whether their entries are held or
  /// not.
  public private(set) var nextPosition: Int
  /// Rows at the end of the pass in progress that only look ahead: their entries are withdrawn once it is over, stay as
  /// they came, and make no other entry older.
  private(set) var lookahead = 0
  /// The position of the first own entry.
  let startPosition: Int
  let layout: CacheLayout
  /// The shape of every layer.
  let shapes: [LayerShape]
  /// All runs of heads, layer by layer.
  let runs: [CacheRun]
  /// Where the runs of each layer begin; behind them, how many there are.
  private let firstRun: [Int]
  /// Entries that the heads of each run hold in the groups' own memory.
  private var own: [Int]
  /// Those among them that have the form in which they are kept; 0 where entries come in it.
  private var formed: [Int]
  /// The oldest of them, which lie in the memory of the host. Where the numbers lie here does not change by that.
  private var atHost: [Int]
  /// Which entries the heads of each run hold and where: of the run together, or of each group and head where votes
  /// decide; none where everything stays.
  var places: [[EntryPlaces]]
  /// By run, the position of the first generated row that chooses what it reads; nil before it.
  var firstChoice: [Int?]
  /// By run and group, what was chosen the last time; none where everything is read.
  var memories: [[LookupMemory]]
  private let methods: CacheMethods.Factory
  private let massMemory: Arena
  private let holdsNumbers: Bool
  private var keyBase: UnsafeMutablePointer<Float>?
  private var valueBase: UnsafeMutablePointer<Float>?
  /// Whether no run lets an entry go.
  public let keepsEverything: Bool
  /// Whether entries lie in the memory of the host.
  let usesHost: Bool
  /// Whether continuations can read entries where they are: none goes, changes its form later, has sums of its own or is
  /// sent elsewhere.
  let sharesEntries: Bool
  /// Whether every head stores a key and a value of each position in the cache's type.
  let storesKeysAndValues: Bool
  /// Whether every layer keeps and reads everything in all heads alike, as training does.
  let isFull: Bool

  /// A cache without entries, whose heads do what their plans say.
  /// - Parameters:
  ///   - stack: whose keys and values it has.
  ///   - groups: sequences, or chunks of one.
  ///   - capacity: entries for which each head of each group has room, those of the prefix not counted.
  ///   - holdsNumbers: whether entries are allocated, or only counted.
  ///   - prefix: filled, and not appended to as long as this cache lives.
  ///   - share: own groups per group of the prefix.
  public convenience init(
    _ stack: Stack, groups: Int, capacity: Int, holdsNumbers: Bool, prefix: KeyValueCache? = nil, share: Int = 1
  ) {
    self.init(
      stack, groups: groups, capacity: capacity, holdsNumbers: holdsNumbers, prefix: prefix, share: share,
      methods: CacheMethods.ofPlan)
  }

  /// The same with methods of whoever makes it.
  /// - Parameters:
  ///   - stack: whose keys and values it has.
  ///   - groups: sequences, or chunks of one.
  ///   - capacity: entries for which each head of each group has room, those of the prefix not counted.
  ///   - holdsNumbers: whether entries are allocated, or only counted.
  ///   - prefix: filled, and not appended to as long as this cache lives.
  ///   - share: own groups per group of the prefix.
  ///   - methods: what carries out the plan of a run of heads.
  package init(
    _ stack: Stack, groups: Int, capacity: Int, holdsNumbers: Bool, prefix: KeyValueCache? = nil, share: Int = 1,
    methods: @escaping CacheMethods.Factory
  ) {
    self.stack = stack
    self.groups = groups
    self.prefix = prefix
    self.share = share
    self.methods = methods
    startPosition = prefix?.nextPosition ?? 0
    nextPosition = startPosition
    shapes = stack.layerShapes
    let shape = stack.shape
    layout = CacheLayout(
      layers: shapes.count, groups: groups, heads: shape.keyValueHeads, capacity: capacity,
      headWidth: shape.headWidth)
    let massMemory = Arena(holdsNumbers: holdsNumbers)
    (runs, firstRun) = Self.runs(of: stack, methods) { heads in
      massMemory.tensor(rows: groups * heads, columns: capacity)
    }
    (self.massMemory, self.holdsNumbers) = (massMemory, holdsNumbers)
    (own, formed) = (Array(repeating: 0, count: runs.count), Array(repeating: 0, count: runs.count))
    atHost = own
    places = runs.map { run in
      guard let retaining = run.methods.retaining else { return [] }
      return Array(
        repeating: EntryPlaces(capacity: capacity), count: retaining.tallies ? groups * run.heads.count : 1)
    }
    firstChoice = runs.map { _ in nil }
    memories = runs.map { Array(repeating: LookupMemory(), count: $0.methods.lookingUp == nil ? 0 : groups) }
    keepsEverything = runs.allSatisfy { $0.methods.retaining == nil }
    usesHost = runs.contains { !$0.methods.placing.atHost(of: .max).isEmpty }
    sharesEntries =
      keepsEverything && !usesHost
      && runs.allSatisfy { $0.methods.form.residual == 0 && $0.methods.lookingUp?.tallyWindow == nil }
    storesKeysAndValues = runs.allSatisfy { $0.traffic(formed: 1, fresh: 0) == nil }
    isFull =
      keepsEverything && stack.isFull && runs.count == shapes.count
      && runs.allSatisfy { $0.methods.lookingUp == nil } && storesKeysAndValues
    clear()
    guard holdsNumbers, layout.elements > 0 else { return }
    keyBase = ck_allocate(layout.elements)
    valueBase = ck_allocate(layout.elements)
    keyBase?.initialize(repeating: 0, count: layout.elements)
    valueBase?.initialize(repeating: 0, count: layout.elements)
  }

  /// The runs of all layers, and where those of each begin.
  private static func runs(
    of stack: Stack, _ methods: CacheMethods.Factory, mass: (_ heads: Int) -> Tensor
  ) -> ([CacheRun], [Int]) {
    var (runs, firstRun): ([CacheRun], [Int]) = ([], [])
    for alike in stack.runs {
      for _ in 0..<alike.layers {
        let layer = firstRun.count
        firstRun.append(runs.count)
        var head = 0
        for run in alike.heads {
          let made = methods(run)
          runs.append(
            CacheRun(
              layer: layer, heads: head..<head + run.count, shape: alike.shape.share(ofHeads: run.count),
              methods: made,
              mass: made.retaining?.tallies == true || made.lookingUp?.tallyWindow != nil ? mass(run.count) : nil))
          head += run.count
        }
      }
    }
    return (runs, firstRun + [runs.count])
  }

  deinit { freeMemory() }

  private func freeMemory() {
    if let keyBase { ck_free(keyBase) }
    if let valueBase { ck_free(valueBase) }
    keyBase = nil
    valueBase = nil
  }

  /// Whether entries are a cache that grows or the window of an open chunk.
  public var store: Store { stack.persists ? .persistent : .local }
  /// Layers of the stack.
  public var layerCount: Int { layout.layers }
  /// Entries for which each head of each group has room, those of the prefix not counted.
  public var capacity: Int { layout.capacity }

  /// Positions among `runs`.
  func runs(of layer: Int) -> Range<Int> { firstRun[layer]..<firstRun[layer + 1] }

  /// Entries in a group's own memory, of the heads that hold the most.
  public var ownHeld: Int { own.max() ?? 0 }
  /// Entries that the next query finds before it, the prefix included, in the heads that hold the most.
  public var held: Int { (prefix?.ownHeld ?? 0) + ownHeld }

  func ownHeld(run: Int) -> Int { own[run] }
  func setOwnHeld(_ count: Int, run: Int) { own[run] = count }
  func ownAtHost(run: Int) -> Int { atHost[run] }
  func setOwnAtHost(_ count: Int, run: Int) { atHost[run] = count }
  func ownFormed(run: Int) -> Int { formed[run] }
  func setOwnFormed(_ count: Int, run: Int) { formed[run] = count }
  /// Own entries that are still as they came.
  func ownFresh(run: Int) -> Int { runs[run].methods.form.quantisation == nil ? 0 : own[run] - formed[run] }
  func held(run: Int) -> Int { (prefix?.own[run] ?? 0) + own[run] }

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
    for index in own.indices {
      (own[index], formed[index], atHost[index]) = (0, 0, 0)
      for member in places[index].indices { places[index][member].clear() }
      if let mass = runs[index].mass { mass.base?.update(repeating: 0, count: mass.count) }
      firstChoice[index] = nil
      for group in memories[index].indices { memories[index][group] = LookupMemory() }
    }
    (nextPosition, lookahead) = (startPosition, 0)
    checkInvariants()
  }

  /// Says that so many of the next pass's rows only look ahead.
  public func lookAhead(by count: Int) { lookahead = count }

  /// Takes back as many rows of what `advance` has marked, and the announcement of them.
  func forget(_ count: Int) {
    for index in own.indices {
      own[index] -= count
      for member in places[index].indices { places[index][member].removeLast(count) }
    }
    (nextPosition, lookahead) = (nextPosition - count, 0)
  }

  /// Marks entries as held, once every layer has appended them.
  public func advance(by count: Int) {
    for index in own.indices {
      own[index] += count
      let form = runs[index].methods.form
      if form.quantisation != nil { formed[index] = max(formed[index], own[index] - lookahead - form.residual) }
      for member in places[index].indices { places[index][member].append(count, from: nextPosition) }
      precondition(own[index] <= capacity, "a cache of \(capacity) entries was given \(own[index])")
    }
    nextPosition += count
    checkInvariants()
  }

  /// Copies the first entries of `source`'s groups, each to `copies` consecutive groups of this cache.
  /// - Parameters:
  ///   - source: filled, and of the same stack.
  ///   - first: the first source group copied.
  ///   - copies: groups of this cache that each source group becomes.
  ///   - count: so many of a source that keeps everything; all that it holds if nil.
  public func copyGroups(from source: KeyValueCache, first: Int = 0, copies: Int = 1, count: Int? = nil) {
    precondition(first + (groups + copies - 1) / copies <= source.groups, "copying groups that do not exist")
    precondition(stack == source.stack, "copying entries of another stack")
    precondition(startPosition == source.startPosition, "copying keys that other positions have rotated")
    precondition(count == nil || source.keepsEverything, "the first entries are not those of the first positions")
    for index in own.indices {
      own[index] = count ?? source.own[index]
      precondition(
        own[index] <= capacity && own[index] <= source.own[index], "copying entries that do not exist")
      formed[index] = min(source.formed[index], own[index])
      atHost[index] = min(source.atHost[index], own[index])
    }
    nextPosition = count.map { startPosition + $0 } ?? source.nextPosition
    defer { checkInvariants() }
    for (index, run) in runs.enumerated() {
      for member in places[index].indices {
        // Places of the run together, or of each group and head.
        let (group, head) = (member / run.heads.count, member % run.heads.count)
        let other = run.methods.retaining?.tallies == true ? (first + group / copies) * run.heads.count + head : 0
        places[index][member] = source.places[index][other]
      }
      for group in memories[index].indices {
        memories[index][group] = source.memories[index][first + group / copies]
      }
      guard let to = entries(run.layer), let from = source.entries(run.layer) else { continue }
      for group in 0..<groups {
        for (place, head) in run.heads.enumerated() {
          let other = first + group / copies
          to.copy(own[index], of: from, from: other, to: group, head: head)
          if let mass = run.mass(group: group, head: place),
            let given = source.runs[index].mass(group: other, head: place)
          {
            mass.update(from: given, count: own[index])
          }
        }
      }
    }
  }

  /// What so many continuations of each group append to, with room for so many entries more.
  ///
  /// They read the entries of this cache where they are. Where a retention may let each of them go of others, or entries
  /// change their form later, every continuation gets a copy instead, and this cache is not needed any more.
  /// - Parameters:
  ///   - copies: continuations of each group.
  ///   - room: entries that each head of a continuation can append.
  public func continued(by copies: Int, room: Int) -> KeyValueCache {
    guard !sharesEntries else {
      return KeyValueCache(
        stack, groups: groups * copies, capacity: room, holdsNumbers: holdsNumbers, prefix: self, share: copies,
        methods: methods)
    }
    let result = KeyValueCache(
      stack, groups: groups * copies, capacity: ownHeld + room, holdsNumbers: holdsNumbers, methods: methods)
    result.copyGroups(from: self, copies: copies)
    return result
  }

  /// Makes all numbers the same and marks entries as held: for measuring, where the values do not matter.
  public func fill(with value: Float, count: Int) {
    keyBase?.update(repeating: value, count: layout.elements)
    valueBase?.update(repeating: value, count: layout.elements)
    clear()
    advance(by: count)
  }

  /// The own memory of a layer, which a projection writes to; `nil` for shapes and after a release.
  func entries(_ layer: Int) -> Entries<Float>? {
    guard let keyBase, let valueBase else { return nil }
    return Entries(layout, layer: layer, keys: keyBase, values: valueBase)
  }

  /// Bytes of real memory, filled or not; 0 for shapes and after a release.
  public var allocatedBytes: Int { keyBase == nil ? 0 : fullBytes }
}
