/// Prompts that somebody computed, as a tree of spans: least-recently-used leaves go first.
///
/// A span is a fixed number of tokens and of blocks. Sequences hold the nodes of their prompt from the root down, so the
/// references of a node never exceed its parent's. The tree owns the blocks of its nodes; who evicts frees them.
///
/// - Source: arXiv 2312.07104 §3; docs/simulation.md, §7.
public struct PrefixTree: Sendable {
  /// Where a node is stored; reused after it is evicted.
  public typealias Place = Int32

  private struct Edge: Hashable {
    var parent: Place
    var key: Int
  }

  private struct Node {
    var edge: Edge
    /// Number of nodes made before it; −1 where the place is empty.
    var id: Int
    var references: Int32 = 0
    var children: Int32 = 0
    var lastUse: Int
  }

  private struct Candidate: Comparable {
    var lastUse, id: Int
    var place: Place
    static func < (left: Self, right: Self) -> Bool { (left.lastUse, left.id) < (right.lastUse, right.id) }
  }

  /// Blocks of one node.
  public let blocksPerNode: Int
  /// Nodes without a reference: all of them can be evicted, leaves first.
  public private(set) var unreferencedCount = 0
  /// Nodes there are.
  public private(set) var count = 0
  private var made = 0
  private var nodes: [Node] = []
  private var blocks: [Int32] = []
  private var empty: [Place] = []
  private var places: [Edge: Place] = [:]
  /// Leaves that had no reference when they came in; those that changed since are passed over.
  private var candidates = Heap<Candidate>()

  /// - Parameter blocksPerNode: at least 1.
  public init(blocksPerNode: Int = 1) {
    precondition(blocksPerNode >= 1, "a node holds memory")
    self.blocksPerNode = blocksPerNode
  }

  /// The parent of the first nodes.
  public static let root: Place = -1

  /// The node of a key below another one, or the root.
  public func child(of parent: Place, key: Int) -> Place? { places[Edge(parent: parent, key: key)] }

  /// The nodes of the beginning of a prompt, at most so many; nothing is touched.
  public func match(_ keys: some Collection<Int>, atMost limit: Int) -> [Place] {
    var path: [Place] = []
    for key in keys.prefix(max(limit, 0)) {
      guard let next = child(of: path.last ?? Self.root, key: key) else { break }
      path.append(next)
    }
    return path
  }

  /// Whether nobody holds the node.
  public func isUnreferenced(_ place: Place) -> Bool { nodes[Int(place)].references == 0 }

  /// One holder more.
  public mutating func retain(_ place: Place, now: Int) {
    if nodes[Int(place)].references == 0 { unreferencedCount -= 1 }
    nodes[Int(place)].references += 1
    nodes[Int(place)].lastUse = now
  }

  /// One holder less; the node stays until it is evicted.
  public mutating func release(_ place: Place, now: Int) {
    precondition(nodes[Int(place)].references > 0, "a node is released by those who hold it")
    nodes[Int(place)].references -= 1
    nodes[Int(place)].lastUse = now
    if nodes[Int(place)].references == 0 { unreferencedCount += 1 }
    nominate(place)
  }

  /// A new node that takes over blocks, without a holder.
  /// - Parameters:
  ///   - key: one that its parent has no node for.
  ///   - parent: a node, or the root.
  ///   - own: its blocks, levels 1 … L.
  ///   - now: its last use.
  public mutating func insert(key: Int, below parent: Place, own: some Collection<Int32>, now: Int) -> Place {
    let edge = Edge(parent: parent, key: key)
    precondition(places[edge] == nil && own.count == blocksPerNode, "a node is inserted once, with all its blocks")
    let place: Place
    if let reused = empty.popLast() {
      place = reused
      nodes[Int(place)] = Node(edge: edge, id: made, lastUse: now)
      blocks.replaceSubrange(range(of: place), with: own)
    } else {
      place = Place(nodes.count)
      nodes.append(Node(edge: edge, id: made, lastUse: now))
      blocks.append(contentsOf: own)
    }
    places[edge] = place
    if parent >= 0 { nodes[Int(parent)].children += 1 }
    made += 1
    count += 1
    unreferencedCount += 1
    nominate(place)
    return place
  }

