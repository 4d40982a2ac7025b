import Architectures
import Quantities

/// Which ceiling holds work back.
public enum Bound: String, CaseIterable, Codable, Sendable {
  case compute, memory
  /// The link between host and device.
  case link
}

/// Time of an operation, a node or a phase with what it consists of; of several devices, that of each.
@frozen
public struct TimeFigure: Hashable, Sendable {
  /// The estimate, overheads included.
  public var time: Seconds
  /// What arithmetic alone takes.
  public var compute: Seconds
  /// What traffic alone takes.
  public var memory: Seconds
  /// What dispatching and stepping take; part of `time`.
  public var overhead: Seconds
  /// What devices that share a model take to exchange their parts, nothing of it hidden; part of `time`.
  public var communication: Seconds
  /// What the link to the host takes, nothing of it hidden; `link` − `hiddenLink` is part of `time`.
  public var link: Seconds
  /// What of the link's time, or of the device's, hides behind the other one.
  public var hiddenLink: Seconds
  /// Matrix and element-wise work.
  /// - Unit: FLOP
  public var flops: Double
  /// - Unit: byte
  public var bytes: Double

  @inlinable
  public init(
    time: Seconds = .zero, compute: Seconds = .zero, memory: Seconds = .zero, overhead: Seconds = .zero,
    communication: Seconds = .zero, link: Seconds = .zero, hiddenLink: Seconds = .zero, flops: Double = 0,
    bytes: Double = 0
  ) {
    self.time = time
    self.compute = compute
    self.memory = memory
    self.overhead = overhead
    self.communication = communication
    (self.link, self.hiddenLink) = (link, hiddenLink)
    self.flops = flops
    self.bytes = bytes
  }

  /// Whether there is anything to do; without work nothing is bound.
  @inlinable public var hasWork: Bool { flops > 0 || bytes > 0 || link > .zero }

  /// Whether one of compute and memory time can be said to be the larger one.
  @inlinable public var isBound: Bool { hasWork && (compute.isNumber || memory.isNumber) }

  /// Whichever of compute, memory and link time is the largest; memory where it is as large as another.
  @inlinable public var bound: Bound { isLinkBound ? .link : compute > memory ? .compute : .memory }
  /// Whether the link takes longer than arithmetic and than traffic.
  @inlinable var isLinkBound: Bool { link > compute && link > memory }

  /// The time if the link's hid behind the device's or the other way round.
  @inlinable public var overlappedTime: Seconds { time + hiddenLink - Swift.min(link, time + hiddenLink - link) }
  /// The time if one followed the other.
  @inlinable public var serialTime: Seconds { time + hiddenLink }

  /// The larger of compute and memory time over the smaller, at least 1; 1 where there is no work, infinite where one of
  /// both is zero. Where the link's is larger still, that over the larger of both.
  @inlinable
  public var margin: Double {
    if isLinkBound { return link.value / max(compute, memory).value }
    return compute == memory ? 1 : max(compute.value, memory.value) / min(compute.value, memory.value)
  }

  /// Arithmetic intensity.
  /// - Unit: FLOP/byte; 0 where nothing moves
  @inlinable public var intensity: Double { bytes == 0 ? 0 : flops / bytes }

  /// Work over time: what the estimate achieves on the axis of a roofline.
  /// - Unit: FLOP/s; 0 where nothing takes time
  @inlinable public var achieved: Rate<Flop> { Rate(time == .zero ? 0 : flops / time.value) }

  /// Adds what another figure counts and takes.
  @inlinable
  public static func += (left: inout Self, right: Self) {
    left.time = left.time + right.time
    left.compute = left.compute + right.compute
    left.memory = left.memory + right.memory
    left.overhead = left.overhead + right.overhead
    left.communication = left.communication + right.communication
    left.link = left.link + right.link
    left.hiddenLink = left.hiddenLink + right.hiddenLink
    left.flops += right.flops
    left.bytes += right.bytes
  }
}

/// The estimate of one phase.
public struct PhaseEstimate: Hashable, Sendable {
  /// The sum over nodes and steps.
  public var total: TimeFigure
  /// Nodes that have work, in the order of `Node`; together with the step overhead they add up to `total`.
  public var nodes: [(node: Node, figure: TimeFigure)] {
    figures.indices.filter { figures[$0] != TimeFigure() }.map { (Node(index: $0), figures[$0]) }
  }

  /// One figure for every node index of the model.
  var figures: [TimeFigure]

  /// The figure of one node; nothing where the model has no such node.
  public subscript(node: Node) -> TimeFigure {
    figures.indices.contains(node.index) ? figures[node.index] : TimeFigure()
  }
}
