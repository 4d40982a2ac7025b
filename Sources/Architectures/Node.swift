import Quantities

/// The two phases of a workload: the prompt in parallel, and the tokens after it one by one.
public enum Phase: String, CaseIterable, Codable, Sendable { case prefill, decode }

/// The two directions of a hierarchy: up, from tokens to units, and down. A vanilla stack is a decoder.
public enum Side: String, CaseIterable, Codable, Sendable { case encoder, decoder }

/// The parts of a model that are priced and traced apart.
public enum Component: String, CaseIterable, Codable, Sendable {
  /// Rows read from an embedding table.
  case embedding
  case chunker
  case converter
  /// Query, key, value and output products with their norm, rotation, cache append and residual. A pass through a
  /// stack is booked here.
  case projections
  /// Scores, softmax and weighted values.
  case attention
  case feedForward = "feed_forward"
  /// A stack's last norm where the head does not contain it.
  case norm
  /// Last norm and vocabulary product.
  case head
  /// What a cache method adds to attention: scoring, moving and fetching of entries.
  case upkeep

  /// How many there are.
  @inlinable public static var count: Int { 9 }
}

/// Where work happens: the address that formulas and traces share.
///
/// Level 0 holds the embedding tables, the head and the vanilla stack. Encoder l, its chunker, decoder l and its
/// converter are at level l.
public struct Node: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// 0 … L.
  public var level: Int
  /// Encoder or decoder; level 0 has the embedding table of each.
  public var side: Side
  /// What works there.
  public var component: Component

  @inlinable
  public init(_ level: Int, _ side: Side, _ component: Component) {
    self.level = level
    self.side = side
    self.component = component
  }

  /// Position in a flat table of a model's nodes.
  public var index: Int {
    (level * Side.allCases.count + (side == .encoder ? 0 : 1)) * Component.allCases.count + component.ordinal
  }

  /// Size of a flat table for a model with `levelCount` levels.
  public static func tableSize(levelCount: Int) -> Int {
    (levelCount + 1) * Side.allCases.count * Component.allCases.count
  }

  /// The node at a position of a flat table: the inverse of `index`.
  public init(index: Int) {
    let components = Component.allCases
    self.init(
      index / (2 * components.count), index / components.count % 2 == 0 ? .encoder : .decoder,
      components[index % components.count])
  }

  /// Whether its keys and values are a window of one chunk: those of decoders l = 1 … L. The vanilla stack, at level 0,
  /// and encoders keep theirs.
  @inlinable public var isLocal: Bool { side == .decoder && level > 0 }

  public static func < (left: Node, right: Node) -> Bool { left.index < right.index }

  /// For example `level1/encoder/attention`.
  public var description: String { "level\(level)/\(side.rawValue)/\(component.rawValue)" }

  /// The inverse of `description`.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/")
    guard parts.count == 3, parts[0].hasPrefix("level"), let level = Int(parts[0].dropFirst(5)), level >= 0,
      let side = Side(rawValue: String(parts[1])), let component = Component(rawValue: String(parts[2]))
    else { return nil }
    self.init(level, side, component)
  }
}

extension Component {
  /// Position among all cases, without the allocation of `allCases.firstIndex`.
  @inlinable public var ordinal: Int {
    switch self {
    case .embedding: 0
    case .chunker: 1
    case .converter: 2
    case .projections: 3
    case .attention: 4
    case .feedForward: 5
    case .norm: 6
    case .head: 7
    case .upkeep: 8
    }
  }
}

/// Key–value memory of a run, on the device unless told otherwise, for the whole batch.
/// - Unit: byte
public struct CacheFigures: Hashable, Sendable {
  /// Persistent caches after prefill; after the drop of recursive generation exactly if the prompt is aligned.
  public var bytesAfterPrefill: Int128
  /// Persistent caches after the last emitted token.
  public var bytesAtEnd: Int128
  /// The largest persistent size at any point, before a drop included.
  public var peakBytes: Int128
  /// The largest total of local decoder windows.
  public var localPeakBytes: Int128
  /// What of persistent caches lies in the memory of the host after prefill, which none of the others count.
  public var hostBytesAfterPrefill: Int128
  /// The same after the last emitted token.
  public var hostBytesAtEnd: Int128
  /// The most that lies there at any point.
  public var hostPeakBytes: Int128

  public init(
    bytesAfterPrefill: Int128, bytesAtEnd: Int128, peakBytes: Int128, localPeakBytes: Int128,
    hostBytesAfterPrefill: Int128 = 0, hostBytesAtEnd: Int128 = 0, hostPeakBytes: Int128 = 0
  ) {
    self.hostBytesAfterPrefill = hostBytesAfterPrefill
    self.hostBytesAtEnd = hostBytesAtEnd
    self.hostPeakBytes = hostPeakBytes
    self.bytesAfterPrefill = bytesAfterPrefill
    self.bytesAtEnd = bytesAtEnd
    self.peakBytes = peakBytes
    self.localPeakBytes = localPeakBytes
  }
}