  /// Removes the leaf without holders whose (last use, id) is smallest.
  /// - Returns: its blocks, levels 1 … L; nil where every node is held.
  public mutating func evict() -> [Int32]? {
    while let candidate = candidates.pop() {
      let node = nodes[Int(candidate.place)]
      guard node.id == candidate.id, node.lastUse == candidate.lastUse, node.references == 0, node.children == 0
      else { continue }
      places[node.edge] = nil
      nodes[Int(candidate.place)].id = -1
      empty.append(candidate.place)
      count -= 1
      unreferencedCount -= 1
      if node.edge.parent >= 0 {
        nodes[Int(node.edge.parent)].children -= 1
        nominate(node.edge.parent)
      }
      return Array(blocks[range(of: candidate.place)])
    }
    return nil
  }

  private func range(of place: Place) -> Range<Int> {
    Int(place) * blocksPerNode..<(Int(place) + 1) * blocksPerNode
  }

  private mutating func nominate(_ place: Place) {
    let node = nodes[Int(place)]
    guard node.references == 0, node.children == 0 else { return }
    // Touches of a node that stays leave entries behind; a heap of them is made anew before it outgrows the tree.
    if candidates.count > 4 * nodes.count + 64 {
      renominate()
    } else {
      candidates.push(Candidate(lastUse: node.lastUse, id: node.id, place: place))
    }
  }

  private mutating func renominate() {
    candidates = Heap()
    for place in nodes.indices where nodes[place].id >= 0 && nodes[place].references == 0 && nodes[place].children == 0
    {
      candidates.push(Candidate(lastUse: nodes[place].lastUse, id: nodes[place].id, place: Place(place)))
    }
  }

  /// A node as tests and reports see it.
  public struct Entry: Hashable, Sendable {
    /// Number of nodes made before it.
    public var id: Int
    /// The id of its parent; nil below the root.
    public var parent: Int?
    /// Of its span.
    public var key: Int
    /// Its blocks, levels 1 … L.
    public var blocks: [Int]
    /// Its holders.
    public var references: Int
    /// When it was last matched, inserted or released.
    public var lastUse: Int
  }

  /// All nodes in the order of their ids.
  public var entries: [Entry] {
    nodes.indices.filter { nodes[$0].id >= 0 }.map { place in
      let node = nodes[place]
      return Entry(
        id: node.id, parent: node.edge.parent < 0 ? nil : nodes[Int(node.edge.parent)].id, key: node.edge.key,
        blocks: blocks[range(of: Place(place))].map(Int.init), references: Int(node.references), lastUse: node.lastUse)
    }.sorted { $0.id < $1.id }
  }

  /// The blocks of all nodes, in no particular order.
  public var heldBlocks: [Int] {
    nodes.indices.filter { nodes[$0].id >= 0 }.flatMap { blocks[range(of: Place($0))].map(Int.init) }
  }

  /// What is wrong; nil where nodes, edges and counts agree.
  public var problem: String? {
    let live = nodes.indices.filter { nodes[$0].id >= 0 }
    if live.count != count || places.count != count { return "\(count) nodes, of which \(places.count) are found" }
    if live.filter({ nodes[$0].references == 0 }).count != unreferencedCount { return "free nodes are miscounted" }
    var children: [Place: Int32] = [:]
    for place in live {
      let node = nodes[place]
      if places[node.edge] != Place(place) { return "node \(node.id) is not where its key leads" }
      if node.references < 0 { return "node \(node.id) has fewer than no holders" }
      guard node.edge.parent >= 0 else { continue }
      let parent = nodes[Int(node.edge.parent)]
      if parent.id < 0 { return "node \(node.id) has lost its parent" }
      if parent.references < node.references { return "node \(node.id) is held by more than its parent is" }
      children[node.edge.parent, default: 0] += 1
    }
    return live.allSatisfy { nodes[$0].children == children[Place($0), default: 0] } ? nil : "children are miscounted"
  }
}
