import Architectures
import Hardware
import Quantities

/// What a second of predicted time is spent on.
public enum TimeCause: String, CaseIterable, Codable, Sendable {
  /// Operations that arithmetic bounds.
  case arithmetic
  /// Reading weights, where traffic bounds.
  case weights
  /// Keys and values: appended, read, copied.
  case cache
  /// What operations hand each other, attention scores included where they are stored.
  case intermediates
  /// Keys and values that come from the host or go there, where the device waits for the link.
  case link
  /// Launches, steps, and what devices send each other.
  case overhead
}

/// A time as the sum of its causes.
public struct TimeByCause: Hashable, Sendable {
  /// Time of operations that arithmetic bounds.
  public var arithmetic = Seconds.zero
  /// Time of reading weights.
  public var weights = Seconds.zero
  /// Time of appending, reading and copying keys and values.
  public var cache = Seconds.zero
  /// Time of what operations hand each other.
  public var intermediates = Seconds.zero
  /// Time in which the device waits for the link to the host.
  public var link = Seconds.zero
  /// Time of launches, steps and what devices send each other.
  public var overhead = Seconds.zero

  public init() {}

  /// The time of one cause.
  public subscript(cause: TimeCause) -> Seconds {
    switch cause {
    case .arithmetic: arithmetic
    case .weights: weights
    case .cache: cache
    case .intermediates: intermediates
    case .link: link
    case .overhead: overhead
    }
  }

  /// The sum of all causes.
  public var total: Seconds { arithmetic + weights + cache + intermediates + link + overhead }

  static func += (left: inout Self, right: Self) {
    left.arithmetic = left.arithmetic + right.arithmetic
    left.weights = left.weights + right.weights
    left.cache = left.cache + right.cache
    left.intermediates = left.intermediates + right.intermediates
    left.link = left.link + right.link
    left.overhead = left.overhead + right.overhead
  }
}

extension Roofline {
  /// The time of a phase by cause; adds up to `estimate(_:)`.
  public func causes(_ phase: DispatchedPhase) -> TimeByCause {
    var sum = TimeByCause()
    for group in settled(phase).groups where group.dispatches > 0 { sum += causes(group) }
    sum.overhead = sum.overhead + stepping(phase)
    guard !phase.transfers.isEmpty else { return sum }
    let (device, link) = (sum.total, linkTime(phase))
    if !phase.overlapsLink {
      sum.link = link
    } else if link > device {
      // The longer of both causes all of the time, as it does of arithmetic and traffic.
      sum = TimeByCause()
      sum.link = link
    }
    return sum
  }

  /// The longer of arithmetic and traffic causes the time of a dispatch; the traffic's part is shared out by bytes. What
  /// does not overlap belongs to itself.
  private func causes(_ group: DispatchGroup) -> TimeByCause {
    let cost = cost(of: group)
    let longer = partsOfMax(cost.compute, cost.memory, count: group.indices)
    let (arithmeticAlone, trafficAlone) = cost.alone(count: group.indices)
    let (times, overlap) = (group.dispatchesPerIndex, cost.rates.overlap)
    let traffic = reached(times * (overlap * longer.right + (1 - overlap) * trafficAlone))

    var causes = TimeByCause()
    causes.arithmetic = Seconds(reached(times * (overlap * longer.left + (1 - overlap) * arithmeticAlone)))
    causes.overhead = overhead(of: group, cost.rates) + communication(of: group)
    let bytes = cost.work.bytes.sum(from: 0, to: group.indices)
    guard bytes > 0 else { return causes }
    let entries = cost.work.entryBytes.sum(from: 0, to: group.indices)
    // No part is longer than the whole, even where a product on the way leaves what a number can hold.
    if cost.work.weightBytes > 0 {
      causes.weights = Seconds(min(traffic, traffic * group.indices * cost.work.weightBytes / bytes))
    }
    if entries > 0 { causes.cache = Seconds(min(traffic, traffic * entries / bytes)) }
    causes.intermediates = Seconds(max(0, reached(traffic - causes.weights.value - causes.cache.value)))
    return causes
  }
}

/// `sumOfMax` with what each function contributes where it is the larger one.
func partsOfMax(_ left: Affine, _ right: Affine, count: Double) -> (left: Double, right: Double) {
  let crossing = (right.first - left.first) / (left.slope - right.slope)
  guard crossing > 0, crossing < count - 1 else {
    let sums = (left.sum(from: 0, to: count), right.sum(from: 0, to: count))
    return sums.0 > sums.1 ? (sums.0, 0) : (0, sums.1)
  }
  let split = crossing.rounded(.down) + 1
  return left.slope > right.slope
    ? (left.sum(from: split, to: count), right.sum(from: 0, to: split))
    : (left.sum(from: 0, to: split), right.sum(from: split, to: count))
}
