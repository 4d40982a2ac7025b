import Architectures
import Quantities

/// The ledger of a run: every dispatched operation, added up per phase and node, and listed when asked for.
public final class Trace {
  /// One kind of dispatch in one place, and how often it happened.
  public struct Entry: Hashable, Sendable {
    /// Before or after the first emitted token.
    public let phase: Phase
    /// Where the work is booked.
    public let node: Node
    /// Position of the layer in its stack; 0 where there is no stack.
    public let layer: Int
    /// What was dispatched, with its dimensions.
    public let operation: Operation
  }

  /// Element types in which traffic is counted.
  public let precision: Precision
  /// What is recorded from now on; a change ends the time of the last dispatch.
  public var phase: Phase = .prefill {
    didSet { stop() }
  }
  private let listsOperations: Bool
  private let tableSize: Int
  private var totals: [Work<Int128>]
  private var positions: [Entry: Int] = [:]
  /// Distinct dispatches in the order of their first appearance.
  public private(set) var operations: [(entry: Entry, count: Int)] = []
  private let counts, timesOperations: Bool
  private var spent: [Duration]
  /// The node whose operation runs, and since when.
  private var running: (index: Int, since: ContinuousClock.Instant)?

  /// - Parameters:
  ///   - levelCount: `L` of the model, which sizes the table of nodes.
  ///   - precision: element types in which traffic is counted.
  ///   - listsOperations: keep the list of distinct dispatches as well as the sums.
  ///   - counts: add up work; a trace that only times costs each dispatch less.
  ///   - timesOperations: keep the time from each dispatch to the next, which includes what happens between kernels.
  public init(
    levelCount: Int, precision: Precision, listsOperations: Bool = false, counts: Bool = true,
    timesOperations: Bool = false
  ) {
    self.precision = precision
    self.listsOperations = listsOperations
    self.counts = counts
    self.timesOperations = timesOperations
    tableSize = Node.tableSize(levelCount: levelCount)
    totals = Array(repeating: .zero, count: 2 * tableSize)
    spent = Array(repeating: .zero, count: 2 * tableSize)
  }

  /// Adds the work of one dispatch to its node, and to the list where one is kept.
  public func record(_ operation: Operation, at node: Node, layer: Int) {
    if counts { totals[index(phase, node)] += operation.work(in: precision) }
    beginTiming(node)
    guard listsOperations else { return }
    let entry = Entry(phase: phase, node: node, layer: layer, operation: operation)
    if let position = positions[entry] {
      operations[position].count += 1
    } else {
      positions[entry] = operations.count
      operations.append((entry, 1))
    }
  }

  /// Adds the gradient of a dispatch to the sums of its node. The list of dispatches is of forward ones.
  /// - Parameters:
  ///   - operation: that was dispatched.
  ///   - isFrozen: whether gates alone have gradients, and no other parameter.
  ///   - node: where the work is booked.
  public func recordGradient(of operation: Operation, isFrozen: Bool = false, at node: Node) {
    totals[index(phase, node)] += operation.gradientWork(isFrozen: isFrozen)
  }

  /// Books the time from now to the next dispatch at a node: for work that is recorded once it is done.
  public func beginTiming(_ node: Node) {
    guard timesOperations else { return }
    stop()
    running = (index(phase, node), .now)
  }

  private func index(_ phase: Phase, _ node: Node) -> Int { (phase == .prefill ? 0 : tableSize) + node.index }

  /// Ends the time of the last dispatch; a change of phase does so too.
  public func stop() {
    guard let running else { return }
    spent[running.index] += .now - running.since
    self.running = nil
  }

  /// Wall time at a node in a phase; zero unless operations are timed.
  public func time(_ phase: Phase, at node: Node) -> Duration {
    spent[(phase == .prefill ? 0 : tableSize) + node.index]
  }

  /// One pass through a stack of `layers`, booked on its projections.
  public func recordPass(at level: Int, _ side: Side, layers: Int) {
    guard counts else { return }
    let index = index(phase, Node(level, side, .projections))
    totals[index].sequentialPasses += 1
    totals[index].sequentialLayers += Int128(layers)
  }

  /// Work at a node in a phase.
  public func work(_ phase: Phase, at node: Node) -> Work<Int128> {
    totals[index(phase, node)]
  }

  /// Nodes that did anything in a phase, in ascending order.
  public func nodes(_ phase: Phase) -> [(node: Node, work: Work<Int128>)] {
    (0..<tableSize).compactMap { number in
      let node = Node(index: number)
      let work = work(phase, at: node)
      return work == .zero ? nil : (node, work)
    }
  }

  /// The sum over all nodes.
  public func total(_ phase: Phase) -> Work<Int128> {
    nodes(phase).reduce(into: .zero) { $0 += $1.work }
  }
}
